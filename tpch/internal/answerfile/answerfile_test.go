package answerfile

import (
	"bytes"
	"reflect"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	var sections []Section
	for n, copied := range []string{"a\tb\n1\t\\N\nx\\ty\t\\\\N\n", "only\n", "c\nquery 3 rows 9\n"} {
		var err error
		if sections, err = Append(sections, n+1, []byte(copied)); err != nil {
			t.Fatal(err)
		}
	}
	file, err := Encode(sections)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[0].Header != "a\tb" || len(got[1].Rows) != 0 || got[2].Rows[0] != "query 3 rows 9" {
		t.Errorf("got %v", got)
	}
	values, null, err := Fields(got[0].Rows[0])
	if err != nil || !reflect.DeepEqual(values, []string{"1", ""}) || !reflect.DeepEqual(null, []bool{false, true}) {
		t.Errorf("got %q %v %v", values, null, err)
	}
	values, null, err = Fields(got[0].Rows[1])
	if err != nil || !reflect.DeepEqual(values, []string{"x\ty", `\N`}) || null[1] {
		t.Errorf("got %q %v %v", values, null, err)
	}
}

func TestBadInput(t *testing.T) {
	if _, err := Append(nil, 1, nil); err == nil {
		t.Error("output without a header is accepted")
	}
	for _, line := range []string{`a\`, `\q`} {
		if _, _, err := Fields(line); err == nil {
			t.Errorf("%q is accepted", line)
		}
	}
	short, err := Encode([]Section{{Query: 1, Header: "a\nquery"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range [][]byte{nil, []byte("text"), short} {
		if _, err := Decode(bytes.NewReader(file)); err == nil {
			t.Errorf("file %q is accepted", file)
		}
	}
}

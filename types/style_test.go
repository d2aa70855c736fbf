package types

import (
	"bufio"
	"bytes"
	"os"
	"strings"
	"testing"
)

// styleLines returns the tab-separated fields of the lines of a file of testdata.
func styleLines(t *testing.T, name string, fields int) [][]string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		f := strings.Split(s.Text(), "\t")
		if len(f) != fields {
			t.Fatalf("%s: %d fields in %q", name, len(f), s.Text())
		}
		out = append(out, f)
	}
	return out
}

var (
	dateStyles = map[string]DateStyle{"ISO": DateISO, "Postgres": DatePostgres, "SQL": DateSQL, "German": DateGerman}
	dateOrders = map[string]DateOrder{"MDY": MDY, "DMY": DMY, "YMD": YMD}
	styleNames = map[string]IntervalStyle{"postgres": IntervalPostgres, "postgres_verbose": IntervalPostgresVerbose,
		"sql_standard": IntervalSQLStandard, "iso_8601": IntervalISO8601}
)

func TestDateStyles(t *testing.T) {
	lines := styleLines(t, "date_styles.txt", 7)
	if len(lines) < 300 {
		t.Fatalf("only %d lines", len(lines))
	}
	for _, f := range lines {
		loc, err := SessionZone(f[0])
		if err != nil {
			t.Fatal(err)
		}
		o := &TextOptions{Location: loc, DateStyle: dateStyles[f[1]], DateOrder: dateOrders[f[2]]}
		ts, err := Parse(T(Timestamp), f[3])
		if err != nil {
			t.Fatal(err)
		}
		day := NewInt(Date, DateInfinity)
		if ts.I != TimestampInfinity {
			days, _ := splitMicros(ts.I)
			day = NewInt(Date, int64(days))
		}
		for i, d := range []Datum{day, ts, NewInt(TimestampTZ, ts.I)} {
			text := string(AppendText(nil, d, T(d.K), o))
			if text != f[4+i] {
				t.Errorf("%s %s, %s: %s %s shows %q, want %q", f[0], f[1], f[2], d.K, f[3], text, f[4+i])
			}
			if d.K == TimestampTZ || !readable(o) { // abbreviations of zones are not unique
				continue
			}
			back, err := ParseWith(T(d.K), text, &ParseOptions{Location: loc, Order: o.DateOrder})
			if err != nil || !Identical(back, d) {
				t.Errorf("%s %s: %q is read as %v, %v", f[1], f[2], text, back, err)
			}
		}
	}
}

// readable reports whether dates are shown in the order in which they are read.
func readable(o *TextOptions) bool {
	switch o.DateStyle {
	case DateISO:
		return true
	case DateGerman:
		return o.DateOrder == DMY
	}
	return o.DateOrder != YMD
}

func TestIntervalStyles(t *testing.T) {
	lines := styleLines(t, "interval_styles.txt", 4)
	if len(lines) < 100 {
		t.Fatalf("only %d lines", len(lines))
	}
	for _, f := range lines {
		if f[0] == "read" {
			d, err := ParseWith(T(Interval), f[2], &ParseOptions{IntervalStyle: styleNames[f[1]]})
			got := "error"
			if err == nil {
				got = T(Interval).Text(d)
			}
			if got != f[3] {
				t.Errorf("%s: %q is read as %q, want %q", f[1], f[2], got, f[3])
			}
			continue
		}
		d, err := Parse(T(Interval), f[2])
		if err != nil {
			t.Fatal(err)
		}
		text := string(AppendText(nil, d, T(Interval), &TextOptions{IntervalStyle: styleNames[f[1]]}))
		if text != f[3] {
			t.Errorf("%s: %q shows %q, want %q", f[1], f[2], text, f[3])
		}
		back, err := ParseWith(T(Interval), text, &ParseOptions{IntervalStyle: styleNames[f[1]]})
		if err != nil || !Identical(back, d) {
			t.Errorf("%s: %q is read as %v, %v", f[1], text, back, err)
		}
	}
}

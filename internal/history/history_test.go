package history

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// answer is what is found, and the strictest level that permits it.
func answer(r *Result) string {
	if len(r.Findings) == 0 {
		return "clean\n"
	}
	var b strings.Builder
	permitted := "no level"
	for l := Serializable; ; l-- {
		if r.Against(l) == nil {
			permitted = l.String()
			break
		}
		if l == ReadCommitted {
			break
		}
	}
	for i := range r.Findings {
		fmt.Fprintln(&b, r.Findings[i].String())
	}
	fmt.Fprintln(&b, "permitted by", permitted)
	return b.String()
}

// TestHistories checks the histories of testdata; -rewrite replaces the answers.
func TestHistories(t *testing.T) {
	found := map[Anomaly]int{}
	clean, histories := 0, 0
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			h, err := Parse(strings.NewReader(d.Input))
			if err != nil {
				d.Fatalf(t, "%v", err)
			}
			r := Check(h)
			histories++
			for _, f := range r.Findings {
				found[f.Anomaly]++
			}
			if len(r.Findings) == 0 {
				clean++
			}
			return answer(r)
		})
	})
	for _, list := range forbidden {
		for _, a := range list {
			if found[a] == 0 && found[a+"-realtime"] == 0 {
				t.Errorf("no history has %q", a)
			}
		}
	}
	for _, a := range []Anomaly{G0, G1c, GSingle, GNonadjacent, G2Item} {
		if found[a] == 0 {
			t.Errorf("no history has %q", a)
		}
	}
	if clean < 5 || histories < 30 {
		t.Errorf("%d histories, %d of them clean", histories, clean)
	}
}

// TestText: what is written is read again.
func TestText(t *testing.T) {
	h := &History{Txs: []Tx{
		{Process: 3, Begin: 1, End: 9, Outcome: Committed, Ops: []Op{Append("x", -4), Read("y"), Read("y", 1, 2)}},
		{Process: 4, Begin: 2}, {Process: 5, Begin: 3, End: 4, Outcome: Aborted, Ops: []Op{Append("long name"[:4], 1)}},
	}}
	var b strings.Builder
	if _, err := h.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	again, err := Parse(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	var c strings.Builder
	if _, err := again.WriteTo(&c); err != nil || b.String() != c.String() || len(again.Txs) != 3 {
		t.Errorf("%v:\n%s\nbecame\n%s", err, b.String(), c.String())
	}
	for _, bad := range []string{
		"T2 p0 1-2 committed", "T1 q 1-2 committed", "T1 p0 x-2 committed", "T1 p0 1-y committed", "T1 p0 1-2 perhaps",
		"T1 p0 1-2 committed append x", "T1 p0 1-2 committed read x", "T1 p0 1-2 committed read x [a]", "T1 p0 1-2 committed drop x", "T1 p0",
	} {
		if _, err := Parse(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is a history", bad)
		}
	}
}

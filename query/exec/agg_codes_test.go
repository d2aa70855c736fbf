package exec

import (
	"fmt"
	"testing"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestCodeAggregation groups rows by strings that come as codes of dictionaries, which change under way; some come
// with NULLs, and some behind a filter that leaves nearly everything.
func TestCodeAggregation(t *testing.T) {
	used, checked := 0, 0
	for round := range 4 {
		w := newWorld(t, uint64(300+round))
		text := types.T(types.Text)
		ts := []types.Type{types.T(types.Int4), text, text, types.CharN(3), text, types.NumericPS(15, 2), types.T(types.Int8)}
		rows := w.rows(600, ts, true, 0)
		for i, r := range rows {
			r[0] = types.NewInt(types.Int4, int64(b2i(w.rng.IntN(25) == 0)))
			for c := 1; c <= 4; c++ {
				s := fmt.Sprint([]string{"x", "", "a string that is long "}[c%3], string(rune('a'+w.rng.IntN(2+c)+i/200)))
				if r[c] = types.NewString(ts[c].Kind, s); round == 1 && c == 2 && w.rng.IntN(40) == 0 {
					r[c] = types.NullOf(ts[c].Kind)
				}
			}
			if round == 3 && w.rng.IntN(30) == 0 {
				r[6] = types.NullOf(types.Int8)
			}
		}
		tab := w.table("t", columnsOf(ts...), rows)
		tab.dicts = map[[2]int]*vec.Dictionary{}
		scan := scanOf(tab)
		if round%2 == 1 {
			scan.Filter = op(t, "=", col(scan, 0), expr.NewConst(types.NewInt(types.Int4, 0), types.T(types.Int4), 0))
		}
		var left []types.Row
		for _, r := range rows {
			if r[0].I == 0 || scan.Filter == nil {
				left = append(left, r)
			}
		}
		c := func(i int) expr.Expr { return col(scan, i) }
		aggs := []*expr.Aggregate{agg(t, "count", false, nil), agg(t, "sum", false, nil, c(5)), agg(t, "sum", false, nil, c(6))}
		for k, keys := range [][]expr.Expr{{c(1)}, {c(2), c(1)}, {c(3), c(2), c(1)}, {c(4), c(1), c(2), c(3)}} {
			list := aggs
			if round >= 2 { // a state that depends on the order of rows
				list = append(list[:3:3], agg(t, "min", false, nil, c(4)), agg(t, "max", false, nil, c(6)))[:4+round%2]
			}
			n := aggOf(scan, keys, list...)
			want := rowTexts(refAggregate(t, left, n))
			checked += w.everyWay(t, fmt.Sprint("round ", round, ", keys ", k), n, want)
			if w.notes(t, n, "codes of dictionaries") {
				used++
			}
		}
	}
	if checked < atLeast(20000) || used < 6 {
		t.Fatalf("%d groups were checked, %d plans found groups by codes", checked, used)
	}
}

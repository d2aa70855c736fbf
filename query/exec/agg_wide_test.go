package exec

import (
	"fmt"
	"testing"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
)

// TestWideAggregation groups what a filter leaves of a table, which is nearly everything. What it leaves out
// would change every answer, and does not fit into what the rest fits into.
func TestWideAggregation(t *testing.T) {
	used, checked := 0, 0
	for round := range 8 {
		w := newWorld(t, uint64(round))
		ts := []types.Type{types.T(types.Int4), types.T(types.Int8), types.NumericPS(15, 2), types.CharN(1), types.T(types.Text), types.T(types.Int8)}
		rows := w.rows(700, ts, true, []float64{0, 0, 0.1}[round%3])
		for i, r := range rows {
			r[0], r[4] = types.NewInt(types.Int4, 0), types.NewString(types.Text, string(rune('a'+i%3+i/100*3))) // some groups come late
			if round >= 4 {
				r[3] = types.NewString(types.Char, string(rune('A'+i%2)))
			}
			if out := w.rng.IntN(20) == 0; !out {
				continue
			}
			r[0] = types.NewInt(types.Int4, 1)
			switch round {
			case 1:
				r[4] = types.NewString(types.Text, "longer than any word")
			case 2:
				r[1] = types.NewInt(types.Int8, 1<<62)
			case 3:
				r[2] = types.NullOf(types.Numeric)
			case 5:
				r[5] = types.NewInt(types.Int8, -1<<63)
			}
		}
		tab := w.table("t", columnsOf(ts...), rows)
		scan := scanOf(tab)
		scan.Filter = op(t, "=", col(scan, 0), expr.NewConst(types.NewInt(types.Int4, 0), types.T(types.Int4), 0))
		var left []types.Row
		for _, r := range rows {
			if r[0].I == 0 {
				left = append(left, r)
			}
		}
		c := func(i int) expr.Expr { return col(scan, i) }
		product := op(t, "*", c(2), op(t, "-", c(2), expr.NewConst(types.NewDecimal(100, 2), types.NumericPS(15, 2), 0)))
		aggs := []*expr.Aggregate{agg(t, "count", false, nil), agg(t, "sum", false, nil, c(2)), agg(t, "sum", false, nil, product),
			agg(t, "avg", false, nil, c(1)), agg(t, "count", false, nil, c(3)), agg(t, "sum", false, nil, c(5))}
		for _, keys := range [][]expr.Expr{{c(4)}, {c(3), c(4)}, {c(1)}} {
			n := aggOf(scan, keys, aggs...)
			want := rowTexts(refAggregate(t, left, n))
			checked += w.everyWay(t, fmt.Sprint("round ", round), n, want)
			if w.notes(t, n, "are not gathered") {
				used++
			}
		}
	}
	if checked < atLeast(2000) || used < 8 {
		t.Fatalf("%d groups were checked, %d plans had batches that were not gathered", checked, used)
	}
}

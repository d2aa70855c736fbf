package exec

import (
	"fmt"
	"testing"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
)

// TestSumOfCase sums numerics or zeros: there are groups that have one only, both, or NULLs, with and without a key.
func TestSumOfCase(t *testing.T) {
	checked := 0
	for round := range 6 {
		w := newWorld(t, uint64(500+round))
		ts := []types.Type{types.T(types.Int4), types.T(types.Int4), types.NumericPS(15, 2), types.T(types.Numeric)}
		rows := w.rows(500, ts, true, 0)
		for i, r := range rows {
			key := int64(i % 12)
			r[0], r[1] = types.NewInt(types.Int4, key), types.NewInt(types.Int4, int64(w.rng.IntN(2)))
			switch {
			case key < 3 || round == 0:
				r[1] = types.NewInt(types.Int4, key%2)
			case key < 6 && w.rng.IntN(2) == 0:
				r[1] = types.NullOf(types.Int4)
			}
			if key == 1 || key > 8 && w.rng.IntN(2) == 0 {
				r[2], r[3] = types.NullOf(types.Numeric), types.NullOf(types.Numeric)
			}
		}
		tab := w.table("t", columnsOf(ts...), rows)
		scan := scanOf(tab)
		c := func(i int) expr.Expr { return col(scan, i) }
		sum := func(x expr.Expr, other types.Datum) *expr.Aggregate {
			typ := types.T(types.Numeric)
			return agg(t, "sum", false, nil, &expr.Case{Node: expr.Node{Typ: typ}, Else: expr.NewConst(other, typ, 0), Whens: []expr.When{
				{Cond: op(t, "=", c(1), expr.NewConst(types.NewInt(types.Int4, 1), types.T(types.Int4), 0)), Result: x}}})
		}
		product := op(t, "*", c(2), c(2))
		aggs := []*expr.Aggregate{sum(c(2), types.NumericFromInt(0)), sum(product, types.NumericFromInt(0)), sum(c(3), types.NumericFromInt(0)),
			sum(c(2), types.NewDecimal(0, 3)), sum(c(2), types.NumericFromInt(7)), sum(c(2), types.NullOf(types.Numeric)), agg(t, "sum", false, nil, c(2)),
			agg(t, "count", false, nil)}
		for _, keys := range [][]expr.Expr{{c(0)}, nil} {
			n := aggOf(scan, keys, aggs...)
			want := rowTexts(refAggregate(t, rows, n))
			checked += w.everyWay(t, fmt.Sprint("round ", round), n, want)
		}
	}
	if checked < atLeast(1500) {
		t.Fatalf("only %d groups were checked", checked)
	}
}

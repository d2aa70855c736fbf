package exec

import (
	"fmt"
	"testing"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// TestAggregationWithHoles adds up tables whose batches have holes. What stands in them would change every answer: NULLs,
// values beyond those that the facts of the others allow, and sums that wrap.
func TestAggregationWithHoles(t *testing.T) {
	taken, checked := 0, 0
	for round := range 12 {
		w := newWorld(t, uint64(100+round))
		ts := []types.Type{types.T(types.Int4), types.T(types.Int8), types.NumericPS(15, 2), types.T(types.Int2), types.T(types.Float8)}
		rows := w.rows(900, ts, true, []float64{0, 0, 0.02}[round%3])
		tab := w.table("t", columnsOf(ts...), rows)
		tab.morsel = 500
		tab.hole = func(c int) types.Datum {
			switch {
			case round%4 == 1 && c == 1:
				return types.NewInt(types.Int8, []int64{-1 << 63, 1<<63 - 1}[w.rng.IntN(2)])
			case round%4 == 2 && c == 3 && w.rng.IntN(10) == 0:
				return types.NullOf(types.Int2)
			}
			return w.datum(ts[c], false, 0)
		}
		if round%4 == 3 { // what must be added in 128 bits
			for _, r := range rows {
				r[1] = types.NewInt(types.Int8, 1<<62+w.rng.Int64N(1<<61))
			}
		}
		scan := scanOf(tab)
		c := func(i int) expr.Expr { return col(scan, i) }
		numeric := op(t, "*", c(2), c(2))
		sums := []*expr.Aggregate{agg(t, "count", false, nil), agg(t, "sum", false, nil, c(0)), agg(t, "sum", false, nil, c(1)),
			agg(t, "avg", false, nil, c(2)), agg(t, "count", false, nil, c(3)), agg(t, "avg", false, nil, c(3))}
		others := append([]*expr.Aggregate{agg(t, "max", false, nil, c(0)), agg(t, "sum", false, nil, c(4)), agg(t, "sum", false, nil, numeric)}, sums...)
		for k, aggs := range [][]*expr.Aggregate{sums, sums[1:3], sums[:1], others} {
			n := aggOf(scan, nil, aggs...)
			want := rowTexts(refAggregate(t, rows, n))
			for _, cf := range configs() {
				if cf.vectorRows < 2048 && (round+cf.workers+k)%4 > 0 {
					continue // without holes
				}
				got, err := w.run(t, &plan.Query{Root: n}, cf)
				if err != nil {
					t.Fatalf("round %d, %v: %+v", round, cf, err)
				}
				same(t, fmt.Sprint("round ", round, ", ", cf), got, want, true)
				checked++
			}
			if noted := w.notes(t, n, "taken out again"); noted {
				taken++
			} else if k < 3 && round%3 < 2 && round%4 < 2 {
				t.Errorf("round %d, %d: the batches with holes were gathered", round, k)
			}
		}
	}
	if checked < atLeast(500) || taken < 20 || tableHoles.Load() < 5000 {
		t.Fatalf("%d answers, %d plans took holes out, of which there were %d", checked, taken, tableHoles.Load())
	}
}

// TestFilterWithHoles: conditions on a scan leave out of a batch with holes what they must, and the holes.
func TestFilterWithHoles(t *testing.T) {
	w := newWorld(t, 7)
	ts := []types.Type{types.T(types.Int4), types.T(types.Int8)}
	rows := w.rows(3000, ts, true, 0)
	tab := w.table("t", columnsOf(ts...), rows)
	tab.morsel = 3000
	tab.hole = func(c int) types.Datum { return w.datum(ts[c], true, 0) }
	scan := scanOf(tab)
	scan.Filter = op(t, ">", col(scan, 0), expr.NewConst(types.NewInt(types.Int4, 0), types.T(types.Int4), 0))
	var left []types.Row
	for _, r := range rows {
		if r[0].I > 0 {
			left = append(left, r)
		}
	}
	n := aggOf(scan, nil, agg(t, "count", false, nil), agg(t, "sum", false, nil, col(scan, 1)))
	before := tableHoles.Load()
	w.everyWay(t, "holes", n, rowTexts(refAggregate(t, left, n)))
	if n := tableHoles.Load() - before; n < int64(atLeast(500)) {
		t.Fatalf("only %d holes", n)
	}
}

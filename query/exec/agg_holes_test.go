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

// TestFilterWithHoles: conditions and filters of joins leave out of a batch with holes what they must, and the holes, where a
// division by zero would be.
func TestFilterWithHoles(t *testing.T) {
	w := newWorld(t, 7)
	ts := []types.Type{types.T(types.Int4), types.T(types.Int8)}
	rows := w.rows(3000, ts, true, 0.02)
	for _, r := range rows {
		if r[1].I == 0 {
			r[1] = types.NewInt(types.Int8, 1)
		}
	}
	tab := w.table("t", columnsOf(ts...), rows)
	tab.morsel = 3000
	tab.hole = func(c int) types.Datum {
		if c == 1 && w.rng.IntN(2) == 0 {
			return types.NewInt(types.Int8, 0)
		}
		return w.datum(ts[c], true, 0)
	}
	keys := w.rows(4, ts[:1], true, 0)
	other := scanOf(w.table("u", columnsOf(ts[0]), keys))
	scan := scanOf(tab)
	c0, c1 := col(scan, 0), col(scan, 1)
	int4 := func(x int64) expr.Expr { return expr.NewConst(types.NewInt(types.Int4, x), types.T(types.Int4), 0) }
	cond := func(e expr.Expr, err error) expr.Expr {
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	less, more, divided := op(t, "<", c0, int4(1)), op(t, ">", c0, int4(0)), op(t, ">=", op(t, "/", intConst(12), c1), intConst(1))
	before := tableHoles.Load()
	for i, e := range []expr.Expr{
		nil, more, divided, cond(expr.NewAnd(0, more, divided)), cond(expr.NewOr(0, less, divided)), cond(expr.NewOr(0, divided, more)),
		cond(expr.NewOr(0, more, op(t, ">", c1, intConst(0)))), op(t, "=", c1, c1),
	} {
		scan.Filter = e
		left := rows
		if e != nil {
			left = nil
			for _, r := range rows {
				d, err := expr.EvalRow(&expr.Context{}, e, r)
				if err != nil {
					t.Fatal(err)
				}
				if d.Valid && d.Bool() {
					left = append(left, r)
				}
			}
		}
		n := aggOf(scan, nil, agg(t, "count", false, nil), agg(t, "sum", false, nil, c1))
		w.everyWay(t, fmt.Sprint("holes ", i), n, rowTexts(refAggregate(t, left, n)))
		w.everyWay(t, fmt.Sprint("rows around holes ", i), scan, rowTexts(left))
		j := joinOf(plan.Semi, scan, other, []expr.Expr{c0}, []expr.Expr{col(other, 0)}, nil)
		joined, _ := refJoin(t, j, left, keys)
		w.everyWay(t, fmt.Sprint("join around holes ", i), j, rowTexts(joined))
	}
	if n := tableHoles.Load() - before; n < int64(atLeast(10000)) {
		t.Fatalf("only %d holes", n)
	}
}

package exec

import (
	"cmp"
	"fmt"
	"testing"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

func agg(t testing.TB, name string, distinct bool, filter expr.Expr, args ...expr.Expr) *expr.Aggregate {
	t.Helper()
	g, err := expr.NewAggregate(name, 0, args, distinct, filter)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func aggOf(in plan.Node, keys []expr.Expr, aggs ...*expr.Aggregate) *plan.Aggregate {
	n := &plan.Aggregate{Input: in, Keys: keys, Aggs: aggs}
	for _, k := range keys {
		n.Out = append(n.Out, plan.OutColumn{Type: k.Type()})
	}
	for _, g := range aggs {
		n.Out = append(n.Out, plan.OutColumn{Type: g.Typ})
	}
	return n
}

var keyTypes = []types.Type{
	types.T(types.Int8), types.T(types.Int4), types.T(types.Bool), types.T(types.Date), types.T(types.Text),
	types.CharN(1), types.T(types.Float8), types.T(types.Numeric), types.NumericPS(15, 2), types.T(types.Interval),
}

// refAggregate is the naive aggregation: a list of groups in order of first appearance.
func refAggregate(t testing.TB, rows []types.Row, n *plan.Aggregate) []types.Row {
	type group struct {
		key  types.Row
		rows []types.Row
	}
	var groups []*group
	for _, r := range rows {
		key := make(types.Row, len(n.Keys))
		for i, k := range n.Keys {
			d, err := expr.EvalRow(&expr.Context{}, k, r)
			if err != nil {
				t.Fatal(err)
			}
			key[i] = d
		}
		var g *group
		for _, x := range groups {
			if equalRows(x.key, key) {
				g = x
				break
			}
		}
		if g == nil {
			g = &group{key: key}
			groups = append(groups, g)
		}
		g.rows = append(g.rows, r)
	}
	if len(n.Keys) == 0 && len(groups) == 0 {
		groups = append(groups, &group{})
	}
	var out []types.Row
	for _, g := range groups {
		row := g.key.Clone()
		for _, a := range n.Aggs {
			row = append(row, refValue(t, g.rows, a))
		}
		out = append(out, row)
	}
	return out
}

func equalRows(a, b types.Row) bool {
	for i := range a {
		if a[i].Valid != b[i].Valid || a[i].Valid && !types.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// refValue computes an aggregate value by value.
func refValue(t testing.TB, rows []types.Row, a *expr.Aggregate) types.Datum {
	ctx := &expr.Context{}
	n := int64(0)
	var seen []types.Datum
	var vals []types.Datum
	for _, r := range rows {
		if a.Filter != nil {
			if d, _ := expr.EvalRow(ctx, a.Filter, r); !d.Valid || !d.Bool() {
				continue
			}
		}
		if len(a.Args) == 0 {
			n++
			continue
		}
		d, err := expr.EvalRow(ctx, a.Args[0], r)
		if err != nil {
			t.Fatal(err)
		}
		if !d.Valid {
			continue
		}
		if a.Distinct {
			dup := false
			for _, s := range seen {
				dup = dup || types.Equal(s, d)
			}
			if dup {
				continue
			}
			seen = append(seen, d)
		}
		n++
		vals = append(vals, d)
	}
	switch a.Func.Op {
	case expr.AggCountStar, expr.AggCount:
		return types.NewInt(types.Int8, n)
	}
	if n == 0 {
		return types.NullOf(a.Typ.Kind)
	}
	return refFold(t, a, vals, n)
}

func refFold(t testing.TB, a *expr.Aggregate, vals []types.Datum, n int64) types.Datum {
	switch a.Func.Op {
	case expr.AggMin, expr.AggMax:
		best := vals[0]
		for _, v := range vals[1:] {
			c := types.Compare(v, best)
			if c == 0 && v.K.Class() == types.ClassFloat { // zeros of both signs: -0 counts as the lesser
				c = cmp.Compare(kernel.FloatOrder(v.I), kernel.FloatOrder(best.I))
			}
			if c <= 0 && a.Func.Op == expr.AggMin || c >= 0 && a.Func.Op == expr.AggMax {
				best = v
			}
		}
		return best
	case expr.AggSum, expr.AggAvg:
		if vals[0].K.Class() == types.ClassFloat {
			s := vals[0].Float()
			for _, v := range vals[1:] {
				s += v.Float()
			}
			if a.Func.Op == expr.AggAvg {
				s = (0 + s) / float64(n)
			}
			return types.NewFloat(a.Typ.Kind, s)
		}
		var sum types.Datum
		for i, v := range vals {
			if v.K.Class() == types.ClassInt {
				v = types.NumericFromInt(v.I)
			}
			if i == 0 {
				sum = v
				continue
			}
			var err error
			if sum, err = types.NumericAdd(sum, v); err != nil {
				t.Fatal(err)
			}
		}
		if a.Func.Op == expr.AggAvg {
			sum, _ = types.NumericDiv(sum, types.NumericFromInt(n))
		}
		if a.Typ.Kind == types.Int8 {
			return types.NewInt(types.Int8, sum.I)
		}
		return sum
	case expr.AggBoolAnd, expr.AggBoolOr:
		out := a.Func.Op == expr.AggBoolAnd
		for _, v := range vals {
			if a.Func.Op == expr.AggBoolAnd {
				out = out && v.Bool()
			} else {
				out = out || v.Bool()
			}
		}
		return types.NewBool(out)
	case expr.AggStringAgg:
		s := ""
		for i, v := range vals {
			if i > 0 {
				s += ","
			}
			s += v.S
		}
		return types.NewString(types.Text, s)
	}
	t.Fatalf("no reference for %s", a.Func.Name)
	return types.Datum{}
}

// TestAggregateMatchesReference groups random rows by keys of all types under every configuration.
func TestAggregateMatchesReference(t *testing.T) {
	checked := 0
	for round := range 12 {
		w := newWorld(t, uint64(round))
		kt := []types.Type{keyTypes[w.rng.IntN(len(keyTypes))], keyTypes[w.rng.IntN(len(keyTypes))]}
		ts := append(kt, types.T(types.Int4), types.T(types.Int8), types.NumericPS(15, 2), types.T(types.Numeric),
			types.T(types.Float8), types.T(types.Text), types.T(types.Bool))
		tab := w.table("t", columnsOf(ts...), w.rows(600, ts, round%4 != 3, []float64{0, 0.2}[round%2]))
		scan := scanOf(tab)
		for nk := range 3 {
			var keys []expr.Expr
			for k := range nk {
				keys = append(keys, col(scan, k))
			}
			even := op(t, "=", op(t, "%", col(scan, 2), expr.NewConst(types.NewInt(types.Int4, 2), types.T(types.Int4), 0)),
				expr.NewConst(types.NewInt(types.Int4, 0), types.T(types.Int4), 0))
			n := aggOf(scan, keys, agg(t, "count", false, nil), agg(t, "count", false, nil, col(scan, 2)),
				agg(t, "sum", false, nil, col(scan, 2)), agg(t, "sum", false, nil, col(scan, 3)),
				agg(t, "avg", false, nil, col(scan, 3)), agg(t, "sum", false, nil, col(scan, 4)),
				agg(t, "min", false, nil, col(scan, 4)), agg(t, "sum", false, nil, col(scan, 5)),
				agg(t, "max", false, nil, col(scan, 5)), agg(t, "sum", false, nil, col(scan, 6)),
				agg(t, "avg", false, nil, col(scan, 6)), agg(t, "min", false, nil, col(scan, 6)),
				agg(t, "min", false, nil, col(scan, 7)), agg(t, "max", false, nil, col(scan, 7)),
				agg(t, "bool_and", false, nil, col(scan, 8)), agg(t, "bool_or", false, even, col(scan, 8)),
				agg(t, "sum", false, even, col(scan, 3)), agg(t, "count", false, even),
				agg(t, "count", true, nil, col(scan, 2)), agg(t, "sum", true, even, col(scan, 4)))
			want := rowTexts(refAggregate(t, tab.rows, n))
			checked += w.everyWay(t, fmt.Sprint("round ", round, " keys ", nk), n, want)
		}
	}
	if checked < atLeast(10000) {
		t.Fatalf("only %d groups were checked", checked)
	}
}

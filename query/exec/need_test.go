package exec

import (
	"fmt"
	"testing"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// TestSortedGroups: the order in which groups come does not matter to a sort by all of their keys, and only to others.
func TestSortedGroups(t *testing.T) {
	w := newWorld(t, 180)
	ts := []types.Type{types.T(types.Int4), types.T(types.Text), types.T(types.Int8)}
	rows := w.rows(4000, ts, true, 0.05)
	for i := range rows {
		rows[i][0] = types.NewInt(types.Int4, int64(w.rng.IntN(40)))
		rows[i][1] = types.NewString(types.Text, fmt.Sprint("group ", w.rng.IntN(40)))
	}
	tab := w.table("t", columnsOf(ts...), rows)
	tab.morsel = 200
	scan := scanOf(tab)
	groups := func(determined ...bool) *plan.Aggregate {
		n := aggOf(scan, []expr.Expr{col(scan, 0), col(scan, 1)}, agg(t, "count", false, nil), agg(t, "count", true, nil, col(scan, 2)))
		n.Determined = determined
		return n
	}
	by := func(n plan.Node, columns ...int) *plan.Sort {
		var keys []plan.SortKey
		for i, c := range columns {
			keys = append(keys, plan.SortKey{Expr: col(n, c), Desc: i%2 == 0, NullsFirst: i%3 == 0})
		}
		return sortOf(n, keys...)
	}
	project := func(n plan.Node, exprs ...expr.Expr) *plan.Project {
		p := &plan.Project{Input: n, Exprs: exprs}
		for _, e := range exprs {
			p.Out = append(p.Out, plan.OutColumn{Type: e.Type()})
		}
		return p
	}
	one := groups()
	having := &plan.Filter{Input: one, Cond: op(t, ">", col(one, 2), expr.NewConst(types.NewInt(types.Int8, 1), types.T(types.Int8), 0))}
	having.Out = one.Out
	sum := op(t, "+", col(one, 2), col(one, 3))
	cases := map[string]struct {
		sort *plan.Sort
		of   *plan.Aggregate
		free bool
	}{
		"all keys":        {by(one, 3, 1, 0), one, true},
		"one of two keys": {by(one, 3, 1, 2), one, false},
		"no key":          {by(one, 2), one, false},
		"above a filter":  {by(having, 0, 1), one, true},
		"moved columns":   {by(project(one, sum, col(one, 1), col(one, 0)), 0, 2, 1), one, true},
		"another column":  {by(project(one, sum, col(one, 1), col(one, 0)), 0, 1), one, false},
		"no order":        {sortOf(one, plan.SortKey{Expr: sum}), one, false},
	}
	for name, c := range cases {
		want, err := w.run(t, &plan.Query{Root: c.sort}, config{vectorRows: 2048, workers: 1, facts: true})
		if err != nil || len(want) < 1000 {
			t.Fatalf("%s: %d rows, %v", name, len(want), err)
		}
		for _, cf := range configs() {
			if cf.vectorRows < 64 {
				continue
			}
			got, err := w.run(t, &plan.Query{Root: c.sort}, cf)
			if err != nil {
				t.Fatalf("%s, %v: %v", name, cf, err)
			}
			same(t, fmt.Sprint(name, ", ", cf), got, want, true)
		}
		q := &Query{orderless: map[plan.Node]bool{}}
		q.markOrderless(c.sort, false)
		if q.orderless[c.of] != c.free {
			t.Errorf("%s: the order of groups is free: %v", name, !c.free)
		}
	}
	determined := groups(false, true)
	if !ordersGroups(by(determined, 0)) || ordersGroups(by(determined, 1)) {
		t.Error("keys that others determine need not be sorted by, others must")
	}
}

package exec

import (
	"fmt"
	"slices"
	"testing"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// TestSpillJoinBlocks: where rows that match are not in the same partition, or all in one, the build side is joined block by
// block; rows without a match, what is NULL, and the order of rows depend on all blocks.
func TestSpillJoinBlocks(t *testing.T) {
	w := newWorld(t, 14)
	ts := []types.Type{types.T(types.Int8), types.T(types.Int4), types.T(types.Text)}
	table := func(name string, n int, row func(i int) types.Row) *plan.Scan {
		rows := make([]types.Row, n)
		for i := range rows {
			rows[i] = append(row(i), types.NewString(types.Text, fmt.Sprintf("row %d of the table %s", i, name)))
		}
		tab := w.table(name, columnsOf(ts...), rows)
		tab.morsel = 1500
		return scanOf(tab)
	}
	pair := func(a, b int, some bool) types.Row {
		x := types.Row{types.NewInt(types.Int8, int64(a)), types.NewInt(types.Int4, int64(b))}
		if some && w.rng.IntN(40) == 0 {
			x[w.rng.IntN(2)] = types.NullOf(ts[0].Kind)
		}
		return x
	}
	l := table("l", 40, func(int) types.Row { return pair(w.rng.IntN(50000), w.rng.IntN(3), true) })
	r := table("r", 40000, func(i int) types.Row { return pair(i+w.rng.IntN(3), w.rng.IntN(2), i < 100) })
	same := table("same", 40000, func(i int) types.Row { return pair(7+b2i(i < 5), i, false) })
	few := table("few", 12, func(i int) types.Row { return pair(i%8, i, false) })
	right := func(n *plan.Scan, c int) expr.Expr {
		x := *col(n, c)
		x.ID += len(ts)
		return &x
	}
	equal := op(t, "=", col(l, 0), right(r, 0))
	const limit = 3 << 20
	cases := map[string]spillCase{}
	for _, k := range []plan.JoinKind{plan.Inner, plan.Left, plan.Right, plan.Full, plan.Semi, plan.Anti, plan.RightSemi, plan.RightAnti} {
		cases["nested loop, "+k.String()] = spillCase{joinOf(k, l, r, nil, nil, equal), true, limit}
		cases["one key, "+k.String()] = spillCase{joinOf(k, few, same, []expr.Expr{col(few, 0)}, []expr.Expr{col(same, 0)}, nil), true, limit}
	}
	for _, k := range []plan.JoinKind{plan.Mark, plan.AntiNull} {
		two := joinOf(k, l, r, []expr.Expr{col(l, 0), col(l, 1)}, []expr.Expr{col(r, 0), col(r, 1)}, nil)
		cases["two keys, "+k.String()] = spillCase{two, true, limit}
		// With less, memory runs out now and then.
		cases["condition, "+k.String()] = spillCase{joinOf(k, l, r, []expr.Expr{col(l, 1)}, []expr.Expr{col(r, 1)}, equal), true, limit * 4 / 3}
		cases["one key, "+k.String()] = spillCase{joinOf(k, few, same, []expr.Expr{col(few, 0)}, []expr.Expr{col(same, 0)}, nil), true, limit}
	}
	for name, c := range cases {
		checkSpills(t, w, c.root.(*plan.Join).Kind.String()+" join", map[string]spillCase{name: c})
		_, reports, err := w.spilling(t, c.root, spillConfigs()[1], c.limit)
		blocks := 0
		for _, r := range reports {
			blocks += b2i(slices.Contains(r.Details, "joined block by block"))
		}
		if blocks == 0 || err != nil {
			t.Errorf("%s: there is one block only, %v", name, err)
		}
	}
}

package exec

import (
	"fmt"
	"testing"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

func joinOf(kind plan.JoinKind, l, r plan.Node, lk, rk []expr.Expr, cond expr.Expr) *plan.Join {
	n := &plan.Join{Kind: kind, Left: l, Right: r, LeftKeys: lk, RightKeys: rk, Cond: cond, NullEqual: make([]bool, len(lk))}
	if outputsLeft(kind) {
		n.Out = append(n.Out, l.Columns()...)
	}
	switch {
	case kind == plan.Mark:
		n.Out = append(n.Out, plan.OutColumn{Type: types.T(types.Bool)})
	case outputsRight(kind):
		n.Out = append(n.Out, r.Columns()...)
	}
	return n
}

// tri is a three-valued truth: 1 true, 0 false, -1 unknown.
func tri(d types.Datum) int {
	if d.IsNull() {
		return -1
	}
	return int(d.I)
}

// pairTruth is the truth of the join condition for a pair of rows.
func pairTruth(t testing.TB, n *plan.Join, l, r types.Row) int {
	ctx := &expr.Context{}
	out := 1
	for k := range n.LeftKeys {
		a, err := expr.EvalRow(ctx, n.LeftKeys[k], l)
		if err != nil {
			t.Fatal(err)
		}
		b, err := expr.EvalRow(ctx, n.RightKeys[k], r)
		if err != nil {
			t.Fatal(err)
		}
		x := -1
		switch {
		case n.NullEqual[k] && a.Valid != b.Valid:
			x = 0
		case n.NullEqual[k] && !a.Valid:
			x = 1
		case a.Valid && b.Valid:
			x = b2i(types.Equal(a, b))
		}
		out = and3(out, x)
	}
	if n.Cond != nil {
		d, err := expr.EvalRow(ctx, n.Cond, append(l.Clone(), r...))
		if err != nil {
			t.Fatal(err)
		}
		out = and3(out, tri(d))
	}
	return out
}

func and3(a, b int) int {
	switch {
	case a == 0 || b == 0:
		return 0
	case a < 0 || b < 0:
		return -1
	}
	return 1
}

// refJoin is the naive join.
func refJoin(t testing.TB, n *plan.Join, left, right []types.Row) (out []types.Row, second bool) {
	nulls := func(cols []plan.OutColumn) types.Row {
		r := make(types.Row, len(cols))
		for i := range r {
			r[i] = types.NullOf(cols[i].Type.Kind)
		}
		return r
	}
	used := make([]bool, len(right))
	for _, l := range left {
		matches, unknown := 0, false
		for i, r := range right {
			switch pairTruth(t, n, l, r) {
			case -1:
				unknown = true
			case 1:
				matches++
				used[i] = true
				if outputsRight(n.Kind) && outputsLeft(n.Kind) {
					out = append(out, append(l.Clone(), r...))
				}
			}
		}
		switch n.Kind {
		case plan.Left, plan.Full, plan.Single:
			if matches == 0 {
				out = append(out, append(l.Clone(), nulls(n.Right.Columns())...))
			}
			second = second || matches > 1 && n.Kind == plan.Single
		case plan.Semi:
			if matches > 0 {
				out = append(out, l)
			}
		case plan.Anti:
			if matches == 0 {
				out = append(out, l)
			}
		case plan.AntiNull:
			if matches == 0 && !unknown {
				out = append(out, l)
			}
		case plan.Mark:
			d := types.NewBool(matches > 0)
			if matches == 0 && unknown {
				d = types.NullOf(types.Bool)
			}
			out = append(out, append(l.Clone(), d))
		}
	}
	for i, r := range right {
		if n.Kind == plan.RightSemi && used[i] || n.Kind == plan.RightAnti && !used[i] {
			out = append(out, r)
		}
	}
	if n.Kind == plan.Right || n.Kind == plan.Full {
		for i, r := range right {
			if !used[i] {
				out = append(out, append(nulls(n.Left.Columns()), r...))
			}
		}
	}
	return out, second
}

var joinKinds = []plan.JoinKind{plan.Inner, plan.Left, plan.Right, plan.Full, plan.Semi, plan.Anti, plan.AntiNull, plan.Mark, plan.Single,
	plan.RightSemi, plan.RightAnti}

// TestJoinMatchesReference joins random tables by keys of all types, in all kinds, with and without a
// condition, under every configuration.
func TestJoinMatchesReference(t *testing.T) {
	checked := 0
	for round := range 14 {
		w := newWorld(t, 100+uint64(round))
		kt := []types.Type{keyTypes[(round*3)%len(keyTypes)], keyTypes[w.rng.IntN(len(keyTypes))]}
		ts := append(kt, types.T(types.Int4), types.T(types.Text))
		nulls := []float64{0, 0.15}[round%2]
		nl, nr := []int{150, 200}[round%2], []int{120, 40, 0, 1}[round%4]
		left := w.table("l", columnsOf(ts...), w.rows(nl, ts, round%3 != 2, nulls))
		right := w.table("r", columnsOf(ts...), w.rows(nr, ts, round%3 != 2, nulls))
		left.morsel, right.morsel = 40, 30
		for _, kind := range joinKinds {
			for nk := range 3 {
				for _, withCond := range []bool{false, true} {
					checked += w.checkJoin(t, kind, nk, withCond, round, left, right)
				}
			}
		}
	}
	if checked < atLeast(50000) {
		t.Fatalf("only %d rows were checked", checked)
	}
}

func (w *world) checkJoin(t *testing.T, kind plan.JoinKind, nk int, withCond bool, round int, left, right *fakeTable) int {
	l, r := scanOf(left), scanOf(right)
	var lk, rk []expr.Expr
	for k := range nk {
		lk, rk = append(lk, col(l, k)), append(rk, col(r, k))
	}
	var cond expr.Expr
	if withCond {
		rc := &expr.Column{Node: expr.Node{Typ: types.T(types.Int4)}, ID: 4 + 2}
		cond = op(t, "<", col(l, 2), rc)
	}
	n := joinOf(kind, l, r, lk, rk, cond)
	if nk > 0 && round%5 == 4 {
		n.NullEqual[nk-1] = kind != plan.AntiNull && kind != plan.Mark
	}
	rows, second := refJoin(t, n, left.rows, right.rows)
	want := rowTexts(rows)
	checked := 0
	for i, c := range configs() {
		if nk == 0 && c.vectorRows < 64 || (i+round)%3 != 0 {
			continue // nested loops are slow; a third of the rest is enough for each case
		}
		what := fmt.Sprint(kind, " round ", round, " keys ", nk, " cond ", withCond, " ", c)
		got, err := w.run(t, &plan.Query{Root: n}, c)
		if second {
			if err == nil || err.Error() != errSecondRow.Error() {
				t.Fatalf("%s: error %v, want that of a second row", what, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(what, err)
		}
		same(t, what, got, want, true)
		checked += len(got)
	}
	return checked
}

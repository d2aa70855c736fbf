package exec

import (
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// require notes which output columns of n its user reads, and what n in turn reads of its inputs.
// Operators that keep rows keep only those columns; the others are NULL constants in their batches.
func (q *Query) require(n plan.Node, need []bool) {
	q.needs[n] = need
	switch n := n.(type) {
	case *plan.Scan:
		own := append([]bool(nil), need...)
		mark(own, n.Filter)
		q.outputs[n] = need
		q.needs[n] = own
	case *plan.Filter:
		in := append([]bool(nil), need...)
		mark(in, n.Cond)
		q.require(n.Input, in)
	case *plan.Project:
		in := none(n.Input)
		for i, e := range n.Exprs {
			if need[i] || expr.IsVolatile(e) {
				mark(in, e)
			}
		}
		q.require(n.Input, in)
	case *plan.Join:
		q.requireJoin(n, need)
	case *plan.Window:
		in := none(n.Input)
		copy(in, need)
		for _, w := range n.Funcs {
			mark(in, w)
		}
		q.require(n.Input, in)
	case *plan.Apply: // its inner plan is required by its own executions
		in := none(n.Left)
		copy(in, need)
		for _, e := range n.Args {
			mark(in, e)
		}
		mark(in, n.When)
		q.require(n.Left, in)
	case *plan.Aggregate:
		in := none(n.Input)
		for _, e := range n.Keys {
			mark(in, e)
		}
		for _, a := range n.Aggs {
			mark(in, a)
		}
		q.require(n.Input, in)
	case *plan.Sort:
		in := append([]bool(nil), need...)
		for _, k := range n.Keys {
			mark(in, k.Expr)
		}
		q.require(n.Input, in)
	case *plan.Limit:
		q.require(n.Input, need)
	case *plan.Append:
		for _, in := range n.All {
			q.require(in, need)
		}
	case *plan.SetOp:
		q.require(n.L, all(n.L))
		q.require(n.R, all(n.R))
	case *plan.LockRows:
		q.require(n.Input, all(n.Input))
	case *plan.Fetch:
		in := append([]bool(nil), need[:len(n.Input.Columns())]...)
		in[n.RefCol] = true
		q.require(n.Input, in)
	case *plan.Unique:
		in := append([]bool(nil), need...)
		for _, k := range n.Keys {
			mark(in, k)
		}
		q.require(n.Input, in)
	}
}

func (q *Query) requireJoin(n *plan.Join, need []bool) {
	nl := len(n.Left.Columns())
	left, right := none(n.Left), none(n.Right)
	if outputsLeft(n.Kind) {
		copy(left, need[:nl])
	}
	if outputsRight(n.Kind) {
		copy(right, need[rightAt(n):])
	}
	for i := range n.LeftKeys {
		mark(left, n.LeftKeys[i])
		mark(right, n.RightKeys[i])
	}
	if n.Cond != nil {
		for _, c := range expr.Columns(n.Cond) {
			if c < nl {
				left[c] = true
			} else {
				right[c-nl] = true
			}
		}
	}
	q.require(n.Left, left)
	q.require(n.Right, right)
}

// outputsRight reports whether a join's output has the columns of its right input.
func outputsRight(k plan.JoinKind) bool {
	switch k {
	case plan.Semi, plan.Anti, plan.AntiNull, plan.Mark:
		return false
	}
	return true
}

// outputsLeft reports whether a join's output has the columns of its left input.
func outputsLeft(k plan.JoinKind) bool { return k != plan.RightSemi && k != plan.RightAnti }

// rightAt is the first column of a join's right input in its output, if that has them.
func rightAt(n *plan.Join) int {
	if outputsLeft(n.Kind) {
		return len(n.Left.Columns())
	}
	return 0
}

func none(n plan.Node) []bool { return make([]bool, len(n.Columns())) }

func all(n plan.Node) []bool {
	need := none(n)
	for i := range need {
		need[i] = true
	}
	return need
}

func mark(need []bool, e expr.Expr) {
	if e == nil {
		return
	}
	for _, c := range expr.Columns(e) {
		need[c] = true
	}
}

// markOrderless notes the operators whose output order cannot change the answer.
func (q *Query) markOrderless(n plan.Node, free bool) {
	if free {
		q.orderless[n] = true
	}
	switch n := n.(type) {
	case *plan.Aggregate:
		// The order of the groups is that of their first rows, unless nobody looks at it.
		q.markOrderless(n.Input, freeAggregate(n) && (free || len(n.Keys) == 0))
	case *plan.Join:
		q.markOrderless(n.Left, free || !outputsLeft(n.Kind))
		q.markOrderless(n.Right, free || !outputsRight(n.Kind))
	case *plan.Apply:
		q.markOrderless(n.Left, free)
	case *plan.Sort:
		q.markOrderless(n.Input, free || ordersGroups(n))
	case *plan.Limit, *plan.SetOp, *plan.LockRows, *plan.Unique, *plan.Window:
		for _, in := range n.Inputs() {
			q.markOrderless(in, false)
		}
	default:
		for _, in := range n.Inputs() {
			q.markOrderless(in, free)
		}
	}
}

// ordersGroups reports whether a sort is of groups by all of their keys, maybe among others: no two are equal, so that the
// order in which they come does not matter.
func ordersGroups(s *plan.Sort) bool {
	sorted := map[int]bool{} // columns of in
	for i := range s.Keys {
		if c, ok := asColumn(s.Keys[i].Expr); ok {
			sorted[c] = true
		}
	}
	for in := s.Input; ; {
		switch n := in.(type) {
		case *plan.Filter:
			if expr.IsVolatile(n.Cond) {
				return false
			}
			in = n.Input
		case *plan.Project:
			if slices.ContainsFunc(n.Exprs, expr.IsVolatile) { // what it returns depends on when it is called
				return false
			}
			below := map[int]bool{}
			for i, e := range n.Exprs {
				if c, ok := asColumn(e); ok && sorted[i] {
					below[c] = true
				}
			}
			in, sorted = n.Input, below
		case *plan.Aggregate:
			for i := range n.Keys {
				if !sorted[i] && (n.Determined == nil || !n.Determined[i]) && !invariants.Mutant("sort-ties-of-groups") {
					return false
				}
			}
			return true
		default:
			return false
		}
	}
}

// freeAggregate reports whether the groups of an aggregation, as a set, do not depend on the order of its
// rows: no aggregate does, and equal keys are identical.
func freeAggregate(n *plan.Aggregate) bool {
	for _, k := range n.Keys {
		if !k.Type().Kind.ImageEqual() {
			return false
		}
	}
	for _, g := range n.Aggs {
		switch g.Func.Op {
		case expr.AggCountStar, expr.AggCount, expr.AggBoolAnd, expr.AggBoolOr, expr.AggBitAnd, expr.AggBitOr, expr.AggBitXor,
			expr.AggPercentileCont, expr.AggPercentileContDesc, expr.AggPercentileDisc, expr.AggPercentileDiscDesc:
			continue
		case expr.AggSum, expr.AggAvg, expr.AggMin, expr.AggMax:
			if c := g.Args[0].Type().Class(); c == types.ClassInt || c == types.ClassNumeric && g.Func.Op != expr.AggMin &&
				g.Func.Op != expr.AggMax || c == types.ClassString {
				continue
			}
		}
		return false
	}
	return true
}

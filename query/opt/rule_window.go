package opt

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// windowRowsMax is the largest number of rows of a partition that a window is told of: somebody keeps as many keys of each.
const windowRowsMax = 64

// limitWindow tells a window how many rows of each partition a condition above it leaves.
func limitWindow(_ *optimizer, r plan.Rel) plan.Rel {
	f, ok := r.(*plan.RelFilter)
	if !ok {
		return r
	}
	w, ok := f.Input.(*plan.RelWindow)
	if !ok || w.Top != nil || !numbers(w) {
		return r
	}
	for _, c := range conjuncts(f.Cond) {
		id, n, ok := upperBound(c)
		if !ok || n < 1 || n > windowRowsMax {
			continue
		}
		for i, o := range w.Out {
			if o.ID == id {
				top := &plan.WindowTop{Rows: int(n), Distinct: w.Funcs[i].Func == expr.WinDenseRank}
				return &plan.RelFilter{Input: &plan.RelWindow{Input: w.Input, Funcs: w.Funcs, Out: w.Out, Top: top}, Cond: f.Cond}
			}
		}
	}
	return r
}

// numbers reports whether all functions of a window number the rows in an order by a number: what they are for a row depends
// on the rows before it alone.
func numbers(w *plan.RelWindow) bool {
	for _, f := range w.Funcs {
		switch f.Func {
		case expr.WinRowNumber, expr.WinRank, expr.WinDenseRank:
		default:
			return invariants.Mutant("opt-limit-any-window") && f.Func == expr.WinAggregate
		}
	}
	first := w.Funcs[0]
	if len(first.Order) == 0 {
		return false
	}
	for _, list := range [][]expr.Expr{first.Partition, first.Order} {
		for _, e := range list {
			if !movable(e) || plan.HasSubquery(e) {
				return false
			}
		}
	}
	switch first.Order[0].Type().Class() {
	case types.ClassInt, types.ClassFloat, types.ClassNumeric:
		return true
	}
	return false
}

// upperBound returns a column that a condition bounds from above, and the largest integer that it leaves.
func upperBound(e expr.Expr) (id int, n int64, ok bool) {
	call, ok := e.(*expr.Call)
	if !ok || len(call.Args) != 2 {
		return 0, 0, false
	}
	symbol, exchanged, ok := expr.Comparison(call.Func)
	if !ok {
		return 0, 0, false
	}
	l, r := call.Args[0], call.Args[1]
	if isConst(l) {
		l, r, symbol = r, l, exchanged
	}
	c, ok1 := column(l)
	n, ok2 := constInt(r)
	if !ok1 || !ok2 {
		return 0, 0, false
	}
	switch symbol {
	case "<":
		return c.ID, n - 1, n > 0
	case "<=", "=":
		return c.ID, n, true
	}
	return 0, 0, false
}

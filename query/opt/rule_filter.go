package opt

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

func removeTrueFilters(_ *optimizer, r plan.Rel) plan.Rel {
	f, ok := r.(*plan.RelFilter)
	if !ok {
		return r
	}
	list := conjuncts(f.Cond)
	var kept []expr.Expr
	for _, c := range list {
		if !isTrue(c) {
			kept = append(kept, c)
		}
	}
	if len(kept) == len(list) {
		return r
	}
	return filter(f.Input, kept...)
}

func emptyFilters(_ *optimizer, r plan.Rel) plan.Rel {
	switch r := r.(type) {
	case *plan.RelFilter:
		if neverTrue(r.Cond) {
			return noRows(r.Cols())
		}
	case *plan.RelJoin:
		if !neverTrue(r.Cond) {
			return r
		}
		switch r.Kind {
		case plan.Inner:
			return noRows(r.Cols())
		case plan.Left, plan.Single, plan.Semi, plan.Anti:
			return &plan.RelJoin{Kind: r.Kind, L: r.L, R: noRows(r.R.Cols())}
		}
	}
	return r
}

// neverTrue reports whether a condition has a part that is constantly false or NULL.
func neverTrue(cond expr.Expr) bool {
	for _, c := range conjuncts(cond) {
		if isNotTrueConst(c) {
			return true
		}
	}
	return false
}

func noRows(cols []plan.Col) plan.Rel { return &plan.RelValues{Out: cols} }

func isEmpty(r plan.Rel) bool {
	v, ok := r.(*plan.RelValues)
	return ok && len(v.Tuples) == 0
}

// splitFilter moves the conjuncts of a filter for which down returns a condition below its input; rebuild
// makes the input again with them.
func splitFilter(f *plan.RelFilter, down func(expr.Expr) expr.Expr, rebuild func([]expr.Expr) plan.Rel) plan.Rel {
	var moved, kept []expr.Expr
	for _, c := range conjuncts(f.Cond) {
		if d := down(c); d != nil {
			moved = append(moved, d)
		} else {
			kept = append(kept, c)
		}
	}
	if len(moved) == 0 {
		return f
	}
	if invariants.Mutant("opt-drop-predicate") {
		moved = moved[:len(moved)-1]
	}
	return filter(rebuild(moved), kept...)
}

func pushFilterIntoProject(_ *optimizer, r plan.Rel) plan.Rel {
	f, ok := r.(*plan.RelFilter)
	if !ok {
		return r
	}
	p, ok := f.Input.(*plan.RelProject)
	if !ok {
		return r
	}
	with := map[int]expr.Expr{}
	for i, c := range p.Out {
		with[c.ID] = p.Exprs[i]
	}
	return splitFilter(f, func(c expr.Expr) expr.Expr {
		d := substitute(c, with)
		if plan.VolatileExpr(d) {
			return nil
		}
		return d
	}, func(conds []expr.Expr) plan.Rel {
		return &plan.RelProject{Input: filter(p.Input, conds...), Exprs: p.Exprs, Out: p.Out}
	})
}

func pushFilterIntoJoin(_ *optimizer, r plan.Rel) plan.Rel {
	f, ok := r.(*plan.RelFilter)
	if !ok {
		return r
	}
	j, ok := f.Input.(*plan.RelJoin)
	if !ok {
		return r
	}
	lc, rc := relCols(j.L), relCols(j.R)
	var left, right, on, kept []expr.Expr
	for _, c := range conjuncts(f.Cond) {
		cols := exprCols(c)
		inner := j.Kind == plan.Inner
		switch {
		case cols.empty() || plan.VolatileExpr(c):
			kept = append(kept, c)
		case cols.subsetOf(lc) && j.Kind != plan.Full && movable(c):
			left = append(left, c)
		case cols.subsetOf(rc) && inner && movable(c):
			right = append(right, c)
		case inner && cols.intersects(lc) && cols.intersects(rc) && (movable(c) || isJoinKey(c, lc, rc)):
			on = append(on, c)
		default:
			kept = append(kept, c)
		}
	}
	if len(left)+len(right)+len(on) == 0 {
		return r
	}
	n := &plan.RelJoin{Kind: j.Kind, L: filter(j.L, left...), R: filter(j.R, right...), Mark: j.Mark}
	n.Cond = and(append([]expr.Expr{j.Cond}, on...)...)
	return filter(n, kept...)
}

// isJoinKey reports whether a condition compares one expression over each side: a join by it evaluates
// each side's expression for all rows of that side, as PostgreSQL's joins do.
func isJoinKey(c expr.Expr, lc, rc colSet) bool {
	_, _, _, ok := joinKey(c, lc, rc)
	return ok
}

// imageSafe reports whether a condition gives the same answer for all equal values of the columns: either
// equal values of a type are identical, or the condition only compares them.
func imageSafe(e expr.Expr) bool {
	switch e := e.(type) {
	case *expr.Column:
		return e.Typ.Kind.ImageEqual()
	case *expr.Call:
		if _, _, ok := expr.Comparison(e.Func); ok {
			for _, a := range e.Args {
				if _, isCol := column(a); !isCol && !imageSafe(a) {
					return false
				}
			}
			return true
		}
	case *expr.IsNull:
		if _, ok := column(e.Arg); ok {
			return true
		}
	case *expr.In:
		if _, ok := column(e.Arg); ok {
			for _, x := range e.List {
				if !imageSafe(x) {
					return false
				}
			}
			return true
		}
	}
	for _, c := range expr.Children(e) {
		if !imageSafe(c) {
			return false
		}
	}
	return true
}

func pushFilterIntoAggregate(_ *optimizer, r plan.Rel) plan.Rel {
	f, ok := r.(*plan.RelFilter)
	if !ok {
		return r
	}
	switch a := f.Input.(type) {
	case *plan.RelAggregate:
		with := map[int]expr.Expr{}
		for i, k := range a.Keys {
			with[a.Out[i].ID] = k
		}
		keys := colsOf(a.Out[:len(a.Keys)])
		return splitFilter(f, func(c expr.Expr) expr.Expr {
			if cols := exprCols(c); cols.empty() || !cols.subsetOf(keys) || !imageSafe(c) || !movable(c) {
				return nil
			}
			return substitute(c, with)
		}, func(conds []expr.Expr) plan.Rel {
			return &plan.RelAggregate{Input: filter(a.Input, conds...), Keys: a.Keys, Aggs: a.Aggs, Out: a.Out}
		})
	case *plan.RelDistinctOn:
		keys := exprsColumns(a.On)
		return splitFilter(f, func(c expr.Expr) expr.Expr {
			if cols := exprCols(c); cols.empty() || !cols.subsetOf(keys) || !imageSafe(c) || !movable(c) {
				return nil
			}
			return c
		}, func(conds []expr.Expr) plan.Rel {
			return &plan.RelDistinctOn{Input: filter(a.Input, conds...), On: a.On, Order: a.Order}
		})
	}
	return r
}

func pushFilterIntoUnion(_ *optimizer, r plan.Rel) plan.Rel {
	f, ok := r.(*plan.RelFilter)
	if !ok {
		return r
	}
	switch u := f.Input.(type) {
	case *plan.RelUnion:
		return splitFilter(f, func(c expr.Expr) expr.Expr {
			if plan.VolatileExpr(c) || exprCols(c).empty() {
				return nil
			}
			return c
		}, func(conds []expr.Expr) plan.Rel {
			n := &plan.RelUnion{In: u.In, Out: u.Out}
			for i, in := range u.All {
				n.All = append(n.All, filter(in, mapped(conds, u.Out, u.In[i], in)...))
			}
			return n
		})
	case *plan.RelSetOp:
		return splitFilter(f, func(c expr.Expr) expr.Expr {
			if exprCols(c).empty() || !movable(c) || !imageSafe(c) {
				return nil
			}
			return c
		}, func(conds []expr.Expr) plan.Rel {
			n := *u
			n.L = filter(u.L, mapped(conds, u.Out, u.LIn, u.L)...)
			n.R = filter(u.R, mapped(conds, u.Out, u.RIn, u.R)...)
			return &n
		})
	}
	return r
}

// mapped restates conditions on the output of a union over the columns of one of its inputs.
func mapped(conds []expr.Expr, out []plan.Col, in []int, r plan.Rel) []expr.Expr {
	with := map[int]expr.Expr{}
	byID := map[int]plan.Col{}
	for _, c := range r.Cols() {
		byID[c.ID] = c
	}
	for j, c := range out {
		col := byID[in[j]]
		with[c.ID] = col.Ref()
	}
	list := make([]expr.Expr, len(conds))
	for i, c := range conds {
		list[i] = substitute(c, with)
	}
	return list
}

func pushFilterIntoSort(_ *optimizer, r plan.Rel) plan.Rel {
	f, ok := r.(*plan.RelFilter)
	if !ok {
		return r
	}
	s, ok := f.Input.(*plan.RelSort)
	if !ok || plan.VolatileExpr(f.Cond) {
		return r
	}
	return &plan.RelSort{Input: filter(s.Input, f.Cond), Keys: s.Keys}
}

func pushJoinCondition(_ *optimizer, r plan.Rel) plan.Rel {
	j, ok := r.(*plan.RelJoin)
	if !ok || j.Cond == nil {
		return r
	}
	dropsLeft := j.Kind == plan.Inner || j.Kind == plan.Semi
	ignoresRight := dropsLeft || j.Kind == plan.Left || j.Kind == plan.Anti || j.Kind == plan.Single
	lc, rc := relCols(j.L), relCols(j.R)
	var left, right, kept []expr.Expr
	for _, c := range conjuncts(j.Cond) {
		cols := exprCols(c)
		switch {
		case cols.empty() || !movable(c):
			kept = append(kept, c)
		case dropsLeft && cols.subsetOf(lc):
			left = append(left, c)
		case ignoresRight && cols.subsetOf(rc):
			right = append(right, c)
		default:
			kept = append(kept, c)
		}
	}
	if len(left)+len(right) == 0 {
		return r
	}
	return &plan.RelJoin{Kind: j.Kind, L: filter(j.L, left...), R: filter(j.R, right...), Cond: and(kept...), Mark: j.Mark}
}

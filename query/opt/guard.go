package opt

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// guarded unnests an expression that is evaluated only where cond is true: a subquery in it that may fail is
// not run for other rows.
func (u *unnester) guarded(e expr.Expr, cond expr.Expr, in plan.Rel) (expr.Expr, plan.Rel) {
	outer := u.guard
	u.guard = and(outer, cond)
	e, in = u.value(e, in)
	u.guard = outer
	return e, in
}

// caseValue unnests CASE branch by branch: each is evaluated where no condition before holds.
func (u *unnester) caseValue(e *expr.Case, in plan.Rel) (expr.Expr, plan.Rel) {
	out := &expr.Case{Node: e.Node, Whens: make([]expr.When, len(e.Whens))}
	var before expr.Expr
	for i, w := range e.Whens {
		var c, r expr.Expr
		c, in = u.guarded(w.Cond, before, in)
		if plan.VolatileExpr(c) {
			r, in = u.value(w.Result, in)
		} else {
			r, in = u.guarded(w.Result, and(before, isTrueTest(c)), in)
			before = and(before, not(isTrueTest(c)))
		}
		out.Whens[i] = expr.When{Cond: c, Result: r}
	}
	out.Else, in = u.guarded(e.Else, before, in)
	return out, in
}

// coalesceValue unnests COALESCE: each argument is evaluated where all before are NULL.
func (u *unnester) coalesceValue(e *expr.Coalesce, in plan.Rel) (expr.Expr, plan.Rel) {
	out := &expr.Coalesce{Node: e.Node}
	var before expr.Expr
	for _, a := range e.Args {
		a, in = u.guarded(a, before, in)
		if !plan.VolatileExpr(a) {
			before = and(before, expr.NewIsNull(a.Pos(), a, false))
		}
		out.Args = append(out.Args, a)
	}
	return out, in
}

// mayFail reports whether running a subquery can raise an error.
func (u *unnester) mayFail(s *expr.Subquery, sub plan.Rel) bool {
	if s.Kind == expr.Scalar && !exactlyOne(sub) && !u.z.infoOf(sub).unique(nil) || s.Test != nil && expr.CanFail(s.Test) {
		return true
	}
	fails := false
	plan.Walk(sub, func(r plan.Rel) {
		plan.Exprs(r, func(e expr.Expr) { fails = fails || expr.CanFail(e) })
		switch r := r.(type) {
		case *plan.RelJoin:
			fails = fails || r.Kind == plan.Single
		case *plan.RelApply, *plan.RelDependent, *plan.RelShared:
			fails = true
		}
	})
	return fails
}

// guardedSubquery runs a subquery only for the rows that need its value.
func (u *unnester) guardedSubquery(s *expr.Subquery, sub plan.Rel, in plan.Rel) (expr.Expr, plan.Rel) {
	if s.Kind == expr.Scalar {
		c := u.z.newCol(s.Columns[0].Name, s.Typ)
		ref := s.Columns[0]
		r := &plan.RelProject{Input: sub, Exprs: []expr.Expr{&ref}, Out: []plan.Col{c}}
		return c.Ref(), u.dependent(&plan.RelApply{Kind: plan.Single, L: in, When: u.guard}, r)
	}
	test := s.Test
	if plan.HasSubquery(test) {
		if test, in = u.value(test, in); u.err != nil {
			return s, in
		}
	}
	if s.Kind == expr.All {
		test = not(test)
	}
	m := u.z.newCol("mark", types.T(types.Bool))
	in = u.dependent(&plan.RelApply{Kind: plan.Mark, L: in, Cond: test, Mark: m, When: u.guard}, sub)
	if s.Kind == expr.All {
		return not(m.Ref()), in
	}
	return m.Ref(), in
}

package opt

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// Limits of AggregateBelowJoin: it makes less of the rows of a side, and the join would not have left them out anyway.
const (
	belowJoinGroups = 0.5 // groups for each row, at most
	belowJoinRows   = 0.7 // rows of the join for each row, at least
)

// aggregateBelowJoin groups one side of a join before the join, if each group of the result is one row of the other side.
func aggregateBelowJoin(z *optimizer, r plan.Rel) plan.Rel {
	a, ok := r.(*plan.RelAggregate)
	if !ok || len(a.Keys) == 0 || len(a.Aggs) == 0 {
		return r
	}
	j, ok := a.Input.(*plan.RelJoin)
	if !ok || j.Kind != plan.Inner && j.Kind != plan.Left || z.volatile(j) {
		return r
	}
	if n := z.groupedSide(a, j, j.L, j.R); n != nil {
		return n
	}
	if j.Kind == plan.Inner {
		if n := z.groupedSide(a, j, j.R, j.L); n != nil {
			return n
		}
	}
	return r
}

// groupedSide groups side many of a join by what it is joined by; nil if that is another result, or no less work.
func (z *optimizer) groupedSide(a *plan.RelAggregate, j *plan.RelJoin, one, many plan.Rel) plan.Rel {
	oc, mc := relCols(one), relCols(many)
	if !exprsCols(a.Keys).subsetOf(oc) || !z.infoOf(one).unique(exprsColumns(a.Keys)) && !invariants.Mutant("opt-group-of-many") {
		return nil
	}
	keys := joinColumns(j.Cond, oc, mc)
	if len(keys) == 0 || plan.VolatileExpr(&expr.Coalesce{Args: a.Keys}) {
		return nil
	}
	inner := &plan.RelAggregate{Input: many}
	for _, k := range keys {
		inner.Keys, inner.Out = append(inner.Keys, k), append(inner.Out, colNamed(many, k.ID))
	}
	p := &plan.RelProject{Exprs: append([]expr.Expr(nil), a.Keys...), Out: a.Out}
	for i, g := range a.Aggs {
		if !independent(g, mc) {
			return nil
		}
		c := a.Out[len(a.Keys)+i]
		if j.Kind == plan.Left {
			c = z.newCol(c.Name, c.Type)
		}
		inner.Aggs, inner.Out = append(inner.Aggs, g), append(inner.Out, c)
		v, ok := valueOf(g, c, j.Kind)
		if !ok {
			return nil
		}
		p.Exprs = append(p.Exprs, v)
	}
	rows := z.infoOf(many).rows
	if z.infoOf(inner).rows > rows*belowJoinGroups || z.infoOf(j).rows < rows*belowJoinRows {
		return nil
	}
	n := &plan.RelJoin{Kind: j.Kind, L: one, R: inner, Cond: j.Cond}
	p.Input = n
	return p
}

// joinColumns returns the columns of one side that a condition compares with expressions over the other side, if that is
// all that it does.
func joinColumns(cond expr.Expr, oc, mc colSet) []*expr.Column {
	var keys []*expr.Column
	var have colSet
	for _, c := range conjuncts(cond) {
		l, r, ok := equality(c)
		if !ok || !movable(c) {
			return nil
		}
		if exprCols(l).subsetOf(mc) {
			l, r = r, l
		}
		k, ok := column(r)
		if !ok || !mc.has(k.ID) || exprCols(l).empty() || !exprCols(l).subsetOf(oc) {
			return nil
		}
		if !k.Typ.Kind.ImageEqual() {
			return nil // equal keys of one group may be compared as something else
		}
		if !have.has(k.ID) {
			have.add(k.ID)
			keys = append(keys, k)
		}
	}
	return keys
}

func colNamed(r plan.Rel, id int) plan.Col {
	for _, c := range r.Cols() {
		if c.ID == id {
			return c
		}
	}
	return plan.Col{ID: id}
}

// independent reports whether an aggregate takes only columns of a side, gives the same whatever the order of the rows,
// and never fails.
func independent(g *expr.Aggregate, side colSet) bool {
	switch g.Func.Op {
	case expr.AggStringAgg, expr.AggAnyValue:
		return false
	case expr.AggCountStar, expr.AggCount:
	default:
		if k := g.Type().Kind; g.Args[0].Type().Class() == types.ClassFloat || k == types.Interval || g.Func.Op >= expr.AggRegrSXX {
			return false
		}
		if (g.Func.Op == expr.AggMin || g.Func.Op == expr.AggMax) && !g.Type().Kind.ImageEqual() {
			return false
		}
	}
	for _, e := range append([]expr.Expr{g.Filter}, g.Args...) {
		if e != nil && (!exprCols(e).subsetOf(side) || !movable(e) || plan.HasSubquery(e)) {
			return false
		}
	}
	return true
}

// valueOf returns what an aggregate is in a row of the join, given the column that it has in the group of that row: without
// a group, in a left join, it is that of one row of NULLs.
func valueOf(g *expr.Aggregate, c plan.Col, kind plan.JoinKind) (expr.Expr, bool) {
	if kind == plan.Inner {
		return c.Ref(), true
	}
	none := int64(0)
	switch {
	case g.Filter != nil && !notNullIfTrue(g.Filter).empty():
	case g.Filter != nil:
		return nil, false
	case g.Func.Op == expr.AggCountStar:
		none = 1
	default:
		for _, a := range g.Args {
			if notNullIfKnown(a).empty() {
				return nil, false
			}
		}
	}
	if g.Func.Op != expr.AggCount && g.Func.Op != expr.AggCountStar {
		return c.Ref(), true
	}
	return &expr.Coalesce{Node: expr.Node{Typ: c.Type}, Args: []expr.Expr{c.Ref(), int8Const(none)}}, true
}

package opt

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

// pulled is a query without its ties to the outer one: conds are the conditions that tied it, over its
// output columns and those of the outer query.
type pulled struct {
	rel   plan.Rel
	conds []expr.Expr
}

// pull moves the conditions of a query that name columns of the outer query (corr) up to its top. It is
// not ok if the query uses them otherwise, or if a condition cannot pass an operator.
func (u *unnester) pull(r plan.Rel, corr colSet) (pulled, bool) {
	if !freeCols(r).intersects(corr) {
		return pulled{rel: r}, true
	}
	switch r := r.(type) {
	case *plan.RelFilter:
		p, ok := u.pull(r.Input, corr)
		if !ok {
			return p, false
		}
		var own []expr.Expr
		for _, c := range conjuncts(r.Cond) {
			if exprCols(c).intersects(corr) {
				p.conds = append(p.conds, c)
			} else {
				own = append(own, c)
			}
		}
		p.rel = filter(p.rel, own...)
		return p, true
	case *plan.RelProject:
		return u.pullProject(r, corr)
	case *plan.RelJoin:
		return u.pullJoin(r, corr)
	case *plan.RelAggregate:
		return u.pullAggregate(r, corr)
	case *plan.RelSort:
		if sortCols(r.Keys).intersects(corr) {
			return pulled{}, false
		}
		p, ok := u.pull(r.Input, corr)
		if ok { // an aggregate above may depend on the order
			p.rel = &plan.RelSort{Input: p.rel, Keys: r.Keys}
		}
		return p, ok
	}
	return pulled{}, false
}

// pullProject passes on the columns that the conditions need.
func (u *unnester) pullProject(r *plan.RelProject, corr colSet) (pulled, bool) {
	if exprsCols(r.Exprs).intersects(corr) {
		return pulled{}, false
	}
	p, ok := u.pull(r.Input, corr)
	if !ok {
		return p, false
	}
	n := &plan.RelProject{
		Input: p.rel, Exprs: append([]expr.Expr(nil), r.Exprs...), Out: append([]plan.Col(nil), r.Out...),
	}
	have := colsOf(r.Out)
	need := exprsCols(p.conds).without(have)
	for _, c := range p.rel.Cols() {
		if need.has(c.ID) {
			n.Exprs, n.Out = append(n.Exprs, c.Ref()), append(n.Out, c)
		}
	}
	p.rel = n
	return p, true
}

// pullJoin: conditions pass inner joins from both sides, others from the side whose rows they keep.
func (u *unnester) pullJoin(r *plan.RelJoin, corr colSet) (pulled, bool) {
	l, ok := u.pull(r.L, corr)
	if !ok {
		return pulled{}, false
	}
	n := &plan.RelJoin{Kind: r.Kind, L: l.rel, R: r.R, Cond: r.Cond, Mark: r.Mark}
	conds := l.conds
	switch r.Kind {
	case plan.Inner:
		rr, ok := u.pull(r.R, corr)
		if !ok {
			return pulled{}, false
		}
		n.R = rr.rel
		conds = append(conds, rr.conds...)
		var own []expr.Expr
		for _, c := range conjuncts(r.Cond) {
			if exprCols(c).intersects(corr) {
				conds = append(conds, c)
			} else {
				own = append(own, c)
			}
		}
		n.Cond = and(own...)
	case plan.Full:
		return pulled{}, false
	default:
		if freeCols(r.R).intersects(corr) || exprCols(r.Cond).intersects(corr) {
			return pulled{}, false
		}
	}
	return pulled{n, conds}, true
}

// pullAggregate: a condition on grouping keys passes a grouping; an equality passes if what it compares
// becomes one more key, since it fixes that key for each row of the outer query.
func (u *unnester) pullAggregate(r *plan.RelAggregate, corr colSet) (pulled, bool) {
	own := exprsCols(r.Keys)
	for _, a := range r.Aggs {
		own.addAll(exprCols(a))
	}
	if len(r.Keys) == 0 || own.intersects(corr) {
		return pulled{}, false
	}
	p, ok := u.pull(r.Input, corr)
	if !ok {
		return p, false
	}
	keyCols := exprsColumns(r.Keys)
	n := &plan.RelAggregate{Input: p.rel, Aggs: r.Aggs, Keys: append([]expr.Expr(nil), r.Keys...)}
	n.Out = append([]plan.Col(nil), r.Out[:len(r.Keys)]...)
	out, inner := pulled{rel: n}, relCols(p.rel)
	for _, c := range p.conds {
		if exprCols(c).intersect(inner).subsetOf(keyCols) {
			out.conds = append(out.conds, c)
			continue
		}
		keys, on, ok := u.groupKeys([]expr.Expr{c}, inner)
		if !ok {
			return pulled{}, false
		}
		if !colsOf(n.Out).has(keys[0].col.ID) {
			n.Keys, n.Out = append(n.Keys, keys[0].inner), append(n.Out, keys[0].col)
		}
		out.conds = append(out.conds, on[0])
	}
	n.Out = append(n.Out, r.Out[len(r.Keys):]...)
	return out, true
}

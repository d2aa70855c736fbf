package opt

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// outerToInner looks from a filter or join at the outer joins directly below.
func outerToInner(_ *optimizer, r plan.Rel) plan.Rel {
	switch r := r.(type) {
	case *plan.RelFilter:
		rejected := rejectedNulls(conjuncts(r.Cond))
		if invariants.Mutant("opt-outer-is-inner") {
			rejected = exprCols(r.Cond)
		}
		if n := withoutNulls(r.Input, rejected); n != r.Input {
			return &plan.RelFilter{Input: n, Cond: r.Cond}
		}
	case *plan.RelJoin:
		if r.Kind == plan.Left && r.Cond != nil && invariants.Mutant("opt-on-is-where") {
			return filter(&plan.RelJoin{Kind: plan.Left, L: r.L, R: r.R}, r.Cond)
		}
		var l, rr bool // whose rows need a match
		switch r.Kind {
		case plan.Inner:
			l, rr = true, true
		case plan.Semi:
			l, rr = true, true
		case plan.Left, plan.Anti, plan.Single:
			rr = true
		}
		rejected := rejectedNulls(conjuncts(r.Cond))
		n := &plan.RelJoin{Kind: r.Kind, L: r.L, R: r.R, Cond: r.Cond, Mark: r.Mark}
		if l {
			n.L = withoutNulls(r.L, rejected)
		}
		if rr {
			n.R = withoutNulls(r.R, rejected)
		}
		if n.L != r.L || n.R != r.R {
			return n
		}
	}
	return r
}

// withoutNulls turns outer joins into inner ones of which only rows count whose given columns are not NULL.
func withoutNulls(r plan.Rel, notNull colSet) plan.Rel {
	j, ok := r.(*plan.RelJoin)
	if !ok || notNull.empty() {
		return r
	}
	lc, rc := relCols(j.L), relCols(j.R)
	kind := j.Kind
	swap := false
	switch kind {
	case plan.Left:
		if notNull.intersects(rc) {
			kind = plan.Inner
		}
	case plan.Full:
		l, rr := notNull.intersects(lc), notNull.intersects(rc)
		switch {
		case l && rr:
			kind = plan.Inner
		case l:
			kind = plan.Left
		case rr:
			kind, swap = plan.Left, true
		}
	}
	n := &plan.RelJoin{Kind: kind, L: j.L, R: j.R, Cond: j.Cond, Mark: j.Mark}
	// Rows of the left side pass through unchanged, so what is asked of them is asked below too.
	switch kind {
	case plan.Inner:
		n.L, n.R = withoutNulls(j.L, notNull), withoutNulls(j.R, notNull)
	case plan.Left, plan.Semi, plan.Anti, plan.AntiNull, plan.Mark, plan.Single:
		if !swap {
			n.L = withoutNulls(j.L, notNull)
		}
	}
	if swap {
		n.L, n.R = j.R, j.L
	}
	if kind == j.Kind && n.L == j.L && n.R == j.R {
		return r
	}
	return n
}

func leftToAnti(z *optimizer, r plan.Rel) plan.Rel {
	f, ok := r.(*plan.RelFilter)
	if !ok {
		return r
	}
	j, ok := f.Input.(*plan.RelJoin)
	if !ok || j.Kind != plan.Left {
		return r
	}
	// Columns of the right side that are NULL in rows without a match only.
	tells := union(z.infoOf(j.R).notNull, rejectedNulls(conjuncts(j.Cond))).intersect(relCols(j.R))
	found := false
	var rest []expr.Expr
	for _, c := range conjuncts(f.Cond) {
		n, isNull := c.(*expr.IsNull)
		if isNull && !n.Negated {
			if col, ok := column(n.Arg); ok && tells.has(col.ID) {
				found = true
				continue
			}
		}
		rest = append(rest, c)
	}
	if !found {
		return r
	}
	p := &plan.RelProject{Input: &plan.RelJoin{Kind: plan.Anti, L: j.L, R: j.R, Cond: j.Cond}}
	for _, c := range j.L.Cols() {
		p.Exprs, p.Out = append(p.Exprs, c.Ref()), append(p.Out, c)
	}
	for _, c := range j.R.Cols() {
		p.Exprs, p.Out = append(p.Exprs, expr.NewConst(types.NullOf(c.Type.Kind), c.Type, 0)), append(p.Out, c)
	}
	return filter(p, rest...)
}

func antiNullToAnti(z *optimizer, r plan.Rel) plan.Rel {
	j, ok := r.(*plan.RelJoin)
	if !ok || j.Kind != plan.AntiNull {
		return r
	}
	known := union(z.infoOf(j.L).notNull, z.infoOf(j.R).notNull)
	if j.Cond != nil && !neverNull(j.Cond, known) && !invariants.Mutant("opt-not-in-is-anti") {
		return r
	}
	return &plan.RelJoin{Kind: plan.Anti, L: j.L, R: j.R, Cond: j.Cond}
}

func singleToLeft(z *optimizer, r plan.Rel) plan.Rel {
	j, ok := r.(*plan.RelJoin)
	if !ok || j.Kind != plan.Single {
		return r
	}
	_, unique := uniqueSides(conjuncts(j.Cond), z.infoOf(j.L), z.infoOf(j.R), relCols(j.L), relCols(j.R))
	if !unique {
		return r
	}
	return &plan.RelJoin{Kind: plan.Left, L: j.L, R: j.R, Cond: j.Cond}
}

func mergeProjects(_ *optimizer, r plan.Rel) plan.Rel {
	p, ok := r.(*plan.RelProject)
	if !ok {
		return r
	}
	below, ok := p.Input.(*plan.RelProject)
	if !ok {
		return r
	}
	uses := map[int]int{}
	for _, e := range p.Exprs {
		expr.Walk(e, func(e expr.Expr) bool {
			if c, ok := column(e); ok {
				uses[c.ID]++
			}
			return true
		})
	}
	with := map[int]expr.Expr{}
	for i, c := range below.Out {
		e := below.Exprs[i]
		if _, ok := column(e); !ok && !isConst(e) && uses[c.ID] > 1 || plan.VolatileExpr(e) {
			return r
		}
		with[c.ID] = e
	}
	n := &plan.RelProject{Input: below.Input, Out: p.Out, Exprs: make([]expr.Expr, len(p.Exprs))}
	for i, e := range p.Exprs {
		n.Exprs[i] = substitute(e, with)
	}
	return n
}

func pullProjectAboveJoin(_ *optimizer, r plan.Rel) plan.Rel {
	j, ok := r.(*plan.RelJoin)
	if !ok {
		return r
	}
	n := &plan.RelJoin{Kind: j.Kind, L: j.L, R: j.R, Cond: j.Cond, Mark: j.Mark}
	used := exprCols(j.Cond)
	var exprs []expr.Expr
	var out []plan.Col
	changed := false
	pull := func(side plan.Rel) plan.Rel {
		p, ok := side.(*plan.RelProject)
		if !ok || !pullable(p, used) {
			for _, c := range side.Cols() {
				exprs, out = append(exprs, c.Ref()), append(out, c)
			}
			return side
		}
		changed = true
		exprs, out = append(exprs, p.Exprs...), append(out, p.Out...)
		return p.Input
	}
	switch j.Kind {
	case plan.Inner:
		n.L, n.R = pull(j.L), pull(j.R)
	case plan.Left, plan.Single:
		n.L = pull(j.L)
		for _, c := range j.R.Cols() {
			exprs, out = append(exprs, c.Ref()), append(out, c)
		}
	case plan.Semi, plan.Anti, plan.AntiNull:
		n.L = pull(j.L)
	}
	if !changed {
		return r
	}
	return &plan.RelProject{Input: n, Exprs: exprs, Out: out}
}

// pullable reports whether a projection can be computed above a join whose condition uses the given
// columns: it computes none of them, and nothing volatile. Columns that it renames would hide nothing.
func pullable(p *plan.RelProject, used colSet) bool {
	for i, e := range p.Exprs {
		c, ok := column(e)
		if (!ok || c.ID != p.Out[i].ID) && used.has(p.Out[i].ID) || plan.VolatileExpr(e) {
			return false
		}
	}
	return !passesThrough(p)
}

func pushLimitIntoProject(_ *optimizer, r plan.Rel) plan.Rel {
	l, ok := r.(*plan.RelLimit)
	if !ok {
		return r
	}
	if f, ok := l.Input.(*plan.RelFilter); ok && invariants.Mutant("opt-limit-below-filter") {
		return &plan.RelFilter{Input: &plan.RelLimit{Input: f.Input, Count: l.Count, Offset: l.Offset}, Cond: f.Cond}
	}
	p, ok := l.Input.(*plan.RelProject)
	if !ok || plan.VolatileExpr(&expr.Coalesce{Args: p.Exprs}) {
		return r
	}
	return &plan.RelProject{
		Input: &plan.RelLimit{Input: p.Input, Count: l.Count, Offset: l.Offset}, Exprs: p.Exprs, Out: p.Out,
	}
}

func dropSort(_ *optimizer, r plan.Rel) plan.Rel {
	switch r := r.(type) {
	case *plan.RelAggregate:
		for _, a := range r.Aggs {
			if a.Func.Op == expr.AggStringAgg || a.Func.Op == expr.AggAnyValue || ofFloats(a) {
				return r
			}
		}
	case *plan.RelSort, *plan.RelDistinctOn, *plan.RelJoin, *plan.RelSetOp:
	default:
		return r
	}
	return plan.MapRels(r, unsorted)
}

// ofFloats reports whether an aggregate may add floats, whose sum depends on the order.
func ofFloats(a *expr.Aggregate) bool {
	return len(a.Args) > 0 && a.Args[0].Type().Class() == types.ClassFloat
}

// unsorted removes a sort at the top of a plan, also below projections and filters.
func unsorted(r plan.Rel) plan.Rel {
	switch r := r.(type) {
	case *plan.RelSort:
		return unsorted(r.Input)
	case *plan.RelProject, *plan.RelFilter:
		return plan.MapRels(r, unsorted)
	}
	return r
}

func dropDistinct(z *optimizer, r plan.Rel) plan.Rel {
	a, ok := r.(*plan.RelAggregate)
	if !ok || len(a.Aggs) > 0 || len(a.Keys) == 0 || !z.infoOf(a.Input).unique(exprsColumns(a.Keys)) && !invariants.Mutant("opt-distinct-lost") {
		return r
	}
	return &plan.RelProject{Input: a.Input, Exprs: a.Keys, Out: a.Out}
}

func propagateEmpty(_ *optimizer, r plan.Rel) plan.Rel {
	empty := false
	switch n := r.(type) {
	case *plan.RelJoin:
		switch n.Kind {
		case plan.Inner, plan.Semi:
			empty = isEmpty(n.L) || isEmpty(n.R)
		case plan.Left, plan.Single, plan.Mark:
			empty = isEmpty(n.L)
		case plan.Anti, plan.AntiNull:
			if isEmpty(n.R) {
				return n.L
			}
			empty = isEmpty(n.L)
		}
	case *plan.RelAggregate:
		empty = len(n.Keys) > 0 && isEmpty(n.Input)
	case *plan.RelFilter, *plan.RelProject, *plan.RelSort, *plan.RelLimit, *plan.RelDistinctOn:
		empty = isEmpty(n.Children()[0])
	case *plan.RelUnion:
		return nonEmptyUnion(n)
	}
	if !empty {
		return r
	}
	return noRows(r.Cols())
}

func nonEmptyUnion(r *plan.RelUnion) plan.Rel {
	n := &plan.RelUnion{Out: r.Out}
	for i, in := range r.All {
		if !isEmpty(in) {
			n.All, n.In = append(n.All, in), append(n.In, r.In[i])
		}
	}
	switch len(n.All) {
	case len(r.All):
		return r
	case 0:
		return noRows(r.Out)
	case 1:
		p := &plan.RelProject{Input: n.All[0], Out: r.Out}
		byID := map[int]plan.Col{}
		for _, c := range n.All[0].Cols() {
			byID[c.ID] = c
		}
		for _, id := range n.In[0] {
			c := byID[id]
			p.Exprs = append(p.Exprs, c.Ref())
		}
		return p
	}
	return n
}

package opt

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
)

// domain computes a query once for each distinct combination of the outer columns that it uses, and joins
// the outer rows to the result:
//
//	L apply R(c)   =   L join (D × R(d)) on c IS NOT DISTINCT FROM d,   D = distinct c of L, renamed d
//
// D is then pushed down into R until nothing of R uses it (T. Neumann, A. Kemper: Unnesting Arbitrary
// Queries, 2015). The outer query is evaluated twice.
func (u *unnester) domain(a *plan.RelApply, r plan.Rel, corr colSet) plan.Rel {
	d, ok := u.newDomain(a.L, corr)
	if !ok {
		return a
	}
	rel := u.push(d, renameOuter(r, d))
	if u.err != nil {
		return a
	}
	return u.joined(a.Kind, a.L, rel, a.Cond, d.match, a.Mark)
}

// domainAggregate is domain for an aggregation without GROUP BY, whose groups may be missing.
func (u *unnester) domainAggregate(a *plan.RelApply, r *plan.RelAggregate, corr colSet) plan.Rel {
	d, ok := u.newDomain(a.L, corr)
	if !ok {
		return a
	}
	n := renameOuter(r, d).(*plan.RelAggregate)
	g := &plan.RelAggregate{Input: u.push(d, n.Input), Aggs: n.Aggs}
	if u.err != nil {
		return a
	}
	for _, c := range d.cols {
		g.Keys, g.Out = append(g.Keys, c.Ref()), append(g.Out, c)
	}
	return u.joinGroups(a, g, r.Out, and(d.match...))
}

// outerDomain is D: its plan, its columns, and what they stand for.
type outerDomain struct {
	rel   plan.Rel
	cols  []plan.Col
	outer []plan.Col // the outer query's columns, in the same order
	match []expr.Expr
}

func (u *unnester) newDomain(l plan.Rel, corr colSet) (*outerDomain, bool) {
	if u.z.volatile(l) {
		u.fail(sqlerr.Unsupported("correlated subquery of a query with volatile functions or row locks"))
		return nil, false
	}
	rel, fresh := u.z.cloned(l)
	d := &outerDomain{}
	g := &plan.RelAggregate{Input: rel}
	for _, c := range l.Cols() {
		if !corr.has(c.ID) {
			continue
		}
		n := fresh[c.ID]
		g.Keys, g.Out = append(g.Keys, n.Ref()), append(g.Out, n)
		d.cols, d.outer = append(d.cols, n), append(d.outer, c)
		m, err := expr.NewDistinct(0, c.Ref(), n.Ref(), true)
		if err != nil {
			u.fail(err)
			return nil, false
		}
		d.match = append(d.match, m)
	}
	d.rel = g
	return d, true
}

// again returns a copy of the domain with columns of its own, and conditions that match it with d.
func (u *unnester) again(d *outerDomain) (*outerDomain, []expr.Expr) {
	rel, fresh := u.z.cloned(d.rel)
	n := &outerDomain{rel: rel, outer: d.outer}
	var match []expr.Expr
	for _, c := range d.cols {
		n.cols = append(n.cols, fresh[c.ID])
		m, err := expr.NewDistinct(0, c.Ref(), fresh[c.ID].Ref(), true)
		if err != nil {
			u.fail(err)
			return n, nil
		}
		match = append(match, m)
	}
	return n, match
}

// renameOuter replaces the outer query's columns in a query by the domain's.
func renameOuter(r plan.Rel, d *outerDomain) plan.Rel {
	with := map[int]expr.Expr{}
	for i, c := range d.outer {
		with[c.ID] = d.cols[i].Ref()
	}
	return substituteRel(r, with)
}

// renameDomain replaces the columns of one copy of the domain by those of another.
func renameDomain(r plan.Rel, from, to *outerDomain) plan.Rel {
	with := map[int]expr.Expr{}
	for i, c := range from.cols {
		with[c.ID] = to.cols[i].Ref()
	}
	return substituteRel(r, with)
}

// substituteRel replaces columns in all expressions of a plan.
func substituteRel(r plan.Rel, with map[int]expr.Expr) plan.Rel {
	r = plan.MapRels(r, func(c plan.Rel) plan.Rel { return substituteRel(c, with) })
	return plan.MapExprs(r, func(e expr.Expr) expr.Expr { return substitute(e, with) })
}

// push joins a domain with a query that uses it: the result has the columns of both.
func (u *unnester) push(d *outerDomain, r plan.Rel) plan.Rel {
	if u.err != nil {
		return r
	}
	used := colsOf(d.cols)
	if !freeCols(r).intersects(used) {
		return &plan.RelJoin{Kind: plan.Inner, L: d.rel, R: r}
	}
	switch r := r.(type) {
	case *plan.RelFilter:
		return filter(u.push(d, r.Input), r.Cond)
	case *plan.RelProject:
		n := &plan.RelProject{Input: u.push(d, r.Input)}
		n.Exprs, n.Out = append(n.Exprs, r.Exprs...), append(n.Out, r.Out...)
		for _, c := range d.cols {
			n.Exprs, n.Out = append(n.Exprs, c.Ref()), append(n.Out, c)
		}
		return n
	case *plan.RelSort:
		return &plan.RelSort{Input: u.push(d, r.Input), Keys: r.Keys}
	case *plan.RelAggregate:
		return u.pushAggregate(d, r)
	case *plan.RelJoin:
		return u.pushJoin(d, r)
	case *plan.RelUnion:
		return u.pushUnion(d, r)
	case *plan.RelSetOp:
		return u.pushSetOp(d, r)
	case *plan.RelValues:
		return u.pushValues(d, r)
	case *plan.RelLimit:
		return u.pushLimit(d, r)
	case *plan.RelDistinctOn:
		n := &plan.RelDistinctOn{Input: u.push(d, r.Input)}
		n.On, n.Order = domainKeys(d)
		n.On, n.Order = append(n.On, r.On...), append(n.Order, r.Order...)
		return n
	}
	u.fail(sqlerr.Unsupported("correlated subquery of this form"))
	return r
}

func domainKeys(d *outerDomain) (on []expr.Expr, order []plan.SortKey) {
	for _, c := range d.cols {
		on, order = append(on, c.Ref()), append(order, plan.SortKey{Expr: c.Ref()})
	}
	return on, order
}

// pushAggregate groups by the domain too. Without GROUP BY every row of the domain has a group.
func (u *unnester) pushAggregate(d *outerDomain, r *plan.RelAggregate) plan.Rel {
	g := &plan.RelAggregate{Input: u.push(d, r.Input), Aggs: r.Aggs}
	for _, c := range d.cols {
		g.Keys, g.Out = append(g.Keys, c.Ref()), append(g.Out, c)
	}
	g.Keys, g.Out = append(g.Keys, r.Keys...), append(g.Out, r.Out[:len(r.Keys)]...)
	if len(r.Keys) > 0 {
		g.Out = append(g.Out, r.Out[len(r.Keys):]...)
		return g
	}
	d2, match := u.again(d)
	n := u.joinGroups(&plan.RelApply{L: d2.rel}, g, r.Out, and(match...))
	return asDomain(n, d, d2, r.Out)
}

// asDomain gives a plan the domain columns of d instead of those of d2.
func asDomain(r plan.Rel, d, d2 *outerDomain, cols []plan.Col) plan.Rel {
	p := &plan.RelProject{Input: r}
	for i, c := range d.cols {
		p.Exprs, p.Out = append(p.Exprs, d2.cols[i].Ref()), append(p.Out, c)
	}
	for _, c := range cols {
		p.Exprs, p.Out = append(p.Exprs, c.Ref()), append(p.Out, c)
	}
	return p
}

// pushJoin joins the domain with the left side, and a copy of it with the right side if that uses it.
func (u *unnester) pushJoin(d *outerDomain, r *plan.RelJoin) plan.Rel {
	used := colsOf(d.cols)
	if r.Kind == plan.Full {
		u.fail(sqlerr.Unsupported("correlated subquery with a full join"))
		return r
	}
	n := &plan.RelJoin{Kind: r.Kind, R: r.R, Cond: r.Cond, Mark: r.Mark}
	if r.Kind == plan.Inner && !freeCols(r.L).intersects(used) && freeCols(r.R).intersects(used) {
		n.L, n.R = r.L, u.push(d, r.R)
		return n
	}
	n.L = u.push(d, r.L)
	if freeCols(r.R).intersects(used) {
		d2, match := u.again(d)
		n.R = u.push(d2, renameDomain(r.R, d, d2))
		n.Cond = and(append(match, n.Cond)...)
	}
	return n
}

func (u *unnester) pushUnion(d *outerDomain, r *plan.RelUnion) plan.Rel {
	n := &plan.RelUnion{Out: append(append([]plan.Col(nil), d.cols...), r.Out...)}
	for i, in := range r.All {
		d2, _ := u.again(d)
		n.All = append(n.All, u.push(d2, renameDomain(in, d, d2)))
		n.In = append(n.In, append(idsOf(d2.cols), r.In[i]...))
	}
	return n
}

func idsOf(cols []plan.Col) []int {
	out := make([]int, len(cols))
	for i, c := range cols {
		out[i] = c.ID
	}
	return out
}

func (u *unnester) pushSetOp(d *outerDomain, r *plan.RelSetOp) plan.Rel {
	d1, _ := u.again(d)
	d2, _ := u.again(d)
	return &plan.RelSetOp{
		Kind: r.Kind, All: r.All, L: u.push(d1, renameDomain(r.L, d, d1)), R: u.push(d2, renameDomain(r.R, d, d2)),
		LIn: append(idsOf(d1.cols), r.LIn...), RIn: append(idsOf(d2.cols), r.RIn...),
		Out: append(append([]plan.Col(nil), d.cols...), r.Out...),
	}
}

// pushValues computes each row beside the domain.
func (u *unnester) pushValues(d *outerDomain, r *plan.RelValues) plan.Rel {
	n := &plan.RelUnion{Out: append(append([]plan.Col(nil), d.cols...), r.Out...)}
	for _, t := range r.Tuples {
		d2, _ := u.again(d)
		with := map[int]expr.Expr{}
		for i, c := range d.cols {
			with[c.ID] = d2.cols[i].Ref()
		}
		p := &plan.RelProject{Input: d2.rel}
		for _, c := range d2.cols {
			p.Exprs, p.Out = append(p.Exprs, c.Ref()), append(p.Out, c)
		}
		for i, e := range t {
			p.Exprs, p.Out = append(p.Exprs, substitute(e, with)), append(p.Out, u.z.newCol(r.Out[i].Name, r.Out[i].Type))
		}
		n.All, n.In = append(n.All, p), append(n.In, idsOf(p.Out))
	}
	return n
}

// pushLimit: LIMIT 1 is the first row for each row of the domain.
func (u *unnester) pushLimit(d *outerDomain, r *plan.RelLimit) plan.Rel {
	if n, ok := constInt(r.Count); !ok || n != 1 || r.Offset != nil {
		u.fail(sqlerr.Unsupported("LIMIT in a correlated subquery of this form"))
		return r
	}
	in := r.Input
	n := &plan.RelDistinctOn{}
	n.On, n.Order = domainKeys(d)
	if s, ok := in.(*plan.RelSort); ok {
		in = s.Input
		n.Order = append(n.Order, s.Keys...)
	}
	n.Input = u.push(d, in)
	return n
}

// cloned copies a plan, giving every column it makes a new ID.
func (z *optimizer) cloned(r plan.Rel) (plan.Rel, map[int]plan.Col) {
	fresh := map[int]plan.Col{}
	plan.Walk(r, func(r plan.Rel) {
		for _, c := range r.Cols() {
			if _, ok := fresh[c.ID]; !ok {
				n := z.newCol(c.Name, c.Type)
				n.Table, n.Attribute = c.Table, c.Attribute
				fresh[c.ID] = n
			}
		}
	})
	for id, n := range fresh {
		if name, ok := z.names[id]; ok {
			z.names[n.ID] = name
		}
	}
	return cloneRel(r, fresh), fresh
}

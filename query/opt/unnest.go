package opt

import (
	"slices"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// unnest replaces the subqueries in a plan's expressions:
//
//   - a query that uses nothing from outside and yields one value, or is tested for existence, becomes a
//     subplan that runs once; its result is a parameter;
//   - as a whole conjunct of WHERE, EXISTS and IN become semi joins, NOT EXISTS and NOT IN anti joins, ANY
//     and ALL likewise;
//   - anywhere else they become marking joins, and a scalar subquery becomes a join that yields its value.
//
// A query that uses columns from outside is first joined as an Apply, which is then decorrelated.
func (z *optimizer) unnest(r plan.Rel) (plan.Rel, error) {
	if s, ok := r.(*plan.RelShared); ok {
		return z.sharedRel(s)
	}
	var err error
	r = plan.MapRels(r, func(c plan.Rel) plan.Rel {
		if err != nil {
			return c
		}
		var n plan.Rel
		if n, err = z.unnest(c); err != nil {
			return c
		}
		return n
	})
	if err != nil {
		return nil, err
	}
	u := &unnester{z: z}
	out := u.operator(r)
	return out, u.err
}

// unnester unnests the expressions of one operator. The first error sticks.
type unnester struct {
	z   *optimizer
	err error
	// done are the values of subqueries that have been joined: one that an expression uses twice (BETWEEN) is
	// joined once.
	done map[*expr.Subquery]expr.Expr
	// ready are plans of subqueries that were made and not used: each level of nesting is unnested once, not twice.
	ready map[*expr.Subquery]plan.Rel
	// guard is the condition under which the expression at hand is evaluated; nil: always.
	guard expr.Expr
	// partial: the last value is known only where the guard holds.
	partial bool
}

func (u *unnester) fail(err error) {
	if u.err == nil {
		u.err = err
	}
}

func hasSubqueries(r plan.Rel) bool {
	found := false
	plan.Exprs(r, func(e expr.Expr) { found = found || plan.HasSubquery(e) })
	return found
}

func (u *unnester) operator(r plan.Rel) plan.Rel {
	if a, ok := r.(*plan.RelApply); ok {
		if !plan.HasSubquery(a.Cond) {
			return u.apply(a)
		}
		// The condition is one on the right side's rows: the join is inner or left.
		return u.apply(&plan.RelApply{Kind: a.Kind, L: a.L, R: u.filter(&plan.RelFilter{Input: a.R, Cond: a.Cond})})
	}
	if !hasSubqueries(r) {
		return r
	}
	switch r := r.(type) {
	case *plan.RelFilter:
		return u.filter(r)
	case *plan.RelProject:
		n := &plan.RelProject{Input: r.Input, Out: r.Out, Exprs: make([]expr.Expr, len(r.Exprs))}
		for i, e := range r.Exprs {
			n.Exprs[i], n.Input = u.value(e, n.Input)
		}
		return n
	case *plan.RelAggregate:
		return u.aggregate(r)
	case *plan.RelWindow:
		return u.window(r)
	case *plan.RelJoin:
		return u.join(r)
	case *plan.RelSort:
		n := &plan.RelSort{Input: r.Input, Keys: append([]plan.SortKey(nil), r.Keys...)}
		for i := range n.Keys {
			n.Keys[i].Expr, n.Input = u.value(n.Keys[i].Expr, n.Input)
		}
		return n
	}
	// VALUES, LIMIT and the like cannot join: what does not run once is left to the Apply around it.
	r = plan.MapExprs(r, u.once2)
	if v, ok := r.(*plan.RelValues); ok && hasSubqueries(r) {
		return u.values(v)
	}
	return r
}

// values makes projections of rows with subqueries.
func (u *unnester) values(r *plan.RelValues) plan.Rel {
	n := &plan.RelUnion{Out: r.Out}
	for _, t := range r.Tuples {
		p := &plan.RelProject{Input: &plan.RelValues{Tuples: [][]expr.Expr{{}}}, Exprs: t}
		for _, c := range r.Out {
			p.Out = append(p.Out, u.z.newCol(c.Name, c.Type))
		}
		n.All, n.In = append(n.All, u.operator(p)), append(n.In, idsOf(p.Out))
	}
	return n
}

func (u *unnester) aggregate(r *plan.RelAggregate) plan.Rel {
	n := &plan.RelAggregate{Input: r.Input, Out: r.Out, Keys: make([]expr.Expr, len(r.Keys))}
	sort, sorted := r.Input.(*plan.RelSort) // an aggregate may depend on the order, which joins do not keep
	if sorted {
		n.Input = sort.Input
	}
	for i, k := range r.Keys {
		n.Keys[i], n.Input = u.value(k, n.Input)
	}
	for _, a := range r.Aggs {
		var e expr.Expr
		if e, n.Input = u.value(a, n.Input); u.err != nil {
			return r
		}
		n.Aggs = append(n.Aggs, e.(*expr.Aggregate))
	}
	if sorted {
		n.Input = &plan.RelSort{Input: n.Input, Keys: sort.Keys}
	}
	return n
}

// window: the offsets of frames run once, the rest is computed for the rows.
func (u *unnester) window(r *plan.RelWindow) plan.Rel {
	n := &plan.RelWindow{Input: r.Input, Out: r.Out, Top: r.Top}
	for _, f := range r.Funcs {
		c := *f
		for _, b := range []*expr.FrameBound{&c.Frame.Start, &c.Frame.End} {
			if b.Offset != nil {
				b.Offset = u.once2(b.Offset)
			}
		}
		var e expr.Expr
		if e, n.Input = u.value(&c, n.Input); u.err != nil {
			return r
		}
		n.Funcs = append(n.Funcs, e.(*expr.Window))
	}
	return n
}

// join: the condition of an inner join is a filter above it. Of other joins, a subquery in the condition
// must run once, or belong to one side.
func (u *unnester) join(r *plan.RelJoin) plan.Rel {
	if r.Kind == plan.Inner {
		return u.operator(&plan.RelFilter{Input: &plan.RelJoin{Kind: plan.Inner, L: r.L, R: r.R}, Cond: r.Cond})
	}
	list := conjuncts(r.Cond)
	left, right := union(relCols(r.L), u.outside(r)), union(relCols(r.R), u.outside(r))
	for i, c := range list {
		list[i] = u.once2(c)
	}
	// Before anything is joined to a side: what is joined there would be gone.
	if r.Kind == plan.Left && slices.ContainsFunc(list, func(c expr.Expr) bool {
		return plan.HasSubquery(c) && !exprCols(c).subsetOf(left) && !exprCols(c).subsetOf(right)
	}) {
		return u.leftJoin(r, and(list...))
	}
	n := &plan.RelJoin{Kind: r.Kind, L: r.L, R: r.R, Mark: r.Mark}
	for i, c := range list {
		if !plan.HasSubquery(c) {
			continue
		}
		switch cols := exprCols(c); {
		case cols.subsetOf(right):
			list[i], n.R = u.value(c, n.R)
		case cols.subsetOf(left) && r.Kind != plan.Full:
			list[i], n.L = u.value(c, n.L)
		default:
			u.fail(sqlerr.Unsupported("subquery over both sides in the condition of a full join").At(c.Pos()))
		}
	}
	n.Cond = and(list...)
	return n
}

// leftJoin makes the condition of a left join one on the right side's rows, for each row of the left one.
func (u *unnester) leftJoin(r *plan.RelJoin, cond expr.Expr) plan.Rel {
	return u.apply(&plan.RelApply{Kind: plan.Left, L: r.L, R: u.filter(&plan.RelFilter{Input: r.R, Cond: cond})})
}

// outside returns the columns that a join's condition uses from around the join.
func (u *unnester) outside(r *plan.RelJoin) colSet {
	return exprCols(r.Cond).without(union(relCols(r.L), relCols(r.R)))
}

// filter unnests WHERE conjunct by conjunct.
func (u *unnester) filter(r *plan.RelFilter) plan.Rel {
	in := r.Input
	var rest []expr.Expr
	for _, c := range conjuncts(r.Cond) {
		if !plan.HasSubquery(c) {
			rest = append(rest, c)
		}
	}
	// Conditions without subqueries come first: what they remove need not be joined.
	in = filter(in, rest...)
	var late []expr.Expr
	for _, c := range conjuncts(r.Cond) {
		if !plan.HasSubquery(c) {
			continue
		}
		if n := u.conjunct(c, in); n != nil {
			in = n
			continue
		}
		var e expr.Expr
		if e, in = u.value(c, in); u.err != nil {
			return r
		}
		late = append(late, e)
	}
	in = filter(in, late...)
	if len(in.Cols()) != len(r.Input.Cols()) {
		return onlyCols(in, r.Input.Cols())
	}
	return in
}

// onlyCols projects away what unnesting added.
func onlyCols(r plan.Rel, cols []plan.Col) plan.Rel {
	p := &plan.RelProject{Input: r, Out: cols}
	for _, c := range cols {
		p.Exprs = append(p.Exprs, c.Ref())
	}
	return p
}

// conjunct makes a semi or anti join of a conjunct that is a subquery or its negation; nil if it is not,
// or if the query runs once.
func (u *unnester) conjunct(c expr.Expr, in plan.Rel) plan.Rel {
	positive := true
	for {
		n, ok := c.(*expr.Not)
		if !ok {
			break
		}
		c, positive = n.Arg, !positive
	}
	s, ok := c.(*expr.Subquery)
	if !ok || s.Kind == expr.Scalar || plan.HasSubquery(s.Test) {
		return nil
	}
	sub := u.subquery(s)
	if u.err != nil {
		return nil
	}
	if s.Kind == expr.Exists && freeCols(sub).empty() {
		if u.ready == nil {
			u.ready = map[*expr.Subquery]plan.Rel{}
		}
		u.ready[s] = sub
		return nil
	}
	test := s.Test
	if s.Kind == expr.All { // true for all rows: for none is the opposite true or NULL
		test, positive = not(test), !positive
	}
	kind := plan.Semi
	if !positive {
		kind = plan.Anti
		if s.Kind != expr.Exists {
			kind = plan.AntiNull
		}
	}
	return u.apply(&plan.RelApply{Kind: kind, L: in, R: sub, Cond: test})
}

// subquery returns the plan of a subquery with its own subqueries unnested.
func (u *unnester) subquery(s *expr.Subquery) plan.Rel {
	if r, ok := u.ready[s]; ok {
		delete(u.ready, s)
		return r
	}
	r, err := u.z.unnest(plan.SubqueryPlan(s))
	if err != nil {
		u.fail(err)
		return plan.SubqueryPlan(s)
	}
	return r
}

// once replaces the subqueries of an expression that use nothing from outside by subplans; others are an
// error.
func (u *unnester) once(e expr.Expr) expr.Expr {
	e = u.once2(e)
	if plan.HasSubquery(e) {
		u.fail(sqlerr.Unsupported("correlated subquery here").At(e.Pos()))
	}
	return e
}

// once2 replaces those subqueries that run once, and leaves the others.
func (u *unnester) once2(e expr.Expr) expr.Expr {
	if s, ok := e.(*expr.Subquery); ok && (s.Kind == expr.Scalar || s.Kind == expr.Exists) {
		if p := u.subplan(s, u.subquery(s)); p != nil {
			return p
		}
		return e
	}
	return expr.MapChildren(e, u.once2)
}

// subplan makes a subplan of a scalar or EXISTS subquery; nil if it uses columns from outside.
func (u *unnester) subplan(s *expr.Subquery, sub plan.Rel) expr.Expr {
	if u.err != nil || !freeCols(sub).empty() {
		return nil
	}
	var out []plan.Col
	if s.Kind == expr.Scalar {
		out = []plan.Col{{ID: s.Columns[0].ID, Name: s.Columns[0].Name, Type: s.Columns[0].Typ}}
	} else {
		sub = &plan.RelLimit{Input: sub, Count: expr.NewConst(types.NewInt(types.Int8, 1), types.T(types.Int8), 0)}
	}
	rel, err := u.z.logical(sub, out)
	if err != nil {
		u.fail(err)
		return nil
	}
	p := u.z.newParam(s.Typ, s.At)
	n := plan.Subplan{Param: p.N, Exists: s.Kind == expr.Exists, Volatile: plan.IsVolatile(sub) || plan.ReadsVolatile(sub)}
	u.z.subplans = append(u.z.subplans, subplan{n, rel, out})
	return p
}

// value replaces the subqueries of an expression by columns of joins that it stacks on in.
func (u *unnester) value(e expr.Expr, in plan.Rel) (expr.Expr, plan.Rel) {
	if u.err != nil || !plan.HasSubquery(e) {
		return e, in
	}
	if s, ok := e.(*expr.Subquery); ok {
		if v := u.done[s]; v != nil {
			return v, in
		}
		v, in := u.subqueryValue(s, in)
		if u.partial {
			u.partial = false
			return v, in
		}
		if u.done == nil {
			u.done = map[*expr.Subquery]expr.Expr{}
		}
		u.done[s] = v
		return v, in
	}
	switch e := e.(type) {
	case *expr.Case:
		return u.caseValue(e, in)
	case *expr.Coalesce:
		return u.coalesceValue(e, in)
	}
	out := expr.MapChildren(e, func(c expr.Expr) expr.Expr {
		var n expr.Expr
		n, in = u.value(c, in)
		return n
	})
	return out, in
}

func (u *unnester) subqueryValue(s *expr.Subquery, in plan.Rel) (expr.Expr, plan.Rel) {
	sub := u.subquery(s)
	if u.err != nil {
		return s, in
	}
	if u.guard != nil && u.mayFail(s, sub) {
		v, in := u.guardedSubquery(s, sub, in)
		u.partial = true
		return v, in
	}
	switch s.Kind {
	case expr.Scalar:
		if p := u.subplan(s, sub); p != nil || u.err != nil {
			return p, in
		}
		c := s.Columns[0]
		in = u.apply(&plan.RelApply{Kind: plan.Single, L: in, R: sub})
		return &c, in
	case expr.Exists:
		if p := u.subplan(s, sub); p != nil || u.err != nil {
			return p, in
		}
		return u.mark(s, in, sub, nil)
	}
	test := s.Test
	if plan.HasSubquery(test) {
		if test, in = u.value(test, in); u.err != nil {
			return s, in
		}
	}
	if s.Kind == expr.All {
		m, in := u.mark(s, in, sub, not(test))
		return not(m), in
	}
	return u.mark(s, in, sub, test)
}

// mark joins so that a column says whether a condition holds for some row of sub.
func (u *unnester) mark(s *expr.Subquery, in, sub plan.Rel, test expr.Expr) (expr.Expr, plan.Rel) {
	m := u.z.newCol("mark", types.T(types.Bool))
	in = u.apply(&plan.RelApply{Kind: plan.Mark, L: in, R: sub, Cond: test, Mark: m})
	ref := m.Ref()
	ref.At = s.At
	if s.Kind == expr.Exists {
		return isTrueTest(ref), in
	}
	return ref, in
}

// subplansIn replaces the subqueries of an expression that is evaluated outside of the plan.
func (z *optimizer) subplansIn(e expr.Expr) (expr.Expr, error) {
	u := &unnester{z: z}
	if !plan.HasSubquery(e) {
		return e, nil
	}
	e = u.once(e)
	return e, u.err
}

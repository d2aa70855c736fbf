package opt

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// apply turns an Apply into a join of the same meaning. What the right side uses of the left one moves up
// into the join's condition where that is possible; else the right side is computed for each distinct
// value of the columns that it uses, see domain.
func (u *unnester) apply(a *plan.RelApply) plan.Rel {
	if u.err == nil {
		u.err = u.z.interrupted()
	}
	if u.err != nil {
		return a
	}
	r := trimmed(a.Kind, a.R, a.Cond)
	corr := freeCols(r).intersect(relCols(a.L))
	if corr.empty() {
		return u.joined(a.Kind, a.L, r, a.Cond, nil, a.Mark)
	}
	if u.z.volatile(r) || u.z.volatile(a.L) || u.z.o.Disabled[RuleUnnest] {
		return u.dependent(a, r)
	}
	n := u.attempt(a, r, func() plan.Rel { return u.unnested(a, r, corr) })
	if _, stays := n.(*plan.RelDependent); !stays && u.err == nil {
		u.z.fired(RuleUnnest, n)
	}
	return n
}

// unnested makes the join; r is the right side and corr what it uses of the left one.
func (u *unnester) unnested(a *plan.RelApply, r plan.Rel, corr colSet) plan.Rel {
	if exactlyOne(r) {
		if n := u.applyOne(a, r, corr); n != nil {
			return n
		}
	}
	switch a.Kind {
	case plan.Inner, plan.Left, plan.Single:
		if n := u.applyValue(a, r, corr); n != nil {
			return n
		}
	}
	if p, ok := u.pull(r, corr); ok {
		return u.joined(a.Kind, a.L, p.rel, a.Cond, p.conds, a.Mark)
	}
	return u.domain(a, r, corr)
}

// joined makes the join. conds are conditions that moved up from the right side; they must be true for a
// row of it to exist, so a three-valued test may only count where they are.
func (u *unnester) joined(kind plan.JoinKind, l, r plan.Rel, test expr.Expr, conds []expr.Expr, mark plan.Col) plan.Rel {
	switch {
	case kind == plan.AntiNull && len(conds) > 0:
		conds = append(conds, isNotFalse(test))
		return &plan.RelJoin{Kind: plan.Anti, L: l, R: r, Cond: and(conds...)}
	case kind == plan.Mark && len(conds) > 0 && test != nil:
		known := union(u.z.infoOf(l).notNull, u.z.infoOf(r).notNull)
		for i, c := range conds {
			if !neverNull(c, known) {
				conds[i] = isTrueTest(c)
			}
		}
	}
	return &plan.RelJoin{Kind: kind, L: l, R: r, Cond: and(append(conds, test)...), Mark: mark}
}

// trimmed leaves out operators of a subquery that cannot change what is asked: order, duplicates and the
// select list of an existence test.
func trimmed(kind plan.JoinKind, r plan.Rel, test expr.Expr) plan.Rel {
	exists := false
	switch kind {
	case plan.Semi, plan.Anti, plan.AntiNull, plan.Mark:
		exists = true
	case plan.Single, plan.Left, plan.Inner:
		if s, ok := r.(*plan.RelSort); ok {
			return trimmed(kind, s.Input, test)
		}
		return r
	}
	for exists {
		switch n := r.(type) {
		case *plan.RelSort:
			r = n.Input
		case *plan.RelProject:
			if test != nil || plan.IsVolatile(n) {
				return r
			}
			r = n.Input
		case *plan.RelAggregate:
			if len(n.Keys) == 0 || test != nil && !(len(n.Aggs) == 0 && exprsColumns(n.Keys).len() == len(n.Keys)) {
				return r
			}
			r = n.Input
		case *plan.RelLimit:
			if c, ok := constInt(n.Count); test != nil || n.Offset != nil || n.Count != nil && (!ok || c < 1) {
				return r
			}
			r = n.Input
		default:
			return r
		}
	}
	return r
}

// exactlyOne reports whether a query yields one row whatever the data.
func exactlyOne(r plan.Rel) bool {
	switch r := r.(type) {
	case *plan.RelValues:
		return len(r.Tuples) == 1
	case *plan.RelAggregate:
		return len(r.Keys) == 0
	case *plan.RelProject:
		return exactlyOne(r.Input)
	case *plan.RelSort:
		return exactlyOne(r.Input)
	case *plan.RelJoin:
		if r.Kind == plan.Inner {
			return r.Cond == nil && exactlyOne(r.L) && exactlyOne(r.R)
		}
		return (r.Kind == plan.Left || r.Kind == plan.Single || r.Kind == plan.Mark) && exactlyOne(r.L) &&
			(r.Kind != plan.Left || exactlyOne(r.R))
	}
	return false
}

// applyOne: with one row on the right, existence is certain and a test is a condition on that row.
func (u *unnester) applyOne(a *plan.RelApply, r plan.Rel, corr colSet) plan.Rel {
	switch a.Kind {
	case plan.Inner, plan.Left, plan.Single:
		if a.Kind == plan.Left && a.Cond != nil {
			return nil
		}
		n := u.applyValue(&plan.RelApply{Kind: plan.Single, L: a.L, R: r}, r, corr)
		if n != nil && a.Cond != nil {
			n = filter(n, a.Cond)
		}
		return n
	}
	n := u.apply(&plan.RelApply{Kind: plan.Single, L: a.L, R: r})
	if u.err != nil {
		return a
	}
	test := a.Cond
	if test == nil {
		test = boolConst(true)
	}
	switch a.Kind {
	case plan.Semi:
		n = filter(n, test)
	case plan.Anti:
		n = filter(n, not(isTrueTest(test)))
	case plan.AntiNull:
		n = filter(n, not(test))
	case plan.Mark:
		p := &plan.RelProject{Input: n}
		for _, c := range a.L.Cols() {
			p.Exprs, p.Out = append(p.Exprs, c.Ref()), append(p.Out, c)
		}
		p.Exprs, p.Out = append(p.Exprs, test), append(p.Out, a.Mark)
		return p
	}
	return onlyCols(n, a.L.Cols())
}

// applyValue handles what stands at the top of a query whose columns are wanted: a projection, HAVING, an
// aggregation without GROUP BY, LIMIT 1. nil: none of these.
func (u *unnester) applyValue(a *plan.RelApply, r plan.Rel, corr colSet) plan.Rel {
	if a.Cond != nil {
		return nil
	}
	switch r := r.(type) {
	case *plan.RelProject:
		if exactlyOne(r.Input) || a.Kind == plan.Inner {
			return u.applyProject(a, r, r.Exprs)
		}
		if exprsCols(r.Exprs).intersects(corr) {
			return u.applyGuarded(a, r)
		}
		if l, ok := r.Input.(*plan.RelLimit); ok {
			if n := u.firstRow(a, l, corr); n != nil {
				return projectOn(n, a.L, r.Exprs, r.Out)
			}
		}
	case *plan.RelFilter:
		if exactlyOne(r.Input) {
			return u.applyHaving(a, r)
		}
	case *plan.RelAggregate:
		if len(r.Keys) == 0 {
			return u.applyAggregate(a, r, corr)
		}
	case *plan.RelLimit:
		return u.firstRow(a, r, corr)
	case *plan.RelValues:
		if len(r.Tuples) == 1 {
			return projectOn(a.L, a.L, r.Tuples[0], r.Out)
		}
	}
	return nil
}

// projectOn computes exprs beside the columns of l.
func projectOn(in, l plan.Rel, exprs []expr.Expr, out []plan.Col) plan.Rel {
	p := &plan.RelProject{Input: in}
	seen := colSet{}
	for _, c := range l.Cols() {
		seen.add(c.ID)
		p.Exprs, p.Out = append(p.Exprs, c.Ref()), append(p.Out, c)
	}
	for i, e := range exprs {
		if !seen.has(out[i].ID) {
			p.Exprs, p.Out = append(p.Exprs, e), append(p.Out, out[i])
		}
	}
	return p
}

func (u *unnester) applyProject(a *plan.RelApply, r *plan.RelProject, exprs []expr.Expr) plan.Rel {
	n := u.apply(&plan.RelApply{Kind: a.Kind, L: a.L, R: r.Input})
	return projectOn(n, a.L, exprs, r.Out)
}

// applyGuarded computes a select list that uses the outer query above the join: NULL where no row matched.
func (u *unnester) applyGuarded(a *plan.RelApply, r *plan.RelProject) plan.Rel {
	matched := u.z.newCol("matched", types.T(types.Bool))
	in := &plan.RelProject{Input: r.Input}
	for _, c := range r.Input.Cols() {
		in.Exprs, in.Out = append(in.Exprs, c.Ref()), append(in.Out, c)
	}
	in.Exprs, in.Out = append(in.Exprs, boolConst(true)), append(in.Out, matched)
	exprs := make([]expr.Expr, len(r.Exprs))
	for i, e := range r.Exprs {
		exprs[i] = caseWhen(matched.Ref(), e)
	}
	n := u.apply(&plan.RelApply{Kind: a.Kind, L: a.L, R: in})
	return projectOn(n, a.L, exprs, r.Out)
}

// caseWhen is CASE WHEN cond THEN e END.
func caseWhen(cond, e expr.Expr) expr.Expr {
	t := e.Type()
	return &expr.Case{
		Node: expr.Node{Typ: t, At: e.Pos()}, Whens: []expr.When{{Cond: cond, Result: e}},
		Else: expr.NewConst(types.NullOf(t.Kind), t, 0),
	}
}

// applyHaving: a row that HAVING rejects leaves NULLs.
func (u *unnester) applyHaving(a *plan.RelApply, r *plan.RelFilter) plan.Rel {
	if a.Kind == plan.Inner {
		return filter(u.apply(&plan.RelApply{Kind: plan.Inner, L: a.L, R: r.Input}), r.Cond)
	}
	// The columns get new IDs below, so that those above may be their guarded values.
	in, fresh := u.z.renamed(r.Input)
	n := u.apply(&plan.RelApply{Kind: a.Kind, L: a.L, R: in})
	cond := substitute(r.Cond, fresh)
	var exprs []expr.Expr
	for _, c := range r.Input.Cols() {
		exprs = append(exprs, caseWhen(cond, fresh[c.ID]))
	}
	return projectOn(n, a.L, exprs, r.Input.Cols())
}

// renamed gives the output columns of a query new IDs, and returns what now stands for the old ones.
func (z *optimizer) renamed(r plan.Rel) (plan.Rel, map[int]expr.Expr) {
	p := &plan.RelProject{Input: r}
	fresh := map[int]expr.Expr{}
	for _, c := range r.Cols() {
		n := z.newCol(c.Name, c.Type)
		p.Exprs, p.Out = append(p.Exprs, c.Ref()), append(p.Out, n)
		fresh[c.ID] = n.Ref()
	}
	return p, fresh
}

// applyAggregate groups by what ties the aggregation to the outer query, and joins the groups. A row of
// the outer query without group gets the aggregates of no rows: 0 for count, NULL for the others.
func (u *unnester) applyAggregate(a *plan.RelApply, r *plan.RelAggregate, corr colSet) plan.Rel {
	var args colSet
	for _, g := range r.Aggs {
		args.addAll(exprCols(g))
	}
	p, ok := u.pull(r.Input, corr)
	if !ok || args.intersects(corr) {
		return u.domainAggregate(a, r, corr)
	}
	keys, conds, ok := u.groupKeys(p.conds, relCols(p.rel))
	if !ok {
		return u.domainAggregate(a, r, corr)
	}
	g := &plan.RelAggregate{Input: p.rel, Aggs: r.Aggs}
	for i, k := range keys {
		g.Keys, g.Out = append(g.Keys, k.inner), append(g.Out, keys[i].col)
	}
	return u.joinGroups(a, g, r.Out, and(conds...))
}

// groupKey is an expression of a subquery that must be equal to one of the outer query.
type groupKey struct {
	inner expr.Expr
	col   plan.Col // of the aggregation that groups by it
}

// groupKeys splits conditions that are all equalities between an expression of the subquery, whose columns
// are inner, and one of the queries around it: into keys to group by, and conditions to join the groups
// with. A condition on the outer queries alone joins with all groups or none.
func (u *unnester) groupKeys(conds []expr.Expr, inner colSet) (keys []groupKey, on []expr.Expr, ok bool) {
	for _, c := range conds {
		if !exprCols(c).intersects(inner) {
			on = append(on, c)
			continue
		}
		l, r, isEq := equality(c)
		if !isEq {
			return nil, nil, false
		}
		if exprCols(r).intersects(inner) {
			l, r = r, l
		}
		if !exprCols(l).subsetOf(inner) || exprCols(l).empty() || exprCols(r).intersects(inner) {
			return nil, nil, false
		}
		at := -1
		for i := range keys {
			if expr.Equal(keys[i].inner, l) {
				at = i
			}
		}
		if at < 0 {
			k := groupKey{inner: l, col: u.z.newCol("key", l.Type())}
			if col, ok := column(l); ok {
				k.col = plan.Col{ID: col.ID, Name: col.Name, Type: col.Typ}
			}
			at = len(keys)
			keys = append(keys, k)
		}
		eq, err := expr.NewOp("=", c.Pos(), keys[at].col.Ref(), r)
		if err != nil {
			u.fail(err)
			return nil, nil, false
		}
		on = append(on, eq)
	}
	return keys, on, true
}

// joinGroups joins groups g to the outer query. out are the columns of the aggregates as the query above
// names them.
func (u *unnester) joinGroups(a *plan.RelApply, g *plan.RelAggregate, out []plan.Col, on expr.Expr) plan.Rel {
	exprs := make([]expr.Expr, len(g.Aggs))
	for i, agg := range g.Aggs {
		c := u.z.newCol(out[i].Name, out[i].Type)
		g.Out = append(g.Out, c)
		exprs[i] = onNoRows(agg, c.Ref())
	}
	n := &plan.RelJoin{Kind: plan.Left, L: a.L, R: g, Cond: on}
	return projectOn(n, a.L, exprs, out)
}

// onNoRows is the value of an aggregate where NULL may stand for no group.
func onNoRows(agg *expr.Aggregate, value expr.Expr) expr.Expr {
	if agg.Func.Op != expr.AggCount && agg.Func.Op != expr.AggCountStar || invariants.Mutant("opt-count-bug") {
		return value
	}
	zero := expr.NewConst(types.NewInt(types.Int8, 0), types.T(types.Int8), 0)
	return &expr.Coalesce{Node: expr.Node{Typ: value.Type(), At: agg.At}, Args: []expr.Expr{value, zero}}
}

// firstRow handles LIMIT 1: the first row of each group of equal keys. nil if the query is of another form.
func (u *unnester) firstRow(a *plan.RelApply, r *plan.RelLimit, corr colSet) plan.Rel {
	if n, ok := constInt(r.Count); !ok || n != 1 || r.Offset != nil {
		return nil
	}
	in, order := r.Input, []plan.SortKey(nil)
	if s, ok := in.(*plan.RelSort); ok {
		in, order = s.Input, s.Keys
	}
	p, ok := u.pull(in, corr)
	if !ok {
		return nil
	}
	keys, on, ok := u.groupKeys(p.conds, relCols(p.rel))
	if !ok || len(keys) == 0 || sortCols(order).intersects(corr) {
		return nil
	}
	proj := &plan.RelProject{Input: p.rel}
	for _, c := range p.rel.Cols() {
		proj.Exprs, proj.Out = append(proj.Exprs, c.Ref()), append(proj.Out, c)
	}
	d := &plan.RelDistinctOn{Input: proj}
	for _, k := range keys {
		if _, isCol := column(k.inner); !isCol {
			proj.Exprs, proj.Out = append(proj.Exprs, k.inner), append(proj.Out, k.col)
		}
		d.On = append(d.On, k.col.Ref())
		d.Order = append(d.Order, plan.SortKey{Expr: k.col.Ref()})
	}
	d.Order = append(d.Order, order...)
	kind := a.Kind
	if kind == plan.Single {
		kind = plan.Left
	}
	return &plan.RelJoin{Kind: kind, L: a.L, R: d, Cond: and(on...)}
}

func sortCols(keys []plan.SortKey) colSet {
	var s colSet
	for _, k := range keys {
		s.addAll(exprCols(k.Expr))
	}
	return s
}

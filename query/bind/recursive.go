package bind

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
)

// selfReference is what a recursive CTE's query may know of itself.
type selfReference struct {
	// of is the ID of the recursion, cols are the columns of the base; nil while it is bound.
	of   int
	cols []plan.Col
	// form: the query is no union.
	form bool
	uses int
	at   int // of the last use
	// subqueries is how many are around the recursion itself.
	subqueries int
}

func invalidRecursion(format, name string) *sqlerr.Error {
	return sqlerr.Newf(sqlerr.InvalidRecursion, format, name)
}

// selfRef binds the use of a CTE in its own query.
func (s *scope) selfRef(c *cteScope, f *ast.TableRef, name string) (plan.Rel, *item, error) {
	self := c.self
	self.at = f.Pos()
	switch self.uses++; {
	case self.form:
		return nil, nil, invalidRecursion("recursive query \"%s\" does not have the form non-recursive-term UNION [ALL] recursive-term",
			c.def.Name).At(c.def.Pos())
	case self.cols == nil:
		return nil, nil, invalidRecursion("recursive reference to query \"%s\" must not appear within its non-recursive term",
			c.def.Name).At(f.Pos())
	case s.g.subqueries > self.subqueries:
		return nil, nil, invalidRecursion("recursive reference to query \"%s\" must not appear within a subquery", c.def.Name).
			At(f.Pos())
	case self.uses > 1:
		return nil, nil, invalidRecursion("recursive reference to query \"%s\" must not appear more than once", c.def.Name).
			At(f.Pos())
	}
	r := &plan.RelWorking{Of: self.of}
	for _, col := range self.cols {
		r.Out = append(r.Out, s.g.newCol(col.Name, col.Type))
	}
	it := s.newItem(name, itemCTE, r.Out, f.Pos())
	for i, n := range c.def.Columns {
		if i < len(it.cols) {
			it.cols[i].name = n
		}
	}
	return r, it, renameColumns(it, f.Alias)
}

// cteQuery binds the query of a CTE.
func (g *binding) cteQuery(c *cteScope) (query, error) {
	if c.def.Recursive {
		r, ok, err := g.recursive(c)
		if ok || err != nil {
			return r, err
		}
	}
	return g.query(c.def.Query, c.scope, c.outer, resolveUnknown)
}

// recursive binds a query that names itself; not ok if it does not.
func (g *binding) recursive(c *cteScope) (r query, ok bool, err error) {
	q := c.def.Query
	self := &cteScope{outer: c.outer, def: c.def, scope: c.scope, self: &selfReference{subqueries: g.subqueries}}
	u, isUnion := q.Body.(*ast.SetOp)
	if !isUnion || u.Kind != ast.Union {
		self.self.form = true
		_, err := g.query(q, c.scope, self, resolveUnknown)
		return r, false, err
	}
	ctes, err := g.with(q.With, c.scope, self)
	if err != nil {
		return r, false, err
	}
	base, err := g.query(u.L, c.scope, ctes, resolveUnknown)
	if err != nil {
		return r, false, err
	}
	self.self.of, self.self.cols = g.newCol("", base.out[0].Type).ID, base.out
	step, err := g.query(u.R, c.scope, ctes, keepUnknown)
	if err != nil || self.self.uses == 0 {
		return r, false, err
	}
	if err := checkRecursiveQuery(q); err != nil {
		return r, false, err
	}
	if len(step.out) != len(base.out) {
		return r, false, sqlerr.New(sqlerr.SyntaxError, "each UNION query must have the same number of columns").At(firstTarget(u.R))
	}
	if err := checkStep(step.rel, c.def.Name); err != nil {
		if err.Position == 0 {
			err = err.At(self.self.at)
		}
		return r, false, err
	}
	return g.joinRounds(c, self.self.of, u, base, step)
}

// checkRecursiveQuery refuses what would belong to the rounds together.
func checkRecursiveQuery(q *ast.Query) error {
	at, what := 0, ""
	switch {
	case q.OrderBy != nil:
		at, what = ast.Start(q.OrderBy[0].Expr), "ORDER BY"
	case q.Offset != nil:
		at, what = ast.Start(q.Offset), "OFFSET"
	case q.Limit != nil:
		at, what = ast.Start(q.Limit), "LIMIT"
	case q.Locks != nil:
		what = "FOR UPDATE/SHARE"
	default:
		return nil
	}
	return sqlerr.Newf(sqlerr.FeatureNotSupported, "%s in a recursive query is not implemented", what).At(at)
}

// joinRounds makes the recursion of its base and its step.
func (g *binding) joinRounds(c *cteScope, of int, u *ast.SetOp, base, step query) (query, bool, error) {
	sides := []query{base, step}
	out, err := g.newScope(c.scope, c.outer).unifySides(sides, []*ast.Query{u.L, u.R}, u.Kind.String(), resolveUnknown)
	if err != nil {
		return query{}, false, err
	}
	for i, col := range out {
		if was := base.out[i].Type.Kind; col.Type.Kind != was {
			return query{}, false, sqlerr.Newf(sqlerr.DatatypeMismatch,
				"recursive query \"%s\" column %d has type %s in non-recursive term but type %s overall", c.def.Name, i+1, was, col.Type.Kind).
				WithHint("Cast the output of the non-recursive term to the correct type.").At(base.position(u.L, i))
		}
	}
	r := &plan.RelRecursive{
		ID: of, Base: sides[0].rel, Step: sides[1].rel, BaseIn: ids(sides[0].out), StepIn: ids(sides[1].out), All: u.All, Out: out,
	}
	if !u.All {
		for _, col := range out {
			if err := checkGroupable(col.Ref()); err != nil {
				return query{}, false, err
			}
		}
	}
	return query{rel: r, out: out}, true, nil
}

// position returns where a result column is written, if that is known.
func (q *query) position(branch *ast.Query, i int) int {
	if pos := targetPositions(branch); i < len(pos) {
		return pos[i]
	}
	return firstTarget(branch)
}

// checkStep refuses what would give a recursion no meaning: rows that go away as others come.
func checkStep(r plan.Rel, name string) *sqlerr.Error {
	var has func(plan.Rel) bool
	has = func(r plan.Rel) bool {
		if _, ok := r.(*plan.RelWorking); ok {
			return true
		}
		for _, c := range r.Children() {
			if has(c) {
				return true
			}
		}
		return false
	}
	within := func(what string) *sqlerr.Error {
		return invalidRecursion("recursive reference to query \"%s\" must not appear within "+what, name)
	}
	switch n := r.(type) {
	case *plan.RelAggregate:
		if len(n.Aggs) > 0 && has(n.Input) {
			return sqlerr.New(sqlerr.InvalidRecursion, "aggregate functions are not allowed in a recursive query's recursive term").
				At(firstAggregate(n.Aggs))
		}
	case *plan.RelJoin:
		if n.Kind == plan.Full && has(n) || n.Kind == plan.Left && has(n.R) {
			return within("an outer join")
		}
	case *plan.RelSetOp:
		if n.Kind == plan.Except && has(n.R) || n.All && has(n.L) && n.Kind == plan.Except {
			return within("EXCEPT")
		}
		if n.All && has(n) {
			return within("INTERSECT")
		}
	}
	for _, c := range r.Children() {
		if err := checkStep(c, name); err != nil {
			return err
		}
	}
	return nil
}

func firstAggregate(list []*expr.Aggregate) int {
	at := list[0].At
	for _, a := range list {
		at = min(at, a.At)
	}
	return at
}

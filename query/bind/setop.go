package bind

import (
	"strconv"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

func itoa(n int) string { return strconv.Itoa(n) }

// setOp binds UNION, INTERSECT or EXCEPT.
func (s *scope) setOp(o *ast.SetOp, u unknowns) (query, error) {
	if err := s.g.enter(); err != nil {
		return query{}, err
	}
	defer s.g.leave()
	branches, all := flattenUnion(o)
	sides := make([]query, len(branches))
	for i, b := range branches {
		var err error
		u := keepUnknown
		if _, ok := b.Body.(*ast.Values); ok {
			u = resolveUnknown
		}
		if sides[i], err = s.g.query(b, s.outer, s.ctes, u); err != nil {
			return query{}, err
		}
		if n, m := len(sides[i].out), len(sides[0].out); n != m {
			return query{}, sqlerr.Newf(sqlerr.SyntaxError, "each %s query must have the same number of columns", o.Kind).
				At(firstTarget(b))
		}
	}
	out, err := s.unifySides(sides, branches, o.Kind.String(), u)
	if err != nil {
		return query{}, err
	}
	if o.Kind != ast.Union {
		r := &plan.RelSetOp{Kind: setOpKind(o.Kind), All: all, L: sides[0].rel, R: sides[1].rel, Out: out,
			LIn: ids(sides[0].out), RIn: ids(sides[1].out)}
		return query{rel: r, out: out}, nil
	}
	r := &plan.RelUnion{Out: out}
	for _, side := range sides {
		r.All, r.In = append(r.All, side.rel), append(r.In, ids(side.out))
	}
	if all && !invariants.Mutant("bind-union-all-is-union") {
		return query{rel: r, out: out}, nil
	}
	return query{rel: distinct(r, out), out: out}, nil
}

func setOpKind(k ast.SetOpKind) plan.SetOpKind {
	if k == ast.Except {
		return plan.Except
	}
	return plan.Intersect
}

func ids(cols []plan.Col) []int {
	out := make([]int, len(cols))
	for i, c := range cols {
		out[i] = c.ID
	}
	return out
}

// distinct removes duplicates: a grouping by all columns.
func distinct(r plan.Rel, cols []plan.Col) plan.Rel {
	a := &plan.RelAggregate{Input: r}
	seen := map[int]bool{}
	for _, c := range cols {
		if !seen[c.ID] {
			a.Keys, a.Out = append(a.Keys, c.Ref()), append(a.Out, c)
		}
		seen[c.ID] = true
	}
	return a
}

// flattenUnion returns the branches of a chain of unions of the same kind, so that long chains do not nest.
func flattenUnion(o *ast.SetOp) (branches []*ast.Query, all bool) {
	var right []*ast.Query
	for {
		right = append(right, o.R)
		l, ok := o.L.Body.(*ast.SetOp)
		if !ok || o.Kind != ast.Union || l.Kind != ast.Union || l.All != o.All || !bare(o.L) {
			break
		}
		o = l
	}
	branches = append(branches, o.L)
	for i := len(right) - 1; i >= 0; i-- {
		branches = append(branches, right[i])
	}
	return branches, o.All
}

// bare reports whether a query is its body alone.
func bare(q *ast.Query) bool {
	return q.With == nil && q.OrderBy == nil && q.Limit == nil && q.Offset == nil && !q.WithTies && q.Locks == nil
}

// firstTarget returns the position of a query's first result column.
func firstTarget(q *ast.Query) int {
	switch b := q.Body.(type) {
	case *ast.Select:
		if len(b.Targets) > 0 {
			return ast.Start(b.Targets[0].Expr)
		}
	case *ast.Values:
		return ast.Start(b.Rows[0][0])
	case *ast.SetOp:
		return firstTarget(b.L)
	}
	return 0
}

// unifySides gives the columns of all sides common types, and makes the output columns.
func (s *scope) unifySides(sides []query, branches []*ast.Query, what string, u unknowns) ([]plan.Col, error) {
	values := make([][]expr.Expr, len(sides))
	for i := range sides {
		values[i] = sideValues(&sides[i], branches[i])
	}
	out := make([]plan.Col, len(sides[0].out))
	for j := range out {
		column := make([]expr.Expr, len(sides))
		for i := range sides {
			column[i] = values[i][j]
		}
		t, err := unifyPairwise(column, what)
		if err != nil {
			return nil, err
		}
		for i := range sides {
			values[i][j] = column[i]
		}
		out[j] = s.g.newCol(sides[0].out[j].Name, t)
	}
	for i := range sides {
		s.project(&sides[i], values[i])
	}
	return out, nil
}

// unifyPairwise gives the values of a chain of unions one type, as if each union were resolved by itself
// from the left: two untyped literals are text, whatever comes after them.
func unifyPairwise(column []expr.Expr, what string) (types.Type, error) {
	var t types.Type
	for i := 1; i < len(column); i++ {
		var err error
		if t, err = expr.CommonType([]expr.Expr{column[i-1], column[i]}, what); err != nil {
			return t, err
		}
		done, err := expr.CoerceAll(column[:i+1], t, what)
		if err != nil {
			return t, err
		}
		copy(column, done)
	}
	return t, nil
}

// sideValues returns expressions for a side's columns: the literal itself where a column is one, since
// only a literal can still take any type.
func sideValues(q *query, branch *ast.Query) []expr.Expr {
	out := make([]expr.Expr, len(q.out))
	pos := targetPositions(branch)
	for j, c := range q.out {
		out[j] = literalOf(q.rel, c.ID)
		if out[j] == nil {
			ref := c.Ref()
			if j < len(pos) {
				ref.At = pos[j]
			}
			out[j] = ref
		}
	}
	return out
}

// targetPositions returns the positions of a query's select list, if it has one without stars.
func targetPositions(q *ast.Query) []int {
	sel, ok := q.Body.(*ast.Select)
	if !ok {
		return nil
	}
	var out []int
	for _, t := range sel.Targets {
		if c, ok := t.Expr.(*ast.ColumnRef); ok && c.Star {
			return nil
		}
		out = append(out, ast.Start(t.Expr))
	}
	return out
}

// literalOf returns the untyped constant or parameter that a projection at the top of a plan outputs as a
// column; nil if the column is something else.
func literalOf(r plan.Rel, id int) expr.Expr {
	p, ok := r.(*plan.RelProject)
	if !ok {
		return nil
	}
	for i, c := range p.Out {
		if c.ID != id || !isUnknown(p.Exprs[i]) {
			continue
		}
		switch p.Exprs[i].(type) {
		case *expr.Const, *expr.Param:
			return p.Exprs[i]
		}
	}
	return nil
}

// project makes a query output the given values of its columns.
func (s *scope) project(q *query, values []expr.Expr) {
	p := &plan.RelProject{Input: q.rel}
	same := true
	for j, v := range values {
		c := q.out[j]
		if col, ok := v.(*expr.Column); !ok || col.ID != c.ID {
			c = s.g.newCol(c.Name, v.Type())
			same = false
		}
		p.Exprs, p.Out = append(p.Exprs, v), append(p.Out, c)
	}
	if same {
		return
	}
	seen := map[int]bool{}
	for j := range p.Out {
		if seen[p.Out[j].ID] {
			p.Out[j] = s.g.newCol(p.Out[j].Name, p.Out[j].Type)
		}
		seen[p.Out[j].ID] = true
	}
	q.rel, q.out = p, p.Out
}

package bind

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// subquery binds a query in an expression.
func (x *exprs) subquery(e *ast.Subquery) (expr.Expr, error) {
	if e.Kind == ast.ArraySubquery {
		return nil, sqlerr.Unsupported("ARRAY subquery").At(e.Pos())
	}
	switch x.clause {
	case clauseCheck:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot use subquery in check constraint").At(e.Pos())
	case clauseTransform:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot use subquery in transform expression").At(e.Pos())
	case clauseDefault:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot use subquery in DEFAULT expression").At(e.Pos())
	}
	q, err := x.s.g.query(e.Query, x.s, x.s.ctes, resolveUnknown)
	if err != nil {
		return nil, err
	}
	out := &expr.Subquery{Node: expr.Node{Typ: types.T(types.Bool), At: e.Pos()}, Plan: q.rel}
	for _, c := range q.out {
		out.Columns = append(out.Columns, *c.Ref())
	}
	switch e.Kind {
	case ast.ScalarSubquery:
		if len(q.out) != 1 {
			return nil, sqlerr.New(sqlerr.SyntaxError, "subquery must return only one column").At(e.Pos())
		}
		out.Kind, out.Typ = expr.Scalar, q.out[0].Type
		return out, nil
	case ast.ExistsSubquery:
		out.Kind, out.Columns = expr.Exists, nil
		return out, nil
	}
	return x.quantified(e, out, q)
}

// quantified binds x op ANY (query) and x op ALL (query); IN is = ANY.
func (x *exprs) quantified(e *ast.Subquery, out *expr.Subquery, q query) (expr.Expr, error) {
	left := []ast.Expr{e.Arg}
	if row, ok := e.Arg.(*ast.Row); ok {
		left = row.Args
	}
	switch {
	case len(q.out) < len(left):
		return nil, sqlerr.New(sqlerr.SyntaxError, "subquery has too few columns").At(e.Pos())
	case len(q.out) > len(left):
		return nil, sqlerr.New(sqlerr.SyntaxError, "subquery has too many columns").At(e.Pos())
	}
	args, err := x.list(left)
	if err != nil {
		return nil, err
	}
	right := make([]expr.Expr, len(q.out))
	for i, c := range x.s.g.distinctCols(&q, out) {
		right[i] = c.Ref()
	}
	out.Kind = expr.Any
	if e.Kind == ast.AllSubquery {
		out.Kind = expr.All
	}
	if len(args) == 1 {
		out.Test, err = expr.NewOp(e.Op, e.Pos(), args[0], right[0])
	} else {
		out.Test, err = compareRows(e.Op, e.Pos(), args, right)
	}
	if err != nil {
		return nil, err
	}
	if k := out.Test.Type().Kind; k != types.Bool {
		return nil, sqlerr.Newf(sqlerr.DatatypeMismatch, "operator %s must return boolean, not type %s", e.Op, k).At(e.Pos())
	}
	return out, nil
}

// rowSubquery binds the comparison of a row with the one row of a query: NULL if there is none.
func (x *exprs) rowSubquery(e *ast.Op, l *ast.Row, s *ast.Subquery) (expr.Expr, error) {
	q, err := x.s.g.query(s.Query, x.s, x.s.ctes, resolveUnknown)
	if err != nil {
		return nil, err
	}
	switch {
	case len(q.out) < len(l.Args):
		return nil, sqlerr.New(sqlerr.SyntaxError, "subquery has too few columns").At(e.Pos())
	case len(q.out) > len(l.Args):
		return nil, sqlerr.New(sqlerr.SyntaxError, "subquery has too many columns").At(e.Pos())
	}
	args, err := x.list(l.Args)
	if err != nil {
		return nil, err
	}
	right := make([]expr.Expr, len(q.out))
	for i, c := range x.s.g.freshCols(&q) {
		right[i] = c.Ref()
	}
	test, err := compareRows(e.Name, e.Pos(), args, right)
	if err != nil {
		return nil, err
	}
	c := x.s.g.newCol("?column?", test.Type())
	p := &plan.RelProject{Input: q.rel, Exprs: []expr.Expr{test}, Out: []plan.Col{c}}
	return &expr.Subquery{
		Node: expr.Node{Typ: test.Type(), At: s.Pos()}, Kind: expr.Scalar, Plan: p, Columns: []expr.Column{*c.Ref()},
	}, nil
}

// distinctCols makes sure that the compared columns of a subquery are its own: a column of the outer
// query that it passes on must not be mistaken for that.
func (g *binding) distinctCols(q *query, out *expr.Subquery) []plan.Col {
	cols := g.freshCols(q)
	out.Plan = q.rel
	out.Columns = out.Columns[:0]
	for _, c := range cols {
		out.Columns = append(out.Columns, *c.Ref())
	}
	return cols
}

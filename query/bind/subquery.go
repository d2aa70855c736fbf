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
		return x.arraySubquery(e)
	}
	switch x.clause {
	case clauseCheck:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot use subquery in check constraint").At(e.Pos())
	case clauseGenerated:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot use subquery in column generation expression").At(e.Pos())
	case clauseTransform:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot use subquery in transform expression").At(e.Pos())
	case clauseDefault:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot use subquery in DEFAULT expression").At(e.Pos())
	case clauseCopy:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot use subquery in COPY FROM WHERE condition").At(e.Pos())
	}
	q, err := x.query(e.Query)
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

// arrayItemFunc is the function of the catalogue that writes a value as an element of an array.
const arrayItemFunc = "lamina_array_item"

// arraySubquery binds ARRAY (query), for the element types that arrays of the system catalogs have. One with an order of
// its rows fails when it is evaluated: clients ask that of relations that are empty.
func (x *exprs) arraySubquery(e *ast.Subquery) (expr.Expr, error) {
	unsupported := sqlerr.Unsupported("ARRAY subquery").At(e.Pos())
	if x.clause == clauseCheck || x.clause == clauseDefault || x.clause == clauseCopy {
		return nil, unsupported
	}
	q, err := x.s.g.query(e.Query, x.s, x.s.ctes, resolveUnknown)
	if err != nil {
		return nil, err
	}
	if len(q.out) != 1 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "subquery must return only one column").At(e.Pos())
	}
	for k := types.Int2Array; k <= types.TextArray; k++ {
		if k.ElementKind() != q.out[0].Type.Kind {
			continue
		}
		if q.ordered {
			return expr.NewUnsupported(e.Pos(), "ARRAY subquery with ORDER BY", types.T(k)), nil
		}
		text, err := x.subquery(&ast.Subquery{At: e.At, Kind: ast.ScalarSubquery, Query: elementsQuery(e.Query)})
		if err != nil {
			return nil, err
		}
		return expr.NewArrayOf(e.Pos(), k, text), nil
	}
	return nil, unsupported
}

// elementsQuery is SELECT string_agg(lamina_array_item(x::text), ',') FROM (q) AS a (x).
func elementsQuery(q *ast.Query) *ast.Query {
	item := &ast.Call{Name: arrayItemFunc, Schema: pgCatalog, Args: []ast.Expr{
		&ast.Cast{Arg: &ast.ColumnRef{Names: []string{"a", "x"}}, Type: ast.TypeName{Name: "text", Schema: pgCatalog}},
	}}
	all := &ast.Call{Name: "string_agg", Schema: pgCatalog, Args: []ast.Expr{item, &ast.Literal{Kind: ast.StringLiteral, Text: ","}}}
	return &ast.Query{Body: &ast.Select{
		Targets: []ast.Target{{Expr: all}},
		From:    []ast.TableExpr{&ast.SubqueryRef{Query: q, Alias: &ast.Alias{Name: "a", Columns: []string{"x"}}}},
	}}
}

// query binds the query of an expression.
func (x *exprs) query(q *ast.Query) (query, error) {
	home := x.s.home
	before := home.current
	x.s.g.subqueries++
	home.current = x
	defer func() {
		x.s.g.subqueries--
		home.current = before
	}()
	return x.s.g.query(q, x.s, x.s.ctes, resolveUnknown)
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
	q, err := x.query(s.Query)
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

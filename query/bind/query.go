package bind

import (
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// query is a bound query: a plan, and which of its columns are the result.
type query struct {
	rel     plan.Rel
	out     []plan.Col
	ordered bool
}

// unknowns says what becomes of result columns that are untyped literals.
type unknowns bool

const (
	resolveUnknown unknowns = false // they are text
	keepUnknown    unknowns = true  // the caller gives them a type
)

// query binds a query. outer is what it may use from around it, ctes the common table expressions.
func (g *binding) query(q *ast.Query, outer *scope, ctes *cteScope, u unknowns) (query, error) {
	return g.queryHidden(q, outer, ctes, u, nil)
}

// queryHidden is query for a subquery in the FROM of hidden.
func (g *binding) queryHidden(q *ast.Query, outer *scope, ctes *cteScope, u unknowns, hidden *scope) (query, error) {
	if err := g.enter(); err != nil {
		return query{}, err
	}
	defer g.leave()
	if outer != nil && ctes == nil {
		ctes = outer.ctes
	}
	ctes, err := g.with(q.With, outer, ctes)
	if err != nil {
		return query{}, err
	}
	s := g.newScope(outer, ctes)
	s.hidden = hidden
	var r query
	switch body := q.Body.(type) {
	case *ast.Select:
		return s.selectQuery(q, body, u)
	case *ast.Values:
		r, err = s.values(body, u)
	case *ast.SetOp:
		r, err = s.setOp(q.Body.(*ast.SetOp), u)
	default:
		err = sqlerr.Unsupported("query")
	}
	if err != nil {
		return query{}, err
	}
	return s.finishCombined(q, r)
}

// finishCombined adds ORDER BY and LIMIT to VALUES or a set operation, whose ORDER BY may only name result
// columns.
func (s *scope) finishCombined(q *ast.Query, r query) (query, error) {
	if len(q.Locks) > 0 {
		what := "VALUES"
		if _, ok := q.Body.(*ast.SetOp); ok {
			what = "UNION/INTERSECT/EXCEPT"
		}
		return query{}, sqlerr.Newf(sqlerr.FeatureNotSupported, "%s is not allowed with %s", q.Locks[0].Strength, what)
	}
	if len(q.OrderBy) > 0 {
		keys := make([]plan.SortKey, 0, len(q.OrderBy))
		for _, item := range q.OrderBy {
			i, err := s.resultColumn(item.Expr, r.out, q.Body)
			if err != nil {
				return query{}, err
			}
			k, err := sortKey(item, r.out[i].Ref())
			if err != nil {
				return query{}, err
			}
			keys = append(keys, k)
		}
		r.rel, r.ordered = &plan.RelSort{Input: r.rel, Keys: keys}, true
	}
	return s.limit(q, r)
}

// resultColumn finds the result column that an ORDER BY item of a set operation names.
func (s *scope) resultColumn(e ast.Expr, out []plan.Col, body ast.QueryBody) (int, error) {
	if n, ok, err := ordinal(e, len(out), "ORDER BY"); ok || err != nil {
		return n, err
	}
	if c, ok := e.(*ast.ColumnRef); ok && len(c.Names) == 1 && !c.Star {
		found := -1
		for i := range out {
			if out[i].Name != c.Names[0] {
				continue
			}
			if found >= 0 && out[found].ID != out[i].ID {
				return 0, sqlerr.Newf(sqlerr.AmbiguousColumn, "ORDER BY \"%s\" is ambiguous", c.Names[0]).At(c.Pos())
			}
			found = i
		}
		if found >= 0 {
			return found, nil
		}
		_, err := s.column(c)
		return 0, err
	}
	if _, ok := body.(*ast.Values); ok {
		return 0, sqlerr.Unsupported("ORDER BY expression over VALUES").At(e.Pos())
	}
	return 0, sqlerr.New(sqlerr.FeatureNotSupported, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause").
		WithDetail("Only result column names can be used, not expressions or functions.").
		WithHint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.").At(ast.Start(e))
}

// ordinal returns the 0-based position that an integer literal names; ok is false for other expressions.
func ordinal(e ast.Expr, n int, clause string) (i int, ok bool, err error) {
	l, ok := e.(*ast.Literal)
	if !ok {
		return 0, false, nil
	}
	if l.Kind != ast.IntLiteral {
		return 0, true, sqlerr.Newf(sqlerr.SyntaxError, "non-integer constant in %s", clause).At(l.Pos())
	}
	for _, c := range l.Text {
		if c < '0' || c > '9' {
			i = -1
			break
		}
		i = min(i*10+int(c-'0'), columnsMax+1)
	}
	if i < 1 || i > n {
		return 0, true, sqlerr.Newf(sqlerr.InvalidColumnReference, "%s position %s is not in select list", clause, l.Text).
			At(l.Pos())
	}
	return i - 1, true, nil
}

// sortKey makes a sort key; NULLs are larger than everything.
func sortKey(item ast.SortItem, e expr.Expr) (plan.SortKey, error) {
	k := plan.SortKey{Expr: e, Desc: item.Desc}
	switch item.Using {
	case "", "<":
	case ">":
		k.Desc = true
	default:
		return k, sqlerr.Newf(sqlerr.WrongObjectType, "operator %s is not a valid ordering operator", item.Using).
			WithHint("Ordering operators must be \"<\" or \">\" members of btree operator families.").At(item.Expr.Pos())
	}
	if _, err := expr.NewOp("<", e.Pos(), e, e); err != nil {
		return k, sqlerr.Newf(sqlerr.UndefinedFunction, "could not identify an ordering operator for type %s", e.Type().Kind).
			WithHint("Use an explicit ordering operator or modify the query.").At(e.Pos())
	}
	k.NullsFirst = k.Desc
	switch item.Nulls {
	case ast.NullsFirst:
		k.NullsFirst = true
	case ast.NullsLast:
		k.NullsFirst = false
	}
	return k, nil
}

// limit adds LIMIT and OFFSET.
func (s *scope) limit(q *ast.Query, r query) (query, error) {
	if q.Limit == nil && q.Offset == nil {
		return r, nil
	}
	count, err := s.rowCount(q.Limit, "LIMIT")
	if err != nil {
		return query{}, err
	}
	offset, err := s.rowCount(q.Offset, "OFFSET")
	if err != nil {
		return query{}, err
	}
	if q.WithTies {
		return s.withTies(q, r, count, offset)
	}
	if count != nil || offset != nil {
		r.rel = &plan.RelLimit{Input: r.rel, Count: count, Offset: offset}
	}
	return r, nil
}

// rowCount binds the argument of LIMIT or OFFSET: an int8 without columns of this query.
func (s *scope) rowCount(e ast.Expr, clause string) (expr.Expr, error) {
	if e == nil {
		return nil, nil
	}
	b, err := s.exprs(clause).bind(e)
	if err != nil {
		return nil, err
	}
	if from := b.Type().Kind; !expr.CanCoerce(from, types.Int8, expr.Assignment) {
		return nil, sqlerr.Newf(sqlerr.DatatypeMismatch, "argument of %s must be type bigint, not type %s", clause, from).
			At(b.Pos())
	}
	if b, err = expr.NewCast(b, types.T(types.Int8), expr.Assignment, b.Pos()); err != nil {
		return nil, err
	}
	for id, c := range plan.FreeOf(b) {
		if s.g.owner[id] == s.home {
			return nil, sqlerr.Newf(sqlerr.InvalidColumnReference, "argument of %s must not contain variables", clause).
				At(c.Pos())
		}
	}
	return b, nil
}

// values binds VALUES as a query.
func (s *scope) values(v *ast.Values, u unknowns) (query, error) {
	n := len(v.Rows[0])
	tuples := make([][]expr.Expr, len(v.Rows))
	x := s.exprs("VALUES")
	for i, row := range v.Rows {
		if len(row) != n {
			pos := 0
			if len(row) > 0 {
				pos = row[0].Pos()
			}
			return query{}, sqlerr.New(sqlerr.SyntaxError, "VALUES lists must all be the same length").At(pos)
		}
		var err error
		if tuples[i], err = x.list(row); err != nil {
			return query{}, err
		}
	}
	r := &plan.RelValues{Tuples: tuples}
	for j := range n {
		t, err := unifyColumn(tuples, j, u)
		if err != nil {
			return query{}, err
		}
		r.Out = append(r.Out, s.g.newCol(valuesColumn(j), t))
	}
	return query{rel: r, out: r.Out}, nil
}

// unifyColumn gives all values of a column of VALUES one type.
func unifyColumn(tuples [][]expr.Expr, j int, u unknowns) (types.Type, error) {
	column := make([]expr.Expr, len(tuples))
	allUnknown := true
	for i := range tuples {
		column[i] = tuples[i][j]
		allUnknown = allUnknown && isUnknown(column[i])
	}
	if allUnknown && u == keepUnknown {
		return types.T(types.Unknown), nil
	}
	t, err := expr.CommonType(column, "VALUES")
	if err != nil {
		return t, err
	}
	if column, err = expr.CoerceAll(column, t, "VALUES"); err != nil {
		return t, err
	}
	for i := range tuples {
		tuples[i][j] = column[i]
	}
	return t, nil
}

// valuesColumn is the name of a column of VALUES.
func valuesColumn(j int) string {
	return "column" + itoa(j+1)
}

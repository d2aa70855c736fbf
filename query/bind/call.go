package bind

import (
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// call binds a function or aggregate call.
func (x *exprs) call(e *ast.Call) (expr.Expr, error) {
	if err := x.checkFuncSchema(e); err != nil {
		return nil, err
	}
	if e.WithinGroup || isOrderedSet(e) {
		return x.orderedSet(e)
	}
	if e.Over != nil {
		return x.window(e)
	}
	if isSeries(e) {
		return x.selectSeries(e)
	}
	if expr.IsAggregate(e.Name) && (e.Schema == "" || e.Schema == pgCatalog) {
		return x.aggregate(e)
	}
	args, err := x.callArgs(e)
	if err != nil {
		return nil, err
	}
	if e.Schema != "" && e.Schema != pgCatalog {
		return nil, expr.NoFunction(e.Schema+"."+e.Name, args, e.Pos())
	}
	if expr.IsWindow(e.Name) {
		return nil, sqlerr.Newf(sqlerr.WrongObjectType, "window function %s requires an OVER clause", e.Name).At(e.Pos())
	}
	known := expr.IsFunction(e.Name)
	for _, c := range []struct {
		written bool
		what    string
	}{
		{e.Distinct, "DISTINCT"}, {e.OrderBy != nil, "ORDER BY"}, {e.Filter != nil, "FILTER"}, {e.Star && known, "(*)"},
	} {
		if c.written && known {
			return nil, sqlerr.Newf(sqlerr.WrongObjectType, "%s specified, but %s is not an aggregate function", c.what, e.Name).
				At(e.Pos())
		}
	}
	if e.Star || e.Distinct || e.OrderBy != nil || e.Filter != nil {
		return nil, expr.NoFunction(e.Name, args, e.Pos())
	}
	f, err := expr.NewFunc(e.Name, e.Pos(), args...)
	if e.Schema != "" && sqlerr.CodeOf(err) == sqlerr.UndefinedFunction && !known {
		return nil, expr.NoFunction(e.Schema+"."+e.Name, args, e.Pos())
	}
	return f, err
}

func (x *exprs) checkFuncSchema(e *ast.Call) error {
	if e.Schema == "" || e.Schema == pgCatalog || e.Schema == informationSchema {
		return nil
	}
	if _, err := x.s.g.SchemaID(e.Schema); err != nil {
		return sqlerr.From(err).At(e.Pos())
	}
	return nil
}

func (x *exprs) aggregate(e *ast.Call) (expr.Expr, error) {
	switch {
	case !e.Star && len(e.Args) == 0 && e.Name == "count":
		return nil, sqlerr.New(sqlerr.WrongObjectType, "count(*) must be used to call a parameterless aggregate function").
			At(e.Pos())
	case e.Star && e.Name != "count":
		return nil, expr.NoFunction(e.Name, nil, e.Pos())
	}
	inner := *x
	inner.inAggregate = true
	args, err := inner.list(e.Args)
	if err != nil {
		return nil, err
	}
	var filter expr.Expr
	if e.Filter != nil {
		inner.clause = "FILTER"
		if filter, err = inner.bind(e.Filter); err != nil {
			return nil, err
		}
	}
	a, err := expr.NewAggregate(e.Name, e.Pos(), args, e.Distinct, filter)
	if err != nil {
		return nil, err
	}
	if w := findWindow(a); w != nil {
		return nil, sqlerr.New(sqlerr.GroupingError, "aggregate function calls cannot contain window function calls").At(w.At)
	}
	if e.Distinct {
		for _, arg := range a.Args {
			if err := checkGroupable(arg); err != nil {
				return nil, err
			}
		}
	}
	if err := inner.aggregateOrder(a, e.OrderBy); err != nil {
		return nil, err
	}
	return x.placed(a)
}

// levelOf returns the query that an aggregate belongs to: of those whose columns it takes, the innermost; the one that
// it is written in if it takes none.
func (x *exprs) levelOf(a *expr.Aggregate) *scope {
	owners := map[*scope]bool{}
	for id := range plan.FreeOf(a) {
		owners[x.s.g.owner[id]] = true
	}
	for s := x.s; s != nil; s = s.outer {
		if owners[s.home] && !invariants.Mutant("bind-outer-aggregate-here") {
			return s.home
		}
	}
	return x.s.home
}

// placed checks that an aggregate may stand where it does, which the query that it belongs to decides. If that is one
// around this one, it is computed there, and is a column here.
func (x *exprs) placed(a *expr.Aggregate) (expr.Expr, error) {
	level, at := x.levelOf(a), x
	if level != x.s.home {
		at = level.current
	}
	if err := at.allowsAggregate(a.Pos()); err != nil {
		return nil, err
	}
	if at == x {
		return a, nil
	}
	for id, c := range plan.FreeOf(a) {
		if slices.ContainsFunc(level.below, func(o belowAggregate) bool { return o.col.ID == id }) {
			return nil, errNestedAggregate.At(c.At)
		}
	}
	c := x.s.g.newCol(a.Func.Name, a.Type())
	x.s.g.owner[c.ID] = level
	level.below = append(level.below, belowAggregate{a, c})
	ref := c.Ref()
	ref.At = a.Pos()
	return ref, nil
}

var errNestedAggregate = sqlerr.New(sqlerr.GroupingError, "aggregate function calls cannot be nested")

// belowAggregate is an aggregate of a query that is written in a subquery of it, where it is the column col.
type belowAggregate struct {
	agg *expr.Aggregate
	col plan.Col
}

// allowsAggregate returns an error if an aggregate must not stand in the clause at hand; x is nil in FROM.
func (x *exprs) allowsAggregate(pos int) error {
	switch {
	case x == nil:
		return sqlerr.New(sqlerr.GroupingError, "aggregate functions are not allowed in FROM clause of their own query level").At(pos)
	case x.inAggregate && x.clause == "FILTER":
		return sqlerr.New(sqlerr.GroupingError, "aggregate functions are not allowed in FILTER").At(pos)
	case x.inAggregate:
		return errNestedAggregate.At(pos)
	case !x.aggregates:
		return sqlerr.Newf(sqlerr.GroupingError, "aggregate functions are not allowed in %s", x.clause).At(pos)
	}
	return nil
}

// cast binds CAST and typed literals.
func (x *exprs) cast(e *ast.Cast) (expr.Expr, error) {
	if e.Type.Array {
		return x.castArray(e)
	}
	t, err := TypeOf(e.Type)
	if err != nil {
		return nil, err
	}
	a, err := x.bind(e.Arg)
	if err != nil {
		return nil, err
	}
	return expr.NewCast(a, t, expr.Explicit, e.Pos())
}

// castArray binds a cast to an array type: of an array of the system catalogs to its own type.
func (x *exprs) castArray(e *ast.Cast) (expr.Expr, error) {
	element := e.Type
	element.Array = false
	t, err := TypeOf(element)
	if err != nil {
		return nil, err
	}
	if _, ok := e.Arg.(*ast.Array); !ok {
		a, err := x.bind(e.Arg)
		if err != nil {
			return nil, err
		}
		if k := a.Type().Kind; k.IsArray() && k.ElementKind() == t.Kind {
			return a, nil
		}
	}
	_, err = TypeOf(e.Type)
	return nil, err
}

// valueFunc binds CURRENT_DATE and the like, which are functions of the catalogue.
func (x *exprs) valueFunc(e *ast.ValueFunc) (expr.Expr, error) {
	name := e.Name
	switch name {
	case "user", "current_role":
		name = "current_user"
	case "current_catalog":
		name = "current_database"
	}
	f, err := expr.NewFunc(name, e.Pos())
	if err != nil {
		if sqlerr.CodeOf(err) == sqlerr.UndefinedFunction {
			return nil, sqlerr.Unsupported(e.Name).At(e.Pos())
		}
		return nil, err
	}
	if e.Precision < 0 {
		return f, nil
	}
	t, err := types.WithMods(f.Type().Kind, []int32{int32(e.Precision)})
	if err != nil {
		return nil, expr.At(err, e.Pos())
	}
	return expr.NewCast(f, t, expr.Explicit, e.Pos())
}

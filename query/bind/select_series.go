package bind

import (
	"slices"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// Set-returning functions in the select list. While the list is bound a call of one is a Call of one of seriesFuncs; once
// groups and windows are computed, what it yields is joined with each row that it is called for.

// seriesFuncs stand for generate_series(start, stop, step) until it is known what it is called for.
var seriesFuncs = map[types.Kind]*expr.Func{
	types.Int4: {Name: "generate_series", Ret: types.Int4, CanFail: true},
	types.Int8: {Name: "generate_series", Ret: types.Int8, CanFail: true},
}

func isSeries(e *ast.Call) bool {
	return e.Name == "generate_series" && (e.Schema == "" || e.Schema == pgCatalog)
}

const seriesHint = "You might be able to move the set-returning function into a LATERAL FROM item."

// selectSeries binds generate_series outside of FROM.
func (x *exprs) selectSeries(e *ast.Call) (expr.Expr, error) {
	switch {
	case x.inAggregate && x.clause == "FILTER":
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "set-returning functions are not allowed in FILTER").At(e.Pos())
	case x.inAggregate:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "aggregate function calls cannot contain set-returning function calls").
			WithHint("%s", seriesHint).At(e.Pos())
	case !x.sets:
		return nil, sqlerr.Newf(sqlerr.FeatureNotSupported, "set-returning functions are not allowed in %s", x.clause).At(e.Pos())
	}
	args, err := x.list(e.Args)
	if err != nil {
		return nil, err
	}
	r, err := x.seriesOf(e, args, e.Name)
	if err != nil {
		return nil, err
	}
	return &expr.Call{
		Node: expr.Node{Typ: r.Out.Type, At: e.Pos()}, Func: seriesFuncs[r.Out.Type.Kind], Args: []expr.Expr{r.Start, r.Stop, r.Step},
	}, nil
}

func isSeriesCall(e expr.Expr) (*expr.Call, bool) {
	c, ok := e.(*expr.Call)
	return c, ok && seriesFuncs[c.Func.Ret] == c.Func
}

func findSeries(e expr.Expr) *expr.Call {
	var found *expr.Call
	expr.Walk(e, func(e expr.Expr) bool {
		if c, ok := isSeriesCall(e); ok && found == nil {
			found = c
		}
		return found == nil
	})
	return found
}

func (b *selection) hasSeries() bool {
	return slices.ContainsFunc(b.targets, func(t *target) bool { return findSeries(t.value) != nil })
}

// checkSeries refuses set-returning functions below what is not evaluated for every row of theirs.
func checkSeries(e expr.Expr) error {
	var err error
	expr.Walk(e, func(e expr.Expr) bool {
		set := func() *expr.Call {
			for _, c := range expr.Children(e) {
				if f := findSeries(c); f != nil {
					return f
				}
			}
			return nil
		}()
		if set == nil || err != nil {
			return false
		}
		what := ""
		switch e := e.(type) {
		case *expr.Case:
			what = "CASE"
		case *expr.Coalesce:
			what = "COALESCE"
		case *expr.Window:
			err = sqlerr.Unsupported("set-returning function in a window function").At(set.At)
		case *expr.And:
			err = returnsSet("AND", set)
		case *expr.Or:
			err = returnsSet("OR", set)
		case *expr.Not:
			err = returnsSet("NOT", set)
		case *expr.In:
			err = returnsSet("IN", set)
		case *expr.Subquery:
			err = sqlerr.New(sqlerr.DatatypeMismatch, "row comparison operator must not return a set").At(e.At)
		}
		if what != "" {
			err = sqlerr.Newf(sqlerr.FeatureNotSupported, "set-returning functions are not allowed in %s", what).
				WithHint("%s", seriesHint).At(set.At)
		}
		return err == nil
	})
	return err
}

func returnsSet(what string, set *expr.Call) error {
	return sqlerr.Newf(sqlerr.DatatypeMismatch, "argument of %s must not return a set", what).At(set.At)
}

// addSeries joins each row with the rows of the set-returning functions in the select list: those whose arguments
// contain none first. Those of one level advance together, and one that has ended yields NULL until all have.
func (b *selection) addSeries() error {
	for b.hasSeries() {
		var level []*expr.Call
		for _, t := range b.targets {
			expr.Walk(t.value, func(e expr.Expr) bool {
				c, ok := isSeriesCall(e)
				if ok && !slices.ContainsFunc(c.Args, func(a expr.Expr) bool { return findSeries(a) != nil }) &&
					!slices.ContainsFunc(level, func(o *expr.Call) bool { return expr.Equal(o, c) && !plan.VolatileExpr(c) }) {
					level = append(level, c)
				}
				return true
			})
		}
		cols, err := b.joinSeries(level)
		if err != nil {
			return err
		}
		var place func(e expr.Expr) expr.Expr
		place = func(e expr.Expr) expr.Expr {
			if i := slices.IndexFunc(level, func(c *expr.Call) bool { return expr.Expr(c) == e || expr.Equal(c, e) && !plan.VolatileExpr(c) }); i >= 0 {
				return cols[i].Ref()
			}
			return expr.MapChildren(e, place)
		}
		for _, t := range b.targets {
			t.value = place(t.value)
		}
		for i, o := range b.order {
			b.order[i].key.Expr = o.t.value
		}
	}
	return nil
}

// joinSeries joins each row with the rows of calls, and returns the columns that hold them.
func (b *selection) joinSeries(calls []*expr.Call) ([]plan.Col, error) {
	g := b.s.g
	var rel plan.Rel
	var cols []plan.Col
	var number expr.Expr // of the row
	for _, c := range calls {
		col := g.newCol(c.Func.Name, c.Typ)
		b.s.own(col, "")
		cols = append(cols, col)
		var next plan.Rel = &plan.RelSeries{Start: c.Args[0], Stop: c.Args[1], Step: c.Args[2], Out: col}
		if len(calls) == 1 {
			rel = next
			break
		}
		w, err := expr.NewWindow("row_number", 0, nil, nil)
		if err != nil {
			return nil, err
		}
		w.Frame.End.Kind = expr.CurrentRow
		n := g.newCol("row_number", w.Typ)
		next = &plan.RelWindow{Input: next, Funcs: []*expr.Window{w}, Out: []plan.Col{n}}
		if rel == nil {
			rel, number = next, n.Ref()
			continue
		}
		same, err := expr.NewOp("=", 0, number, n.Ref())
		if err != nil {
			return nil, err
		}
		rel = &plan.RelJoin{Kind: plan.Full, L: rel, R: next, Cond: same}
		if number, err = expr.NewCoalesce(0, number, n.Ref()); err != nil {
			return nil, err
		}
	}
	if len(calls) > 1 {
		rel = &plan.RelSort{Input: rel, Keys: []plan.SortKey{{Expr: number}}}
	}
	b.rel = &plan.RelApply{Kind: plan.Inner, L: b.rel, R: rel}
	return cols, nil
}

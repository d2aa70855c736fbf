package bind

import (
	"slices"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// windowClause is the windows that a query names.
type windowClause struct{ defs []ast.Window }

// find returns a named window with what it takes over from those that it extends.
func (c *windowClause) find(name string, pos int) (*ast.Window, error) {
	for i := range c.defs {
		if c.defs[i].Name != name {
			continue
		}
		if c.defs[i].Base == "" {
			return &c.defs[i], nil
		}
		// A window may extend those before it alone.
		before := windowClause{c.defs[:i]}
		w := c.defs[i]
		return &w, before.extend(&w)
	}
	return nil, sqlerr.Newf(sqlerr.UndefinedObject, "window \"%s\" does not exist", name).At(pos)
}

// extend gives a window what it takes over from its base.
func (c *windowClause) extend(w *ast.Window) error {
	base, err := c.find(w.Base, w.Pos())
	if err != nil {
		return err
	}
	switch {
	case w.PartitionBy != nil:
		return sqlerr.Newf(sqlerr.WindowingError, "cannot override PARTITION BY clause of window \"%s\"", w.Base).At(w.Pos())
	case w.OrderBy != nil && base.OrderBy != nil:
		return sqlerr.Newf(sqlerr.WindowingError, "cannot override ORDER BY clause of window \"%s\"", w.Base).At(w.Pos())
	case base.Framed:
		err := sqlerr.Newf(sqlerr.WindowingError, "cannot copy window \"%s\" because it has a frame clause", w.Base).At(w.Pos())
		if w.OrderBy == nil && !w.Framed {
			err = err.WithHint("Omit the parentheses in this OVER clause.")
		}
		return err
	}
	w.PartitionBy = base.PartitionBy
	if w.OrderBy == nil {
		w.OrderBy = base.OrderBy
	}
	return nil
}

// resolve returns the definition that OVER stands for.
func (c *windowClause) resolve(over *ast.Window) (*ast.Window, error) {
	switch {
	case over.Name != "":
		return c.find(over.Name, over.Pos())
	case over.Base != "":
		w := *over
		return &w, c.extend(&w)
	}
	return over, nil
}

// window binds a call with OVER.
func (x *exprs) window(e *ast.Call) (expr.Expr, error) {
	aggregate := expr.IsAggregate(e.Name)
	switch {
	case e.Schema != "" && e.Schema != pgCatalog, !aggregate && !expr.IsWindow(e.Name):
		if !expr.IsFunction(e.Name) {
			args, err := x.list(e.Args)
			if err != nil {
				return nil, err
			}
			return nil, expr.NoFunction(e.Name, args, e.Pos())
		}
		return nil, sqlerr.Newf(sqlerr.WrongObjectType,
			"OVER specified, but %s is not a window function nor an aggregate function", e.Name).At(e.Pos())
	case x.inAggregate && x.clause == "window":
		return nil, sqlerr.New(sqlerr.WindowingError, "window function calls cannot be nested").At(e.Pos())
	case x.inAggregate:
		return nil, sqlerr.New(sqlerr.GroupingError, "aggregate function calls cannot contain window function calls").At(e.Pos())
	case x.windows == nil:
		return nil, sqlerr.Newf(sqlerr.WindowingError, "window functions are not allowed in %s", x.clause).At(e.Pos())
	case e.Distinct:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "DISTINCT is not implemented for window functions").At(e.Pos())
	case e.OrderBy != nil:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "aggregate ORDER BY is not implemented for window functions").
			At(e.Pos())
	case e.Filter != nil && !aggregate:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "FILTER is not implemented for non-aggregate window functions").
			At(e.Pos())
	case aggregate && !e.Star && len(e.Args) == 0 && e.Name == "count":
		return nil, sqlerr.New(sqlerr.WrongObjectType, "count(*) must be used to call a parameterless aggregate function").
			At(e.Pos())
	case e.Star && e.Name != "count":
		return nil, expr.NoFunction(e.Name, nil, e.Pos())
	}
	return x.windowCall(e)
}

func (x *exprs) windowCall(e *ast.Call) (expr.Expr, error) {
	inner := *x
	inner.windows = nil
	args, err := x.windowArgs(e.Args)
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
	w, err := expr.NewWindow(e.Name, e.Pos(), args, filter)
	if err != nil {
		return nil, err
	}
	def, err := x.windows.resolve(e.Over)
	if err != nil {
		return nil, err
	}
	inner.clause = "window definitions"
	for _, p := range def.PartitionBy {
		v, err := inner.windowKey(p)
		if err != nil {
			return nil, err
		}
		w.Partition = append(w.Partition, v)
	}
	for _, o := range def.OrderBy {
		v, err := inner.windowKey(o.Expr)
		if err != nil {
			return nil, err
		}
		k, err := sortKey(o, v)
		if err != nil {
			return nil, err
		}
		w.Order, w.Desc, w.NullsFirst = append(w.Order, v), append(w.Desc, k.Desc), append(w.NullsFirst, k.NullsFirst)
	}
	return w, x.frame(w, def)
}

// windowArgs binds arguments, in which there may be no further window functions.
func (x *exprs) windowArgs(list []ast.Expr) ([]expr.Expr, error) {
	args, err := x.list(list)
	if err != nil {
		return nil, err
	}
	for _, a := range args {
		if w := findWindow(a); w != nil {
			return nil, sqlerr.New(sqlerr.WindowingError, "window function calls cannot be nested").At(w.At)
		}
	}
	return args, nil
}

// windowKey binds an expression of PARTITION BY or ORDER BY.
func (x *exprs) windowKey(e ast.Expr) (expr.Expr, error) {
	v, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	if isUnknown(v) {
		if v, err = expr.NewCast(v, types.T(types.Text), expr.Implicit, v.Pos()); err != nil {
			return nil, err
		}
	}
	return v, checkGroupable(v)
}

// frame binds the frame of a window.
func (x *exprs) frame(w *expr.Window, def *ast.Window) error {
	f := &def.Frame
	w.Frame.Mode, w.Frame.Exclude = expr.FrameMode(f.Mode), expr.FrameExclusion(f.Exclude)
	if !def.Framed {
		w.Frame.End.Kind = expr.CurrentRow
		return nil
	}
	clause := [...]string{"RANGE", "ROWS", "GROUPS"}[f.Mode]
	if f.Mode == ast.FrameGroups && len(w.Order) == 0 {
		return sqlerr.New(sqlerr.WindowingError, "GROUPS mode requires an ORDER BY clause").At(def.Pos())
	}
	for _, b := range []struct {
		from *ast.FrameBound
		to   *expr.FrameBound
	}{{&f.Start, &w.Frame.Start}, {&f.End, &w.Frame.End}} {
		b.to.Kind = expr.BoundKind(b.from.Kind)
		if b.from.Offset == nil {
			continue
		}
		e, err := x.s.exprs("window " + clause).bind(b.from.Offset)
		if err != nil {
			return err
		}
		for id, c := range plan.FreeOf(e) {
			if x.s.g.owner[id] == x.s.home {
				return sqlerr.Newf(sqlerr.InvalidColumnReference, "argument of %s must not contain variables", clause).At(c.Pos())
			}
		}
		b.to.Offset = e
	}
	return w.CheckFrame(def.Pos())
}

func findWindow(e expr.Expr) *expr.Window {
	var found *expr.Window
	expr.Walk(e, func(e expr.Expr) bool {
		if w, ok := e.(*expr.Window); ok && found == nil {
			found = w
		}
		return found == nil
	})
	return found
}

func (b *selection) hasWindows() bool {
	return slices.ContainsFunc(b.targets, func(t *target) bool { return findWindow(t.value) != nil })
}

// windows collects window functions: one operator for each way to partition and order.
type windows struct {
	g   *binding
	ops []*plan.RelWindow
}

// place adds a function and returns the column of its values.
func (w *windows) place(f *expr.Window) *expr.Column {
	at := slices.IndexFunc(w.ops, func(o *plan.RelWindow) bool { return expr.SameWindow(o.Funcs[0], f) })
	if at < 0 {
		at = len(w.ops)
		w.ops = append(w.ops, &plan.RelWindow{})
	}
	o := w.ops[at]
	i := slices.IndexFunc(o.Funcs, func(x *expr.Window) bool { return expr.Equal(x, f) && !expr.IsVolatile(f) })
	if i < 0 {
		i = len(o.Funcs)
		o.Funcs, o.Out = append(o.Funcs, f), append(o.Out, w.g.newCol(f.Name, f.Typ))
	}
	ref := o.Out[i].Ref()
	ref.At = f.At
	return ref
}

// over puts the operators above a plan.
func (w *windows) over(r plan.Rel) plan.Rel {
	for _, o := range w.ops {
		o.Input = r
		r = o
	}
	return r
}

// addWindows computes the window functions of the select list and of ORDER BY, and lets the expressions name
// their results.
func (b *selection) addWindows() {
	w := &windows{g: b.s.g}
	var place func(expr.Expr) expr.Expr
	place = func(e expr.Expr) expr.Expr {
		if f, ok := e.(*expr.Window); ok {
			c := w.place(f)
			b.s.g.owner[c.ID] = b.s.home
			return c
		}
		return expr.MapChildren(e, place)
	}
	for _, t := range b.targets {
		t.value = place(t.value)
	}
	for i, o := range b.order {
		b.order[i].key.Expr = o.t.value
	}
	b.rel = w.over(b.rel)
}

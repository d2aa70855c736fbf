package bind

import (
	"math"
	"strconv"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// Ordered-set aggregates number the rows of their group in order, in a window below the aggregation, which then picks the
// rows that they ask for:
//
//	percentile_disc(f) WITHIN GROUP (ORDER BY x)   any_value(x) FILTER (WHERE row_number = greatest(1, ceil(f * count)))
//	percentile_cont(f) WITHIN GROUP (ORDER BY x)   between two such rows
//	mode() WITHIN GROUP (ORDER BY x)               any_value(x) FILTER (WHERE row_number = 1), by frequency, then x
//
// NULLs do not count: they come last, whatever the order. Percentiles of values that order as integers do need none of that:
// an aggregate of the value and the fraction keeps the values of a group and selects from them.

// orderedSet is one of the ordered-set aggregates.
type orderedSet uint8

const (
	percentileDisc orderedSet = iota
	percentileCont
	mode
)

var orderedSets = [...]*expr.AggFunc{
	{Name: "percentile_disc", OID: 3972}, {Name: "percentile_cont", OID: 3974}, {Name: "mode", OID: 3984},
}

// hypotheticalSets are window functions that have a second meaning with WITHIN GROUP.
var hypotheticalSets = map[string]bool{"rank": true, "dense_rank": true, "percent_rank": true, "cume_dist": true}

// selecting are the aggregates that select percentiles, upwards and downwards.
var selecting = [...][2]*expr.AggFunc{
	percentileDisc: {
		{Name: "percentile_disc", OID: 3972, Op: expr.AggPercentileDisc}, {Name: "percentile_disc", OID: 3972, Op: expr.AggPercentileDiscDesc},
	},
	percentileCont: {
		{Name: "percentile_cont", OID: 3974, Op: expr.AggPercentileCont}, {Name: "percentile_cont", OID: 3974, Op: expr.AggPercentileContDesc},
	},
}

func isOrderedSet(e *ast.Call) bool {
	_, ok := orderedSetNamed(e.Name)
	return ok && (e.Schema == "" || e.Schema == pgCatalog)
}

func orderedSetNamed(name string) (orderedSet, bool) {
	for k, f := range orderedSets {
		if f.Name == name {
			return orderedSet(k), true
		}
	}
	return 0, false
}

func orderedSetOf(e *expr.Aggregate) (orderedSet, bool) {
	k, ok := orderedSetNamed(e.Func.Name)
	return k, ok && orderedSets[k] == e.Func
}

// orderedSet binds an ordered-set aggregate: an Aggregate of what stands in parentheses and what it is ordered by.
func (x *exprs) orderedSet(e *ast.Call) (expr.Expr, error) {
	kind, known := orderedSetNamed(e.Name)
	inner := *x
	inner.inAggregate = true
	args, err := inner.list(e.Args)
	if err != nil {
		return nil, err
	}
	direct := len(args)
	order := e.OrderBy
	if !e.WithinGroup {
		order = nil
	}
	for _, o := range order {
		v, err := inner.bind(o.Expr)
		if err != nil {
			return nil, err
		}
		args = append(args, v)
	}
	switch {
	case hypotheticalSets[e.Name]:
		return nil, sqlerr.Unsupported("hypothetical-set aggregate function").At(e.Pos())
	case !known, len(args) != 2 && kind != mode, len(args) != 1 && kind == mode:
		return nil, expr.NoFunction(e.Name, args, e.Pos())
	case !e.WithinGroup:
		return nil, sqlerr.Newf(sqlerr.WrongObjectType, "WITHIN GROUP is required for ordered-set aggregate %s", e.Name).At(e.Pos())
	case direct == len(args):
		return nil, expr.NoFunction(e.Name, args, e.Pos())
	case e.Over != nil:
		return nil, sqlerr.Newf(sqlerr.FeatureNotSupported, "OVER is not supported for ordered-set aggregate %s", e.Name).At(e.Pos())
	case x.inAggregate:
		return nil, sqlerr.New(sqlerr.GroupingError, "aggregate function calls cannot be nested").At(e.Pos())
	case !x.aggregates:
		return nil, sqlerr.Newf(sqlerr.GroupingError, "aggregate functions are not allowed in %s", x.clause).At(e.Pos())
	}
	a := &expr.Aggregate{Node: expr.Node{At: e.Pos()}, Func: orderedSets[kind], Args: args}
	if e.Filter != nil {
		inner.clause = "FILTER"
		if a.Filter, err = inner.condition(e.Filter, "FILTER"); err != nil {
			return nil, err
		}
	}
	if err := typeOrderedSet(a, kind); err != nil {
		return nil, err
	}
	k, err := sortKey(order[0], args[len(args)-1])
	if err != nil {
		return nil, err
	}
	a.Desc = []bool{k.Desc}
	if w := findWindow(a); w != nil {
		return nil, sqlerr.New(sqlerr.GroupingError, "aggregate function calls cannot contain window function calls").At(w.At)
	}
	if x.levelOf(a) != x.s.home {
		return nil, sqlerr.Unsupported("ordered-set aggregate over columns of an outer query").At(a.At)
	}
	return a, nil
}

// typeOrderedSet gives the arguments of an ordered-set aggregate their types.
func typeOrderedSet(a *expr.Aggregate, kind orderedSet) (err error) {
	last := len(a.Args) - 1
	value := a.Args[last]
	to := value.Type()
	switch {
	case kind == percentileCont && to.Kind != types.Interval:
		if !expr.CanCoerce(to.Kind, types.Float8, expr.Implicit) {
			return expr.NoFunction(a.Func.Name, a.Args, a.At)
		}
		to = types.T(types.Float8)
	case isUnknown(value) && kind == mode:
		return sqlerr.New(sqlerr.DatatypeMismatch, "could not determine polymorphic type because input has type unknown")
	case isUnknown(value):
		return expr.Ambiguous(a.Func.Name, a.Args, a.At)
	}
	if kind != mode {
		if !expr.CanCoerce(a.Args[0].Type().Kind, types.Float8, expr.Implicit) {
			return expr.NoFunction(a.Func.Name, a.Args, a.At)
		}
		if a.Args[0], err = expr.NewCast(a.Args[0], types.T(types.Float8), expr.Implicit, a.Args[0].Pos()); err != nil {
			return err
		}
	}
	if value.Type() != to {
		if a.Args[last], err = expr.NewCast(value, to, expr.Implicit, value.Pos()); err != nil {
			return err
		}
	}
	a.Typ = to
	return nil
}

// orderedSet returns an expression over the group for an ordered-set aggregate.
func (a *grouper) orderedSet(e *expr.Aggregate, kind orderedSet) expr.Expr {
	if len(a.b.sets) > 1 {
		a.fail(sqlerr.Unsupported("ordered-set aggregate with several grouping sets").At(e.At))
		return e
	}
	if class := e.Typ.Class(); kind != mode && (class == types.ClassInt || class == types.ClassFloat) {
		return a.selected(e, kind)
	}
	o := &orderedSetPlan{grouper: a, e: e, value: e.Args[len(e.Args)-1], keys: a.agg.Keys[:len(a.b.groups):len(a.b.groups)]}
	if a.below == nil {
		a.below = &windows{g: a.g}
	}
	if e.Filter != nil {
		o.value = o.must(onlyIf(e.Filter, o.value))
	}
	switch kind {
	case mode:
		return o.mode()
	case percentileDisc:
		f := a.rewrite(e.Args[0])
		row := o.call("ceil", o.op("*", e.Args[0], o.float(o.count())))
		return percentileCall(&percentileOf[e.Typ.Kind][percentileDisc], e, f, o.pick(o.must(expr.NewGreatest(false, 0, row, floatConst(1)))))
	}
	f := a.rewrite(e.Args[0])
	at := o.op("*", e.Args[0], o.op("-", o.float(o.count()), floatConst(1)))
	low := o.pick(o.op("+", o.call("floor", at), floatConst(1)))
	high := o.pick(o.op("+", o.call("ceil", at), floatConst(1)))
	n := a.aggregate(o.must(expr.NewAggregate("count", e.At, []expr.Expr{o.value}, false, nil)).(*expr.Aggregate))
	return percentileCall(&percentileOf[e.Typ.Kind][percentileCont], e, f, low, high, n)
}

// selected is a percentile that the aggregation selects. The fraction is checked once for each group, also where there is
// nothing to select from.
func (a *grouper) selected(e *expr.Aggregate, kind orderedSet) expr.Expr {
	fn := selecting[kind][0]
	if e.Desc[0] {
		fn = selecting[kind][1]
	}
	f := a.rewrite(e.Args[0])
	v := a.aggregate(&expr.Aggregate{Node: e.Node, Func: fn, Args: []expr.Expr{e.Args[1], e.Args[0]}, Filter: e.Filter})
	if c, ok := f.(*expr.Const); ok {
		if _, ok, err := checkPercentile(c.Value); ok && err == nil {
			return v
		}
	}
	return percentileCall(&percentileOf[e.Typ.Kind][percentileDisc], e, f, v)
}

func (a *grouper) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

// orderedSetPlan is an ordered-set aggregate being taken apart.
type orderedSetPlan struct {
	*grouper
	e     *expr.Aggregate
	value expr.Expr // NULL where the filter is not true
	keys  []expr.Expr
}

func (o *orderedSetPlan) must(e expr.Expr, err error) expr.Expr {
	if err != nil {
		o.fail(err)
		return o.e
	}
	return e
}

func (o *orderedSetPlan) op(op string, l, r expr.Expr) expr.Expr {
	return o.must(expr.NewOp(op, 0, l, r))
}

func (o *orderedSetPlan) call(name string, arg expr.Expr) expr.Expr {
	return o.must(expr.NewFunc(name, 0, arg))
}

func (o *orderedSetPlan) float(e expr.Expr) expr.Expr {
	return o.must(expr.NewCast(e, types.T(types.Float8), expr.Explicit, 0))
}

func floatConst(f float64) expr.Expr {
	return expr.NewConst(types.NewFloat(types.Float8, f), types.T(types.Float8), 0)
}

// window adds a function over the rows with the same keys, in an order.
func (o *orderedSetPlan) window(name string, args, partition []expr.Expr, order ...plan.SortKey) expr.Expr {
	w, err := expr.NewWindow(name, 0, args, nil)
	if err != nil {
		o.fail(err)
		return o.e
	}
	w.Partition, w.Frame.End.Kind = partition, expr.UnboundedFollowing
	if len(order) > 0 {
		w.Frame.End.Kind = expr.CurrentRow
	}
	for _, k := range order {
		w.Order, w.Desc, w.NullsFirst = append(w.Order, k.Expr), append(w.Desc, k.Desc), append(w.NullsFirst, k.NullsFirst)
	}
	return o.below.place(w)
}

// count is the number of values of a row's group.
func (o *orderedSetPlan) count() expr.Expr {
	return o.window("count", []expr.Expr{o.value}, o.keys)
}

// pick is the value of the row with a number.
func (o *orderedSetPlan) pick(row expr.Expr) expr.Expr {
	n := o.float(o.window("row_number", nil, o.keys, plan.SortKey{Expr: o.value, Desc: o.e.Desc[0]}))
	return o.any(o.op("=", n, row))
}

// any is the value of the one row that meets a condition.
func (o *orderedSetPlan) any(cond expr.Expr) expr.Expr {
	v, err := expr.NewAggregate("any_value", o.e.At, []expr.Expr{o.value}, false, cond)
	if err != nil {
		o.fail(err)
		return o.e
	}
	v.Typ = o.e.Typ
	return o.aggregate(v)
}

// mode is the value that most rows of the group have, the first of several.
func (o *orderedSetPlan) mode() expr.Expr {
	partition := append(o.keys, o.value)
	often := o.window("count", []expr.Expr{o.value}, partition)
	n := o.window("row_number", nil, o.keys, plan.SortKey{Expr: often, Desc: true}, plan.SortKey{Expr: o.value, Desc: o.e.Desc[0]})
	return o.any(o.op("=", n, expr.NewConst(types.NewInt(types.Int8, 1), types.T(types.Int8), 0)))
}

// percentileOf has, for each kind, the functions that end percentile_disc(f, value) and percentile_cont(f, low, high, count).
var percentileOf = func() (t [types.NumKinds][2]expr.Func) {
	for k := range types.Kind(types.NumKinds) {
		t[k][percentileDisc] = expr.Func{Name: "percentile_disc", Args: []types.Kind{types.Float8, k}, Ret: k, CanFail: true, Scalar: discOf}
		t[k][percentileCont] = expr.Func{
			Name: "percentile_cont", Args: []types.Kind{types.Float8, k, k, types.Int8}, Ret: k, CanFail: true, Scalar: contOf,
		}
	}
	return t
}()

func percentileCall(f *expr.Func, e *expr.Aggregate, args ...expr.Expr) expr.Expr {
	return &expr.Call{Node: e.Node, Func: f, Args: args}
}

// checkPercentile returns the fraction that is asked for; ok is false for NULL.
func checkPercentile(d types.Datum) (f float64, ok bool, err error) {
	if d.IsNull() {
		return 0, false, nil
	}
	if f = d.Float(); !(f >= 0 && f <= 1) {
		return 0, false, sqlerr.Newf(sqlerr.NumericValueOutOfRange, "percentile value %s is not between 0 and 1",
			strconv.FormatFloat(f, 'g', 6, 64))
	}
	return f, true, nil
}

func discOf(_ *expr.Context, args []types.Datum) (types.Datum, error) {
	if _, ok, err := checkPercentile(args[0]); !ok {
		return types.NullOf(args[1].K), err
	}
	return args[1], nil
}

func contOf(_ *expr.Context, args []types.Datum) (types.Datum, error) {
	f, ok, err := checkPercentile(args[0])
	low, high := args[1], args[2]
	if !ok || low.IsNull() || high.IsNull() {
		return types.NullOf(low.K), err
	}
	at := f * float64(args[3].I-1)
	part := at - math.Floor(at)
	switch {
	case part == 0:
		return low, nil
	case low.K == types.Float8:
		return types.NewFloat(types.Float8, low.Float()+part*(high.Float()-low.Float())), nil
	}
	diff, err := types.IntervalSub(high, low)
	if err == nil {
		diff, err = types.IntervalMul(diff, part)
	}
	if err != nil {
		return diff, err
	}
	return types.IntervalAdd(diff, low)
}

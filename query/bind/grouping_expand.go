package bind

import (
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// expand makes an aggregation by several grouping sets one by a single set, and returns what stands for it. Each row of
// the input is joined with one row for each set,
//
//	set   has a  has b
//	  0   true   true
//	  1   true   false
//	  2   false  false
//
// and keys that the set does not have become NULL. The number of the set is a key too, so that a NULL of the data stays
// apart. A last join brings back the groups of sets without keys, which are there even if no row is, and what GROUPING
// says of each set.
func (a *grouper) expand() (plan.Rel, error) {
	if len(a.b.sets) <= 1 {
		return a.agg, nil
	}
	x := &expander{grouper: a, in: &plan.RelProject{Input: a.agg.Input}}
	for _, k := range a.agg.Keys {
		x.values = append(x.values, x.place(k))
	}
	for i, g := range a.agg.Aggs {
		var err error
		if a.agg.Aggs[i], err = x.placeAggregate(g); err != nil {
			return nil, err
		}
	}
	x.setRows()
	if err := x.keys(); err != nil {
		return nil, err
	}
	return x.complete()
}

// expander is expand at work.
type expander struct {
	*grouper
	// in is the input with the keys and what the aggregates take as columns.
	in     *plan.RelProject
	values []expr.Expr // the keys as columns of in
	// sets are the rows of the sets: their numbers, and has[i] says whether one has key i. Its ID is 0 if all have it.
	sets   *plan.RelValues
	number plan.Col
	has    []plan.Col
}

// place computes an expression below the join. A column keeps its ID.
func (x *expander) place(e expr.Expr) expr.Expr {
	c, ok := e.(*expr.Column)
	for i, o := range x.in.Exprs {
		if expr.Equal(o, e) && (ok || !plan.VolatileExpr(e)) {
			return x.in.Out[i].Ref()
		}
	}
	col := x.g.newCol("value", e.Type())
	if ok && x.g.owner[c.ID] == x.b.s.home {
		col.ID, col.Name = c.ID, c.Name
		col.Table, col.Attribute = x.g.origin(c.ID)
	}
	x.in.Exprs, x.in.Out = append(x.in.Exprs, e), append(x.in.Out, col)
	return col.Ref()
}

// placeAggregate returns an aggregate over columns of in.
func (x *expander) placeAggregate(g *expr.Aggregate) (*expr.Aggregate, error) {
	c := *g
	c.Args, c.Order = slices.Clone(g.Args), slices.Clone(g.Order)
	for i, arg := range c.Args {
		if _, ok := arg.(*expr.Const); ok {
			continue
		}
		if g.Filter != nil && expr.CanFail(arg) { // the filter comes first
			var err error
			if arg, err = onlyIf(g.Filter, arg); err != nil {
				return nil, err
			}
		}
		c.Args[i] = x.place(arg)
	}
	for i, o := range c.Order {
		c.Order[i] = x.place(o)
	}
	if g.Filter != nil {
		c.Filter = x.place(g.Filter)
	}
	return &c, nil
}

// onlyIf is CASE WHEN cond THEN e END.
func onlyIf(cond, e expr.Expr) (expr.Expr, error) {
	null := expr.NewConst(types.NullOf(e.Type().Kind), e.Type(), 0)
	return expr.NewCase(0, nil, []expr.When{{Cond: cond, Result: e}}, null)
}

func int4Const(v int64) expr.Expr {
	return expr.NewConst(types.NewInt(types.Int4, v), types.T(types.Int4), 0)
}

// setRows makes the rows of the sets.
func (x *expander) setRows() {
	x.number, x.has = x.g.newCol("set", types.T(types.Int4)), make([]plan.Col, len(x.agg.Keys))
	x.sets = &plan.RelValues{Out: []plan.Col{x.number}}
	for k := range x.agg.Keys {
		if !x.inAllSets(k) {
			x.has[k] = x.g.newCol("has", types.T(types.Bool))
			x.sets.Out = append(x.sets.Out, x.has[k])
		}
	}
	for n, set := range x.b.sets {
		row := []expr.Expr{int4Const(int64(n))}
		for k := range x.agg.Keys {
			if x.has[k].ID != 0 {
				row = append(row, expr.NewConst(types.NewBool(slices.Contains(set, k)), types.T(types.Bool), 0))
			}
		}
		x.sets.Tuples = append(x.sets.Tuples, row)
	}
}

// keys puts the aggregation above the join, over the keys of the sets.
func (x *expander) keys() error {
	p := &plan.RelProject{Input: &plan.RelJoin{Kind: plan.Inner, L: x.in, R: x.sets}}
	pass := func(e expr.Expr, c plan.Col) {
		p.Exprs, p.Out = append(p.Exprs, e), append(p.Out, c)
	}
	out := slices.Clone(x.agg.Out[:len(x.agg.Keys)])
	for i, v := range x.values {
		if has := x.has[i]; has.ID != 0 {
			var err error
			if v, err = onlyIf(has.Ref(), v); err != nil {
				return err
			}
			out[i].Table, out[i].Attribute = 0, 0
		}
		pass(v, out[i])
	}
	pass(x.number.Ref(), x.number)
	for _, c := range x.in.Out {
		pass(c.Ref(), c)
	}
	if !invariants.Mutant("bind-grouping-number") {
		out = append(out, x.number)
	}
	x.agg.Keys = nil
	for _, c := range out {
		x.agg.Keys = append(x.agg.Keys, c.Ref())
	}
	x.agg.Input, x.agg.Out = p, append(out, x.aggCols...)
	return nil
}

// complete joins the groups with the sets once more, if some have no keys or GROUPING is called: groups of sets without
// keys that no row is in count nothing.
func (x *expander) complete() (plan.Rel, error) {
	var empty []expr.Expr
	for n, set := range x.b.sets {
		if len(set) == 0 {
			empty = append(empty, int4Const(int64(n)))
		}
	}
	if len(empty) == 0 && len(x.groupings) == 0 {
		return x.agg, nil
	}
	number := x.g.newCol("set", types.T(types.Int4))
	sets := &plan.RelValues{Out: append([]plan.Col{number}, x.groupingCols...)}
	for n, set := range x.b.sets {
		row := []expr.Expr{int4Const(int64(n))}
		for _, g := range x.groupings {
			row = append(row, int4Const(x.groupingValue(g, set)))
		}
		sets.Tuples = append(sets.Tuples, row)
	}
	same, err := expr.NewOp("=", 0, number.Ref(), x.number.Ref())
	if err != nil {
		return nil, err
	}
	join := &plan.RelJoin{Kind: plan.Inner, L: sets, R: x.agg, Cond: same}
	if len(empty) == 0 {
		return join, nil
	}
	join.Kind = plan.Left
	counts, err := x.zeroCounts(join)
	if err != nil || len(empty) == len(x.b.sets) {
		return counts, err
	}
	none, err := expr.NewIn(0, number.Ref(), empty, false)
	if err != nil {
		return nil, err
	}
	cond, err := expr.NewOr(0, none, expr.NewIsNull(0, x.number.Ref(), true /* negated */))
	if err != nil {
		return nil, err
	}
	counts.Input = &plan.RelFilter{Input: join, Cond: cond}
	return counts, nil
}

// zeroCounts makes counts 0 where the join has added a group: all other aggregates of no rows are NULL.
func (x *expander) zeroCounts(join plan.Rel) (*plan.RelProject, error) {
	p := &plan.RelProject{Input: join}
	for _, c := range slices.Concat(x.agg.Out[:len(x.agg.Keys)-1], x.groupingCols) {
		p.Exprs, p.Out = append(p.Exprs, c.Ref()), append(p.Out, c)
	}
	for i, c := range x.aggCols {
		var v expr.Expr = c.Ref()
		if op := x.agg.Aggs[i].Func.Op; op == expr.AggCount || op == expr.AggCountStar {
			n := x.g.newCol(c.Name, c.Type)
			x.agg.Out[len(x.agg.Keys)+i] = n
			var err error
			if v, err = expr.NewCoalesce(0, n.Ref(), expr.NewConst(types.NewInt(types.Int8, 0), c.Type, 0)); err != nil {
				return nil, err
			}
		}
		p.Exprs, p.Out = append(p.Exprs, v), append(p.Out, c)
	}
	return p, nil
}

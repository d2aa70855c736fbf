package bind

import (
	"slices"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// aggregateOrder binds ORDER BY inside the parentheses of an aggregate.
func (x *exprs) aggregateOrder(a *expr.Aggregate, items []ast.SortItem) error {
	for _, item := range items {
		v, err := x.bind(item.Expr)
		if err != nil {
			return err
		}
		if isUnknown(v) {
			if v, err = expr.NewCast(v, types.T(types.Text), expr.Implicit, v.Pos()); err != nil {
				return err
			}
		}
		k, err := sortKey(item, v)
		if err != nil {
			return err
		}
		if a.Distinct && !containsExpr(a.Args, v) {
			return sqlerr.New(sqlerr.InvalidColumnReference,
				"in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list").At(v.Pos())
		}
		a.Order, a.Desc, a.NullsFirst = append(a.Order, v), append(a.Desc, k.Desc), append(a.NullsFirst, k.NullsFirst)
	}
	if a.InOrder = a.Distinct && len(a.Order) > 0; a.InOrder {
		for _, arg := range a.Args { // what the order leaves open
			if !containsExpr(a.Order, arg) {
				a.Order, a.Desc, a.NullsFirst = append(a.Order, arg), append(a.Desc, false), append(a.NullsFirst, false)
			}
		}
	}
	if !orderMatters(a) {
		a.Order, a.Desc, a.NullsFirst, a.InOrder = nil, nil, nil, false
	}
	return nil
}

// orderMatters reports whether an aggregate depends on the order of its rows.
func orderMatters(a *expr.Aggregate) bool {
	switch a.Func.Op {
	case expr.AggStringAgg, expr.AggAnyValue:
		return true
	case expr.AggCount, expr.AggCountStar:
		return false
	}
	return len(a.Args) > 0 && a.Args[0].Type().Class() == types.ClassFloat
}

// orderInput sorts the input of an aggregation as its first ordered aggregate wants it. Those with another
// order are computed as window functions below, over the groups as partitions.
func (a *grouper) orderInput() error {
	var first *expr.Aggregate
	w := &windows{g: a.g}
	for i, g := range a.agg.Aggs {
		if len(g.Order) == 0 {
			continue
		}
		plain := *g
		plain.Order, plain.Desc, plain.NullsFirst = nil, nil, nil
		a.agg.Aggs[i] = &plain
		if first == nil || sameOrder(first, g) {
			first = g
			continue
		}
		if g.Distinct {
			return sqlerr.Unsupported("DISTINCT in aggregates of different orders").At(g.At)
		}
		f := &expr.Window{
			Node: g.Node, Agg: g.Func, Name: g.Func.Name, Args: g.Args, Filter: g.Filter, Partition: a.agg.Keys,
			Order: g.Order, Desc: g.Desc, NullsFirst: g.NullsFirst,
			Frame: expr.Frame{Mode: expr.FrameRows, End: expr.FrameBound{Kind: expr.UnboundedFollowing}},
		}
		whole, err := expr.NewAggregate("any_value", g.At, []expr.Expr{w.place(f)}, false, nil)
		if err != nil {
			return err
		}
		a.agg.Aggs[i] = whole
	}
	if first == nil {
		return nil
	}
	a.agg.Input = w.over(a.agg.Input)
	s := &plan.RelSort{Input: a.agg.Input}
	for i, o := range first.Order {
		s.Keys = append(s.Keys, plan.SortKey{Expr: o, Desc: first.Desc[i], NullsFirst: first.NullsFirst[i]})
	}
	a.agg.Input = s
	return nil
}

func sameOrder(a, b *expr.Aggregate) bool {
	return slices.EqualFunc(a.Order, b.Order, expr.Equal) && slices.Equal(a.Desc, b.Desc) &&
		slices.Equal(a.NullsFirst, b.NullsFirst)
}

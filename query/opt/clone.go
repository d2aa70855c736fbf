package opt

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

// cloneRel copies a plan with other columns.
func cloneRel(r plan.Rel, fresh map[int]plan.Col) plan.Rel {
	with := make(map[int]expr.Expr, len(fresh))
	for id, c := range fresh {
		with[id] = c.Ref()
	}
	c := cloner{fresh, with}
	return c.rel(r)
}

type cloner struct {
	fresh map[int]plan.Col
	with  map[int]expr.Expr
}

func (c cloner) col(o plan.Col) plan.Col {
	if n, ok := c.fresh[o.ID]; ok {
		n.Name = o.Name
		return n
	}
	return o
}

func (c cloner) cols(list []plan.Col) []plan.Col {
	out := make([]plan.Col, len(list))
	for i, o := range list {
		out[i] = c.col(o)
	}
	return out
}

func (c cloner) ids(list []int) []int {
	out := make([]int, len(list))
	for i, id := range list {
		out[i] = id
		if n, ok := c.fresh[id]; ok {
			out[i] = n.ID
		}
	}
	return out
}

func (c cloner) rel(r plan.Rel) plan.Rel {
	r = plan.MapRels(r, c.rel)
	r = plan.MapExprs(r, func(e expr.Expr) expr.Expr { return substitute(e, c.with) })
	switch r := r.(type) {
	case *plan.RelScan:
		n := *r
		n.Out, n.Ref = c.cols(r.Out), c.col(r.Ref)
		return &n
	case *plan.RelValues:
		return &plan.RelValues{Out: c.cols(r.Out), Tuples: r.Tuples}
	case *plan.RelProject:
		return &plan.RelProject{Input: r.Input, Exprs: r.Exprs, Out: c.cols(r.Out)}
	case *plan.RelJoin:
		n := *r
		n.Mark = c.col(r.Mark)
		return &n
	case *plan.RelDependent:
		n := *r
		n.Mark = c.col(r.Mark)
		return &n
	case *plan.RelAggregate:
		n := *r
		n.Out = c.cols(r.Out)
		return &n
	case *plan.RelRecursive:
		n := *r
		n.Out, n.BaseIn, n.StepIn = c.cols(r.Out), c.ids(r.BaseIn), c.ids(r.StepIn)
		return &n
	case *plan.RelHeld:
		return &plan.RelHeld{Of: r.Of, Out: c.cols(r.Out)}
	case *plan.RelShared:
		return &plan.RelShared{Def: r.Def, Out: c.cols(r.Out), Attrs: r.Attrs}
	case *plan.RelWorking:
		return &plan.RelWorking{Of: r.Of, Out: c.cols(r.Out)}
	case *plan.RelWindow:
		return &plan.RelWindow{Input: r.Input, Funcs: r.Funcs, Out: c.cols(r.Out), Top: r.Top}
	case *plan.RelUnion:
		n := &plan.RelUnion{All: r.All, Out: c.cols(r.Out)}
		for _, in := range r.In {
			n.In = append(n.In, c.ids(in))
		}
		return n
	case *plan.RelSetOp:
		n := *r
		n.Out, n.LIn, n.RIn = c.cols(r.Out), c.ids(r.LIn), c.ids(r.RIn)
		return &n
	case *plan.RelSeries:
		n := *r
		n.Out = c.col(r.Out)
		return &n
	}
	return r
}

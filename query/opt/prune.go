package opt

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

// prune removes what computes columns that nothing needs. need are the columns that the user of r reads;
// r may still output more. Dropping an expression may drop an error that it would have raised.
func (z *optimizer) prune(r plan.Rel, need colSet) plan.Rel {
	switch r := r.(type) {
	case *plan.RelScan:
		return pruneScan(r, need)
	case *plan.RelValues:
		return pruneValues(r, need)
	case *plan.RelShared:
		return pruneShared(r, need)
	case *plan.RelFilter:
		in := z.prune(r.Input, union(need, exprCols(r.Cond)))
		return plan.MapRels(r, func(plan.Rel) plan.Rel { return in })
	case *plan.RelProject:
		return z.pruneProject(r, need)
	case *plan.RelJoin:
		if z.droppable(r, need) {
			z.fired(RuleDropLeftJoin, r.L)
			return z.prune(r.L, need)
		}
		if n := z.withoutReferenced(r, need); n != r {
			z.fired(RuleDropReferenced, n)
			return z.prune(n, need)
		}
		need = union(need, exprCols(r.Cond))
		return plan.MapRels(r, func(c plan.Rel) plan.Rel { return z.prune(c, need) })
	case *plan.RelApply:
		need = union(union(need, exprCols(r.Cond)), freeCols(r.R))
		return plan.MapRels(r, func(c plan.Rel) plan.Rel { return z.prune(c, need) })
	case *plan.RelDependent:
		own := need
		if r.Kind == plan.Mark {
			own = relCols(r.R)
		}
		n := *r
		n.R = z.prune(r.R, own)
		n.L = z.prune(r.L, union(union(need, exprsCols(r.Args)), exprCols(r.When)))
		if n.L == r.L && n.R == r.R {
			return r
		}
		return &n
	case *plan.RelAggregate:
		return z.pruneAggregate(r, need)
	case *plan.RelRecursive:
		return plan.MapRels(r, func(c plan.Rel) plan.Rel {
			var s colSet
			for _, id := range append(append([]int(nil), r.BaseIn...), r.StepIn...) {
				s.add(id)
			}
			return z.prune(c, s)
		})
	case *plan.RelWindow:
		return z.pruneWindow(r, need)
	case *plan.RelUnion:
		return z.pruneUnion(r, need)
	case *plan.RelSetOp:
		return plan.MapRels(r, func(c plan.Rel) plan.Rel {
			ids := r.LIn
			if c == r.R {
				ids = r.RIn
			}
			var s colSet
			for _, id := range ids {
				s.add(id)
			}
			return z.prune(c, s)
		})
	case *plan.RelLock:
		for _, it := range r.Items {
			need = union(need, colsOf([]plan.Col{it.Scan.Ref}))
		}
	}
	plan.Exprs(r, func(e expr.Expr) { need = union(need, exprCols(e)) })
	return plan.MapRels(r, func(c plan.Rel) plan.Rel { return z.prune(c, need) })
}

// droppable reports whether a left join changes nothing: no column of its right side is read, and no row
// of the left side matches twice.
func (z *optimizer) droppable(r *plan.RelJoin, need colSet) bool {
	if r.Kind != plan.Left || z.o.Disabled[RuleDropLeftJoin] || need.intersects(relCols(r.R)) || plan.IsVolatile(r.R) {
		return false
	}
	_, unique := uniqueSides(conjuncts(r.Cond), z.infoOf(r.L), z.infoOf(r.R), relCols(r.L), relCols(r.R))
	return unique
}

func pruneScan(r *plan.RelScan, need colSet) plan.Rel {
	n := *r
	n.Out, n.Attrs = nil, nil
	for i, c := range r.Out {
		if need.has(c.ID) {
			n.Out, n.Attrs = append(n.Out, c), append(n.Attrs, r.Attrs[i])
		}
	}
	if !need.has(r.Ref.ID) {
		n.Ref = plan.Col{}
	}
	if len(n.Out) == len(r.Out) && n.Ref == r.Ref {
		return r
	}
	return &n
}

func pruneValues(r *plan.RelValues, need colSet) plan.Rel {
	var keep []int
	for j, c := range r.Out {
		if need.has(c.ID) {
			keep = append(keep, j)
		}
	}
	if len(keep) == len(r.Out) {
		return r
	}
	n := &plan.RelValues{Tuples: make([][]expr.Expr, len(r.Tuples))}
	for i := range r.Tuples {
		n.Tuples[i] = make([]expr.Expr, len(keep))
		for k, j := range keep {
			n.Tuples[i][k] = r.Tuples[i][j]
		}
	}
	for _, j := range keep {
		n.Out = append(n.Out, r.Out[j])
	}
	return n
}

// pruneProject keeps what is needed and what is volatile; a projection that then computes nothing goes.
func (z *optimizer) pruneProject(r *plan.RelProject, need colSet) plan.Rel {
	n := &plan.RelProject{}
	for i, c := range r.Out {
		if need.has(c.ID) || plan.VolatileExpr(r.Exprs[i]) {
			n.Exprs, n.Out = append(n.Exprs, r.Exprs[i]), append(n.Out, c)
		}
	}
	n.Input = z.prune(r.Input, exprsCols(n.Exprs))
	if passesThrough(n) {
		return n.Input
	}
	if len(n.Out) == len(r.Out) && n.Input == r.Input {
		return r
	}
	return n
}

// passesThrough reports whether a projection only leaves columns out.
func passesThrough(p *plan.RelProject) bool {
	for i, e := range p.Exprs {
		if c, ok := column(e); !ok || c.ID != p.Out[i].ID {
			return false
		}
	}
	return true
}

func (z *optimizer) pruneAggregate(r *plan.RelAggregate, need colSet) plan.Rel {
	n := &plan.RelAggregate{Keys: r.Keys, Out: append([]plan.Col(nil), r.Out[:len(r.Keys)]...)}
	for i, a := range r.Aggs {
		c := r.Out[len(r.Keys)+i]
		if need.has(c.ID) || plan.VolatileExpr(a) {
			n.Aggs, n.Out = append(n.Aggs, a), append(n.Out, c)
		}
	}
	in := exprsCols(n.Keys)
	for _, a := range n.Aggs {
		in.addAll(exprCols(a))
	}
	n.Input = z.prune(r.Input, in)
	if len(n.Aggs) == 0 && len(n.Keys) == 0 {
		// One row without columns, whatever the input.
		return &plan.RelValues{Tuples: [][]expr.Expr{{}}}
	}
	if len(n.Aggs) == len(r.Aggs) && n.Input == r.Input {
		return r
	}
	return n
}

func (z *optimizer) pruneWindow(r *plan.RelWindow, need colSet) plan.Rel {
	n := &plan.RelWindow{Top: r.Top}
	in := union(need, nil)
	for i, c := range r.Out {
		if need.has(c.ID) || plan.VolatileExpr(r.Funcs[i]) {
			n.Funcs, n.Out = append(n.Funcs, r.Funcs[i]), append(n.Out, c)
			in.addAll(exprCols(r.Funcs[i]))
		}
	}
	n.Input = z.prune(r.Input, in)
	if len(n.Out) == 0 {
		return n.Input
	}
	if len(n.Out) == len(r.Out) && n.Input == r.Input {
		return r
	}
	return n
}

func (z *optimizer) pruneUnion(r *plan.RelUnion, need colSet) plan.Rel {
	n := &plan.RelUnion{In: make([][]int, len(r.All)), All: make([]plan.Rel, len(r.All))}
	for j, c := range r.Out {
		if !need.has(c.ID) {
			continue
		}
		n.Out = append(n.Out, c)
		for i := range r.All {
			n.In[i] = append(n.In[i], r.In[i][j])
		}
	}
	same := len(n.Out) == len(r.Out)
	for i, in := range r.All {
		var s colSet
		for _, id := range n.In[i] {
			s.add(id)
		}
		n.All[i] = z.prune(in, s)
		same = same && n.All[i] == in
	}
	if same {
		return r
	}
	return n
}

package plan

import (
	"slices"

	"github.com/laminadb/lamina/query/expr"
)

// Exprs calls fn for each expression of r itself, not of the operators below.
func Exprs(r Rel, fn func(expr.Expr)) {
	each := func(list []expr.Expr) {
		for _, e := range list {
			if e != nil {
				fn(e)
			}
		}
	}
	switch r := r.(type) {
	case *RelValues:
		for _, t := range r.Tuples {
			each(t)
		}
	case *RelFilter:
		each([]expr.Expr{r.Cond})
	case *RelProject:
		each(r.Exprs)
	case *RelJoin:
		each([]expr.Expr{r.Cond})
	case *RelApply:
		each([]expr.Expr{r.Cond, r.When})
	case *RelDependent:
		each(r.Args)
		each([]expr.Expr{r.When})
	case *RelAggregate:
		each(r.Keys)
		for _, a := range r.Aggs {
			fn(a)
		}
	case *RelWindow:
		for _, w := range r.Funcs {
			fn(w)
		}
	case *RelDistinctOn:
		each(r.On)
		sortExprs(r.Order, fn)
	case *RelSort:
		sortExprs(r.Keys, fn)
	case *RelLimit:
		each([]expr.Expr{r.Count, r.Offset})
	case *RelLock:
		each([]expr.Expr{r.Recheck})
	case *RelFetch:
		fn(r.Ref.Ref())
	case *RelSeries:
		each([]expr.Expr{r.Start, r.Stop, r.Step})
	}
}

func sortExprs(keys []SortKey, fn func(expr.Expr)) {
	for _, k := range keys {
		fn(k.Expr)
	}
}

// Walk calls fn for every operator of a plan, parents first, and those of subqueries in expressions.
func Walk(r Rel, fn func(Rel)) {
	fn(r)
	Exprs(r, func(e expr.Expr) { walkSubqueries(e, fn) })
	for _, c := range r.Children() {
		Walk(c, fn)
	}
}

func walkSubqueries(e expr.Expr, fn func(Rel)) {
	expr.Walk(e, func(e expr.Expr) bool {
		if s, ok := e.(*expr.Subquery); ok {
			Walk(SubqueryPlan(s), fn)
		}
		return true
	})
}

// SubqueryPlan returns the plan of a subquery.
func SubqueryPlan(s *expr.Subquery) Rel { return s.Plan.(Rel) }

// WalkExprs calls fn for every expression in a plan, at any depth, and in those of its subqueries.
func WalkExprs(r Rel, fn func(expr.Expr)) {
	Walk(r, func(r Rel) {
		Exprs(r, func(e expr.Expr) {
			expr.Walk(e, func(e expr.Expr) bool {
				fn(e)
				return true
			})
		})
	})
}

// Produced returns the IDs of all columns that operators of a plan make, at any depth.
func Produced(r Rel) map[int]bool {
	out := map[int]bool{}
	Walk(r, func(r Rel) {
		for _, c := range r.Cols() {
			out[c.ID] = true
		}
	})
	return out
}

// Free returns the columns that a plan uses but does not make: what ties it to the query around it. Each
// comes with one of the expressions that name it.
func Free(r Rel) map[int]*expr.Column {
	made := Produced(r)
	out := map[int]*expr.Column{}
	WalkExprs(r, func(e expr.Expr) {
		if c, ok := e.(*expr.Column); ok && !made[c.ID] && out[c.ID] == nil {
			out[c.ID] = c
		}
		if s, ok := e.(*expr.Subquery); ok {
			for _, c := range s.Columns {
				made[c.ID] = true
			}
		}
	})
	for id := range out {
		if made[id] {
			delete(out, id)
		}
	}
	return out
}

// FreeOf returns the columns that an expression names, including those that plans of its subqueries use
// without making them.
func FreeOf(e expr.Expr) map[int]*expr.Column {
	out := map[int]*expr.Column{}
	expr.Walk(e, func(e expr.Expr) bool {
		switch e := e.(type) {
		case *expr.Column:
			out[e.ID] = e
		case *expr.Subquery:
			made := Produced(SubqueryPlan(e))
			for id, c := range Free(SubqueryPlan(e)) {
				out[id] = c
			}
			if e.Test != nil {
				for id, c := range FreeOf(e.Test) {
					if !made[id] {
						out[id] = c
					}
				}
			}
			return false
		}
		return true
	})
	return out
}

// HasSubquery reports whether an expression contains a subquery.
func HasSubquery(e expr.Expr) bool {
	found := false
	expr.Walk(e, func(e expr.Expr) bool {
		_, ok := e.(*expr.Subquery)
		found = found || ok
		return !found
	})
	return found
}

// IsVolatile reports whether two executions of a plan over the same data may differ.
func IsVolatile(r Rel) bool {
	if IsVolatileItself(r) {
		return true
	}
	return slices.ContainsFunc(r.Children(), IsVolatile)
}

// IsVolatileItself is IsVolatile leaving out the operators below.
func IsVolatileItself(r Rel) bool {
	_, volatile := r.(*RelLock)
	Exprs(r, func(e expr.Expr) {
		volatile = volatile || expr.IsVolatile(e)
		walkSubqueries(e, func(r Rel) { volatile = volatile || IsVolatileItself(r) })
	})
	return volatile
}

// VolatileExpr reports whether an expression, with its subqueries, is volatile.
func VolatileExpr(e expr.Expr) bool {
	volatile := expr.IsVolatile(e)
	walkSubqueries(e, func(r Rel) {
		Exprs(r, func(e expr.Expr) { volatile = volatile || expr.IsVolatile(e) })
	})
	return volatile
}

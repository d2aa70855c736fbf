package plan

import (
	"slices"

	"github.com/laminadb/lamina/query/expr"
)

// MapRels returns r with each operator directly below it replaced by what fn returns for it; r itself if
// nothing changes.
func MapRels(r Rel, fn func(Rel) Rel) Rel {
	old := r.Children()
	var now []Rel
	for i, c := range old {
		n := fn(c)
		if n != c && now == nil {
			now = slices.Clone(old)
		}
		if now != nil {
			now[i] = n
		}
	}
	if now == nil {
		return r
	}
	return withChildren(r, now)
}

func withChildren(r Rel, in []Rel) Rel {
	switch r := r.(type) {
	case *RelFilter:
		return &RelFilter{in[0], r.Cond}
	case *RelProject:
		return &RelProject{in[0], r.Exprs, r.Out}
	case *RelJoin:
		return &RelJoin{r.Kind, in[0], in[1], r.Cond, r.Mark}
	case *RelApply:
		return &RelApply{r.Kind, in[0], in[1], r.Cond, r.Mark, r.When}
	case *RelDependent:
		c := *r
		c.L, c.R = in[0], in[1]
		return &c
	case *RelAggregate:
		return &RelAggregate{in[0], r.Keys, r.Aggs, r.Out}
	case *RelRecursive:
		c := *r
		c.Base, c.Step = in[0], in[1]
		return &c
	case *RelWindow:
		return &RelWindow{in[0], r.Funcs, r.Out, r.Top}
	case *RelDistinctOn:
		return &RelDistinctOn{in[0], r.On, r.Order}
	case *RelSort:
		return &RelSort{in[0], r.Keys}
	case *RelLimit:
		return &RelLimit{in[0], r.Count, r.Offset}
	case *RelUnion:
		return &RelUnion{in, r.In, r.Out}
	case *RelFetch:
		c := *r
		c.Input = in[0]
		return &c
	case *RelSetOp:
		c := *r
		c.L, c.R = in[0], in[1]
		return &c
	case *RelLock:
		c := *r
		c.Input = in[0]
		return &c
	}
	return r
}

// MapExprs returns r with each of its own expressions replaced by what fn returns for it; r itself if
// nothing changes. fn must return a column for a column where an operator needs one (aggregates stay
// aggregates).
func MapExprs(r Rel, fn func(expr.Expr) expr.Expr) Rel {
	m := exprMapper{fn: fn}
	switch r := r.(type) {
	case *RelValues:
		tuples := make([][]expr.Expr, len(r.Tuples))
		for i, t := range r.Tuples {
			tuples[i] = m.list(t)
		}
		return m.done(r, func() Rel { return &RelValues{r.Out, tuples} })
	case *RelFilter:
		cond := m.one(r.Cond)
		return m.done(r, func() Rel { return &RelFilter{r.Input, cond} })
	case *RelProject:
		exprs := m.list(r.Exprs)
		return m.done(r, func() Rel { return &RelProject{r.Input, exprs, r.Out} })
	case *RelJoin:
		cond := m.one(r.Cond)
		return m.done(r, func() Rel { return &RelJoin{r.Kind, r.L, r.R, cond, r.Mark} })
	case *RelApply:
		cond, when := m.one(r.Cond), m.one(r.When)
		return m.done(r, func() Rel { return &RelApply{r.Kind, r.L, r.R, cond, r.Mark, when} })
	case *RelDependent:
		c := *r
		c.Args, c.When = m.list(r.Args), m.one(r.When)
		return m.done(r, func() Rel { return &c })
	case *RelAggregate:
		keys := m.list(r.Keys)
		aggs := make([]*expr.Aggregate, len(r.Aggs))
		for i, a := range r.Aggs {
			aggs[i] = m.one(a).(*expr.Aggregate)
		}
		return m.done(r, func() Rel { return &RelAggregate{r.Input, keys, aggs, r.Out} })
	case *RelWindow:
		funcs := make([]*expr.Window, len(r.Funcs))
		for i, w := range r.Funcs {
			funcs[i] = m.one(w).(*expr.Window)
		}
		return m.done(r, func() Rel { return &RelWindow{r.Input, funcs, r.Out, r.Top} })
	case *RelDistinctOn:
		on, order := m.list(r.On), m.sortKeys(r.Order)
		return m.done(r, func() Rel { return &RelDistinctOn{r.Input, on, order} })
	case *RelSort:
		keys := m.sortKeys(r.Keys)
		return m.done(r, func() Rel { return &RelSort{r.Input, keys} })
	case *RelLimit:
		count, offset := m.one(r.Count), m.one(r.Offset)
		return m.done(r, func() Rel { return &RelLimit{r.Input, count, offset} })
	case *RelLock:
		cond := m.one(r.Recheck)
		return m.done(r, func() Rel { return &RelLock{r.Input, r.Items, cond, r.Rerun} })
	case *RelSeries:
		start, stop, step := m.one(r.Start), m.one(r.Stop), m.one(r.Step)
		return m.done(r, func() Rel { return &RelSeries{start, stop, step, r.Out} })
	}
	return r
}

type exprMapper struct {
	fn      func(expr.Expr) expr.Expr
	changed bool
}

func (m *exprMapper) one(e expr.Expr) expr.Expr {
	if e == nil {
		return nil
	}
	n := m.fn(e)
	m.changed = m.changed || n != e
	return n
}

func (m *exprMapper) list(list []expr.Expr) []expr.Expr {
	out := make([]expr.Expr, len(list))
	for i, e := range list {
		out[i] = m.one(e)
	}
	return out
}

func (m *exprMapper) sortKeys(keys []SortKey) []SortKey {
	out := slices.Clone(keys)
	for i := range out {
		out[i].Expr = m.one(out[i].Expr)
	}
	return out
}

func (m *exprMapper) done(r Rel, changed func() Rel) Rel {
	if !m.changed {
		return r
	}
	return changed()
}

// Substitute replaces columns in all expressions of a plan and of its subqueries.
func Substitute(r Rel, with map[int]expr.Expr) Rel {
	if len(with) == 0 {
		return r
	}
	r = MapRels(r, func(c Rel) Rel { return Substitute(c, with) })
	return MapExprs(r, func(e expr.Expr) expr.Expr {
		return expr.Rewrite(e, func(e expr.Expr) expr.Expr {
			switch e := e.(type) {
			case *expr.Column:
				if n, ok := with[e.ID]; ok {
					return n
				}
			case *expr.Subquery:
				c := *e
				c.Plan = Substitute(SubqueryPlan(e), with)
				return &c
			}
			return e
		})
	})
}

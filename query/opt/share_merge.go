package opt

import (
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

// merger compares two plans that are to be one. They are equal if they have the same operators over the same tables with
// the same expressions; which columns they output may differ, unless computing one that the other does not have could
// fail.
type merger struct {
	// to are the columns of the merged plan that those of the second one are.
	to map[int]int
}

// rel returns a plan with the rows of both a and b, which has the columns of a, and for each of b either one of these or
// itself; nil if they differ.
func (m *merger) rel(a, b plan.Rel) plan.Rel {
	switch a := a.(type) {
	case *plan.RelScan:
		if b, ok := b.(*plan.RelScan); ok && a.Table.ID == b.Table.ID && a.Ref.ID == 0 && b.Ref.ID == 0 {
			return m.scan(a, b)
		}
	case *plan.RelShared:
		if b, ok := b.(*plan.RelShared); ok && a.Def == b.Def {
			n := &plan.RelShared{Def: a.Def}
			n.Out, n.Attrs = m.attributes(a.Out, a.Attrs, b.Out, b.Attrs)
			return n
		}
	case *plan.RelValues:
		if b, ok := b.(*plan.RelValues); ok && len(a.Out) == len(b.Out) && slices.EqualFunc(a.Tuples, b.Tuples, m.list) {
			m.columns(a.Out, b.Out)
			return a
		}
	case *plan.RelSeries:
		if b, ok := b.(*plan.RelSeries); ok && m.list([]expr.Expr{a.Start, a.Stop, a.Step}, []expr.Expr{b.Start, b.Stop, b.Step}) {
			m.to[b.Out.ID] = a.Out.ID
			return a
		}
	case *plan.RelFilter:
		if b, ok := b.(*plan.RelFilter); ok {
			if in := m.rel(a.Input, b.Input); in != nil && m.conds(a.Cond, b.Cond) {
				return &plan.RelFilter{Input: in, Cond: a.Cond}
			}
		}
	case *plan.RelProject:
		if b, ok := b.(*plan.RelProject); ok {
			return m.project(a, b)
		}
	case *plan.RelJoin:
		if b, ok := b.(*plan.RelJoin); ok && a.Kind == b.Kind {
			return m.join(a, b)
		}
	case *plan.RelAggregate:
		if b, ok := b.(*plan.RelAggregate); ok && len(a.Keys) == len(b.Keys) {
			return m.aggregate(a, b)
		}
	}
	return m.rare(a, b)
}

func (m *merger) rare(a, b plan.Rel) plan.Rel {
	switch a := a.(type) {
	case *plan.RelSort:
		if b, ok := b.(*plan.RelSort); ok {
			if in := m.rel(a.Input, b.Input); in != nil && m.order(a.Keys, b.Keys) {
				return &plan.RelSort{Input: in, Keys: a.Keys}
			}
		}
	case *plan.RelLimit:
		if b, ok := b.(*plan.RelLimit); ok && m.list([]expr.Expr{a.Count, a.Offset}, []expr.Expr{b.Count, b.Offset}) {
			if in := m.rel(a.Input, b.Input); in != nil {
				return &plan.RelLimit{Input: in, Count: a.Count, Offset: a.Offset}
			}
		}
	case *plan.RelDistinctOn:
		if b, ok := b.(*plan.RelDistinctOn); ok {
			if in := m.rel(a.Input, b.Input); in != nil && m.list(a.On, b.On) && m.order(a.Order, b.Order) {
				return &plan.RelDistinctOn{Input: in, On: a.On, Order: a.Order}
			}
		}
	case *plan.RelWindow:
		if b, ok := b.(*plan.RelWindow); ok && len(a.Funcs) == len(b.Funcs) {
			in := m.rel(a.Input, b.Input)
			if in == nil || !slices.EqualFunc(a.Funcs, b.Funcs, func(x, y *expr.Window) bool { return m.equal(x, y) }) {
				return nil
			}
			m.columns(a.Out, b.Out)
			n := &plan.RelWindow{Input: in, Funcs: a.Funcs, Out: a.Out}
			if a.Top != nil && b.Top != nil && *a.Top == *b.Top {
				n.Top = a.Top
			}
			return n
		}
	case *plan.RelUnion:
		if b, ok := b.(*plan.RelUnion); ok && len(a.All) == len(b.All) && len(a.Out) == len(b.Out) {
			n := &plan.RelUnion{In: a.In, Out: a.Out}
			for i := range a.All {
				in := m.rel(a.All[i], b.All[i])
				if in == nil || !m.ids(a.In[i], b.In[i]) {
					return nil
				}
				n.All = append(n.All, in)
			}
			m.columns(a.Out, b.Out)
			return n
		}
	case *plan.RelSetOp:
		if b, ok := b.(*plan.RelSetOp); ok && a.Kind == b.Kind && a.All == b.All && len(a.Out) == len(b.Out) {
			n := *a
			n.L, n.R = m.rel(a.L, b.L), m.rel(a.R, b.R)
			if n.L == nil || n.R == nil || !m.ids(a.LIn, b.LIn) || !m.ids(a.RIn, b.RIn) {
				return nil
			}
			m.columns(a.Out, b.Out)
			return &n
		}
	}
	return nil
}

func (m *merger) scan(a, b *plan.RelScan) plan.Rel {
	n := *a
	n.Out, n.Attrs = m.attributes(a.Out, a.Attrs, b.Out, b.Attrs)
	return &n
}

// attributes are those of both.
func (m *merger) attributes(aOut []plan.Col, aAttrs []int, bOut []plan.Col, bAttrs []int) ([]plan.Col, []int) {
	out, attrs := slices.Clone(aOut), slices.Clone(aAttrs)
	for i, c := range bOut {
		if k := slices.Index(attrs, bAttrs[i]); k >= 0 {
			m.to[c.ID] = out[k].ID
			continue
		}
		m.to[c.ID] = c.ID
		out, attrs = append(out, c), append(attrs, bAttrs[i])
	}
	return out, attrs
}

// columns lets those of b be those of a, by position.
func (m *merger) columns(a, b []plan.Col) {
	for i := range b {
		m.to[b[i].ID] = a[i].ID
	}
}

// ids reports whether columns are the same, by position.
func (m *merger) ids(a, b []int) bool {
	return slices.EqualFunc(a, b, func(x, y int) bool { return m.id(y) == x })
}

func (m *merger) id(b int) int {
	if id, ok := m.to[b]; ok {
		return id
	}
	return b
}

// mapped is an expression of b over the columns of the merged plan.
func (m *merger) mapped(e expr.Expr) expr.Expr {
	if e == nil {
		return nil
	}
	return expr.Rewrite(e, func(e expr.Expr) expr.Expr {
		if c, ok := e.(*expr.Column); ok && m.id(c.ID) != c.ID {
			n := *c
			n.ID = m.id(c.ID)
			return &n
		}
		return e
	})
}

func (m *merger) equal(a, b expr.Expr) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return expr.Equal(a, m.mapped(b))
}

func (m *merger) list(a, b []expr.Expr) bool { return slices.EqualFunc(a, b, m.equal) }

func (m *merger) order(a, b []plan.SortKey) bool {
	return slices.EqualFunc(a, b, func(x, y plan.SortKey) bool {
		return x.Desc == y.Desc && x.NullsFirst == y.NullsFirst && m.equal(x.Expr, y.Expr)
	})
}

// conds reports whether conditions have the same conjuncts.
func (m *merger) conds(a, b expr.Expr) bool {
	if invariants.Mutant("opt-share-ignores-predicates") {
		return true
	}
	as, bs := conjuncts(a), conjuncts(b)
	for _, y := range bs {
		k := slices.IndexFunc(as, func(x expr.Expr) bool { return m.equal(x, y) })
		if k < 0 {
			return false
		}
		as = append(as[:k:k], as[k+1:]...)
	}
	return len(as) == 0
}

func (m *merger) join(a, b *plan.RelJoin) plan.Rel {
	n := &plan.RelJoin{Kind: a.Kind, Cond: a.Cond, Mark: a.Mark}
	if n.L = m.rel(a.L, b.L); n.L == nil {
		return nil
	}
	if n.R = m.rel(a.R, b.R); n.R == nil || !m.conds(a.Cond, b.Cond) {
		return nil
	}
	if a.Kind == plan.Mark {
		m.to[b.Mark.ID] = a.Mark.ID
	}
	return n
}

// find returns the expression that is equal to one of b, or adds that one; not ok if it could fail.
func (m *merger) find(list []expr.Expr, out []plan.Col, e expr.Expr, c plan.Col) ([]expr.Expr, []plan.Col, bool) {
	e = m.mapped(e)
	if k := slices.IndexFunc(list, func(x expr.Expr) bool { return expr.Equal(x, e) }); k >= 0 {
		m.to[c.ID] = out[k].ID
		return list, out, true
	}
	if expr.CanFail(e) {
		return nil, nil, false
	}
	if col, ok := column(e); ok { // it is passed on under its own ID
		m.to[c.ID] = col.ID
		c.ID = col.ID
	} else {
		m.to[c.ID] = c.ID
	}
	return append(list, e), append(out, c), true
}

func (m *merger) project(a, b *plan.RelProject) plan.Rel {
	in := m.rel(a.Input, b.Input)
	if in == nil {
		return nil
	}
	n := &plan.RelProject{Input: in, Exprs: slices.Clone(a.Exprs), Out: slices.Clone(a.Out)}
	ok := true
	for i := 0; ok && i < len(b.Exprs); i++ {
		n.Exprs, n.Out, ok = m.find(n.Exprs, n.Out, b.Exprs[i], b.Out[i])
	}
	if !ok {
		return nil
	}
	return n
}

func (m *merger) aggregate(a, b *plan.RelAggregate) plan.Rel {
	in := m.rel(a.Input, b.Input)
	if in == nil || !m.list(a.Keys, b.Keys) {
		return nil
	}
	keys := len(a.Keys)
	var aggs []expr.Expr
	for _, g := range a.Aggs {
		aggs = append(aggs, g)
	}
	out, ok := slices.Clone(a.Out[keys:]), true
	for i := 0; ok && i < len(b.Aggs); i++ {
		aggs, out, ok = m.find(aggs, out, b.Aggs[i], b.Out[keys+i])
	}
	if !ok {
		return nil
	}
	m.columns(a.Out[:keys], b.Out[:keys])
	n := &plan.RelAggregate{Input: in, Keys: a.Keys, Out: append(slices.Clone(a.Out[:keys]), out...)}
	for _, g := range aggs {
		n.Aggs = append(n.Aggs, g.(*expr.Aggregate))
	}
	return n
}

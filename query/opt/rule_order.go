package opt

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// simplifySort leaves out keys that decide nothing.
func simplifySort(z *optimizer, r plan.Rel) plan.Rel {
	s, ok := r.(*plan.RelSort)
	if !ok {
		return r
	}
	in := z.infoOf(s.Input)
	fixed := fixedColumns(and(trueConds(s.Input)...))
	var kept []plan.SortKey
	var before colSet // the keys that are columns
	var seen exprSet
	for _, k := range s.Keys {
		if in.unique(union(before, fixed)) {
			break
		}
		c, isCol := column(k.Expr)
		if plan.VolatileExpr(k.Expr) {
			return r
		}
		if isCol && fixed.has(c.ID) || exprCols(k.Expr).empty() && movable(k.Expr) || seen.find(k.Expr) >= 0 {
			continue
		}
		seen.add(k.Expr)
		kept = append(kept, k)
		if isCol {
			before.add(c.ID)
		}
	}
	switch len(kept) {
	case len(s.Keys):
		return r
	case 0:
		return s.Input
	}
	return &plan.RelSort{Input: s.Input, Keys: kept}
}

// simplifyLimit: limits of limits, of nothing, and of one row.
func simplifyLimit(z *optimizer, r plan.Rel) plan.Rel {
	l, ok := r.(*plan.RelLimit)
	if !ok {
		return r
	}
	count, okCount := constInt(l.Count)
	offset, okOffset := int64(0), l.Offset == nil
	if !okOffset {
		offset, okOffset = constInt(l.Offset)
	}
	if !okCount || !okOffset || offset < 0 || count < 0 {
		return r
	}
	if count == 0 {
		return noRows(r.Cols())
	}
	if offset == 0 && z.infoOf(l.Input).unique(nil) {
		return l.Input
	}
	below, ok := l.Input.(*plan.RelLimit)
	if !ok || below.Offset != nil {
		return r
	}
	n, ok := constInt(below.Count)
	if !ok || n < 0 {
		return r
	}
	return &plan.RelLimit{Input: below.Input, Count: int8Const(max(0, min(count, n-offset))), Offset: l.Offset}
}

func int8Const(n int64) expr.Expr {
	return expr.NewConst(types.NewInt(types.Int8, n), types.T(types.Int8), 0)
}

// firstRows takes a limit apart: the sort below it, if there is one, what is limited, and how many rows of that are used.
func firstRows(r plan.Rel) (l *plan.RelLimit, keys []plan.SortKey, in plan.Rel, n expr.Expr) {
	l, ok := r.(*plan.RelLimit)
	if !ok {
		return nil, nil, nil, nil
	}
	if n = topN(l.Count, l.Offset); n == nil || !isConst(n) {
		return nil, nil, nil, nil
	}
	in = l.Input
	if s, ok := in.(*plan.RelSort); ok {
		in, keys = s.Input, s.Keys
	}
	return l, keys, in, n
}

// again puts a limit, and its sort, above what took the place of its input.
func again(l *plan.RelLimit, in plan.Rel) plan.Rel {
	if s, ok := l.Input.(*plan.RelSort); ok {
		in = &plan.RelSort{Input: in, Keys: s.Keys}
	}
	return &plan.RelLimit{Input: in, Count: l.Count, Offset: l.Offset}
}

// limited is the first n rows of an operator.
func limited(r plan.Rel, keys []plan.SortKey, n expr.Expr) plan.Rel {
	if len(keys) > 0 {
		r = &plan.RelSort{Input: r, Keys: keys}
	}
	return &plan.RelLimit{Input: r, Count: n}
}

// atMost reports whether an operator is known to have at most n rows.
func (z *optimizer) atMost(r plan.Rel, n expr.Expr) bool {
	most, _ := constInt(n)
	switch r := r.(type) {
	case *plan.RelLimit:
		have, ok := constInt(r.Count)
		return ok && have <= most
	case *plan.RelProject, *plan.RelSort:
		return z.atMost(r.Children()[0], n)
	case *plan.RelValues:
		return int64(len(r.Tuples)) <= most
	}
	return most >= 1 && z.infoOf(r).unique(nil)
}

func pushLimitIntoUnion(z *optimizer, r plan.Rel) plan.Rel {
	l, keys, in, n := firstRows(r)
	u, ok := in.(*plan.RelUnion)
	if !ok {
		return r
	}
	for _, k := range keys {
		if plan.VolatileExpr(k.Expr) || plan.HasSubquery(k.Expr) {
			return r
		}
	}
	if invariants.Mutant("opt-limit-each-input") && l.Offset != nil {
		n = l.Count
	}
	changed := false
	next := &plan.RelUnion{In: u.In, Out: u.Out}
	for i, b := range u.All {
		if !z.atMost(b, n) && !z.volatile(b) {
			own := make([]plan.SortKey, len(keys))
			for j, k := range keys {
				own[j] = plan.SortKey{Expr: mapped([]expr.Expr{k.Expr}, u.Out, u.In[i], b)[0], Desc: k.Desc, NullsFirst: k.NullsFirst}
			}
			b, changed = limited(b, own, n), true
		}
		next.All = append(next.All, b)
	}
	if !changed {
		return r
	}
	return again(l, next)
}

// pushLimitIntoJoin: each row of the side that a join keeps makes one row at least.
func pushLimitIntoJoin(z *optimizer, r plan.Rel) plan.Rel {
	l, keys, in, n := firstRows(r)
	j, ok := in.(*plan.RelJoin)
	if !ok || j.Kind != plan.Left && j.Kind != plan.Single && j.Kind != plan.Mark || z.atMost(j.L, n) || z.volatile(j) {
		return r
	}
	lc := relCols(j.L)
	for _, k := range keys {
		if !exprCols(k.Expr).subsetOf(lc) || plan.VolatileExpr(k.Expr) || plan.HasSubquery(k.Expr) {
			return r
		}
	}
	return again(l, &plan.RelJoin{Kind: j.Kind, L: limited(j.L, keys, n), R: j.R, Cond: j.Cond, Mark: j.Mark})
}

// insensitive are the aggregates that take each value once however often it comes.
var insensitive = map[expr.AggOp]bool{
	expr.AggMin: true, expr.AggMax: true, expr.AggBoolAnd: true, expr.AggBoolOr: true, expr.AggBitAnd: true, expr.AggBitOr: true,
}

func dropDistinctArgument(_ *optimizer, r plan.Rel) plan.Rel {
	a, ok := r.(*plan.RelAggregate)
	if !ok {
		return r
	}
	n := &plan.RelAggregate{Input: a.Input, Keys: a.Keys, Out: a.Out}
	changed := false
	for _, g := range a.Aggs {
		if g.Distinct && insensitive[g.Func.Op] && g.Type().Kind.ImageEqual() {
			c := *g
			c.Distinct, c.InOrder = false, false
			g, changed = &c, true
		}
		n.Aggs = append(n.Aggs, g)
	}
	if !changed {
		return r
	}
	return n
}

// dropInnerDistinct: what removes duplicates needs no input without them.
func dropInnerDistinct(_ *optimizer, r plan.Rel) plan.Rel {
	switch r := r.(type) {
	case *plan.RelAggregate:
		u, ok := r.Input.(*plan.RelUnion)
		if !ok || len(r.Aggs) > 0 || exprsColumns(r.Keys).len() != len(u.Out) {
			return r
		}
		n := &plan.RelUnion{In: u.In, Out: u.Out}
		changed := false
		for _, b := range u.All {
			d := withDuplicates(b)
			changed = changed || d != b
			n.All = append(n.All, d)
		}
		if changed {
			return &plan.RelAggregate{Input: n, Keys: r.Keys, Out: r.Out}
		}
	case *plan.RelSetOp:
		if n := (&plan.RelSetOp{Kind: r.Kind, L: withDuplicates(r.L), R: withDuplicates(r.R), LIn: r.LIn, RIn: r.RIn, Out: r.Out}); !r.All && (n.L != r.L || n.R != r.R) {
			return n
		}
	}
	return r
}

// withDuplicates is the input of a removal of duplicates of which all columns are identical when they are equal.
func withDuplicates(r plan.Rel) plan.Rel {
	a, ok := r.(*plan.RelAggregate)
	if !ok || len(a.Aggs) > 0 || len(a.Keys) == 0 {
		return r
	}
	for _, k := range a.Keys {
		if !k.Type().Kind.ImageEqual() {
			return r
		}
	}
	return &plan.RelProject{Input: a.Input, Exprs: a.Keys, Out: a.Out}
}

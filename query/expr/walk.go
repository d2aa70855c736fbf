package expr

import (
	"slices"

	"github.com/laminadb/lamina/types"
)

// Children returns the direct subexpressions of e, in order of evaluation as written. A Subquery's plan is
// not looked into, its Test is.
func Children(e Expr) []Expr {
	switch e := e.(type) {
	case *Call:
		return e.Args
	case *And:
		return e.Args
	case *Or:
		return e.Args
	case *Not:
		return []Expr{e.Arg}
	case *IsNull:
		return []Expr{e.Arg}
	case *BoolTest:
		return []Expr{e.Arg}
	case *Distinct:
		return []Expr{e.L, e.R}
	case *Case:
		out := make([]Expr, 0, 2*len(e.Whens)+1)
		for _, w := range e.Whens {
			out = append(out, w.Cond, w.Result)
		}
		return append(out, e.Else)
	case *Coalesce:
		return e.Args
	case *In:
		return append([]Expr{e.Arg}, e.List...)
	case *Subquery:
		if e.Test != nil {
			return []Expr{e.Test}
		}
	case *Aggregate:
		if e.Filter == nil && e.Order == nil {
			return e.Args
		}
		out := slices.Clone(e.Args)
		if e.Filter != nil {
			out = append(out, e.Filter)
		}
		return append(out, e.Order...)
	case *Window:
		return windowChildren(e)
	}
	return nil
}

// Walk calls fn for e and everything below it, parents first. If fn returns false, what is below is
// skipped.
func Walk(e Expr, fn func(Expr) bool) {
	if e == nil || !fn(e) {
		return
	}
	for _, c := range Children(e) {
		Walk(c, fn)
	}
}

// Rewrite replaces expressions bottom up: fn gets each expression with its children already rewritten,
// and returns it or another one. What does not change is shared.
func Rewrite(e Expr, fn func(Expr) Expr) Expr {
	return fn(withChildren(e, func(c Expr) Expr { return Rewrite(c, fn) }))
}

// withChildren returns e with its children mapped; e itself if none changes.
func withChildren(e Expr, fn func(Expr) Expr) Expr {
	old := Children(e)
	var now []Expr
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
		return e
	}
	return rebuilt(e, now)
}

// rebuilt returns a copy of e with other children, in the order of Children.
func rebuilt(e Expr, args []Expr) Expr {
	switch e := e.(type) {
	case *Call:
		c := *e
		c.Args = args
		return &c
	case *And:
		return &And{e.Node, args}
	case *Or:
		return &Or{e.Node, args}
	case *Not:
		return &Not{e.Node, args[0]}
	case *IsNull:
		return &IsNull{e.Node, args[0], e.Negated}
	case *BoolTest:
		return &BoolTest{e.Node, args[0], e.Value, e.Negated}
	case *Distinct:
		return &Distinct{e.Node, args[0], args[1], e.Eq, e.Negated}
	case *Case:
		c := &Case{Node: e.Node, Whens: make([]When, len(e.Whens)), Else: args[len(args)-1]}
		for i := range c.Whens {
			c.Whens[i] = When{args[2*i], args[2*i+1]}
		}
		return c
	case *Coalesce:
		return &Coalesce{e.Node, args}
	case *In:
		return &In{e.Node, args[0], args[1:], e.Eq, e.Negated}
	case *Subquery:
		c := *e
		c.Test = args[0]
		return &c
	case *Aggregate:
		c := *e
		n := len(e.Args)
		c.Args = args[:n:n]
		if args = args[n:]; e.Filter != nil {
			c.Filter, args = args[0], args[1:]
		}
		if e.Order != nil {
			c.Order = args
		}
		return &c
	case *Window:
		return rebuiltWindow(e, args)
	}
	return e
}

// Equal reports whether two expressions are the same text up to positions: equal inputs give equal
// results unless they are volatile. Subqueries are equal only to themselves.
func Equal(a, b Expr) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.Type() != b.Type() || !sameNode(a, b) {
		return false
	}
	return slices.EqualFunc(Children(a), Children(b), Equal)
}

// sameNode compares everything but types and children.
func sameNode(a, b Expr) bool {
	switch a := a.(type) {
	case *Const:
		b, ok := b.(*Const)
		return ok && types.Identical(a.Value, b.Value)
	case *Column:
		b, ok := b.(*Column)
		return ok && a.ID == b.ID
	case *Param:
		b, ok := b.(*Param)
		return ok && a.N == b.N
	case *Call:
		b, ok := b.(*Call)
		return ok && a.Func == b.Func
	case *And:
		_, ok := b.(*And)
		return ok
	case *Or:
		_, ok := b.(*Or)
		return ok
	case *Not:
		_, ok := b.(*Not)
		return ok
	case *IsNull:
		b, ok := b.(*IsNull)
		return ok && a.Negated == b.Negated
	case *BoolTest:
		b, ok := b.(*BoolTest)
		return ok && a.Negated == b.Negated && a.Value == b.Value
	case *Distinct:
		b, ok := b.(*Distinct)
		return ok && a.Eq == b.Eq && a.Negated == b.Negated
	case *Case:
		b, ok := b.(*Case)
		return ok && len(a.Whens) == len(b.Whens)
	case *Coalesce:
		_, ok := b.(*Coalesce)
		return ok
	case *In:
		b, ok := b.(*In)
		return ok && a.Eq == b.Eq && a.Negated == b.Negated
	case *Aggregate:
		b, ok := b.(*Aggregate)
		return ok && a.Func == b.Func && a.Distinct == b.Distinct && (a.Filter == nil) == (b.Filter == nil) &&
			slices.Equal(a.Desc, b.Desc) && slices.Equal(a.NullsFirst, b.NullsFirst) && a.InOrder == b.InOrder
	case *Window:
		b, ok := b.(*Window)
		return ok && sameCall(a, b)
	}
	return false
}

// Columns returns the IDs of the columns that e names, ascending and without duplicates. Columns inside
// the plans of subqueries are not looked at.
func Columns(e Expr) []int {
	var ids []int
	Walk(e, func(e Expr) bool {
		if c, ok := e.(*Column); ok {
			ids = append(ids, c.ID)
		}
		return true
	})
	slices.Sort(ids)
	return slices.Compact(ids)
}

// VolatilityOf returns the highest volatility of any function in e; a parameter is stable, and a
// subquery is at least that.
func VolatilityOf(e Expr) Volatility {
	v := Immutable
	Walk(e, func(e Expr) bool {
		switch e := e.(type) {
		case *Call:
			v = max(v, e.Func.Volatility)
		case *Distinct:
			v = max(v, e.Eq.Volatility)
		case *In:
			v = max(v, e.Eq.Volatility)
		case *Param, *Subquery:
			v = max(v, Stable)
		}
		return v != Volatile
	})
	return v
}

// IsVolatile reports whether e may differ between two evaluations over the same row.
func IsVolatile(e Expr) bool { return VolatilityOf(e) == Volatile }

// CanFail reports whether some input makes the evaluation of e fail. Sums and products of numerics with
// few digits cannot.
func CanFail(e Expr) bool {
	fails := false
	Walk(e, func(e Expr) bool {
		switch e := e.(type) {
		case *Call:
			fails = fails || e.Func.CanFail && !provedSafe(e)
		case *Subquery:
			fails = true
		}
		return !fails
	})
	return fails
}

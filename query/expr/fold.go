package expr

import (
	"github.com/laminadb/lamina/types"
)

// Fold evaluates what is constant in e: immutable functions of constants, and, if ctx is not nil, stable
// ones and parameters too. What fails when evaluated is left as it is, to fail when a row reaches it.
func Fold(e Expr, ctx *Context) Expr {
	return Rewrite(e, func(e Expr) Expr { return foldOne(e, ctx) })
}

func foldOne(e Expr, ctx *Context) Expr {
	switch e := e.(type) {
	case *Const, *Column, *Subquery, *Aggregate:
		return e
	case *Param:
		if ctx == nil || e.N < 1 || e.N > len(ctx.Params) {
			return e
		}
		if d := ctx.deferred(e.N); d != nil {
			return d
		}
		return NewConst(ctx.Params[e.N-1], e.Typ, e.At)
	case *And:
		return foldJunction(e, e.Args, false)
	case *Or:
		return foldJunction(e, e.Args, true)
	case *Case:
		return foldCase(e)
	case *Coalesce:
		return foldCoalesce(e)
	case *Call:
		if v := e.Func.Volatility; v == Volatile || v == Stable && ctx == nil {
			return e
		}
		if e.Func.Strict && hasNullConst(e.Args) {
			return NewConst(types.NullOf(e.Typ.Kind), e.Typ, e.At)
		}
	case *Distinct:
		if e.Eq.Volatility == Stable && ctx == nil {
			return e
		}
	case *In:
		if e.Eq.Volatility == Stable && ctx == nil {
			return e
		}
	}
	for _, c := range Children(e) {
		if _, ok := c.(*Const); !ok {
			return e
		}
	}
	if call, ok := e.(*Call); ok && call.Func.Kernel == kernelRelabel && len(call.Args) == 0 {
		return e
	}
	d, err := EvalRow(ctx, e, nil)
	if err != nil {
		return e
	}
	d.K = e.Type().Kind
	return NewConst(d, e.Type(), e.Pos())
}

// hasNullConst: a strict function of a NULL constant is NULL, whatever its other arguments are. (An
// error in them is then not raised, as in PostgreSQL.)
func hasNullConst(args []Expr) bool {
	for _, a := range args {
		if c, ok := a.(*Const); ok && c.Value.IsNull() {
			return true
		}
	}
	return false
}

// foldJunction drops the neutral constants of AND (absorbing = false) and OR (absorbing = true); an
// absorbing constant decides the whole.
func foldJunction(e Expr, args []Expr, absorbing bool) Expr {
	kept := make([]Expr, 0, len(args))
	for _, a := range args {
		c, ok := a.(*Const)
		switch {
		case !ok || c.Value.IsNull():
			kept = append(kept, a)
		case c.Value.Bool() == absorbing:
			return c
		}
	}
	switch {
	case len(kept) == 0:
		return NewConst(types.NewBool(!absorbing), types.T(types.Bool), e.Pos())
	case len(kept) == 1:
		return kept[0]
	case len(kept) == len(args):
		return e
	case absorbing:
		return &Or{boolNode(e.Pos()), kept}
	}
	return &And{boolNode(e.Pos()), kept}
}

// foldCase drops branches that are never taken and what stands after one that is always taken.
func foldCase(e *Case) Expr {
	whens := make([]When, 0, len(e.Whens))
	for _, w := range e.Whens {
		c, ok := w.Cond.(*Const)
		switch {
		case !ok:
			whens = append(whens, w)
		case c.Value.IsNull() || !c.Value.Bool():
		case len(whens) == 0:
			return w.Result
		default:
			return &Case{e.Node, whens, w.Result}
		}
	}
	switch len(whens) {
	case 0:
		return e.Else
	case len(e.Whens):
		return e
	}
	return &Case{e.Node, whens, e.Else}
}

// foldCoalesce drops NULL constants and what stands after a constant that is not NULL.
func foldCoalesce(e *Coalesce) Expr {
	kept := make([]Expr, 0, len(e.Args))
	for _, a := range e.Args {
		c, ok := a.(*Const)
		if ok && c.Value.IsNull() {
			continue
		}
		kept = append(kept, a)
		if ok {
			break
		}
	}
	switch len(kept) {
	case 0:
		return NewConst(types.NullOf(e.Typ.Kind), e.Typ, e.At)
	case 1:
		return kept[0]
	case len(e.Args):
		return e
	}
	return &Coalesce{e.Node, kept}
}

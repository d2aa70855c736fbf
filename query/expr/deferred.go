package expr

import "github.com/laminadb/lamina/types"

// NewDeferred returns an expression whose value f finds, or whose error it is: it is called for each row that needs
// it, and must always give the same.
func NewDeferred(t types.Type, f func() (types.Datum, error)) Expr {
	return &Call{Node: Node{Typ: t}, Func: &Func{
		Name: "deferred", Ret: t.Kind, Volatility: Volatile, CanFail: true,
		Scalar: func(*Context, []types.Datum) (types.Datum, error) { return f() },
	}}
}

// deferred returns the expression that stands for a parameter; nil: it has a value.
func (ctx *Context) deferred(n int) Expr {
	if len(ctx.Deferred) == 0 {
		return nil
	}
	return ctx.Deferred[n]
}

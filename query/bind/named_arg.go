package bind

import (
	"slices"

	"github.com/laminadb/lamina/query/ast"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/sqlerr"
)

// callArgs binds the arguments of a call, and brings those given by name to their places.
func (x *exprs) callArgs(e *ast.Call) ([]expr.Expr, error) {
	first := slices.IndexFunc(e.Args, func(a ast.Expr) bool { _, named := a.(*ast.NamedArg); return named })
	if first < 0 {
		return x.args(e)
	}
	parameters := expr.Parameters(e.Name)
	if parameters == nil {
		return nil, sqlerr.Unsupported("named argument notation").At(e.Args[first].Pos())
	}
	args, err := x.list(e.Args[:first])
	if err != nil {
		return nil, err
	}
	placed := make([]expr.Expr, max(len(parameters), len(args)))
	copy(placed, args)
	for _, a := range e.Args[first:] {
		n, ok := a.(*ast.NamedArg)
		if !ok {
			return nil, sqlerr.New(sqlerr.SyntaxError, "positional argument cannot follow named argument").At(a.Pos())
		}
		bound, err := x.bind(n.Arg)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(parameters, func(p expr.Parameter) bool { return p.Name == n.Name })
		switch {
		case at < 0 || placed[at] != nil && at < first:
			return nil, sqlerr.Newf(sqlerr.UndefinedFunction, "function %s(%s => %s) does not exist", e.Name, n.Name, bound.Type().Kind).
				WithHint("No function matches the given name and argument types. You might need to add explicit type casts.").At(e.Pos())
		case placed[at] != nil:
			return nil, sqlerr.Newf(sqlerr.SyntaxError, "argument name \"%s\" used more than once", n.Name).At(n.Pos())
		}
		placed[at] = bound
	}
	for i, p := range parameters {
		if placed[i] == nil {
			placed[i] = p.Default
		}
	}
	return placed, nil
}

package opt

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// conjuncts splits a condition at its ANDs; nil has none.
func conjuncts(e expr.Expr) []expr.Expr {
	if e == nil {
		return nil
	}
	a, ok := e.(*expr.And)
	if !ok {
		return []expr.Expr{e}
	}
	var out []expr.Expr
	for _, arg := range a.Args {
		out = append(out, conjuncts(arg)...)
	}
	return out
}

// disjuncts splits a condition at its ORs.
func disjuncts(e expr.Expr) []expr.Expr {
	o, ok := e.(*expr.Or)
	if !ok {
		return []expr.Expr{e}
	}
	var out []expr.Expr
	for _, arg := range o.Args {
		out = append(out, disjuncts(arg)...)
	}
	return out
}

// and joins conditions; nil if there are none. All are boolean already.
func and(conds ...expr.Expr) expr.Expr {
	var set exprSet
	for _, c := range conds {
		for _, x := range conjuncts(c) {
			if !isTrue(x) {
				set.add(x)
			}
		}
	}
	flat := set.list
	switch len(flat) {
	case 0:
		return nil
	case 1:
		return flat[0]
	}
	return &expr.And{Node: boolNode(flat[0].Pos()), Args: flat}
}

// or joins conditions of which there is at least one.
func or(conds []expr.Expr) expr.Expr {
	if len(conds) == 1 {
		return conds[0]
	}
	return &expr.Or{Node: boolNode(conds[0].Pos()), Args: conds}
}

func not(e expr.Expr) expr.Expr {
	switch e := e.(type) {
	case *expr.Not:
		return e.Arg
	case *expr.Call:
		if n := negated(e); n != nil {
			return n
		}
	}
	return &expr.Not{Node: boolNode(e.Pos()), Arg: e}
}

// opposite are the comparisons that are true where another is false.
var opposite = map[string]string{"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}

// negated returns the opposite comparison; nil if e is no comparison.
func negated(e *expr.Call) expr.Expr {
	symbol, _, ok := expr.Comparison(e.Func)
	if !ok {
		return nil
	}
	n, err := expr.NewOp(opposite[symbol], e.At, e.Args...)
	if err != nil {
		return nil
	}
	return n
}

func boolNode(pos int) expr.Node { return expr.Node{Typ: types.T(types.Bool), At: pos} }

// isTrueTest is e IS TRUE: false instead of NULL.
func isTrueTest(e expr.Expr) expr.Expr {
	return &expr.BoolTest{Node: boolNode(e.Pos()), Arg: e, Value: true}
}

// isNotFalse is e IS NOT FALSE: true for NULL.
func isNotFalse(e expr.Expr) expr.Expr {
	return &expr.BoolTest{Node: boolNode(e.Pos()), Arg: e, Value: false, Negated: true}
}

func boolConst(b bool) expr.Expr { return expr.NewConst(types.NewBool(b), types.T(types.Bool), 0) }

func isTrue(e expr.Expr) bool {
	c, ok := e.(*expr.Const)
	return ok && c.Typ.Kind == types.Bool && !c.Value.IsNull() && c.Value.Bool()
}

// isNotTrueConst reports whether e is the constant FALSE or NULL.
func isNotTrueConst(e expr.Expr) bool {
	c, ok := e.(*expr.Const)
	return ok && (c.Value.IsNull() || c.Typ.Kind == types.Bool && !c.Value.Bool())
}

func containsExpr(list []expr.Expr, e expr.Expr) bool {
	for _, x := range list {
		if expr.Equal(x, e) {
			return true
		}
	}
	return false
}

// movable reports whether an expression may be evaluated for rows for which the query as written would
// not: it cannot fail and always gives the same.
func movable(e expr.Expr) bool {
	return !expr.CanFail(e) && !plan.VolatileExpr(e)
}

// filter adds conditions above an operator; an existing filter takes them in.
func filter(r plan.Rel, conds ...expr.Expr) plan.Rel {
	c := and(conds...)
	if c == nil {
		return r
	}
	if f, ok := r.(*plan.RelFilter); ok {
		return &plan.RelFilter{Input: f.Input, Cond: and(f.Cond, c)}
	}
	return &plan.RelFilter{Input: r, Cond: c}
}

// substitute replaces columns of an expression by others or by expressions.
func substitute(e expr.Expr, with map[int]expr.Expr) expr.Expr {
	if e == nil || len(with) == 0 {
		return e
	}
	return expr.Rewrite(e, func(e expr.Expr) expr.Expr {
		if c, ok := e.(*expr.Column); ok {
			if n, ok := with[c.ID]; ok {
				return n
			}
		}
		return e
	})
}

// column returns the column that an expression is.
func column(e expr.Expr) (*expr.Column, bool) {
	c, ok := e.(*expr.Column)
	return c, ok
}

// equality returns the sides of an equality comparison.
func equality(e expr.Expr) (l, r expr.Expr, ok bool) {
	c, ok := e.(*expr.Call)
	if !ok || len(c.Args) != 2 {
		return nil, nil, false
	}
	if symbol, _, ok := expr.Comparison(c.Func); !ok || symbol != "=" {
		return nil, nil, false
	}
	return c.Args[0], c.Args[1], true
}

package opt

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

func foldConstants(_ *optimizer, r plan.Rel) plan.Rel {
	return plan.MapExprs(r, func(e expr.Expr) expr.Expr { return expr.Fold(e, nil) })
}

// onConditions applies fn to the conditions of filters and joins.
func onConditions(r plan.Rel, fn func(expr.Expr) expr.Expr) plan.Rel {
	switch r := r.(type) {
	case *plan.RelFilter:
		if c := fn(r.Cond); c != r.Cond {
			if c == nil {
				return r.Input
			}
			return &plan.RelFilter{Input: r.Input, Cond: c}
		}
	case *plan.RelJoin:
		if r.Cond == nil {
			return r
		}
		if c := fn(r.Cond); c != r.Cond {
			return &plan.RelJoin{Kind: r.Kind, L: r.L, R: r.R, Cond: c, Mark: r.Mark}
		}
	}
	return r
}

func simplifyConditions(_ *optimizer, r plan.Rel) plan.Rel {
	return onConditions(r, func(e expr.Expr) expr.Expr { return expr.Rewrite(e, simplify) })
}

// simplify rewrites one expression whose parts are simple already.
func simplify(e expr.Expr) expr.Expr {
	switch e := e.(type) {
	case *expr.Not:
		return simplifyNot(e)
	case *expr.Or:
		return orToIn(e)
	case *expr.BoolTest:
		return simplifyTest(e)
	}
	return e
}

func simplifyNot(e *expr.Not) expr.Expr {
	switch a := e.Arg.(type) {
	case *expr.Not:
		return a.Arg
	case *expr.And:
		return &expr.Or{Node: a.Node, Args: negate(a.Args)}
	case *expr.Or:
		return &expr.And{Node: a.Node, Args: negate(a.Args)}
	case *expr.IsNull:
		return &expr.IsNull{Node: a.Node, Arg: a.Arg, Negated: !a.Negated}
	case *expr.BoolTest:
		return &expr.BoolTest{Node: a.Node, Arg: a.Arg, Value: a.Value, Negated: !a.Negated}
	case *expr.Distinct:
		return &expr.Distinct{Node: a.Node, L: a.L, R: a.R, Eq: a.Eq, Negated: !a.Negated}
	case *expr.In:
		return &expr.In{Node: a.Node, Arg: a.Arg, List: a.List, Eq: a.Eq, Negated: !a.Negated}
	case *expr.Call:
		if n := negated(a); n != nil {
			return n
		}
	}
	return e
}

func negate(args []expr.Expr) []expr.Expr {
	out := make([]expr.Expr, len(args))
	for i, a := range args {
		out[i] = simplify(&expr.Not{Node: boolNode(a.Pos()), Arg: a})
	}
	return out
}

// simplifyTest: a condition that is never NULL needs no test for TRUE.
func simplifyTest(e *expr.BoolTest) expr.Expr {
	if !neverNull(e.Arg, nil) {
		return e
	}
	if e.Value != e.Negated {
		return e.Arg
	}
	return simplify(&expr.Not{Node: e.Node, Arg: e.Arg})
}

// orToIn collects the branches of an OR that compare the same expression with constants.
func orToIn(e *expr.Or) expr.Expr {
	var out []expr.Expr
	var args exprSet // of groups, at the same places
	var groups []*inGroup
	changed := false
	for _, b := range disjuncts(e) {
		arg, list, eq := inParts(b)
		if arg == nil || plan.VolatileExpr(arg) {
			out = append(out, b)
			continue
		}
		at := args.find(arg)
		switch {
		case at < 0:
			args.add(arg)
			groups = append(groups, &inGroup{at: len(out), pos: b.Pos(), arg: arg, eq: eq, list: *setOf(list)})
		case groups[at].eq == eq:
			groups[at].take(b.Pos(), list)
			changed = true
			continue
		}
		out = append(out, b)
	}
	if !changed {
		return e
	}
	for _, g := range groups {
		if g.taken {
			out[g.at] = &expr.In{Node: boolNode(g.pos), Arg: g.arg, List: g.list.list, Eq: g.eq}
		}
	}
	return or(out)
}

// inGroup is a branch of an OR that compares an expression with constants, and takes others in.
type inGroup struct {
	at, pos int
	arg     expr.Expr
	eq      *expr.Func
	list    exprSet
	taken   bool
}

func (g *inGroup) take(pos int, list []expr.Expr) {
	g.pos, g.taken = pos, true
	for _, e := range list {
		g.list.add(e)
	}
}

// inParts takes x = constant and x IN (constants) apart; arg is nil for others.
func inParts(e expr.Expr) (arg expr.Expr, list []expr.Expr, eq *expr.Func) {
	if in, ok := e.(*expr.In); ok && !in.Negated && allConst(in.List) {
		return in.Arg, in.List, in.Eq
	}
	l, r, ok := equality(e)
	if !ok || l.Type().Kind != r.Type().Kind {
		return nil, nil, nil
	}
	if isConst(l) {
		l, r = r, l
	}
	if isConst(l) || !isConst(r) {
		return nil, nil, nil
	}
	return l, []expr.Expr{r}, e.(*expr.Call).Func
}

func isConst(e expr.Expr) bool {
	_, ok := e.(*expr.Const)
	return ok
}

func allConst(list []expr.Expr) bool {
	for _, e := range list {
		if !isConst(e) {
			return false
		}
	}
	return true
}

const dayMicros = 86400e6

func narrowComparisons(_ *optimizer, r plan.Rel) plan.Rel {
	return onConditions(r, func(e expr.Expr) expr.Expr { return expr.Rewrite(e, narrowComparison) })
}

// narrowComparison turns date op timestamp into date op date.
func narrowComparison(e expr.Expr) expr.Expr {
	call, ok := e.(*expr.Call)
	if !ok || len(call.Args) != 2 {
		return e
	}
	symbol, exchanged, ok := expr.Comparison(call.Func)
	if !ok {
		return e
	}
	d, c := call.Args[0], call.Args[1]
	if isConst(d) {
		d, c, symbol = c, d, exchanged
	}
	k, ok := c.(*expr.Const)
	if !ok || k.Value.IsNull() || k.Typ.Kind != types.Timestamp || d.Type().Kind != types.Date {
		return e
	}
	const infinite = int64(1) << 62
	if k.Value.I > infinite || k.Value.I < -infinite {
		return e
	}
	day, rest := k.Value.I/dayMicros, k.Value.I%dayMicros
	if rest < 0 {
		day, rest = day-1, rest+dayMicros
	}
	if rest != 0 {
		switch symbol {
		case "<", "<=": // d < 5th 10:00 is d <= 5th
			symbol = "<="
		case ">", ">=":
			symbol = ">"
		default:
			return e
		}
	}
	n, err := expr.NewOp(symbol, call.At, d, expr.NewConst(types.NewInt(types.Date, day), types.T(types.Date), c.Pos()))
	if err != nil {
		return e
	}
	return n
}

package exec

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
)

// sumOfCase plans sum(CASE WHEN c THEN x ELSE 0 END) over numerics as the sum of x where c is true. The zeros have another
// scale than x, so that the values of the CASE would need one each; they matter only for groups without an x: those
// are 0 with a row where c is not true. It returns false if the call is none of these.
func (a *aggregation) sumOfCase(g *expr.Aggregate) (bool, error) {
	if g.Func.Op != expr.AggSum || g.Distinct || g.Filter != nil || len(g.Args) != 1 {
		return false, nil
	}
	c, ok := g.Args[0].(*expr.Case)
	if !ok || len(c.Whens) != 1 || c.Type().Kind != types.Numeric || expr.IsVolatile(c) {
		return false, nil
	}
	zero, ok := c.Else.(*expr.Const)
	if !ok || zero.Value.IsNull() || zero.Value.Scale != 0 {
		return false, nil
	}
	if v, _, ok := zero.Value.Decimal(); !ok || v != 0 {
		return false, nil
	}
	when := c.Whens[0]
	x := *g
	x.Filter, x.Args = when.Cond, []expr.Expr{when.Result}
	out := aggOut{typ: g.Typ, op: g.Func.Op, input: a.input(&x)}
	x.Args = nil
	out.orZero = 1 + a.input(&x)
	var err error
	if out.state, err = a.stateOf(g.Func, out.input); err != nil {
		return false, err
	}
	a.outs = append(a.outs, out)
	return true, nil
}

// isZero reports whether a group whose sum has no value has a zero instead.
func (t *groupTable) isZero(o *aggOut, id uint32) bool {
	return o.orZero > 0 && t.count(-1, id) > t.count(o.orZero-1, id) && !invariants.Mutant("agg-case-forgets-zero")
}

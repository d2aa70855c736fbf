package opt

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// swapRatio: a left, semi or anti join builds on its left side if that is this many times smaller than the right
// one; the executor does best with the preserved side as probe.
const swapRatio = 4

// buildsLeft reports whether a join is to be built on its left side: the smaller one. What a semi or anti join
// then looks at are all pairs of rows of one key, so nothing of its condition may fail.
func buildsLeft(r *plan.RelJoin, left, right float64) bool {
	switch r.Kind {
	case plan.Inner:
		return left < right
	case plan.Left:
		return left*swapRatio < right
	case plan.Semi, plan.Anti:
		return left*swapRatio < right && hasKey(r) && (movable(r.Cond) || invariants.Mutant("opt-build-left-fails"))
	}
	return false
}

// hasKey reports whether some condition of a join is a key.
func hasKey(r *plan.RelJoin) bool {
	lc, rc := colsOf(r.L.Cols()), colsOf(r.R.Cols())
	for _, c := range conjuncts(r.Cond) {
		if isJoinKey(c, lc, rc) {
			return true
		}
	}
	return false
}

// mirrored is the kind of a join whose sides are exchanged.
func mirrored(k plan.JoinKind) plan.JoinKind {
	switch k {
	case plan.Left:
		return plan.Right
	case plan.Semi:
		return plan.RightSemi
	case plan.Anti:
		return plan.RightAnti
	}
	return k
}

// join builds a join: equalities between the sides become keys, the rest of the condition a filter. The
// smaller side of an inner join is built.
func (b *builder) join(r *plan.RelJoin) (plan.Node, *layout, error) {
	left, l, err := b.build(r.L)
	if err != nil {
		return nil, nil, err
	}
	right, rl, err := b.build(r.R)
	if err != nil {
		return nil, nil, err
	}
	kind := r.Kind
	li, ri := b.z.infoOf(r.L), b.z.infoOf(r.R)
	if !b.z.o.Disabled[RuleChooseBuildSide] && buildsLeft(r, li.rows, ri.rows) {
		b.z.fired(RuleChooseBuildSide, r)
		left, right, l, rl = right, left, rl, l
		kind = mirrored(kind)
	}
	n := &plan.Join{Kind: kind, Left: left, Right: right}
	both := joined(l, rl)
	residual, err := b.addKeys(n, conjuncts(r.Cond), l, rl)
	if err != nil {
		return nil, nil, err
	}
	if n.Cond, err = b.bind(both, residual); err != nil {
		return nil, nil, err
	}
	own := both
	switch kind {
	case plan.Semi, plan.Anti, plan.AntiNull:
		own = l
	case plan.RightSemi, plan.RightAnti:
		own = rl
	case plan.Mark:
		own = newLayout(append(l.cols[:len(l.cols):len(l.cols)], r.Mark))
	}
	n.Props = b.props(r, own)
	return n, own, nil
}

// addKeys makes keys of the conditions that compare an expression over the left side with one over the
// right side, and returns the rest.
func (b *builder) addKeys(n *plan.Join, conds []expr.Expr, l, r *layout) (residual expr.Expr, err error) {
	lc, rc := colsOf(l.cols), colsOf(r.cols)
	var rest []expr.Expr
	for _, c := range conds {
		x, y, nullEqual, ok := joinKey(c, lc, rc)
		if !ok {
			rest = append(rest, c)
			continue
		}
		if x, err = b.bind(l, x); err != nil {
			return nil, err
		}
		if y, err = b.bind(r, y); err != nil {
			return nil, err
		}
		n.LeftKeys, n.RightKeys = append(n.LeftKeys, x), append(n.RightKeys, y)
		n.NullEqual = append(n.NullEqual, nullEqual)
	}
	return and(rest...), nil
}

// joinKey returns the sides of a condition that is an equality between expressions over each side, brought
// to one kind. Volatile expressions are no keys.
func joinKey(c expr.Expr, lc, rc colSet) (l, r expr.Expr, nullEqual, ok bool) {
	l, r, ok = equality(c)
	if !ok {
		d, isD := c.(*expr.Distinct)
		if !isD || !d.Negated {
			return nil, nil, false, false
		}
		l, r, nullEqual = d.L, d.R, true
	}
	a, b := exprCols(l), exprCols(r)
	if a.empty() || b.empty() || plan.VolatileExpr(c) {
		return nil, nil, false, false
	}
	switch {
	case a.subsetOf(lc) && b.subsetOf(rc):
	case a.subsetOf(rc) && b.subsetOf(lc):
		l, r = r, l
	default:
		return nil, nil, false, false
	}
	if l.Type().Kind == r.Type().Kind {
		return l, r, nullEqual, true
	}
	both := []expr.Expr{l, r}
	t, err := expr.CommonType(both, "JOIN")
	if err != nil {
		return nil, nil, false, false
	}
	if both, err = expr.CoerceAll(both, types.T(t.Kind), "JOIN"); err != nil {
		return nil, nil, false, false
	}
	return both[0], both[1], nullEqual, true
}

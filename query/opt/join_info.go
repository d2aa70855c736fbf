package opt

import (
	"math"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

// joinInfo estimates a join.
func (z *optimizer) joinInfo(kind plan.JoinKind, l, r plan.Rel, cond expr.Expr, mark plan.Col) *info {
	return z.joinOf(kind, z.infoOf(l), z.infoOf(r), relCols(l), relCols(r), conjuncts(cond), mark)
}

// dependentInfo estimates a dependent join. A mark of it may be NULL.
func (z *optimizer) dependentInfo(r *plan.RelDependent) *info {
	var cond expr.Expr
	if r.Kind == plan.Mark {
		cond = r.Mark.Ref()
	}
	return z.joinInfo(r.Kind, r.L, r.R, cond, r.Mark)
}

// joinOf estimates a join of two inputs of which only their columns and what is known about them are given.
func (z *optimizer) joinOf(kind plan.JoinKind, li, ri *info, lc, rc colSet, conds []expr.Expr, mark plan.Col) *info {
	matches := joinSelectivity(z, conds, li, ri, lc, rc)
	i := &info{left: li, leftCols: lc}
	switch kind {
	case plan.Semi, plan.Anti, plan.AntiNull, plan.Mark:
	default:
		i.right = ri
	}
	inner := li.rows * ri.rows * matches
	lu, ru := uniqueSides(conds, li, ri, lc, rc)
	switch {
	case lu && ru:
		inner = math.Min(inner, math.Min(li.rows, ri.rows))
	case ru:
		inner = math.Min(inner, li.rows)
	case lu:
		inner = math.Min(inner, ri.rows)
	}
	matched := math.Min(1, ri.rows*matches) // fraction of L's rows with a match
	i.notNull = li.notNull
	switch kind {
	case plan.Inner:
		i.rows = inner
		i.notNull = union(union(li.notNull, ri.notNull), rejectedNulls(conds))
		i.joinKeys(li, ri, lu, ru)
	case plan.Left, plan.Single:
		i.rows = math.Max(inner, li.rows)
		if kind == plan.Single {
			i.rows = li.rows
		}
		if ru || kind == plan.Single {
			i.keys = li.keys
		} else {
			i.joinKeys(li, ri, false, false)
		}
	case plan.Full:
		i.rows = math.Max(inner, math.Max(li.rows, ri.rows))
		i.notNull = nil
		i.joinKeys(li, ri, false, false)
	case plan.Semi:
		i.rows, i.keys = li.rows*matched, li.keys
		i.notNull = union(li.notNull, rejectedNulls(conds).intersect(lc))
	case plan.Anti, plan.AntiNull:
		i.rows, i.keys = li.rows*math.Max(0.05, 1-matched), li.keys
	case plan.Mark:
		i.rows, i.keys = li.rows, li.keys
		i.stats = map[int]colStat{mark.ID: {distinct: 2}}
		if len(conds) == 0 {
			i.notNull = union(i.notNull, colsOf([]plan.Col{mark}))
		}
	}
	if kind == plan.Full { // both sides' keys may be NULL-extended: no key survives by itself
		i.keys = nil
	}
	return i
}

// joinKeys: with one side unique in the join columns, the other's keys stay keys; pairs of keys always
// are.
func (i *info) joinKeys(l, r *info, lUnique, rUnique bool) {
	if rUnique {
		for _, k := range l.keys {
			i.addKey(k)
		}
	}
	if lUnique {
		for _, k := range r.keys {
			i.addKey(k)
		}
	}
	for _, a := range l.keys {
		for _, b := range r.keys {
			i.addKey(union(a, b))
		}
	}
}

// uniqueSides reports whether the equalities of a join condition cover a key of either side, so that each
// row of the other side matches at most one.
func uniqueSides(conds []expr.Expr, li, ri *info, lc, rc colSet) (l, r bool) {
	var ls, rs colSet
	for _, c := range conds {
		a, b, ok := equality(c)
		if !ok {
			if d, isD := c.(*expr.Distinct); isD && d.Negated {
				a, b, ok = d.L, d.R, true
			}
		}
		if !ok {
			continue
		}
		for _, p := range [][2]expr.Expr{{a, b}, {b, a}} {
			col, isCol := column(p[0])
			if !isCol {
				continue
			}
			if lc.has(col.ID) && exprCols(p[1]).subsetOf(rc) {
				ls.add(col.ID)
			}
			if rc.has(col.ID) && exprCols(p[1]).subsetOf(lc) {
				rs.add(col.ID)
			}
		}
	}
	return li.unique(ls), ri.unique(rs)
}

// joinSelectivity estimates the fraction of pairs for which all conditions hold. Several equalities
// between the same two inputs are assumed to be correlated: each further one counts by its square root.
func joinSelectivity(z *optimizer, conds []expr.Expr, li, ri *info, lc, rc colSet) float64 {
	f := 1.0
	var equalities []float64
	for _, c := range conds {
		a, b, ok := equality(c)
		if d, isD := c.(*expr.Distinct); isD && d.Negated {
			a, b, ok = d.L, d.R, true
		}
		if ok {
			ac, bc := exprCols(a), exprCols(b)
			if ac.subsetOf(rc) && bc.subsetOf(lc) {
				a, b, ac, bc = b, a, bc, ac
			}
			if ac.subsetOf(lc) && bc.subsetOf(rc) && !ac.empty() && !bc.empty() {
				d := math.Max(z.exprDistinct(a, li), z.exprDistinct(b, ri))
				equalities = append(equalities, 1/math.Max(1, d))
				continue
			}
		}
		both := &info{rows: math.Max(li.rows, ri.rows), stats: map[int]colStat{}, notNull: union(li.notNull, ri.notNull)}
		exprCols(c).each(func(id int) {
			if lc.has(id) {
				both.stats[id] = li.stat(id)
			} else {
				both.stats[id] = ri.stat(id)
			}
		})
		f *= clamp(z.fraction(c, both))
	}
	return f * combined(equalities)
}

func combined(fractions []float64) float64 {
	f, power := 1.0, 1.0
	for len(fractions) > 0 {
		least := 0
		for i := range fractions {
			if fractions[i] < fractions[least] {
				least = i
			}
		}
		f *= math.Pow(fractions[least], power)
		power /= 2
		fractions = append(fractions[:least], fractions[least+1:]...)
	}
	return f
}

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
	equal, rest := z.joinConditions(conds, li, ri, lc, rc)
	same := equalFraction(equal, li, ri)
	i := &info{left: li, leftCols: lc}
	switch kind {
	case plan.Semi, plan.Anti, plan.AntiNull, plan.Mark:
		i.tuples = li.tuples
	default:
		i.right = ri
	}
	inner := li.rows * ri.rows * same * rest
	lu, ru := uniqueSides(conds, li, ri, lc, rc)
	switch {
	case lu && ru:
		inner = math.Min(inner, math.Min(li.rows, ri.rows))
	case ru:
		inner = math.Min(inner, li.rows)
	case lu:
		inner = math.Min(inner, ri.rows)
	}
	matched := matched(equal, same, rest, ri)
	i.notNull = li.notNull
	switch kind {
	case plan.Inner:
		i.rows = inner
		i.notNull = union(union(li.notNull, ri.notNull), rejectedNulls(conds))
		i.joinKeys(li, ri, lu, ru)
		i.joinTuples(li, ri, equal)
		i.equate(equal)
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

// joinEquality is a condition of a join that makes an expression of each side equal.
type joinEquality struct {
	// l and r are the columns that they are; 0: another expression.
	l, r int
	// fraction of the pairs of rows for which it holds, and of the left rows of which the right side has the value.
	fraction, contained float64
}

// joinConditions takes the equalities out of the conditions of a join, and estimates the fraction of pairs that the others leave.
func (z *optimizer) joinConditions(conds []expr.Expr, li, ri *info, lc, rc colSet) (equal []joinEquality, rest float64) {
	rest = 1
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
				equal = append(equal, z.joinEquality(a, b, li, ri))
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
		rest *= clamp(z.fraction(c, both))
	}
	return equal, rest
}

func (z *optimizer) joinEquality(l, r expr.Expr, li, ri *info) joinEquality {
	var e joinEquality
	if c, ok := column(l); ok {
		e.l = c.ID
	}
	if c, ok := column(r); ok {
		e.r = c.ID
	}
	d := math.Max(1, math.Max(z.domain(l, li), z.domain(r, ri)))
	e.fraction, e.contained = 1/d, math.Min(1, z.exprDistinct(r, ri)/d)
	return e
}

// domain estimates how many values an expression may have: see colStat.
func (z *optimizer) domain(e expr.Expr, in *info) float64 {
	if call, ok := e.(*expr.Call); ok && call.Func.Syntax == expr.SyntaxCast && len(call.Args) > 0 {
		return z.domain(call.Args[0], in)
	}
	if c, ok := column(e); ok {
		return in.stat(c.ID).distinct
	}
	return z.exprDistinct(e, in)
}

// equalFraction estimates the fraction of pairs for which all equalities of a join hold. Those of all columns of a tuple of which
// it is known how many there are are one equality; several others are assumed to be correlated: each further one counts by its
// square root.
func equalFraction(equal []joinEquality, li, ri *info) float64 {
	var ls, rs colSet
	for _, e := range equal {
		ls.add(e.l)
		rs.add(e.r)
	}
	var most tupleStat
	left := false
	for n, side := range []*info{li, ri} {
		for _, t := range side.tuples {
			if t.distinct > most.distinct && t.cols.subsetOf([]colSet{ls, rs}[n]) {
				most, left = t, n == 0
			}
		}
	}
	whole := 1 / math.Max(1, most.distinct)
	var others []float64
	for _, e := range equal {
		switch {
		case left && most.cols.has(e.l), !left && most.cols.has(e.r):
			whole = math.Min(whole, e.fraction)
		default:
			others = append(others, e.fraction)
		}
	}
	return combined(append(others, whole))
}

// matched estimates the fraction of the left rows of a join that have a match: their values must be on the right side, and one
// of the rows there must meet the other conditions.
func matched(equal []joinEquality, fraction, rest float64, ri *info) float64 {
	contained := 1.0
	for _, e := range equal {
		contained = math.Min(contained, e.contained)
	}
	rows := ri.rows * fraction // of the same values
	if contained = math.Min(contained, rows); contained <= 0 {
		return 0
	}
	return contained * (1 - math.Pow(1-rest, math.Max(1, rows/contained)))
}

// equate makes the domains of columns that are equal in all rows one.
func (i *info) equate(equal []joinEquality) {
	for _, e := range equal {
		if e.l == 0 || e.r == 0 {
			continue
		}
		l, r := i.stat(e.l), i.stat(e.r)
		if l.distinct == r.distinct {
			continue
		}
		if i.stats == nil {
			i.stats = map[int]colStat{}
		}
		d := math.Min(l.distinct, r.distinct)
		l.distinct, r.distinct = d, d
		i.stats[e.l], i.stats[e.r] = l, r
	}
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

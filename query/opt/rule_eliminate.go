package opt

import (
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
)

// baseScan returns the scan that an operator is, and the conditions of the filter above it; columns may be left out. One
// that locks or changes the rows of its table is none.
func baseScan(r plan.Rel) (*plan.RelScan, []expr.Expr) {
	var conds []expr.Expr
	if p, ok := r.(*plan.RelProject); ok && passesThrough(p) {
		r = p.Input
	}
	if f, ok := r.(*plan.RelFilter); ok {
		conds, r = conjuncts(f.Cond), f.Input
	}
	s, ok := r.(*plan.RelScan)
	if !ok || s.Ref.ID != 0 {
		return nil, nil
	}
	return s, conds
}

// isNotNull is e IS NOT NULL.
func isNotNull(e expr.Expr) expr.Expr {
	return &expr.IsNull{Node: boolNode(e.Pos()), Arg: e, Negated: true}
}

// columnPairs takes the conditions of a join apart: the columns of a scan that are equal to columns of the other side, by
// their positions in the table, and what does not name the scan. Not ok if a condition names it otherwise.
func columnPairs(s *plan.RelScan, conds []expr.Expr) (pairs map[int]*expr.Column, rest []expr.Expr, ok bool) {
	attrs := map[int]int{}
	for i, c := range s.Out {
		attrs[c.ID] = s.Attrs[i]
	}
	own := colsOf(s.Out)
	pairs = map[int]*expr.Column{}
	for _, c := range conds {
		if !exprCols(c).intersects(own) {
			rest = append(rest, c)
			continue
		}
		l, r, isEq := equality(c)
		a, ok1 := column(l)
		b, ok2 := column(r)
		if !isEq || !ok1 || !ok2 || a.Typ.Kind != b.Typ.Kind {
			return nil, nil, false
		}
		if own.has(b.ID) {
			a, b = b, a
		}
		attr := attrs[a.ID]
		if old := pairs[attr]; own.has(b.ID) || old != nil && old.ID != b.ID {
			return nil, nil, false
		}
		pairs[attr] = b
	}
	return pairs, rest, true
}

// withoutReferenced leaves out the side of a join that the other one references: nothing reads it, and each row of the
// other side that has no NULL in the foreign key matches exactly one of its rows.
func (z *optimizer) withoutReferenced(r *plan.RelJoin, need colSet) plan.Rel {
	if z.o.Disabled[RuleDropReferenced] || r.Cond == nil {
		return r
	}
	switch r.Kind {
	case plan.Inner:
		for _, p := range [][2]plan.Rel{{r.L, r.R}, {r.R, r.L}} {
			if need.intersects(relCols(p[1])) {
				continue
			}
			if rest, match, ok := z.references(p[0], p[1], conjuncts(r.Cond)); ok {
				return filter(p[0], append(rest, match...)...)
			}
		}
	case plan.Semi:
		if rest, match, ok := z.references(r.L, r.R, conjuncts(r.Cond)); ok {
			return filter(r.L, append(rest, match...)...)
		}
	case plan.Anti:
		if rest, match, ok := z.references(r.L, r.R, conjuncts(r.Cond)); ok && len(rest) == 0 {
			return filter(r.L, isFalseOrNull(match))
		}
	}
	return r
}

// isFalseOrNull is true where a conjunction is not.
func isFalseOrNull(conds []expr.Expr) expr.Expr {
	c := and(conds...)
	if c == nil {
		return boolConst(false)
	}
	return &expr.BoolTest{Node: boolNode(c.Pos()), Arg: c, Value: true, Negated: true}
}

// references reports whether conditions join child with parent along a foreign key: each row of child for which match
// holds has exactly one partner then. rest are conditions on child that are not about that.
func (z *optimizer) references(child, parent plan.Rel, conds []expr.Expr) (rest, match []expr.Expr, ok bool) {
	s, own := baseScan(parent)
	if s == nil {
		return nil, nil, false
	}
	pairs, rest, ok := columnPairs(s, conds)
	if !ok || !z.foreignKey(s.Table, pairs) {
		return nil, nil, false
	}
	with := map[int]expr.Expr{}
	for i, c := range s.Out {
		if col := pairs[s.Attrs[i]]; col != nil {
			with[c.ID] = col
		}
	}
	notNull := z.infoOf(child).notNull
	for _, attr := range sortedAttrs(pairs) {
		if !notNull.has(pairs[attr].ID) && !invariants.Mutant("opt-null-references") {
			match = append(match, isNotNull(pairs[attr]))
		}
	}
	for _, c := range own { // what is asked of the key is asked of what references it
		for id := range plan.FreeOf(c) {
			if with[id] == nil {
				return nil, nil, false
			}
		}
		if !imageSafe(c) || !movable(c) {
			return nil, nil, false
		}
		match = append(match, substitute(c, with))
	}
	return rest, match, true
}

func sortedAttrs(pairs map[int]*expr.Column) []int {
	var set colSet
	for attr := range pairs {
		set.add(attr)
	}
	var out []int
	set.each(func(attr int) { out = append(out, attr) })
	return out
}

// foreignKey reports whether columns of one table reference the columns of parent that they are paired with, by a
// constraint that holds at every moment that a statement can see.
func (z *optimizer) foreignKey(parent *table.TableDef, pairs map[int]*expr.Column) bool {
	var s *plan.RelScan
	for _, c := range pairs {
		if s = z.scanOf[c.ID]; s == nil {
			return false
		}
	}
	if s == nil {
		return false
	}
	for i := range s.Table.Foreign {
		f := &s.Table.Foreign[i]
		if f.Table != parent.ID || f.NotValid || f.Deferrable || len(f.Columns) != len(pairs) {
			continue
		}
		k, cols := parent.RefKey(f.RefColumns)
		same := k >= 0
		for n := 0; same && n < len(cols); n++ {
			c := pairs[cols[n]]
			same = c != nil && c.ID == s.Out[f.Columns[n]].ID
		}
		if same {
			return true
		}
	}
	return false
}

// mergeSelfJoin: rows of one table that agree in a key are one row.
func mergeSelfJoin(z *optimizer, r plan.Rel) plan.Rel {
	j, ok := r.(*plan.RelJoin)
	if !ok || j.Cond == nil || j.Kind != plan.Inner && j.Kind != plan.Semi {
		return r
	}
	if n := z.sameRows(j, j.L, j.R); n != nil {
		return n
	}
	if j.Kind == plan.Inner {
		if n := z.sameRows(j, j.R, j.L); n != nil {
			return n
		}
	}
	return r
}

// sameRows makes a join whose side of is a scan, of a table that the other side has already with the same key, a filter
// of that side; nil if it is no such join.
func (z *optimizer) sameRows(j *plan.RelJoin, side, of plan.Rel) plan.Rel {
	s, own := baseScan(of)
	if s == nil {
		return nil
	}
	first, match := z.sameKey(s, side, conjuncts(j.Cond))
	if first == nil {
		return nil
	}
	have := relCols(side)
	with := map[int]expr.Expr{}
	for i, c := range s.Out {
		col := first.Out[s.Attrs[i]]
		if have.has(col.ID) {
			with[c.ID] = col.Ref()
		}
	}
	conds := append(append(match, own...), conjuncts(j.Cond)...)
	for i, c := range conds {
		if !exprCols(c).intersects(colsOf(s.Out)) {
			continue
		}
		c = substitute(c, with)
		if exprCols(c).intersects(colsOf(s.Out)) {
			return nil
		}
		conds[i] = equalToItself(c)
	}
	notNull := z.infoOf(side).notNull
	conds = slices.DeleteFunc(conds, func(c expr.Expr) bool {
		t, ok := c.(*expr.IsNull)
		return ok && t.Negated && neverNull(t.Arg, notNull)
	})
	n := filter(side, conds...)
	if j.Kind == plan.Semi {
		return n
	}
	p := &plan.RelProject{Input: n}
	for _, c := range j.Cols() {
		e := expr.Expr(c.Ref())
		if !have.has(c.ID) {
			if e = with[c.ID]; e == nil {
				return nil
			}
		}
		p.Exprs, p.Out = append(p.Exprs, e), append(p.Out, c)
	}
	return p
}

// equalToItself says of a column that is compared with itself that it is not NULL.
func equalToItself(c expr.Expr) expr.Expr {
	l, r, ok := equality(c)
	if a, isCol := column(l); ok && isCol {
		if b, isCol := column(r); isCol && a.ID == b.ID {
			return isNotNull(a)
		}
	}
	return c
}

// sameKey returns the scan of the same table as s in whose rows the other side agrees with it in all columns of a key,
// and what the other side's rows must meet to have a key at all.
func (z *optimizer) sameKey(s *plan.RelScan, side plan.Rel, conds []expr.Expr) (*plan.RelScan, []expr.Expr) {
	equal := map[int][]*expr.Column{} // to columns of s, by position
	attrs := map[int]int{}
	for i, c := range s.Out {
		attrs[c.ID] = s.Attrs[i]
	}
	for _, c := range conds {
		l, r, ok := equality(c)
		a, ok1 := column(l)
		b, ok2 := column(r)
		if !ok || !ok1 || !ok2 {
			continue
		}
		for _, p := range [][2]*expr.Column{{a, b}, {b, a}} {
			if attr, mine := attrs[p[0].ID]; mine {
				equal[attr] = append(equal[attr], p[1])
			}
		}
	}
	notNull := z.infoOf(side).notNull
	for _, k := range s.Table.Keys {
		for _, c := range equal[k.Columns[0]] {
			first := z.scanOf[c.ID]
			if first == nil || first.Table != s.Table || first.Ref.ID != 0 || !relCols(side).has(c.ID) {
				continue
			}
			var match []expr.Expr
			all := true
			for _, attr := range k.Columns {
				col := first.Out[attr]
				found := false
				for _, x := range equal[attr] {
					found = found || x.ID == col.ID
				}
				if all = all && found; found && !notNull.has(col.ID) {
					match = append(match, isNotNull(col.Ref()))
				}
			}
			if all {
				return first, match
			}
		}
	}
	return nil, nil
}

package opt

import (
	"math/bits"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

// colSet is a set of column IDs.
type colSet []uint64

func (s colSet) has(id int) bool { return id>>6 < len(s) && s[id>>6]>>(id&63)&1 != 0 }

func (s *colSet) add(id int) {
	for len(*s) <= id>>6 {
		*s = append(*s, 0)
	}
	(*s)[id>>6] |= 1 << (id & 63)
}

func (s *colSet) addAll(o colSet) {
	for len(*s) < len(o) {
		*s = append(*s, 0)
	}
	for i, w := range o {
		(*s)[i] |= w
	}
}

// without returns the members of s that are not in o.
func (s colSet) without(o colSet) colSet {
	out := make(colSet, len(s))
	for i, w := range s {
		if i < len(o) {
			w &^= o[i]
		}
		out[i] = w
	}
	return out
}

func (s colSet) intersect(o colSet) colSet {
	out := make(colSet, min(len(s), len(o)))
	for i := range out {
		out[i] = s[i] & o[i]
	}
	return out
}

func union(a, b colSet) colSet {
	out := make(colSet, 0, max(len(a), len(b)))
	out = append(out, a...)
	out.addAll(b)
	return out
}

func (s colSet) subsetOf(o colSet) bool {
	for i, w := range s {
		if i < len(o) {
			w &^= o[i]
		}
		if w != 0 {
			return false
		}
	}
	return true
}

func (s colSet) intersects(o colSet) bool {
	for i := range min(len(s), len(o)) {
		if s[i]&o[i] != 0 {
			return true
		}
	}
	return false
}

func (s colSet) empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

func (s colSet) len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

func (s colSet) each(fn func(id int)) {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			fn(i<<6 + bits.TrailingZeros64(w))
		}
	}
}

func colsOf(cols []plan.Col) colSet {
	var s colSet
	for _, c := range cols {
		s.add(c.ID)
	}
	return s
}

// relCols returns the output columns of an operator.
func relCols(r plan.Rel) colSet {
	var s colSet
	s.addRel(r)
	return s
}

// addRel adds the output columns of an operator, without lists of those of the joins below.
func (s *colSet) addRel(r plan.Rel) {
	switch r := r.(type) {
	case *plan.RelFilter:
		s.addRel(r.Input)
		return
	case *plan.RelJoin:
		s.addRel(r.L)
		switch r.Kind {
		case plan.Semi, plan.Anti, plan.AntiNull:
		case plan.Mark:
			s.add(r.Mark.ID)
		default:
			s.addRel(r.R)
		}
		return
	}
	for _, c := range r.Cols() {
		s.add(c.ID)
	}
}

// exprCols returns the columns that an expression names, those that its subqueries use from outside
// included.
func exprCols(e expr.Expr) colSet {
	var s colSet
	if e == nil {
		return s
	}
	expr.Walk(e, func(e expr.Expr) bool {
		switch e := e.(type) {
		case *expr.Column:
			s.add(e.ID)
		case *expr.Subquery:
			for id := range plan.FreeOf(e) {
				s.add(id)
			}
			return false
		}
		return true
	})
	return s
}

func exprsCols(list []expr.Expr) colSet {
	var s colSet
	for _, e := range list {
		s.addAll(exprCols(e))
	}
	return s
}

// freeCols returns the columns that a plan uses but does not make.
func freeCols(r plan.Rel) colSet {
	var s colSet
	for id := range plan.Free(r) {
		s.add(id)
	}
	return s
}

package expr

import (
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/vec"
)

// orderBatches is how often the conditions of an AND are put into order anew.
const orderBatches = 16

// applyAnd evaluates each condition for the rows that all before it have accepted.
func (ev *Evaluator) applyAnd(s *condState, in rowsIn) (rowsIn, error) {
	if s.batches++; s.batches%orderBatches == 0 {
		s.order()
	}
	for _, a := range s.args {
		before := in.n
		var err error
		if in, err = ev.apply(a, in); err != nil {
			return rowsIn{}, err
		}
		a.seen += int64(before)
		a.kept += int64(in.n)
		if in.n == 0 {
			return rowsIn{}, nil
		}
	}
	return in, nil
}

// order puts the conditions that may move, which come first, into the order of the work that it takes to
// drop a row. Those that differ little stay: what counts is measured, and so never the same.
func (s *condState) order() {
	for i, a := range s.args {
		if !a.movable {
			return
		}
		for j := i; j > 0 && s.args[j].rank() < 0.9*s.args[j-1].rank(); j-- {
			s.args[j], s.args[j-1] = s.args[j-1], s.args[j]
		}
	}
}

// rank is the work per dropped row.
func (s *condState) rank() float64 {
	share := 0.5
	if s.seen > 0 {
		share = float64(s.kept) / float64(s.seen)
	}
	return s.work() / max(1-share, 1e-3)
}

// work is about the time a row takes, that of a range of integers being 1.
func (s *condState) work() float64 {
	switch s.kind {
	case condAnd, condOr:
		w := 0.0
		for _, a := range s.args {
			w += a.work()
		}
		return w
	case condColumn:
		return 1.5
	case condSet:
		return 4
	case condText:
		if _, ok := s.expr.(*In); ok {
			return 1 + float64(len(s.list))
		}
		if op, ok := comparisonOf(s.expr.(*Call).Func); ok && (op == cmpEQ || op == cmpNE) {
			return 2
		}
		return 25
	case condBlock:
		return 20
	}
	return 1
}

// viewKeysMax is the number of constants up to which all are compared with every string.
const viewKeysMax = 8

// viewKeysOf returns the constants of a test for equality as words of views; nil if they are too many or too
// long, or if the test is another.
func (s *condState) viewKeysOf() []kernel.ViewKey {
	keys := []stringKey{s.key}
	switch {
	case s.pattern != nil:
		return nil
	case s.set != nil:
		keys = s.set.texts.keys
	case s.op != cmpEQ && s.op != cmpNE:
		return nil
	}
	if len(keys) > viewKeysMax {
		return nil
	}
	var out []kernel.ViewKey
	for i := range keys {
		if len(keys[i].text) > vec.InlineMax {
			return nil
		}
		out = append(out, kernel.ViewKeyOf(&keys[i].view))
	}
	return out
}

// applyViews tests strings for equality with short constants.
func (s *condState) applyViews(v *vec.Vector, in rowsIn, buf []uint16) int {
	drop := s.negated
	if s.set == nil { // negation is in the operator
		drop = s.op == cmpNE
	}
	k := 0
	if in.sel == nil {
		k = kernel.SelectViews(sliceOf[vec.StrView](v, in.n), s.viewKeys, drop, buf)
	} else {
		k = kernel.SelectViewsSel(sliceOf[vec.StrView](v, v.N), s.viewKeys, drop, in.sel[:in.n], buf)
	}
	return dropNulls(v, buf, k)
}

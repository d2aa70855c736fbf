package exec

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// topBound drops rows of a Top-N sort before anything but their first key is evaluated: those whose first key lies
// behind that of the last row that is wanted of the rows so far.
type topBound struct {
	known bool
	value int64 // an integer, or a numeric of the scale
	scale int16
	ev    *expr.Evaluator
	vs    [1]*vec.Vector
	ints  []int64
	pos   []uint16
	comp  composer
}

// boundable reports whether rows may be dropped by their first key: it is an integer or a numeric, and no expression can
// fail, which would be an error of the dropped row.
func (s *sorting) boundable() bool {
	if len(s.n.Keys) == 0 {
		return false
	}
	c := s.types[0].Class()
	return (c == types.ClassInt || c == types.ClassNumeric) && s.droppable()
}

// droppable reports whether a row may be left out without an error of it being missed.
func (s *sorting) droppable() bool {
	for _, e := range s.exprs {
		if expr.CanFail(e) || expr.IsVolatile(e) {
			return false
		}
	}
	return true
}

func (l *sortLocal) allocBound() (err error) {
	s := l.sink.s
	if s.keyProg == nil {
		return nil
	}
	b := &topBound{ev: s.q.evaluator(s.keyProg)}
	l.bound = b
	b.comp.a = &l.w.arena
	if b.ints, err = makeSlice[int64](&l.w.arena, batchRows); err == nil {
		b.pos, err = makeSlice[uint16](&l.w.arena, batchRows)
	}
	return err
}

// set takes the bound from the last wanted row; a NULL is none.
func (b *topBound) set(v *vec.Vector) {
	if b.known = !isVarNumeric(v) && numericWidth(v) <= 8 && !v.IsNull(0); b.known {
		b.value, b.scale = intsOf(v, 1, b.ints)[0], numericScale(v)
	}
}

// narrow returns the rows of a batch that may be among the first.
func (l *sortLocal) narrow(in *vec.Batch) (*vec.Batch, error) {
	b := l.bound
	if b == nil || !b.known {
		return in, nil
	}
	if n, err := evalAll(b.ev, in, b.vs[:]); n < in.N || err != nil {
		return in, err
	}
	v := b.vs[0]
	if isVarNumeric(v) || numericWidth(v) > 8 || numericScale(v) != b.scale {
		return in, nil
	}
	k, desc, nulls := 0, l.sink.s.n.Keys[0].Desc, hasNulls(v, in.N)
	for i, x := range intsOf(v, in.N, b.ints) {
		b.pos[k] = uint16(i)
		if x == b.value && !invariants.Mutant("top-drops-ties") || x < b.value != desc && x != b.value || nulls && v.IsNull(i) {
			k++
		}
	}
	if k == in.N {
		return in, nil
	}
	return b.comp.compose(in, b.pos[:k], 0)
}

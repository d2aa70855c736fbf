package expr

import (
	"slices"

	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// valueSet is the list of an IN, prepared for look-ups.
type valueSet struct {
	null  bool          // the list has a NULL
	list  []types.Datum // the others
	ints  *intSet       // integers, or coefficients at scale
	scale int16
	texts *textSet
}

// newValueSet evaluates the list of an IN.
func newValueSet(ctx *Context, list []Expr) (*valueSet, error) {
	s := &valueSet{}
	for _, x := range list {
		d, err := EvalRow(ctx, x, nil)
		if err != nil {
			return nil, err
		}
		if !d.Valid {
			s.null = true
			continue
		}
		d.K = x.Type().Kind
		s.list = append(s.list, d)
	}
	if len(s.list) == 0 {
		return s, nil
	}
	switch s.list[0].K.Class() {
	case types.ClassInt:
		s.ints = newIntSet(s.list, 0)
	case types.ClassString:
		s.texts = newTextSet(s.list)
	}
	return s, nil
}

// atScale returns the set's coefficients at a scale; nil if a numeric is not finite or too large. Values
// that have more digits are no coefficient.
func (s *valueSet) atScale(scale int16) *intSet {
	if s.ints != nil && s.scale == scale {
		return s.ints
	}
	var list []types.Datum
	for _, d := range s.list {
		if d.Form > types.NumInt128 {
			return nil
		}
		x, err := types.NumericFloorTo(d, int(scale))
		if err != nil || x.Form != types.NumInt64 {
			return nil
		}
		if types.NumericCmp(x, d) == 0 {
			list = append(list, types.NewInt(types.Int8, x.I))
		}
	}
	s.ints, s.scale = newIntSet(list, scale), scale
	return s.ints
}

// intSet is a set of integers: a bitmap if they are close together, else an open-addressing table.
type intSet struct {
	lo   int64
	bits []uint64
	slot []int64
	used []bool
	mask uint64
}

// intSetSpan is the widest range that is kept as a bitmap.
const intSetSpan = 1 << 16

func newIntSet(list []types.Datum, _ int16) *intSet {
	s := &intSet{}
	if len(list) == 0 {
		return s
	}
	lo, hi := list[0].I, list[0].I
	for _, d := range list {
		lo, hi = min(lo, d.I), max(hi, d.I)
	}
	if span := uint64(hi) - uint64(lo); span < intSetSpan {
		s.lo = lo
		s.bits = make([]uint64, span>>6+1)
		for _, d := range list {
			u := uint64(d.I - lo)
			s.bits[u>>6] |= 1 << (u & 63)
		}
		return s
	}
	size := 8
	for size < 2*len(list) {
		size *= 2
	}
	s.slot, s.used, s.mask = make([]int64, size), make([]bool, size), uint64(size-1)
	for _, d := range list {
		p := kernel.Hash(uint64(d.I)) >> 32 & s.mask
		for s.used[p] && s.slot[p] != d.I {
			p = (p + 1) & s.mask
		}
		s.slot[p], s.used[p] = d.I, true
	}
	return s
}

func (s *intSet) has(x int64) bool {
	if s.slot == nil {
		u := uint64(x - s.lo)
		return u>>6 < uint64(len(s.bits)) && s.bits[u>>6]>>(u&63)&1 != 0
	}
	p := kernel.Hash(uint64(x)) >> 32 & s.mask
	for s.used[p] {
		if s.slot[p] == x {
			return true
		}
		p = (p + 1) & s.mask
	}
	return false
}

// textSet is a sorted set of strings.
type textSet struct {
	keys []stringKey
}

func newTextSet(list []types.Datum) *textSet {
	texts := make([]string, len(list))
	for i, d := range list {
		texts[i] = d.S
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)
	s := &textSet{}
	for _, t := range texts {
		s.keys = append(s.keys, newStringKey(t))
	}
	return s
}

// textSetLinear is the number of strings up to which all are tried one by one.
const textSetLinear = 8

func (s *textSet) has(v *vec.StrView, blocks [][]byte) bool {
	if len(s.keys) <= textSetLinear {
		for i := range s.keys {
			if s.keys[i].equals(v, blocks) {
				return true
			}
		}
		return false
	}
	lo, hi := 0, len(s.keys)
	for lo < hi {
		mid := (lo + hi) / 2
		switch {
		case s.keys[mid].equals(v, blocks):
			return true
		case s.keys[mid].holds(cmpLT, v, blocks): // v < key
			hi = mid
		default:
			lo = mid + 1
		}
	}
	return false
}

// hasDatum is the look-up of a single value, for kinds without a kernel.
func (s *valueSet) hasDatum(ctx *Context, eq *Func, d types.Datum, args []types.Datum) (bool, error) {
	for _, x := range s.list {
		args[0], args[1] = d, x
		r, err := eq.Scalar(ctx, args[:2])
		if err != nil || r.Bool() {
			return err == nil, err
		}
	}
	return false, nil
}

// set returns the prepared list of an opIn, made once.
func (ev *Evaluator) set(r *register, in *instr) (*valueSet, error) {
	if r.set == nil {
		s, err := newValueSet(ev.ctx, in.list)
		if err != nil {
			return nil, err
		}
		r.set = s
	}
	return r.set, nil
}

// runIn computes [NOT] IN over constants.
func (ev *Evaluator) runIn(f *frame, r *register, in *instr) error {
	set, err := ev.set(r, in)
	if err != nil {
		ev.fail(f, 0, err)
		r.setEmpty()
		return nil
	}
	a := &ev.regs[in.args[0]]
	if a.isNullConst() && len(in.list) > 0 {
		r.setConst(types.NullOf(types.Bool))
		return nil
	}
	ok, err := ev.inBits(f, r, in, set)
	if err != nil {
		return err
	}
	if !ok {
		if err := ev.inRows(f, r, in, set); err != nil {
			return err
		}
	}
	// r.bits are the members. A row that is none is NULL if the list has a NULL.
	valid, err := ev.nulls(r, f.n, in.args)
	if err != nil {
		return err
	}
	if len(in.list) == 0 {
		valid = nil
	}
	if set.null {
		if err := ev.words(&r.valid); err != nil {
			return err
		}
		own := r.valid[:len(r.bits)]
		if valid != nil {
			kernel.And(own, valid[:len(own)], r.bits)
		} else {
			copy(own, r.bits)
		}
		valid = own
	}
	if in.negated {
		kernel.NotMask(r.bits, r.bits, f.n)
	}
	if valid != nil {
		kernel.And(r.bits, r.bits, valid[:len(r.bits)])
	}
	r.v.Valid = valid
	return nil
}

// inBits looks the values of a vector up by kernels; false if there is none for them.
func (ev *Evaluator) inBits(f *frame, r *register, in *instr, set *valueSet) (bool, error) {
	a := &ev.regs[in.args[0]]
	if a.isConst() {
		return false, nil
	}
	if len(set.list) == 0 {
		mask, err := ev.newBits(r, f.n)
		clear(mask)
		return true, err
	}
	ints := set.ints
	switch class := a.typ.Class(); {
	case class == types.ClassString:
		return true, ev.inStrings(f, r, a, set.texts)
	case class == types.ClassNumeric && is64(a):
		ints = set.atScale(a.v.Scale)
	case class != types.ClassInt:
		return false, nil
	}
	if ints == nil {
		return false, nil
	}
	v, err := ev.ints(a, f.n)
	if err != nil {
		return false, err
	}
	mask, err := ev.newBits(r, f.n)
	if err != nil {
		return false, err
	}
	clear(mask)
	for i, x := range v {
		if ints.has(x) {
			mask[i>>6] |= 1 << (i & 63)
		}
	}
	return true, nil
}

func (ev *Evaluator) inStrings(f *frame, r, a *register, set *textSet) error {
	views, blocks, err := ev.views(a, f.n)
	if err != nil {
		return err
	}
	mask, err := ev.newBits(r, f.n)
	if err != nil {
		return err
	}
	clear(mask)
	valid := a.v.Valid
	for i := range views {
		if valid != nil && valid[i>>6]>>(i&63)&1 == 0 {
			continue
		}
		if set.has(&views[i], blocks) {
			mask[i>>6] |= 1 << (i & 63)
		}
	}
	return nil
}

// inRows looks values up one by one.
func (ev *Evaluator) inRows(f *frame, r *register, in *instr, set *valueSet) error {
	cells, err := ev.cells(in.args, f.n)
	if err != nil {
		return err
	}
	mask, err := ev.newBits(r, f.n)
	if err != nil {
		return err
	}
	clear(mask)
	for i := range f.n {
		d := cells[0].datum(i)
		if !d.Valid {
			continue
		}
		ok, err := set.hasDatum(ev.ctx, in.fn, d, ev.pair[:])
		if err != nil {
			ev.fail(f, i, err)
			return nil
		}
		if ok {
			mask[i>>6] |= 1 << (i & 63)
		}
	}
	return nil
}

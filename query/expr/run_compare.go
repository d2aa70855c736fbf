package expr

import (
	"bytes"
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// runCompare computes a comparison as the bits of the rows for which it is true.
func (ev *Evaluator) runCompare(f *frame, r *register, in *instr, op comparison) (bool, error) {
	a, b := in.args[0], in.args[1]
	if ev.regs[a].isConst() {
		a, b, op = b, a, commuted[op]
	}
	return ev.compareBits(f, r, in.args, a, b, op)
}

// compareBits compares register a, which is not constant, with register b.
func (ev *Evaluator) compareBits(f *frame, r *register, args []int, a, b int, op comparison) (bool, error) {
	ra, rb := &ev.regs[a], &ev.regs[b]
	switch class := ra.typ.Class(); {
	case class != rb.typ.Class():
		return false, nil
	case class == types.ClassInt:
		if ra.typ.Kind != rb.typ.Kind && isTimeKind(ra.typ.Kind) {
			return false, nil
		}
		return ev.compareInts(f, r, args, ra, rb, op)
	case class == types.ClassFloat:
		return ev.compareFloats(f, r, args, a, b, op)
	case class == types.ClassNumeric:
		return ev.compareNumerics(f, r, args, ra, rb, op)
	case class == types.ClassString:
		return ev.compareStrings(f, r, args, ra, rb, op)
	}
	return false, nil
}

// endBits finishes a boolean result: NULL, and not TRUE, where an argument is NULL. flip negates it first.
func (ev *Evaluator) endBits(r *register, n int, args []int, flip bool) error {
	if flip {
		kernel.NotMask(r.bits, r.bits, n)
	}
	valid, err := ev.nulls(r, n, args)
	if err != nil {
		return err
	}
	r.v.Valid = valid
	if valid != nil {
		kernel.And(r.bits, r.bits, valid[:len(r.bits)])
	}
	return nil
}

func (ev *Evaluator) compareInts(f *frame, r *register, args []int, a, b *register, op comparison) (bool, error) {
	if b.isConst() {
		return true, ev.compareRange(f, r, args, a, rangeOfInt(op, b.v.Int(0)))
	}
	va, err := ev.ints(a, f.n)
	if err != nil {
		return false, err
	}
	vb, err := ev.ints(b, f.n)
	if err != nil {
		return false, err
	}
	mask, err := ev.newBits(r, f.n)
	if err != nil {
		return false, err
	}
	return true, ev.endBits(r, f.n, args, maskCompare(op, va, vb, mask))
}

// maskCompare computes a comparison or its opposite, and reports which.
func maskCompare[T int64 | float64](op comparison, a, b []T, mask []uint64) (opposite bool) {
	switch op {
	case cmpEQ, cmpNE:
		kernel.MaskEqual(a, b, mask)
		return op == cmpNE
	case cmpLT, cmpGE:
		kernel.MaskLess(a, b, mask)
		return op == cmpGE
	}
	kernel.MaskLess(b, a, mask)
	return op == cmpLE
}

// intRange is lo <= x <= hi, or its opposite. It is empty if lo > hi.
type intRange struct {
	lo, hi  int64
	negated bool
}

// rangeOfInt returns the range of the integers that compare so with k.
func rangeOfInt(op comparison, k int64) intRange {
	switch op {
	case cmpEQ:
		return intRange{k, k, false}
	case cmpNE:
		return intRange{k, k, true}
	case cmpLT:
		if k == math.MinInt64 {
			return intRange{1, 0, false}
		}
		return intRange{math.MinInt64, k - 1, false}
	case cmpLE:
		return intRange{math.MinInt64, k, false}
	case cmpGT:
		if k == math.MaxInt64 {
			return intRange{1, 0, false}
		}
		return intRange{k + 1, math.MaxInt64, false}
	}
	return intRange{k, math.MaxInt64, false}
}

// compareRange selects the values of a in a range, in whatever width they are.
func (ev *Evaluator) compareRange(f *frame, r *register, args []int, a *register, x intRange) error {
	if a.have&(haveVec|haveWide) == 0 || a.have&haveVec != 0 && a.v.Form == vec.Dict {
		if _, err := ev.ints(a, f.n); err != nil {
			return err
		}
	}
	mask, err := ev.newBits(r, f.n)
	if err != nil {
		return err
	}
	if a.have&haveWide != 0 {
		v := vec.Vector{Width: 8, N: f.n, Data: vec.DataOf(a.wide)}
		maskRange(&v, f.n, x, mask)
	} else {
		maskRange(&a.v, f.n, x, mask)
	}
	return ev.endBits(r, f.n, args, false)
}

// maskRange computes a range over the first n values of a Flat vector.
func maskRange(v *vec.Vector, n int, x intRange, mask []uint64) {
	lo, span, some := codeRange(v, x)
	if !some {
		clear(mask)
		return
	}
	switch v.Width {
	case 1:
		kernel.MaskRange(unsafe.Slice((*uint8)(v.Data), n), uint8(lo), uint8(span), mask)
	case 2:
		kernel.MaskRange(unsafe.Slice((*uint16)(v.Data), n), uint16(lo), uint16(span), mask)
	case 4:
		kernel.MaskRange(unsafe.Slice((*uint32)(v.Data), n), uint32(lo), uint32(span), mask)
	default:
		kernel.MaskRange(unsafe.Slice((*uint64)(v.Data), n), lo, span, mask)
	}
}

// codeRange moves a range into the unsigned space of a vector's entries. some is false if no entry can lie
// in it.
func codeRange(v *vec.Vector, x intRange) (lo, span uint64, some bool) {
	lo, span, some = insideRange(v, x.lo, x.hi)
	if !x.negated {
		return lo, span, some
	}
	all := ^uint64(0)
	if v.Width < 8 {
		all = 1<<(8*v.Width) - 1
	}
	switch {
	case !some:
		return 0, all, true
	case span == all:
		return 0, 0, false
	}
	// The complement of an interval modulo the width is an interval.
	return lo + span + 1, all - span - 1, true
}

// narrowBounds returns the least and the greatest value of the codes of a vector of less than 8 bytes. If the
// base is large, the last codes stand for no value.
func narrowBounds(v *vec.Vector) (first, last int64) {
	first, last = v.Base, v.Base+(1<<(8*v.Width)-1)
	if last < first && !invariants.Mutant("narrow-bounds-wrap") {
		last = 1<<63 - 1
	}
	return first, last
}

func insideRange(v *vec.Vector, lo, hi int64) (from, span uint64, some bool) {
	if lo > hi {
		return 0, 0, false
	}
	if v.Width >= 8 {
		return uint64(lo), uint64(hi) - uint64(lo), true
	}
	first, last := narrowBounds(v)
	if lo > last || hi < first {
		return 0, 0, false
	}
	lo, hi = max(lo, first), min(hi, last)
	return uint64(lo - v.Base), uint64(hi - lo), true
}

func (ev *Evaluator) compareFloats(f *frame, r *register, args []int, a, b int, op comparison) (bool, error) {
	va, err := ev.argFloats(a, f.n)
	if err != nil {
		return false, err
	}
	vb, err := ev.argFloats(b, f.n)
	if err != nil {
		return false, err
	}
	if kernel.HasNaN(va) || kernel.HasNaN(vb) {
		return false, nil // NaN is equal to itself and above all others
	}
	mask, err := ev.newBits(r, f.n)
	if err != nil {
		return false, err
	}
	return true, ev.endBits(r, f.n, args, maskCompare(op, va, vb, mask))
}

func (ev *Evaluator) compareNumerics(f *frame, r *register, args []int, a, b *register, op comparison) (bool, error) {
	if !is64(a) {
		return false, nil
	}
	if b.isConst() {
		x, ok := rangeOfNumeric(op, b.constDatum(), a.v.Scale)
		if !ok {
			return false, nil
		}
		return true, ev.compareRange(f, r, args, a, x)
	}
	if !is64(b) {
		return false, nil
	}
	va, err := ev.ints(a, f.n)
	if err != nil {
		return false, err
	}
	vb, err := ev.ints(b, f.n)
	if err != nil {
		return false, err
	}
	scale := max(a.v.Scale, b.v.Scale)
	for i, o := range []struct {
		v  *[]int64
		up int
	}{{&va, int(scale - a.v.Scale)}, {&vb, int(scale - b.v.Scale)}} {
		if o.up == 0 {
			continue
		}
		if err := ev.int64Scratch(&ev.scratch[i]); err != nil {
			return false, err
		}
		dst := ev.scratch[i][:f.n]
		if o.up > 18 || kernel.MulConstChecked(dst, *o.v, types.Pow10(o.up)) {
			return false, nil
		}
		*o.v = dst
	}
	mask, err := ev.newBits(r, f.n)
	if err != nil {
		return false, err
	}
	return true, ev.endBits(r, f.n, args, maskCompare(op, va, vb, mask))
}

// constDatum returns the value of a constant register.
func (r *register) constDatum() types.Datum {
	if r.fixed {
		return r.konst
	}
	return datumAt(&r.v, 0)
}

// rangeOfNumeric returns the coefficients at a scale whose values compare so with d.
func rangeOfNumeric(op comparison, d types.Datum, scale int16) (intRange, bool) {
	if !d.Valid || d.Form > types.NumInt128 {
		return intRange{}, false
	}
	floor, err := types.NumericFloorTo(d, int(scale))
	if err != nil || floor.Form != types.NumInt64 {
		return intRange{}, false
	}
	exact := types.NumericCmp(floor, d) == 0
	k := floor.I
	if exact {
		return rangeOfInt(op, k), true
	}
	// k < d < k+1: no coefficient is equal.
	switch op {
	case cmpEQ:
		return intRange{1, 0, false}, true
	case cmpNE:
		return intRange{1, 0, true}, true
	case cmpLT, cmpLE:
		return rangeOfInt(cmpLE, k), true
	}
	return rangeOfInt(cmpGT, k), true
}

func (ev *Evaluator) compareStrings(f *frame, r *register, args []int, a, b *register, op comparison) (bool, error) {
	va, ba, err := ev.views(a, f.n)
	if err != nil {
		return false, err
	}
	if b.isConst() {
		key := newStringKey(b.constDatum().S)
		mask, err := ev.newBits(r, f.n)
		if err != nil {
			return false, err
		}
		clear(mask)
		for i := range va {
			if a.v.Valid != nil && a.v.Valid[i>>6]>>(i&63)&1 == 0 {
				continue
			}
			if key.holds(op, &va[i], ba) {
				mask[i>>6] |= 1 << (i & 63)
			}
		}
		return true, ev.endBits(r, f.n, args, false)
	}
	vb, bb, err := ev.views(b, f.n)
	if err != nil {
		return false, err
	}
	mask, err := ev.newBits(r, f.n)
	if err != nil {
		return false, err
	}
	valid, err := ev.nulls(r, f.n, args)
	if err != nil {
		return false, err
	}
	clear(mask)
	for i := range va {
		if valid != nil && valid[i>>6]>>(i&63)&1 == 0 {
			continue
		}
		if op.holds(bytes.Compare(va[i].Bytes(ba), vb[i].Bytes(bb))) {
			mask[i>>6] |= 1 << (i & 63)
		}
	}
	return true, ev.endBits(r, f.n, args, false)
}

// stringKey is a constant prepared for comparisons with views.
type stringKey struct {
	text []byte
	head uint64 // length and first four bytes as a view has them
	view vec.StrView
}

func newStringKey(s string) stringKey {
	k := stringKey{text: []byte(s)}
	if len(s) <= vec.InlineMax {
		k.view = vec.InlineView(k.text)
	} else {
		k.view = vec.LongView(k.text, 0, 0)
	}
	k.head = viewHead(&k.view)
	return k
}

func viewHead(v *vec.StrView) uint64 { return *(*uint64)(unsafe.Pointer(v)) }

func viewTail(v *vec.StrView) uint64 { return *(*uint64)(unsafe.Add(unsafe.Pointer(v), 8)) }

// equals compares length and prefix first, which settles most.
func (k *stringKey) equals(v *vec.StrView, blocks [][]byte) bool {
	if viewHead(v) != k.head {
		return false
	}
	if v.Len <= vec.InlineMax {
		return viewTail(v) == viewTail(&k.view)
	}
	return bytes.Equal(v.Bytes(blocks), k.text)
}

func (k *stringKey) holds(op comparison, v *vec.StrView, blocks [][]byte) bool {
	switch op {
	case cmpEQ:
		return k.equals(v, blocks)
	case cmpNE:
		return !k.equals(v, blocks)
	}
	x, y := binary.BigEndian.Uint32(v.Prefix[:]), binary.BigEndian.Uint32(k.view.Prefix[:])
	switch {
	case x < y:
		return op.holds(-1)
	case x > y:
		return op.holds(1)
	}
	return op.holds(bytes.Compare(v.Bytes(blocks), k.text))
}

package expr

import (
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Numerics are computed in the narrowest form that holds them: 64-bit coefficients unchecked where facts
// prove it, checked where not; a batch that overflows is computed again with 128 bits, and if that
// overflows value by value. None of this is ever an error.

// is64 reports whether a numeric register holds 64-bit coefficients of one scale.
func is64(r *register) bool { return !r.v.VarNumeric && widthOf(r) <= 8 }

// is128 reports whether it holds coefficients of one scale, of whatever width.
func is128(r *register) bool { return !r.v.VarNumeric }

// widthOf returns the bytes of a register's values.
func widthOf(r *register) uint8 {
	v := &r.v
	if r.have&deferred != 0 {
		v = r.src
	}
	if v.Form == vec.Dict {
		return v.Dictionary.Values.Width
	}
	return v.Width
}

// runNumericArith computes +, - or × of numerics.
func (ev *Evaluator) runNumericArith(f *frame, r *register, in *instr) (bool, error) {
	a, b := &ev.regs[in.args[0]], &ev.regs[in.args[1]]
	if !is128(a) || !is128(b) {
		return false, nil
	}
	scale := a.v.Scale + b.v.Scale
	if in.fn.Kernel != kernelMul {
		scale = max(a.v.Scale, b.v.Scale)
	}
	if int(scale) > types.NumericScaleMax {
		return false, nil
	}
	if is64(a) && is64(b) {
		if ok, err := ev.numeric64(f, r, in, scale); ok || err != nil {
			return ok, err
		}
	}
	return ev.numeric128(f, r, in, scale)
}

// numeric64 computes with 64 bits. It returns false if a coefficient may overflow them.
func (ev *Evaluator) numeric64(f *frame, r *register, in *instr, scale int16) (bool, error) {
	p, err := ev.proven(in)
	if err != nil {
		return false, err
	}
	a, b, err := ev.args64(in, f.n)
	if err != nil {
		return false, err
	}
	if in.fn.Kernel != kernelMul {
		ok, err := ev.alignScales(in, &a, &b, scale, p.exact)
		if !ok || err != nil {
			return false, err
		}
	}
	dst, err := ev.newInts(r, f.n)
	if err != nil {
		return false, err
	}
	r.v.Scale = scale
	if arith64(in.fn.Kernel, dst, a, b, !p.exact && !invariants.Mutant("unchecked-overflow")) {
		return false, nil
	}
	r.v.Valid, err = ev.nulls(r, f.n, in.args)
	return true, err
}

// alignScales brings the operands of a sum to one scale. It returns false if that may overflow.
func (ev *Evaluator) alignScales(in *instr, a, b *operand64, scale int16, exact bool) (bool, error) {
	for i, o := range []*operand64{a, b} {
		r := &ev.regs[in.args[i]]
		up := int(scale - r.v.Scale)
		if up == 0 {
			continue
		}
		if up > 18 {
			return false, nil
		}
		factor := types.Pow10(up)
		if o.konst {
			k, ok := mulExact(o.k, factor)
			if !ok {
				return false, nil
			}
			o.k = k
			continue
		}
		if err := ev.int64Scratch(&ev.scratch[i]); err != nil {
			return false, err
		}
		dst := ev.scratch[i][:len(o.v)]
		if exact {
			kernel.MulConst(dst, o.v, factor)
		} else if kernel.MulConstChecked(dst, o.v, factor) {
			return false, nil
		}
		o.v = dst
	}
	return true, nil
}

func (ev *Evaluator) int64Scratch(s *[]int64) error {
	if *s == nil {
		p, err := ev.mem.alloc(8 * vec.Size)
		if err != nil {
			return err
		}
		*s = unsafe.Slice((*int64)(p), vec.Size)
	}
	return nil
}

// numeric128 computes with 128 bits. It returns false if that overflows, too.
func (ev *Evaluator) numeric128(f *frame, r *register, in *instr, scale int16) (bool, error) {
	ra, rb := &ev.regs[in.args[0]], &ev.regs[in.args[1]]
	if in.fn.Kernel == kernelMul && !(is64(ra) && is64(rb)) {
		return false, nil
	}
	if in.fn.Kernel == kernelMul {
		return ev.mul128(f, r, in, scale)
	}
	a, err := ev.wides(&ev.wideScratch[0], in.args[0], f.n, scale)
	if a == nil || err != nil {
		return false, err
	}
	b, err := ev.wides(&ev.wideScratch[1], in.args[1], f.n, scale)
	if b == nil || err != nil {
		return false, err
	}
	dst, err := ev.newWides(r, f.n)
	if err != nil {
		return false, err
	}
	r.v.Scale = scale
	bad := false
	if in.fn.Kernel == kernelAdd {
		bad = kernel.AddWide(dst, a, b)
	} else {
		bad = kernel.SubWide(dst, a, b)
	}
	if bad {
		return false, nil
	}
	r.v.Valid, err = ev.nulls(r, f.n, in.args)
	return true, err
}

// mul128 multiplies 64-bit coefficients: the product always fits.
func (ev *Evaluator) mul128(f *frame, r *register, in *instr, scale int16) (bool, error) {
	a, b, err := ev.args64(in, f.n)
	if err != nil {
		return false, err
	}
	for i, o := range []*operand64{&a, &b} {
		if o.konst {
			if err := ev.int64Scratch(&ev.scratch[i]); err != nil {
				return false, err
			}
			o.v = ev.scratch[i][:f.n]
			kernel.Fill(o.v, o.k)
		}
	}
	dst, err := ev.newWides(r, f.n)
	if err != nil {
		return false, err
	}
	r.v.Scale = scale
	kernel.MulWide(dst, a.v, b.v)
	r.v.Valid, err = ev.nulls(r, f.n, in.args)
	return true, err
}

// wides returns a numeric argument as 128-bit coefficients at a scale not below its own, in scratch or in
// place; nil if that overflows.
func (ev *Evaluator) wides(scratch *[]kernel.Wide, reg, n int, scale int16) ([]kernel.Wide, error) {
	if *scratch == nil {
		p, err := ev.mem.alloc(16 * vec.Size)
		if err != nil {
			return nil, err
		}
		*scratch = unsafe.Slice((*kernel.Wide)(p), vec.Size)
	}
	r := &ev.regs[reg]
	dst := (*scratch)[:n]
	src := dst
	switch {
	case r.isConst():
		k := kernel.Wide{}
		if r.v.Width == 16 {
			k = *(*kernel.Wide)(r.v.Data)
		} else {
			k = kernel.WideOf(r.v.Int(0))
		}
		kernel.Fill(dst, k)
	case is64(r):
		v, err := ev.ints(r, n)
		if err != nil {
			return nil, err
		}
		kernel.ToWide(dst, v)
	default:
		if err := ev.materialise(r, nil); err != nil {
			return nil, err
		}
		if r.v.Form == vec.Dict {
			return nil, nil
		}
		src = unsafe.Slice((*kernel.Wide)(r.v.Data), n)
	}
	for up := int(scale - r.v.Scale); up > 0; up -= 19 {
		if kernel.ScaleWide(dst, src, pow10u(min(up, 19))) {
			return nil, nil
		}
		src = dst
	}
	return src, nil
}

// pow10u returns 10^n for n up to 19.
func pow10u(n int) uint64 {
	if n == 19 {
		return 1e19
	}
	return uint64(types.Pow10(n))
}

// runNumericToFloat divides exact coefficients by exact powers of ten: correctly rounded.
func (ev *Evaluator) runNumericToFloat(f *frame, r *register, in *instr) (bool, error) {
	const exactMax = 1 << 53
	a := &ev.regs[in.args[0]]
	if !is64(a) || a.v.Scale > 18 || a.v.Scale < 0 {
		return false, nil
	}
	v, err := ev.ints(a, f.n)
	if err != nil {
		return false, err
	}
	if k := ev.facts.now[in.args[0]]; !k.ok || k.lo < -exactMax || k.hi > exactMax {
		if kernel.OutOfRange(v, -exactMax, 2*exactMax) {
			return false, nil
		}
	}
	dst, err := ev.newFloats(r, f.n)
	if err != nil {
		return false, err
	}
	unit := float64(types.Pow10(int(a.v.Scale)))
	for i, x := range v {
		dst[i] = float64(x) / unit
	}
	r.v.Valid = a.v.Valid
	return true, nil
}

// runNumericScale coerces to numeric(p,s) values that have the scale already, or need more zeros.
func (ev *Evaluator) runNumericScale(f *frame, r *register, in *instr) (bool, error) {
	a := &ev.regs[in.args[0]]
	p, s, ok := in.typ.PrecisionScale()
	if !ok || p > 18 || s < 0 || !is64(a) || int(a.v.Scale) > s || s-int(a.v.Scale) > 18 {
		return false, nil
	}
	v, err := ev.ints(a, f.n)
	if err != nil {
		return false, err
	}
	limit := types.Pow10(p) - 1
	factor := types.Pow10(s - int(a.v.Scale))
	before := limit / factor // what may stand before the zeros are added
	k := ev.facts.now[in.args[0]]
	bad := !(k.ok && k.lo >= -before && k.hi <= before) && kernel.OutOfRange(v, -before, uint64(2*before))
	if factor == 1 {
		r.share(a, f.n)
	} else {
		dst, err := ev.newInts(r, f.n)
		if err != nil {
			return false, err
		}
		kernel.MulConst(dst, v, factor)
		r.v.Valid = a.v.Valid
	}
	r.v.Scale = int16(s)
	if bad {
		return true, ev.checkRows(f, in, a.v.Valid)
	}
	return true, nil
}

package expr

import (
	"math"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// operand64 is an argument as 64-bit integers: a constant or one for each row.
type operand64 struct {
	v     []int64
	k     int64
	konst bool
}

// arg64 returns an argument that is not the constant NULL.
func (ev *Evaluator) arg64(reg, n int) (operand64, error) {
	r := &ev.regs[reg]
	if r.isConst() {
		return operand64{k: r.v.Int(0), konst: true}, nil
	}
	v, err := ev.ints(r, n)
	return operand64{v: v}, err
}

func (ev *Evaluator) args64(in *instr, n int) (a, b operand64, err error) {
	if a, err = ev.arg64(in.args[0], n); err != nil {
		return a, b, err
	}
	b, err = ev.arg64(in.args[1], n)
	return a, b, err
}

// arith64 computes a + b, a - b or a × b and reports whether a result may have wrapped, which it only looks
// for if checked. Not both operands are constant.
func arith64(op KernelID, dst []int64, a, b operand64, checked bool) bool {
	if a.konst && op != kernelSub {
		a, b = b, a
	}
	switch {
	case op == kernelAdd && b.konst:
		if checked {
			return kernel.AddConstChecked(dst, a.v, b.k)
		}
		kernel.AddConst(dst, a.v, b.k)
	case op == kernelAdd:
		if checked {
			return kernel.AddChecked(dst, a.v, b.v)
		}
		kernel.Add(dst, a.v, b.v)
	case op == kernelSub && a.konst:
		if checked {
			return kernel.ConstSubChecked(dst, b.v, a.k)
		}
		kernel.ConstSub(dst, b.v, a.k)
	case op == kernelSub && b.konst:
		if checked && b.k == math.MinInt64 {
			return true
		}
		if checked {
			return kernel.AddConstChecked(dst, a.v, -b.k)
		}
		kernel.AddConst(dst, a.v, -b.k)
	case op == kernelSub:
		if checked {
			return kernel.SubChecked(dst, a.v, b.v)
		}
		kernel.Sub(dst, a.v, b.v)
	case b.konst:
		if checked {
			return kernel.MulConstChecked(dst, a.v, b.k)
		}
		kernel.MulConst(dst, a.v, b.k)
	default:
		if checked {
			return kernel.MulChecked(dst, a.v, b.v)
		}
		kernel.Mul(dst, a.v, b.v)
	}
	return false
}

// runIntArith computes +, - or × of integers, dates included.
func (ev *Evaluator) runIntArith(f *frame, r *register, in *instr) (bool, error) {
	for _, i := range in.args {
		if ev.regs[i].typ.Class() != types.ClassInt {
			return false, nil
		}
	}
	if in.fn.Ret == types.Date || ev.regs[in.args[0]].typ.Kind == types.Date {
		// Infinite dates do not follow arithmetic: bounds must exclude them, in this morsel or vector.
		if ok, err := ev.datesFinite(in, f.n); !ok || err != nil {
			return false, err
		}
	}
	p, err := ev.proven(in)
	if err != nil {
		return false, err
	}
	a, b, err := ev.args64(in, f.n)
	if err != nil {
		return false, err
	}
	dst, err := ev.newInts(r, f.n)
	if err != nil {
		return false, err
	}
	checked := !p.exact && !invariants.Mutant("unchecked-overflow")
	bad := arith64(in.fn.Kernel, dst, a, b, checked)
	if !p.inKind {
		bad = bad || leavesKind(in.fn.Ret, dst)
	}
	return true, ev.endInts(f, r, in, bad)
}

// datesFinite reports whether the arguments that are dates hold no infinity.
func (ev *Evaluator) datesFinite(in *instr, n int) (bool, error) {
	for _, i := range in.args {
		r := &ev.regs[i]
		fact := ev.facts.now[i]
		if r.typ.Kind != types.Date || fact.ok && fact.lo > dateNegInf && fact.hi < dateInf {
			continue
		}
		a, err := ev.arg64(i, n)
		if err != nil {
			return false, err
		}
		if a.konst {
			if a.k == dateNegInf || a.k == dateInf {
				return false, nil
			}
			continue
		}
		if kernel.OutOfRange(a.v, dateNegInf+1, dateInf-dateNegInf-2) {
			return false, nil
		}
	}
	return true, nil
}

// Limits of finite dates: PostgreSQL's calendar.
const (
	dateMin = -2440588
	dateMax = 2145042905
)

// leavesKind reports whether any of the values is outside of the kind.
func leavesKind(k types.Kind, v []int64) bool {
	switch k {
	case types.Date:
		return kernel.OutOfRange(v, dateMin, dateMax-dateMin)
	case types.Int8:
		return false
	}
	limits := kindFact(k)
	return kernel.OutOfRange(v, limits.lo, uint64(limits.hi-limits.lo))
}

// endInts sets the validity of an integer result. If some row may have failed, the scalar function decides
// which one did.
func (ev *Evaluator) endInts(f *frame, r *register, in *instr, bad bool) error {
	valid, err := ev.nulls(r, f.n, in.args)
	if err != nil {
		return err
	}
	r.v.Valid = valid
	if bad {
		return ev.checkRows(f, in, valid)
	}
	return nil
}

// runIntDiv computes / and % of integers.
func (ev *Evaluator) runIntDiv(f *frame, r *register, in *instr) (bool, error) {
	a, b, err := ev.args64(in, f.n)
	if err != nil {
		return false, err
	}
	if a.konst {
		return false, nil
	}
	dst, err := ev.newInts(r, f.n)
	if err != nil {
		return false, err
	}
	div := in.fn.Kernel == kernelDiv
	bad := false
	switch {
	case b.konst && b.k == 0:
		bad = true
		clear(dst)
	case b.konst && div:
		kernel.DivConst(dst, a.v, b.k)
		bad = b.k == -1
	case b.konst:
		kernel.ModConst(dst, a.v, b.k)
	case div:
		bad = kernel.Div(dst, a.v, b.v)
	default:
		bad = kernel.Mod(dst, a.v, b.v)
	}
	if div && in.fn.Ret != types.Int8 && !ev.facts.now[in.reg].inKind {
		bad = bad || leavesKind(in.fn.Ret, dst)
	}
	return true, ev.endInts(f, r, in, bad)
}

// runUnary computes - and abs.
func (ev *Evaluator) runUnary(f *frame, r *register, in *instr) (bool, error) {
	class := in.fn.Ret.Class()
	a := &ev.regs[in.args[0]]
	if class == types.ClassFloat {
		return ev.runUnaryFloat(f, r, in)
	}
	if class == types.ClassNumeric && !is64(a) || class == types.ClassInterval {
		return false, nil
	}
	p, err := ev.proven(in)
	if err != nil {
		return false, err
	}
	v, err := ev.ints(a, f.n)
	if err != nil {
		return false, err
	}
	if class == types.ClassNumeric && !p.exact && kernel.OutOfRange(v, -math.MaxInt64, math.MaxUint64-1) {
		return false, nil
	}
	dst, err := ev.newInts(r, f.n)
	if err != nil {
		return false, err
	}
	r.v.Scale = a.v.Scale
	if in.fn.Kernel == kernelNeg {
		kernel.Neg(dst, v)
	} else {
		kernel.Abs(dst, v)
	}
	bad := false
	if class == types.ClassInt && !(p.exact && p.inKind) {
		limits := fact{lo: -math.MaxInt64, hi: math.MaxInt64}
		if k := kindFact(in.fn.Ret); k.ok {
			limits = k
		}
		bad = kernel.OutOfRange(dst, limits.lo, uint64(limits.hi-limits.lo))
	}
	return true, ev.endInts(f, r, in, bad)
}

func (ev *Evaluator) runUnaryFloat(f *frame, r *register, in *instr) (bool, error) {
	v, err := ev.floats(&ev.regs[in.args[0]], f.n)
	if err != nil {
		return false, err
	}
	dst, err := ev.newFloats(r, f.n)
	if err != nil {
		return false, err
	}
	for i, x := range v {
		dst[i] = -x
		if in.fn.Kernel == kernelAbs {
			dst[i] = math.Abs(x)
		}
	}
	return true, ev.endInts(f, r, in, false)
}

func (ev *Evaluator) runBitOp(f *frame, r *register, in *instr) (bool, error) {
	a, b, err := ev.args64(in, f.n)
	if err != nil || a.konst || b.konst {
		return false, err
	}
	dst, err := ev.newInts(r, f.n)
	if err != nil {
		return false, err
	}
	switch in.fn.Kernel {
	case kernelBitAnd:
		kernel.BitAnd(dst, a.v, b.v)
	case kernelBitOr:
		kernel.BitOr(dst, a.v, b.v)
	default:
		kernel.BitXor(dst, a.v, b.v)
	}
	return true, ev.endInts(f, r, in, false)
}

// share makes r the same values as a, which is not constant.
func (r *register) share(a *register, n int) {
	r.v, r.have, r.wide, r.bits = a.v, a.have, a.wide, a.bits
	r.src, r.idx, r.ids = a.src, a.idx, a.ids
	r.v.Type = r.typ
	r.trim(n)
}

// runCastInt narrows integers: the values stay as they are.
func (ev *Evaluator) runCastInt(f *frame, r *register, in *instr) (bool, error) {
	a := &ev.regs[in.args[0]]
	p, err := ev.proven(in)
	if err != nil {
		return false, err
	}
	bad := false
	if !p.inKind {
		v, err := ev.ints(a, f.n)
		if err != nil {
			return false, err
		}
		bad = leavesKind(in.fn.Ret, v)
	}
	r.share(a, f.n)
	if bad {
		return true, ev.checkRows(f, in, a.v.Valid)
	}
	return true, nil
}

// runIntToNumeric relabels integers as numerics of scale 0.
func (ev *Evaluator) runIntToNumeric(f *frame, r *register, in *instr) (bool, error) {
	a := &ev.regs[in.args[0]]
	v, err := ev.ints(a, f.n)
	if err != nil {
		return false, err
	}
	r.v = vec.Vector{Type: r.typ, Width: 8, N: f.n, NullBit: -1, Data: vec.DataOf(v), Valid: a.v.Valid}
	r.wide, r.have = v, haveVec|haveWide
	return true, nil
}

func (ev *Evaluator) runIntToFloat(f *frame, r *register, in *instr) (bool, error) {
	a := &ev.regs[in.args[0]]
	v, err := ev.ints(a, f.n)
	if err != nil {
		return false, err
	}
	dst, err := ev.newFloats(r, f.n)
	if err != nil {
		return false, err
	}
	if in.fn.Ret == types.Float4 {
		for i, x := range v {
			dst[i] = float64(float32(x))
		}
	} else {
		kernel.ToFloat(dst, v)
	}
	r.v.Valid = a.v.Valid
	return true, nil
}

// runDateToTimestamp multiplies by the microseconds of a day, if no date is infinite or beyond timestamps.
func (ev *Evaluator) runDateToTimestamp(f *frame, r *register, in *instr) (bool, error) {
	a := &ev.regs[in.args[0]]
	v, err := ev.ints(a, f.n)
	if err != nil || kernel.OutOfRange(v, dateMin, timestampEndDay-1-dateMin) {
		return false, err
	}
	dst, err := ev.newInts(r, f.n)
	if err != nil {
		return false, err
	}
	kernel.MulConst(dst, v, microsPerDay)
	r.v.Valid = a.v.Valid
	return true, nil
}

var extractParts = map[types.Field]kernel.DatePart{
	types.Year: kernel.Year, types.Month: kernel.Month, types.Day: kernel.Day,
}

// runExtract takes year, month or day out of finite dates.
func (ev *Evaluator) runExtract(f *frame, r *register, in *instr) (bool, error) {
	field, a := &ev.regs[in.args[0]], &ev.regs[in.args[1]]
	if !field.fixed || !field.konst.Valid || a.isConst() {
		return false, nil
	}
	part, ok := extractParts[types.FieldByName(field.konst.S)]
	if !ok {
		return false, nil
	}
	v, err := ev.ints(a, f.n)
	if err != nil {
		return false, err
	}
	if k := ev.facts.now[in.args[1]]; !k.ok || k.lo <= dateNegInf || k.hi >= dateInf {
		if kernel.OutOfRange(v, dateNegInf+1, dateInf-dateNegInf-2) {
			return false, nil
		}
	}
	dst, err := ev.newInts(r, f.n)
	if err != nil {
		return false, err
	}
	kernel.Extract(part, dst, v)
	r.v.Valid = a.v.Valid
	return true, nil
}

// runFloatArith computes + - × / of floats. Where a result may be an error, the scalar function decides.
func (ev *Evaluator) runFloatArith(f *frame, r *register, in *instr) (bool, error) {
	a, err := ev.argFloats(in.args[0], f.n)
	if err != nil {
		return false, err
	}
	b, err := ev.argFloats(in.args[1], f.n)
	if err != nil {
		return false, err
	}
	dst, err := ev.newFloats(r, f.n)
	if err != nil {
		return false, err
	}
	switch in.fn.Kernel {
	case kernelAdd:
		kernel.Add(dst, a, b)
	case kernelSub:
		kernel.Sub(dst, a, b)
	case kernelMul:
		kernel.Mul(dst, a, b)
	default:
		kernel.DivFloat(dst, a, b)
	}
	if in.fn.Ret == types.Float4 {
		kernel.RoundFloat4(dst)
	}
	// Only results that are zero, infinite or NaN can be errors.
	zeros := in.fn.Kernel == kernelMul || in.fn.Kernel == kernelDiv
	return true, ev.endInts(f, r, in, kernel.Special(dst, zeros))
}

// argFloats returns a float argument for every row, constants spread out.
func (ev *Evaluator) argFloats(reg, n int) ([]float64, error) {
	r := &ev.regs[reg]
	if !r.isConst() {
		return ev.floats(r, n)
	}
	p, err := ev.secondBuf(r)
	if err != nil {
		return nil, err
	}
	dst := unsafe.Slice((*float64)(p), n)
	kernel.Fill(dst, r.v.Float(0))
	return dst, nil
}

package expr

import (
	"math"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// fact is what is known of a register for every row of the morsel: bounds of its integers, or of the
// coefficients of numerics of one scale.
type fact struct {
	lo, hi int64
	ok     bool  // the bounds hold, and for numerics the scale
	scale  int16 // of numerics
	// exact: the instruction's 64-bit arithmetic cannot wrap; inKind: nor leave the result's kind.
	exact, inKind bool
}

// factTable derives the facts of all registers from those of the columns, by interval arithmetic. It does
// so anew only when a column's facts are not those of the batch before.
type factTable struct {
	changed bool
	cols    []colFact
	morsel  []fact // by register
	now     []fact // morsel, or tightened for this batch
	tight   bool
	// misses counts tightenings that proved nothing; after missesMax the morsel gets no more.
	misses int
}

const missesMax = 4

// colFact is a column that the program reads, and what its facts were derived from.
type colFact struct {
	reg, col int
	root     bool
	sig      colSignature
}

type colSignature struct {
	fact  *vec.Fact
	form  vec.Form
	width uint8
	scale int16
	vary  bool
	null  bool
	base  int64 // the value, of a constant
}

func (t *factTable) init(p *Program) {
	t.changed = true
	t.morsel = make([]fact, len(p.regTypes))
	t.now = make([]fact, len(p.regTypes))
	for _, blk := range p.blocks {
		for i := range blk.code {
			if in := &blk.code[i]; in.op == opColumn {
				t.cols = append(t.cols, colFact{reg: in.reg, col: in.n, root: blk == p.root})
			}
		}
	}
}

// begin compares the columns of a new batch with those of the last one.
func (t *factTable) begin(ev *Evaluator) {
	for i := range t.cols {
		c := &t.cols[i]
		if s := signatureOf(ev.cols[c.col].v); s != c.sig {
			c.sig = s
			t.changed = true
		}
	}
	if t.changed && !(ev.turn > 1 && invariants.Mutant("expr-stale-facts")) {
		t.changed, t.misses = false, 0
		for i := range t.cols {
			c := &t.cols[i]
			t.morsel[c.reg] = columnFact(ev.cols[c.col].v)
		}
		ev.inferAll(t.morsel)
		copy(t.now, t.morsel)
		t.tight = false
		return
	}
	if t.tight {
		copy(t.now, t.morsel)
		t.tight = false
	}
}

func signatureOf(v *vec.Vector) colSignature {
	s := colSignature{fact: v.Fact, form: v.Form, width: v.Width, scale: v.Scale, vary: v.VarNumeric, base: v.Base}
	if v.Form == vec.Const {
		s.null = v.IsNull(0)
		if !s.null && v.Width <= 8 && v.Type.Class() != types.ClassFloat {
			s.base = v.Int(0)
		}
	}
	return s
}

// kindFact is what the kind alone says.
func kindFact(k types.Kind) fact {
	switch k {
	case types.Bool:
		return fact{lo: 0, hi: 1, ok: true}
	case types.Int2:
		return fact{lo: math.MinInt16, hi: math.MaxInt16, ok: true}
	case types.Int4, types.Date:
		return fact{lo: math.MinInt32, hi: math.MaxInt32, ok: true}
	case types.OID:
		return fact{lo: 0, hi: math.MaxUint32, ok: true}
	case types.Time:
		return fact{lo: 0, hi: microsPerDay, ok: true}
	}
	return fact{}
}

// columnFact is what a vector and its facts say.
func columnFact(v *vec.Vector) fact {
	class := v.Type.Class()
	if class != types.ClassInt && class != types.ClassNumeric || v.VarNumeric || v.Form == vec.Dict || v.Width > 8 {
		return kindFact(v.Type.Kind)
	}
	if v.Form == vec.Const {
		if v.IsNull(0) {
			return fact{scale: v.Scale}
		}
		return fact{lo: v.Int(0), hi: v.Int(0), ok: true, scale: v.Scale}
	}
	f := kindFact(v.Type.Kind)
	f.scale = v.Scale
	if v.Width < 8 {
		f = f.within(narrowBounds(v))
	} else if p, s, ok := v.Type.PrecisionScale(); ok && s == int(v.Scale) && p <= 18 {
		limit := types.Pow10(p) - 1
		f = f.within(-limit, limit)
	}
	if v.Fact != nil && v.Fact.Bounded {
		f = f.within(v.Fact.Min, v.Fact.Max)
	}
	return f
}

// within adds bounds to f.
func (f fact) within(lo, hi int64) fact {
	if f.ok {
		lo, hi = max(lo, f.lo), min(hi, f.hi)
	}
	f.lo, f.hi, f.ok = lo, hi, lo <= hi
	return f
}

// inferAll derives the facts of all instructions from those of columns.
func (ev *Evaluator) inferAll(facts []fact) {
	for i := range ev.p.consts {
		c := &ev.p.consts[i]
		facts[c.reg] = columnFact(&ev.regs[c.reg].v)
	}
	for _, blk := range ev.p.roots {
		ev.inferBlock(facts, blk)
	}
}

func (ev *Evaluator) inferBlock(facts []fact, blk *block) {
	for i := range blk.code {
		in := &blk.code[i]
		for j := range in.arms {
			for _, o := range [2]operand{in.arms[j].cond, in.arms[j].value} {
				if o.blk != nil {
					ev.inferBlock(facts, o.blk)
				}
			}
		}
		switch in.op {
		case opColumn:
		case opConstExpr:
			if r := &ev.regs[in.reg]; r.fixed {
				facts[in.reg] = columnFact(&r.v)
			} else {
				facts[in.reg] = kindFact(in.typ.Kind)
			}
		case opOuter:
			facts[in.reg] = facts[in.n]
		case opCall:
			facts[in.reg] = ev.inferCall(facts, in)
		case opCase, opCoalesce:
			facts[in.reg] = ev.inferUnion(facts, in)
		default:
			facts[in.reg] = kindFact(in.typ.Kind)
		}
	}
}

// inferUnion covers all values that a branching instruction can have.
func (ev *Evaluator) inferUnion(facts []fact, in *instr) fact {
	var u fact
	for i := range in.arms {
		r := in.arms[i].value.reg
		if ev.regs[r].fixed && ev.regs[r].isNullConst() {
			continue
		}
		f := facts[r]
		switch {
		case !f.ok, u.ok && u.scale != f.scale:
			return kindFact(in.typ.Kind)
		case !u.ok:
			u = fact{lo: f.lo, hi: f.hi, ok: true, scale: f.scale}
		default:
			u.lo, u.hi = min(u.lo, f.lo), max(u.hi, f.hi)
		}
	}
	if !u.ok {
		return kindFact(in.typ.Kind)
	}
	return u
}

func (ev *Evaluator) inferCall(facts []fact, in *instr) fact {
	k := in.fn.Ret
	class := k.Class()
	if class != types.ClassInt && class != types.ClassNumeric || len(in.args) == 0 {
		return kindFact(k)
	}
	a := facts[in.args[len(in.args)-1]]
	if in.fn.Kernel == kernelExtract {
		return ev.inferExtract(in, a)
	}
	a = facts[in.args[0]]
	var b fact
	if len(in.args) > 1 {
		b = facts[in.args[1]]
	}
	switch in.fn.Kernel {
	case kernelRelabel, kernelPlus:
		return fact{lo: a.lo, hi: a.hi, ok: a.ok, scale: a.scale, exact: true, inKind: true}
	case kernelIntToNumeric:
		return fact{lo: a.lo, hi: a.hi, ok: a.ok, exact: true, inKind: true}
	case kernelNumericScale:
		return inferScale(in.typ, a)
	case kernelCastInt:
		r := kindFact(k)
		if !r.ok {
			return a
		}
		inKind := a.ok && a.lo >= r.lo && a.hi <= r.hi
		if a.ok {
			r = r.within(a.lo, a.hi)
		}
		r.inKind, r.exact = inKind, true
		return r
	}
	if !a.ok || len(in.args) > 1 && !b.ok {
		return kindFact(k)
	}
	return boundedIn(k, arithFact(in.fn.Kernel, class, a, b))
}

// boundedIn keeps a result inside its kind: what is outside is an error, not a value.
func boundedIn(k types.Kind, r fact) fact {
	limits := kindFact(k)
	if !r.ok {
		return limits
	}
	r.inKind = r.exact
	if limits.ok {
		r.inKind = r.exact && r.lo >= limits.lo && r.hi <= limits.hi
		r.lo, r.hi = max(r.lo, limits.lo), min(r.hi, limits.hi)
	}
	return r
}

// inferScale is for the coercion to numeric(p,s): a coefficient of p digits at scale s.
func inferScale(t types.Type, a fact) fact {
	p, s, ok := t.PrecisionScale()
	if !ok || p > 18 || s < 0 || !a.ok || int(a.scale) > s || a.scale < 0 {
		return fact{}
	}
	limit := types.Pow10(p) - 1
	r := fact{lo: -limit, hi: limit, ok: true, scale: int16(s)}
	if int(a.scale) == s {
		r.inKind = a.lo >= -limit && a.hi <= limit
		r = r.within(a.lo, a.hi)
	}
	return r
}

func (ev *Evaluator) inferExtract(in *instr, days fact) fact {
	field := &ev.regs[in.args[0]]
	if !field.fixed || !field.konst.Valid || !days.ok || days.lo <= dateNegInf || days.hi >= dateInf {
		return fact{}
	}
	r := fact{ok: true, exact: true, inKind: true}
	switch types.FieldByName(field.konst.S) {
	case types.Year:
		r.lo, r.hi = kernel.YearOf(days.lo)-1, kernel.YearOf(days.hi)
	case types.Month:
		r.lo, r.hi = 1, 12
	case types.Day:
		r.lo, r.hi = 1, 31
	default:
		return fact{}
	}
	return r
}

// arithFact is interval arithmetic. ok is false if a bound does not fit 64 bits.
func arithFact(op KernelID, class types.Class, a, b fact) fact {
	r := fact{exact: true, ok: true}
	if class == types.ClassNumeric && (op == kernelAdd || op == kernelSub) {
		var okA, okB bool
		r.scale = max(a.scale, b.scale)
		a, okA = a.rescaled(r.scale)
		b, okB = b.rescaled(r.scale)
		if !okA || !okB {
			return fact{}
		}
	}
	var ok1, ok2 bool
	switch op {
	case kernelAdd:
		r.lo, ok1 = addExact(a.lo, b.lo)
		r.hi, ok2 = addExact(a.hi, b.hi)
	case kernelSub:
		r.lo, ok1 = subExact(a.lo, b.hi)
		r.hi, ok2 = subExact(a.hi, b.lo)
	case kernelMul:
		r.scale = a.scale + b.scale
		r.lo, r.hi, ok1 = mulBounds(a, b)
		ok2 = ok1
	case kernelNeg:
		r.scale = a.scale
		r.lo, ok1 = subExact(0, a.hi)
		r.hi, ok2 = subExact(0, a.lo)
	case kernelAbs:
		r.scale = a.scale
		ok1, ok2 = a.lo != math.MinInt64, true
		r.lo, r.hi = 0, max(a.hi, -a.lo)
		if a.lo > 0 {
			r.lo = a.lo
		} else if a.hi < 0 {
			r.lo = -a.hi
		}
	case kernelDiv:
		if class != types.ClassInt {
			return fact{}
		}
		m := max(a.hi, -a.lo)
		r.lo, r.hi, ok1, ok2 = -m, m, a.lo != math.MinInt64, true
		if b.lo == b.hi && b.lo > 0 {
			r.lo, r.hi, ok1 = a.lo/b.lo, a.hi/b.lo, true
		}
	case kernelMod:
		m := max(b.hi, -b.lo) - 1
		r.lo, r.hi, ok1, ok2 = -m, m, b.lo != math.MinInt64 && m >= 0, true
		if a.lo >= 0 {
			r.lo, r.hi = 0, min(m, a.hi)
		}
	}
	if !ok1 || !ok2 {
		return fact{}
	}
	return r
}

// rescaled returns f at a scale not below its own.
func (f fact) rescaled(scale int16) (fact, bool) {
	up := int(scale - f.scale)
	if up == 0 {
		return f, true
	}
	if up > 18 {
		return f, false
	}
	lo, ok1 := mulExact(f.lo, types.Pow10(up))
	hi, ok2 := mulExact(f.hi, types.Pow10(up))
	return fact{lo: lo, hi: hi, ok: true, scale: scale}, ok1 && ok2
}

func mulBounds(a, b fact) (lo, hi int64, ok bool) {
	ok = true
	for i, p := range [4][2]int64{{a.lo, b.lo}, {a.lo, b.hi}, {a.hi, b.lo}, {a.hi, b.hi}} {
		v, exact := mulExact(p[0], p[1])
		ok = ok && exact
		if i == 0 {
			lo, hi = v, v
		}
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi, ok
}

// weakBits: a column with bounds beyond it may well have smaller values in this batch.
const weakBits = 1 << 31

// tighten looks at the values of the root block's columns that have weak facts, and derives everything
// anew for this batch. It returns whether it did: once a batch at most, and not at all in a morsel
// where it has proved useless.
func (ev *Evaluator) tighten() (bool, error) {
	t := &ev.facts
	if t.tight || t.misses >= missesMax {
		return false, nil
	}
	t.tight = true
	found := false
	for i := range t.cols {
		c := &t.cols[i]
		r := &ev.regs[c.reg]
		f := t.now[c.reg]
		class := r.typ.Class()
		if !c.root || r.stamp != ev.turn || r.isConst() || class != types.ClassInt && class != types.ClassNumeric ||
			c.sig.vary || c.sig.width > 8 || f.ok && f.lo > -weakBits && f.hi < weakBits {
			continue
		}
		v, err := ev.ints(r, r.v.N)
		if err != nil {
			return false, err
		}
		m := kernel.Magnitude(v)
		t.now[c.reg] = f.within(-m-1, m)
		t.now[c.reg].scale = r.v.Scale
		found = true
	}
	if found {
		ev.inferAll(t.now)
	}
	return found, nil
}

// proven returns the facts of an instruction's result, tightened if they do not prove its arithmetic.
func (ev *Evaluator) proven(in *instr) (fact, error) {
	f := ev.facts.now[in.reg]
	if f.exact && f.inKind {
		return f, nil
	}
	ok, err := ev.tighten()
	if ok {
		f = ev.facts.now[in.reg]
		if f.exact && f.inKind {
			ev.facts.misses = 0
		} else {
			ev.facts.misses++
		}
	}
	return f, err
}

// Bounds returns bounds of the values of expression i in the current batch that follow from facts;
// those of a numeric are coefficients at the scale of the vector that Eval returns. They hold for all
// batches whose columns have the same facts.
func (ev *Evaluator) Bounds(i int) (lo, hi int64, ok bool) {
	f := ev.facts.morsel[ev.p.results[i]]
	class := ev.p.exprs[i].Type().Class()
	if !f.ok || class != types.ClassInt && class != types.ClassNumeric {
		return 0, 0, false
	}
	return f.lo, f.hi, true
}

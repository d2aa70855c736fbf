package expr

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
)

// runBool computes NOT, IS NULL and IS TRUE.
func (ev *Evaluator) runBool(f *frame, r *register, in *instr) error {
	a := &ev.regs[in.args[0]]
	if a.isConst() {
		r.setConst(constBool(in, a))
		return nil
	}
	n := f.n
	if in.op == opIsNull {
		mask, err := ev.newBits(r, n)
		if err != nil {
			return err
		}
		isNullBits(mask, a.v.Valid, n, in.negated)
		return nil
	}
	t, err := ev.boolBits(a, n)
	if err != nil {
		return err
	}
	mask, err := ev.newBits(r, n)
	if err != nil {
		return err
	}
	valid := a.v.Valid
	switch {
	case in.op == opBoolTest && in.value:
		copy(mask, t)
	default: // FALSE: valid and not TRUE
		kernel.NotMask(mask, t, n)
		if valid != nil {
			kernel.And(mask, mask, valid[:len(mask)])
		}
	}
	switch {
	case in.op == opNot:
		r.v.Valid = valid
	case in.negated:
		kernel.NotMask(mask, mask, n)
	}
	return nil
}

func constBool(in *instr, a *register) types.Datum {
	null := a.v.IsNull(0)
	switch in.op {
	case opIsNull:
		return types.NewBool(null != in.negated)
	case opBoolTest:
		return types.NewBool((!null && (a.v.Int(0) != 0) == in.value) != in.negated)
	}
	if null {
		return types.NullOf(types.Bool)
	}
	return types.NewBool(a.v.Int(0) == 0)
}

// isNullBits sets mask to the rows that are NULL, or to the others.
func isNullBits(mask, valid []uint64, n int, negated bool) {
	if valid == nil || invariants.Mutant("kernel-ignores-validity") {
		clear(mask)
		if negated {
			kernel.FillMask(mask, n)
		}
		return
	}
	kernel.NotMask(mask, valid, n) // also clears what lies beyond n
	if negated {
		kernel.NotMask(mask, mask, n)
	}
}

// runJunction computes AND and OR with three values. Operands in blocks are evaluated for the rows that
// those before have not decided.
func (ev *Evaluator) runJunction(f *frame, r *register, in *instr) error {
	and := in.op == opAnd
	// yes and no are the rows known to be TRUE and FALSE; what is neither is NULL so far.
	if err := ev.words(&r.yes); err != nil {
		return err
	}
	if err := ev.words(&r.no); err != nil {
		return err
	}
	n := f.n
	yes, no := r.yes[:kernel.Words(n)], r.no[:kernel.Words(n)]
	for i := range in.arms {
		o := &in.arms[i].value
		if o.blk != nil {
			if err := ev.junctionBlock(f, r, o, and, yes, no, n); err != nil {
				return err
			}
			continue
		}
		a := &ev.regs[o.reg]
		t, err := ev.boolBits(a, n)
		if err != nil {
			return err
		}
		if i == 0 {
			copy(yes, t)
			falseBits(no, a, t, n)
			continue
		}
		if err := ev.words(&ev.tmpMask); err != nil {
			return err
		}
		tmp := ev.tmpMask[:len(no)]
		falseBits(tmp, a, t, n)
		if and {
			kernel.And(yes, yes, t)
			kernel.Or(no, no, tmp)
		} else {
			kernel.Or(yes, yes, t)
			kernel.And(no, no, tmp)
		}
	}
	mask, err := ev.newBits(r, f.n)
	if err != nil {
		return err
	}
	copy(mask, yes)
	if err := ev.words(&r.valid); err != nil {
		return err
	}
	kernel.Or(r.valid[:len(mask)], yes, no)
	if !kernel.AllValid(r.valid, f.n) {
		r.v.Valid = r.valid[:len(mask)]
	}
	return nil
}

// falseBits sets no to the rows that are FALSE in a boolean whose TRUE rows are t.
func falseBits(no []uint64, a *register, t []uint64, n int) {
	if a.isConst() {
		clear(no)
		if !a.v.IsNull(0) && a.v.Int(0) == 0 {
			kernel.FillMask(no, n)
		}
		return
	}
	kernel.NotMask(no, t, n)
	if a.v.Valid != nil {
		kernel.And(no, no, a.v.Valid[:len(no)])
	}
}

// junctionBlock evaluates an operand for the rows that are undecided: not FALSE for AND, not TRUE for OR.
func (ev *Evaluator) junctionBlock(f *frame, r *register, o *operand, and bool, yes, no []uint64, n int) error {
	buf, err := ev.sel(&r.selBuf)
	if err != nil {
		return err
	}
	decided := yes
	if and {
		decided = no
	}
	if err := ev.words(&ev.tmpMask); err != nil {
		return err
	}
	kernel.NotMask(ev.tmpMask, decided, n)
	k := kernel.SelectMask(ev.tmpMask, n, buf)
	psel := buf[:k]
	inner, err := ev.runBlock(f, o.blk, psel, k)
	if err != nil || inner.n == 0 {
		return err
	}
	a := &ev.regs[o.reg]
	t, err := ev.boolBits(a, inner.n)
	if err != nil {
		return err
	}
	for j, p := range psel[:inner.n] {
		bit := uint64(1) << (p & 63)
		isTrue := t[j>>6]>>(j&63)&1 != 0
		null := !isTrue && (a.isConst() && a.v.IsNull(0) || !a.isConst() && a.v.Valid != nil && a.v.Valid[j>>6]>>(j&63)&1 == 0)
		switch {
		case null:
			yes[p>>6] &^= bit
			no[p>>6] &^= bit
		case isTrue && !and:
			yes[p>>6] |= bit
			no[p>>6] &^= bit
		case !isTrue && and:
			yes[p>>6] &^= bit
			no[p>>6] |= bit
		}
	}
	return nil
}

// runDistinct computes IS [NOT] DISTINCT FROM.
func (ev *Evaluator) runDistinct(f *frame, r *register, in *instr) error {
	a, b := &ev.regs[in.args[0]], &ev.regs[in.args[1]]
	cells, err := ev.cells(in.args, f.n)
	if err != nil {
		return err
	}
	if !a.isNullConst() && !b.isNullConst() && !ev.allConst(in.args) {
		x, y := in.args[0], in.args[1]
		if a.isConst() {
			x, y = y, x
		}
		ok, err := ev.compareBits(f, r, in.args, x, y, cmpEQ)
		if err != nil {
			return err
		}
		if ok {
			return ev.distinctOfEqual(f, r, a, b, in.negated)
		}
	}
	mask, err := ev.newBits(r, f.n)
	if err != nil {
		return err
	}
	clear(mask)
	args := ev.args[:2]
	for i := range f.n {
		args[0], args[1] = cells[0].datum(i), cells[1].datum(i)
		same := args[0].Valid == args[1].Valid
		if args[0].Valid && args[1].Valid {
			d, err := in.fn.Scalar(ev.ctx, args)
			if err != nil {
				ev.fail(f, i, err)
				return nil
			}
			same = d.Bool()
		}
		if same == in.negated {
			mask[i>>6] |= 1 << (i & 63)
		}
	}
	return nil
}

// distinctOfEqual makes IS DISTINCT of the equality in r: rows in which both are NULL are the same.
func (ev *Evaluator) distinctOfEqual(f *frame, r, a, b *register, negated bool) error {
	validA, validB := a.v.Valid, b.v.Valid
	r.v.Valid = nil
	if validA != nil && validB != nil && !a.isConst() && !b.isConst() {
		for w := range r.bits {
			r.bits[w] |= ^(validA[w] | validB[w])
		}
		if rest := f.n & 63; rest != 0 {
			r.bits[f.n>>6] &= 1<<rest - 1
		}
	}
	if !negated {
		kernel.NotMask(r.bits, r.bits, f.n)
	}
	return nil
}

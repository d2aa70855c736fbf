package expr

import (
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// runCall applies a function: by its kernels if it has some for these arguments, else row by row.
func (ev *Evaluator) runCall(f *frame, r *register, in *instr) error {
	fn := in.fn
	if fn.Strict {
		for _, a := range in.args {
			if ev.regs[a].isNullConst() {
				r.setConst(types.NullOf(r.typ.Kind))
				return nil
			}
		}
	}
	if fn.Kernel == kernelRelabel || fn.Kernel == kernelPlus {
		return ev.runRelabel(f, r, in)
	}
	if ok, err := ev.runLifted(f, r, in); ok || err != nil {
		return err
	}
	if fn.Kernel != kernelNone && !ev.allConst(in.args) {
		if ok, err := ev.runKernel(f, r, in); ok || err != nil {
			return err
		}
	}
	return ev.runAdapter(f, r, in)
}

func (ev *Evaluator) allConst(args []int) bool {
	for _, a := range args {
		if !ev.regs[a].isConst() {
			return false
		}
	}
	return true
}

// runKernel computes a call by vector kernels. It returns false if there is none for the forms that the
// arguments have.
func (ev *Evaluator) runKernel(f *frame, r *register, in *instr) (bool, error) {
	k := in.fn.Kernel
	if op, ok := comparisonOf(in.fn); ok {
		return ev.runCompare(f, r, in, op)
	}
	switch k {
	case kernelAdd, kernelSub, kernelMul:
		switch in.fn.Ret.Class() {
		case types.ClassInt:
			return ev.runIntArith(f, r, in)
		case types.ClassFloat:
			return ev.runFloatArith(f, r, in)
		case types.ClassNumeric:
			return ev.runNumericArith(f, r, in)
		}
	case kernelDiv, kernelMod:
		switch in.fn.Ret.Class() {
		case types.ClassInt:
			return ev.runIntDiv(f, r, in)
		case types.ClassFloat:
			return ev.runFloatArith(f, r, in)
		}
	case kernelNeg, kernelAbs:
		return ev.runUnary(f, r, in)
	case kernelBitAnd, kernelBitOr, kernelBitXor:
		return ev.runBitOp(f, r, in)
	case kernelCastInt:
		return ev.runCastInt(f, r, in)
	case kernelIntToNumeric:
		return ev.runIntToNumeric(f, r, in)
	case kernelIntToFloat:
		return ev.runIntToFloat(f, r, in)
	case kernelNumericToFloat:
		return ev.runNumericToFloat(f, r, in)
	case kernelNumericScale:
		return ev.runNumericScale(f, r, in)
	case kernelDateToTimestamp:
		return ev.runDateToTimestamp(f, r, in)
	case kernelExtract:
		return ev.runExtract(f, r, in)
	case kernelLike, kernelNotLike:
		return ev.runLike(f, r, in)
	case kernelLength, kernelSubstring, kernelConcat, kernelLower, kernelUpper:
		return ev.runString(f, r, in)
	}
	return false, nil
}

// runRelabel gives the argument's values another kind or modifier.
func (ev *Evaluator) runRelabel(f *frame, r *register, in *instr) error {
	a := &ev.regs[in.args[0]]
	if a.isConst() {
		d := a.konst
		if !a.fixed { // a constant vector of the input
			d = a.v.Datum(0)
		}
		r.setConst(d)
		r.fixed = false
		return nil
	}
	r.share(a, f.n)
	return nil
}

// nulls returns the validity of a result that is NULL where an argument is: one argument's own, or the
// intersection in the register's buffer; nil if no argument has NULLs.
func (ev *Evaluator) nulls(r *register, n int, args []int) ([]uint64, error) {
	var valid []uint64
	own := false
	for _, i := range args {
		a := &ev.regs[i]
		if a.isConst() || a.v.Valid == nil {
			continue
		}
		switch {
		case valid == nil:
			valid = a.v.Valid
		case !own:
			if err := ev.words(&r.valid); err != nil {
				return nil, err
			}
			kernel.And(r.valid[:kernel.Words(n)], valid, a.v.Valid)
			valid, own = r.valid[:kernel.Words(n)], true
		default:
			kernel.And(valid, valid, a.v.Valid)
		}
	}
	return valid, nil
}

// checkRows calls the scalar function on the rows whose kernel may have failed, in order, until one fails.
func (ev *Evaluator) checkRows(f *frame, in *instr, valid []uint64) error {
	cells, err := ev.cells(in.args, f.n)
	if err != nil {
		return err
	}
	args := ev.args[:len(in.args)]
	for i := range f.n {
		if valid != nil && valid[i>>6]>>(i&63)&1 == 0 {
			continue
		}
		for j := range cells {
			args[j] = cells[j].datum(i)
		}
		if _, err := in.fn.Scalar(ev.ctx, args); err != nil {
			ev.fail(f, i, err)
			return nil
		}
	}
	return nil
}

// cell reads single values of a register without copying strings.
type cell struct {
	v     *vec.Vector
	konst types.Datum
	fixed bool
}

// cells prepares registers for reading by row; they share one scratch, so that a second call invalidates the
// first one's.
func (ev *Evaluator) cells(regs []int, n int) ([]cell, error) {
	if cap(ev.cellBuf) < len(regs) {
		ev.cellBuf = make([]cell, len(regs))
		ev.args = make([]types.Datum, len(regs))
	}
	cells := ev.cellBuf[:len(regs)]
	for i, reg := range regs {
		r := &ev.regs[reg]
		if err := ev.materialise(r, nil); err != nil {
			return nil, err
		}
		cells[i] = cell{v: &r.v}
		if r.isConst() {
			cells[i].fixed = true
			if cells[i].konst = r.konst; !r.fixed {
				cells[i].konst = datumAt(&r.v, 0)
			}
			cells[i].konst.K = r.typ.Kind
		}
	}
	return cells, nil
}

func (c *cell) datum(i int) types.Datum {
	if c.fixed {
		return c.konst
	}
	return datumAt(c.v, i)
}

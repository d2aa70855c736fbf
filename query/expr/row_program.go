package expr

import (
	"github.com/laminadb/lamina/types"
)

// RowProgram evaluates expressions on single rows by the same instructions as an Evaluator. It reuses
// its registers: integers need no allocation. It is used by one goroutine.
type RowProgram struct {
	p    *Program
	ctx  *Context
	regs []types.Datum
	done []bool // instructions of root, for the row at hand
	args []types.Datum
	row  types.Row
}

// NewRow returns an evaluator of p for single rows.
func (p *Program) NewRow(ctx *Context) *RowProgram {
	n := 2 // the operands of an equality
	for _, blk := range p.blocks {
		for i := range blk.code {
			n = max(n, len(blk.code[i].args))
		}
	}
	rp := &RowProgram{
		p: p, ctx: ctx, regs: make([]types.Datum, len(p.regTypes)), done: make([]bool, len(p.root.code)),
		args: make([]types.Datum, n),
	}
	for _, c := range p.consts {
		rp.regs[c.reg] = c.value
	}
	return rp
}

// CompileRow prepares expressions over an input for single rows.
func CompileRow(exprs []Expr, input []types.Type, ctx *Context) (*RowProgram, error) {
	p, err := Compile(exprs, input)
	if err != nil {
		return nil, err
	}
	return p.NewRow(ctx), nil
}

// Begin starts a row, which is borrowed until the next Begin.
func (rp *RowProgram) Begin(row types.Row) {
	rp.row = row
	clear(rp.done)
}

// Eval returns expression i on the row.
func (rp *RowProgram) Eval(i int) (types.Datum, error) {
	for _, j := range rp.p.needs[i] {
		if rp.done[j] {
			continue
		}
		if err := rp.run(&rp.p.root.code[j]); err != nil {
			return types.NullOf(rp.p.exprs[i].Type().Kind), err
		}
		rp.done[j] = true
	}
	return rp.regs[rp.p.results[i]], nil
}

// True reports whether condition i is true on the row.
func (rp *RowProgram) True(i int) (bool, error) {
	d, err := rp.Eval(i)
	return d.Valid && d.Bool(), err
}

// value returns an operand, running its block.
func (rp *RowProgram) value(o operand) (types.Datum, error) {
	if o.blk != nil {
		for i := range o.blk.code {
			if err := rp.run(&o.blk.code[i]); err != nil {
				return types.Datum{}, err
			}
		}
	}
	return rp.regs[o.reg], nil
}

func (rp *RowProgram) run(in *instr) error {
	var d types.Datum
	var err error
	switch in.op {
	case opColumn:
		d = rp.row[in.n]
	case opConstExpr:
		d, err = EvalRow(rp.ctx, in.expr, nil)
	case opOuter:
		d = rp.regs[in.n]
	case opCall:
		d, err = rp.call(in)
	case opNot:
		if d = rp.regs[in.args[0]]; d.Valid {
			d = types.NewBool(!d.Bool())
		}
	case opIsNull:
		d = types.NewBool(rp.regs[in.args[0]].IsNull() != in.negated)
	case opBoolTest:
		a := rp.regs[in.args[0]]
		d = types.NewBool((a.Valid && a.Bool() == in.value) != in.negated)
	case opDistinct:
		d, err = rp.distinct(in)
	case opIn:
		d, err = rp.in(in)
	default:
		d, err = rp.branch(in)
	}
	rp.regs[in.reg] = d
	return err
}

func (rp *RowProgram) call(in *instr) (types.Datum, error) {
	args := rp.args[:len(in.args)]
	for i, r := range in.args {
		args[i] = rp.regs[r]
		if in.fn.Strict && args[i].IsNull() {
			return types.NullOf(in.typ.Kind), nil
		}
	}
	return in.fn.Scalar(rp.ctx, args)
}

func (rp *RowProgram) distinct(in *instr) (types.Datum, error) {
	l, r := rp.regs[in.args[0]], rp.regs[in.args[1]]
	distinct := l.Valid != r.Valid
	if l.Valid && r.Valid {
		args := rp.args[:2]
		args[0], args[1] = l, r
		eq, err := in.fn.Scalar(rp.ctx, args)
		if err != nil {
			return eq, err
		}
		distinct = !eq.Bool()
	}
	return types.NewBool(distinct != in.negated), nil
}

func (rp *RowProgram) in(in *instr) (types.Datum, error) {
	v := rp.regs[in.args[0]]
	null := v.IsNull()
	for _, x := range in.list {
		d, err := EvalRow(rp.ctx, x, nil)
		if err != nil {
			return d, err
		}
		if v.IsNull() || d.IsNull() {
			null = true
			continue
		}
		args := rp.args[:2]
		args[0], args[1] = v, d
		eq, err := in.fn.Scalar(rp.ctx, args)
		if err != nil {
			return eq, err
		}
		if eq.Bool() {
			return types.NewBool(!in.negated), nil
		}
	}
	if null && len(in.list) > 0 {
		return types.NullOf(types.Bool), nil
	}
	return types.NewBool(in.negated), nil
}

// branch evaluates what looks at its operands one by one.
func (rp *RowProgram) branch(in *instr) (types.Datum, error) {
	null := false
	for i := range in.arms {
		a := &in.arms[i]
		if in.op == opCase && !a.cond.none() {
			c, err := rp.value(a.cond)
			if err != nil {
				return c, err
			}
			if !c.Valid || !c.Bool() {
				continue
			}
		}
		d, err := rp.value(a.value)
		if err != nil {
			return d, err
		}
		switch {
		case in.op == opCase:
			return d, nil
		case d.IsNull():
			null = true
		case in.op == opCoalesce, in.op == opAnd && !d.Bool(), in.op == opOr && d.Bool():
			return d, nil
		}
	}
	if in.op == opCoalesce || null {
		return types.NullOf(in.typ.Kind), nil
	}
	return types.NewBool(in.op == opAnd), nil
}

package expr

import (
	"encoding/binary"
	"unsafe"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// depthMax bounds the nesting of expressions that can be compiled.
const depthMax = 5000

// irBuilder makes instructions of expressions.
type irBuilder struct {
	p     *Program
	scope *irScope
	known map[string]int // constants
	depth int
	key   []byte
}

// irScope is a block under construction.
type irScope struct {
	parent *irScope
	blk    *block
	seen   map[string]int // instructions by their meaning
	exprs  []seenExpr     // those with blocks, by their source
}

type seenExpr struct {
	expr Expr
	reg  int
}

func (b *irBuilder) newReg(t types.Type) int {
	b.p.regTypes = append(b.p.regTypes, t)
	return len(b.p.regTypes) - 1
}

func (b *irBuilder) open() *irScope {
	s := &irScope{parent: b.scope, blk: &block{id: len(b.p.blocks)}, seen: make(map[string]int)}
	b.p.blocks = append(b.p.blocks, s.blk)
	b.scope = s
	return s
}

func (b *irBuilder) close() { b.scope = b.scope.parent }

// emit adds an instruction unless an equal one is there already, in this block or in one around it, and
// returns its register.
func (b *irBuilder) emit(in instr) int {
	if in.op == opCall && in.fn.Volatility == Volatile {
		return b.append(in)
	}
	if in.arms != nil || in.op == opConstExpr || in.op == opIn {
		return b.emitBySource(in)
	}
	key := b.keyOf(&in)
	if r, ok := b.find(b.scope, func(s *irScope) (int, bool) { r, ok := s.seen[key]; return r, ok }); ok {
		return r
	}
	r := b.append(in)
	b.scope.seen[key] = r
	return r
}

func (b *irBuilder) append(in instr) int {
	in.reg = b.newReg(in.typ)
	b.scope.blk.code = append(b.scope.blk.code, in)
	return in.reg
}

// emitBySource is emit for instructions that are found by the expression they come from.
func (b *irBuilder) emitBySource(in instr) int {
	if r, ok := b.findSource(in.expr); ok {
		return r
	}
	r := b.append(in)
	b.scope.exprs = append(b.scope.exprs, seenExpr{in.expr, r})
	return r
}

// findSource looks an expression with blocks up, unless it is volatile.
func (b *irBuilder) findSource(e Expr) (int, bool) {
	if IsVolatile(e) {
		return 0, false
	}
	return b.find(b.scope, func(s *irScope) (int, bool) {
		for _, x := range s.exprs {
			if Equal(x.expr, e) {
				return x.reg, true
			}
		}
		return 0, false
	})
}

// find searches a block and those around it. What is found outside is brought in, block by block.
func (b *irBuilder) find(s *irScope, look func(*irScope) (int, bool)) (int, bool) {
	if r, ok := look(s); ok {
		return r, true
	}
	if s.parent == nil {
		return 0, false
	}
	r, ok := b.find(s.parent, look)
	if !ok {
		return 0, false
	}
	return b.outer(s, r), true
}

// outer returns the register of block s that holds register r of the block around it.
func (b *irBuilder) outer(s *irScope, r int) int {
	in := instr{op: opOuter, n: r, typ: b.p.regTypes[r]}
	key := b.keyOf(&in)
	if own, ok := s.seen[key]; ok {
		return own
	}
	in.reg = b.newReg(in.typ)
	s.blk.code = append(s.blk.code, in)
	s.seen[key] = in.reg
	return in.reg
}

// keyOf returns a string that is equal for instructions that compute the same.
func (b *irBuilder) keyOf(in *instr) string {
	k := b.key[:0]
	flags := byte(0)
	if in.negated {
		flags |= 1
	}
	if in.value {
		flags |= 2
	}
	k = append(k, byte(in.op), flags, byte(in.typ.Kind))
	k = binary.LittleEndian.AppendUint32(k, uint32(in.typ.Mod))
	k = binary.LittleEndian.AppendUint64(k, uint64(uintptr(unsafe.Pointer(in.fn))))
	k = binary.LittleEndian.AppendUint32(k, uint32(in.n))
	for _, a := range in.args {
		k = binary.LittleEndian.AppendUint32(k, uint32(a))
	}
	b.key = k
	return string(k)
}

// constReg returns the register of a constant; such registers are valid in every block.
func (b *irBuilder) constReg(d types.Datum, t types.Type) int {
	k := append(b.key[:0], byte(t.Kind), byte(d.Form))
	k = binary.LittleEndian.AppendUint32(k, uint32(t.Mod))
	k = binary.LittleEndian.AppendUint16(k, uint16(d.Scale))
	k = binary.LittleEndian.AppendUint64(k, uint64(d.I))
	k = binary.LittleEndian.AppendUint64(k, uint64(d.H))
	if d.Valid {
		k = append(k, 1)
	}
	k = append(k, d.S...)
	b.key = k
	if r, ok := b.known[string(k)]; ok {
		return r
	}
	r := b.newReg(t)
	b.known[string(k)] = r
	b.p.consts = append(b.p.consts, constant{r, t, d})
	return r
}

// isConstant reports whether e has one value for a whole execution: no columns, nothing volatile.
func isConstant(e Expr) bool {
	constant := true
	Walk(e, func(e Expr) bool {
		switch e := e.(type) {
		case *Column, *Subquery, *Aggregate:
			constant = false
		case *Call:
			constant = constant && e.Func.Volatility != Volatile
		}
		return constant
	})
	return constant
}

// build emits e in the current block and returns its register.
func (b *irBuilder) build(e Expr) (int, error) {
	if b.depth++; b.depth > depthMax {
		return 0, sqlerr.New(sqlerr.StatementTooComplex, "expression is nested too deeply")
	}
	defer func() { b.depth-- }()
	switch e := e.(type) {
	case *Const:
		return b.constReg(e.Value, e.Typ), nil
	case *Column:
		if e.ID < 0 || e.ID >= len(b.p.input) {
			return 0, sqlerr.Newf(sqlerr.InternalError, "column %d of an input of %d", e.ID, len(b.p.input))
		}
		return b.emit(instr{op: opColumn, n: e.ID, typ: e.Typ}), nil
	}
	if isConstant(e) {
		return b.emit(instr{op: opConstExpr, typ: e.Type(), expr: e}), nil
	}
	switch e := e.(type) {
	case *Call:
		args, err := b.buildAll(e.Args)
		if err != nil {
			return 0, err
		}
		return b.emit(instr{op: opCall, typ: e.Typ, fn: e.Func, args: args, expr: e}), nil
	case *Not:
		return b.buildUnary(instr{op: opNot, typ: e.Typ}, e.Arg)
	case *IsNull:
		return b.buildUnary(instr{op: opIsNull, typ: e.Typ, negated: e.Negated}, e.Arg)
	case *BoolTest:
		return b.buildUnary(instr{op: opBoolTest, typ: e.Typ, negated: e.Negated, value: e.Value}, e.Arg)
	case *Distinct:
		args, err := b.buildAll([]Expr{e.L, e.R})
		if err != nil {
			return 0, err
		}
		return b.emit(instr{op: opDistinct, typ: e.Typ, fn: e.Eq, args: args, negated: e.Negated, expr: e}), nil
	}
	return b.buildBranching(e)
}

func (b *irBuilder) buildAll(list []Expr) ([]int, error) {
	regs := make([]int, len(list))
	for i, e := range list {
		r, err := b.build(e)
		if err != nil {
			return nil, err
		}
		regs[i] = r
	}
	return regs, nil
}

func (b *irBuilder) buildUnary(in instr, arg Expr) (int, error) {
	r, err := b.build(arg)
	if err != nil {
		return 0, err
	}
	in.args = []int{r}
	return b.emit(in), nil
}

// buildBranching emits what evaluates some operands for some rows only.
func (b *irBuilder) buildBranching(e Expr) (int, error) {
	if r, ok := b.findSource(e); ok {
		return r, nil
	}
	in := instr{typ: e.Type(), expr: e}
	var err error
	switch e := e.(type) {
	case *And:
		in.op = opAnd
		in.arms, err = b.buildJunction(e.Args)
	case *Or:
		in.op = opOr
		in.arms, err = b.buildJunction(e.Args)
	case *Coalesce:
		in.op = opCoalesce
		in.arms, err = b.buildOperands(e.Args)
	case *Case:
		in.op = opCase
		in.arms, err = b.buildCase(e)
	case *In:
		return b.buildIn(e)
	default:
		return 0, sqlerr.Newf(sqlerr.InternalError, "%T in a scalar expression", e)
	}
	if err != nil {
		return 0, err
	}
	return b.emit(in), nil
}

// infallibleFirst orders the operands of AND and OR: what cannot fail first, the rest as written.
func infallibleFirst(args []Expr) []Expr {
	out := make([]Expr, 0, len(args))
	for _, a := range args {
		if !CanFail(a) {
			out = append(out, a)
		}
	}
	for _, a := range args {
		if CanFail(a) {
			out = append(out, a)
		}
	}
	return out
}

func (b *irBuilder) buildJunction(args []Expr) ([]arm, error) {
	return b.buildOperands(infallibleFirst(args))
}

// buildOperands emits the first operand, and those that may as well be evaluated for all rows, in the
// current block.
func (b *irBuilder) buildOperands(args []Expr) ([]arm, error) {
	arms := make([]arm, len(args))
	for i, a := range args {
		o, err := b.buildOperand(a, i == 0 || !CanFail(a) && !IsVolatile(a))
		if err != nil {
			return nil, err
		}
		arms[i].value = o
	}
	return arms, nil
}

// buildOperand emits e in the current block (here) or in one of its own.
func (b *irBuilder) buildOperand(e Expr, here bool) (operand, error) {
	if _, ok := e.(*Const); ok || here {
		r, err := b.build(e)
		return operand{reg: r}, err
	}
	s := b.open()
	r, err := b.build(e)
	b.close()
	return operand{reg: r, blk: s.blk}, err
}

func (b *irBuilder) buildCase(e *Case) ([]arm, error) {
	arms := make([]arm, 0, len(e.Whens)+1)
	for i, w := range e.Whens {
		cond, err := b.buildOperand(w.Cond, i == 0 || cheap(w.Cond))
		if err != nil {
			return nil, err
		}
		value, err := b.buildOperand(w.Result, cheap(w.Result))
		if err != nil {
			return nil, err
		}
		arms = append(arms, arm{cond, value})
	}
	value, err := b.buildOperand(e.Else, cheap(e.Else))
	return append(arms, arm{operand{reg: -1}, value}), err
}

// cheapOps is the number of kernel operations that are rather done for all rows than for some.
const cheapOps = 4

// cheap reports whether evaluating e for all rows is harmless, and costs less than compacting its inputs.
func cheap(e Expr) bool {
	if CanFail(e) || IsVolatile(e) {
		return false
	}
	ops := 0
	Walk(e, func(e Expr) bool {
		switch e := e.(type) {
		case *Const, *Column, *Param:
		case *Call:
			if ops++; e.Func.Kernel == kernelNone || e.Typ.Class() == types.ClassString && e.Func.Kernel != kernelRelabel {
				ops += cheapOps
			}
		default:
			ops++
		}
		return ops <= cheapOps
	})
	return ops <= cheapOps
}

// buildIn emits IN over constants; any other list is a disjunction of equalities.
func (b *irBuilder) buildIn(e *In) (int, error) {
	r, err := b.build(e.Arg)
	if err != nil {
		return 0, err
	}
	plain := true
	for _, x := range e.List {
		switch x.(type) {
		case *Const, *Param:
		default:
			plain = false
		}
	}
	if plain {
		return b.emit(instr{op: opIn, typ: e.Typ, fn: e.Eq, args: []int{r}, list: e.List, negated: e.Negated, expr: e}), nil
	}
	or := instr{op: opOr, typ: e.Typ, expr: e}
	for i, x := range e.List {
		o, err := b.buildEqual(e, r, x, i == 0 || !CanFail(x) && !IsVolatile(x))
		if err != nil {
			return 0, err
		}
		or.arms = append(or.arms, arm{value: o})
	}
	r = b.append(or)
	if e.Negated {
		r = b.emit(instr{op: opNot, typ: e.Typ, args: []int{r}})
	}
	return r, nil
}

// buildEqual emits r = x.
func (b *irBuilder) buildEqual(e *In, r int, x Expr, here bool) (operand, error) {
	var s *irScope
	if !here {
		s = b.open()
		defer b.close()
		r = b.outer(s, r)
	}
	v, err := b.build(x)
	if err != nil {
		return operand{}, err
	}
	o := operand{reg: b.emit(instr{op: opCall, typ: e.Typ, fn: e.Eq, args: []int{r, v}})}
	if s != nil {
		o.blk = s.blk
	}
	return o, nil
}

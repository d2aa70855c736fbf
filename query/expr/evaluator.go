package expr

import (
	"errors"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Evaluator runs a program over batches, for one worker. Its registers are off-heap and reused: a batch
// costs no allocation once each register has been used.
//
// Errors. The error of a row is a *RowError; the entries before that row are good. From then on, for the
// rest of the batch, only the rows before it are evaluated, and a later call fails only if an earlier
// row does: the last error that was returned is the batch's. Any other error (out of memory) makes
// the result void.
type Evaluator struct {
	p    *Program
	ctx  *Context
	mem  arena
	b    *vec.Batch
	turn uint32 // counts batches: what a register's stamp is compared with

	regs    []register
	cols    []column
	frames  []frame // by block
	facts   factTable
	conds   []*condState
	args    []types.Datum // of the adapter
	cellBuf []cell
	writer  writer
	// scratch holds operands brought to another scale or width.
	scratch     [2][]int64
	wideScratch [2][]kernel.Wide
	tmpMask     []uint64
	pair        [2]types.Datum
	rowErr      *RowError // the first row that failed in this batch
	// Of filters: rows from limit on are out; inPlace says that rows are positions in columns.
	limit   int
	inPlace bool
	colRegs []register // compacted columns
	row     types.Row  // of one dictionary entry
	scan    vec.Batch  // FilterScan's view of its batch
	holes   holes      // of the batch
}

// column is an input column in the current batch.
type column struct {
	v *vec.Vector
	g int // group
}

// frame is a block in execution: n rows, which are the rows sel of the batch (nil: all) and psel of the
// enclosing block.
type frame struct {
	parent    *frame
	n         int
	sel, psel []uint16
	selBuf    []uint16
	// groups caches the positions of the frame's rows in the columns of each group.
	groups []frameGroup
}

type frameGroup struct {
	turn, idTurn uint32 // of sel and rows
	sel          []uint16
	rows         []uint32
	buf          []uint16
	ids          []uint32
}

// NewEvaluator returns an evaluator of p; its memory is charged to tracker until Close.
func (p *Program) NewEvaluator(ctx *Context, tracker *mem.Tracker) *Evaluator {
	ev := &Evaluator{
		p: p, ctx: ctx, mem: arena{tracker: tracker},
		regs: make([]register, len(p.regTypes)), cols: make([]column, len(p.input)),
		frames: make([]frame, len(p.blocks)), conds: make([]*condState, len(p.conds)),
	}
	for i, t := range p.regTypes {
		ev.regs[i].typ = t
	}
	for i := range p.consts {
		c := &p.consts[i]
		ev.regs[c.reg].setConst(c.value)
		ev.regs[c.reg].fixed = true
	}
	ev.facts.init(p)
	return ev
}

// Close gives the evaluator's memory back. Vectors that it returned must not be used afterwards.
func (ev *Evaluator) Close() {
	for i := range ev.regs {
		ev.regs[i].text.free()
	}
	ev.mem.free()
}

// Begin starts a batch. What Eval returns is valid until the next Begin, and no longer than the batch.
func (ev *Evaluator) Begin(b *vec.Batch) {
	invariants.Assert(b.N <= vec.Size, "batch of %d rows", b.N)
	ev.b = b
	ev.rowErr = nil
	ev.turn++
	if ev.turn == 0 { // stamps of 2^32 batches ago must not match
		ev.turn = 1
		for i := range ev.regs {
			ev.regs[i].stamp = 0
		}
	}
	c := 0
	for g := range b.Groups {
		cols := b.Groups[g].Cols
		for i := range cols {
			if c < len(ev.cols) {
				ev.cols[c] = column{&cols[i], g}
			}
			c++
		}
	}
	invariants.Assert(c >= len(ev.cols), "batch of %d columns for a program of %d", c, len(ev.cols))
	root := &ev.frames[0]
	root.parent, root.n, root.sel, root.psel = nil, b.N, nil, nil
	ev.facts.begin(ev)
}

// Eval returns expression i for every live row: a vector of b.N entries of any form but InRows, without
// selection (a Const one if all entries are known to be equal). Entries that are NULL have any value.
func (ev *Evaluator) Eval(i int) (*vec.Vector, error) {
	if ev.interpreted() {
		return ev.interpret(i)
	}
	err := ev.runNeeds(i)
	r := &ev.regs[ev.p.results[i]]
	if e := ev.finish(r, &ev.frames[0], ev.p.exprs[i].Type()); e != nil {
		return nil, e
	}
	return &r.out, err
}

// runNeeds runs the instructions of the root block that expression i needs and that have not run.
func (ev *Evaluator) runNeeds(i int) error {
	root := &ev.frames[0]
	var rowErr error
	for _, j := range ev.p.needs[i] {
		in := &ev.p.root.code[j]
		r := &ev.regs[in.reg]
		if r.stamp == ev.turn {
			continue
		}
		if err := ev.run(root, in); err != nil {
			if _, ok := asRowError(err); !ok {
				return err
			}
			rowErr = err
		}
	}
	return rowErr
}

// finish makes r.out the vector of a register's first n rows, as type t.
func (ev *Evaluator) finish(r *register, f *frame, t types.Type) error {
	if err := ev.materialise(r, f); err != nil {
		return err
	}
	r.out = r.v
	r.out.Type = t
	if r.v.Form != vec.Const {
		r.out.N = ev.b.N
		if f.n < ev.b.N { // after an error: the rest may be anything, but must be readable
			r.out.N = f.n
		}
	}
	return nil
}

// run executes one instruction. A row that fails is noted by fail, which shortens the frame; run returns
// that error, and what can be computed for the rows before it has been.
func (ev *Evaluator) run(f *frame, in *instr) error {
	r := &ev.regs[in.reg]
	r.stamp = ev.turn
	if r.fixed {
		return nil
	}
	r.have = 0
	before := f.n
	if f.n == 0 {
		r.setEmpty()
		return nil
	}
	var err error
	switch in.op {
	case opColumn:
		err = ev.loadColumn(f, r, in.n)
	case opConstExpr:
		err = ev.runConstExpr(f, r, in)
	case opOuter:
		err = ev.loadOuter(f, r, in.n)
	case opCall:
		err = ev.runCall(f, r, in)
	case opNot, opIsNull, opBoolTest:
		err = ev.runBool(f, r, in)
	case opDistinct:
		err = ev.runDistinct(f, r, in)
	case opAnd, opOr:
		err = ev.runJunction(f, r, in)
	case opCase:
		err = ev.runCase(f, r, in)
	case opCoalesce:
		err = ev.runCoalesce(f, r, in)
	case opIn:
		err = ev.runIn(f, r, in)
	}
	if err == nil && f.n < before && f.parent == nil {
		err = ev.rowErr
	}
	return err
}

// runBlock executes a block over the rows psel of the enclosing frame (nil: all n) and returns the
// frame. The rows of psel ascend.
func (ev *Evaluator) runBlock(parent *frame, blk *block, psel []uint16, n int) (*frame, error) {
	f := &ev.frames[blk.id]
	for n > 0 && psel != nil && int(psel[n-1]) >= parent.n {
		n-- // rows after an error
	}
	if psel == nil {
		n = min(n, parent.n)
	} else {
		psel = psel[:n]
	}
	if invariants.Mutant("expr-ignores-narrowing") && parent.parent == nil && parent.sel == nil {
		psel = nil
		n = parent.n
	}
	f.parent, f.n, f.psel, f.sel = parent, n, psel, psel
	if parent.sel != nil {
		if psel == nil {
			f.sel = parent.sel[:n]
		} else {
			buf, err := ev.sel(&f.selBuf)
			if err != nil {
				return nil, err
			}
			kernel.ComposeSel(buf, parent.sel, psel)
			f.sel = buf[:n]
		}
	}
	for i := range f.groups {
		f.groups[i].turn, f.groups[i].idTurn = 0, 0
	}
	for i := range blk.code {
		if err := ev.run(f, &blk.code[i]); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// fail notes that row of a frame fails: the frame and those around it end before that row.
func (ev *Evaluator) fail(f *frame, row int, err error) {
	for {
		f.n = min(f.n, row)
		if f.parent == nil {
			break
		}
		if f.psel != nil {
			row = int(f.psel[row])
		}
		f = f.parent
	}
	if f.sel != nil { // the block of a condition
		row = int(f.sel[row])
	}
	ev.rowErr = &RowError{Row: row, Err: err}
}

// runConstExpr evaluates an expression without columns once for all batches.
func (ev *Evaluator) runConstExpr(f *frame, r *register, in *instr) error {
	d, err := EvalRow(ev.ctx, in.expr, nil)
	if err != nil {
		ev.fail(f, 0, err)
		r.setEmpty()
		return nil
	}
	r.setConst(d)
	r.fixed = true
	ev.facts.changed = true
	return nil
}

// sel returns a selection buffer with room for a whole batch and one entry.
func (ev *Evaluator) sel(buf *[]uint16) ([]uint16, error) {
	if *buf == nil {
		p, err := ev.mem.alloc(2 * (vec.Size + 1))
		if err != nil {
			return nil, err
		}
		*buf = unsafe.Slice((*uint16)(p), vec.Size+1)
	}
	return *buf, nil
}

// asRowError returns the RowError in err's chain.
func asRowError(err error) (*RowError, bool) { return errors.AsType[*RowError](err) }

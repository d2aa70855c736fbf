package exec

import (
	"context"
	"sync/atomic"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// apply runs its inner plan for the rows of its input, one batch after the other. What it yields is kept
// for the combinations of arguments that were seen, and the inner plan instantiated only for new ones.
type apply struct {
	q     *Query
	n     *plan.Apply
	stats *opStats
	args  *expr.Program // the arguments, then When
	// copies are the inner plan's columns.
	copies *expr.Program
	ts     []types.Type
	stored []bool
	memo   applyMemo
	blocks atomic.Int32
	arena  arena
	rows   *rowScratch
	// inner are the counters of the inner plan's operators, over all runs.
	inner map[int]*opStats
}

// applyRun is the operator of an Apply.
type applyRun struct {
	a    *apply
	ev   *expr.Evaluator
	vs   []*vec.Vector
	args types.Row
	comp composer

	in    *vec.Batch
	n, i  int   // rows of in that have arguments, and the row at hand
	cause error // of row n
	// got is what the row at hand got, at how much of it is output.
	open bool
	got  applied
	at   uint32

	pos   []uint16
	ids   []uint32
	marks []byte
	valid []uint64
	cols  []vec.Vector
}

func (q *Query) apply(n *plan.Apply) (*flow, error) {
	f, err := q.flowOf(n.Left)
	if err != nil {
		return nil, err
	}
	f.serial = true // the first error in the order of the rows, and one memo
	a := &apply{q: q, n: n, stats: q.statsOf(n, n.ID, "apply"), inner: map[int]*opStats{}}
	a.arena.tracker = q.mem
	exprs := n.Args
	if n.When != nil {
		exprs = append(exprs[:len(exprs):len(exprs)], n.When)
	}
	if a.args, err = q.compile(exprs, typesOf(n.Left.Columns())); err != nil {
		return nil, err
	}
	if err := a.prepare(); err != nil {
		return nil, err
	}
	q.onClose(func() {
		a.memo.free(q.mem)
		a.arena.free()
	})
	f.pipe(a.instance)
	return f, nil
}

// prepare makes room for the inner plan's rows.
func (a *apply) prepare() (err error) {
	a.ts = typesOf(a.n.Root.Columns())
	a.stored = make([]bool, len(a.ts))
	if outputsRight(a.n.Kind) {
		copy(a.stored, a.q.needs[a.n][len(a.n.Left.Columns()):])
	}
	if a.copies, err = a.q.compileCopies(a.ts); err != nil {
		return err
	}
	a.rows, err = newRowScratch(&a.arena)
	return err
}

func (a *apply) instance(w *worker, next operator) (operator, error) {
	r := &applyRun{a: a, ev: a.q.evaluator(a.args), args: make(types.Row, len(a.n.Args))}
	r.vs = make([]*vec.Vector, len(a.n.Args))
	if a.n.When != nil {
		r.vs = append(r.vs, nil)
	}
	r.comp.a = &w.arena
	var err error
	if r.pos, err = makeSlice[uint16](&w.arena, batchRows); err != nil {
		return nil, err
	}
	if r.ids, err = makeSlice[uint32](&w.arena, batchRows); err != nil {
		return nil, err
	}
	if r.marks, err = makeSlice[byte](&w.arena, batchRows); err != nil {
		return nil, err
	}
	if r.valid, err = makeSlice[uint64](&w.arena, batchRows/64); err != nil {
		return nil, err
	}
	return &stage{t: r, next: next, stats: a.stats}, nil
}

func (r *applyRun) start(_ context.Context, b *vec.Batch) error {
	r.in, r.i, r.open = b, 0, false
	r.n, r.cause = b.N, nil
	if len(r.vs) > 0 {
		r.n, r.cause = evalAll(r.ev, b, r.vs)
	}
	return nil
}

// produce outputs the next rows. An error of the inner plan comes after the rows before it.
func (r *applyRun) produce(ctx context.Context) (*vec.Batch, error) {
	k := 0
	for k < r.a.q.vectorRows && r.i < r.n {
		if !r.open {
			if err := r.ask(ctx, k == 0); err != nil {
				r.n, r.cause = r.i, err
				break
			}
		}
		k = r.take(k)
	}
	if k == 0 {
		err := r.cause
		r.cause = nil
		return nil, err
	}
	b, err := r.output(k)
	if err == nil && r.i == r.n {
		err, r.cause = r.cause, nil
	}
	return b, err
}

// ask gets what the inner plan yields for the row at hand. fresh: nothing is waiting for output, so old
// results may go.
func (r *applyRun) ask(ctx context.Context, fresh bool) error {
	r.open, r.at = true, 0
	if w := r.a.n.When; w != nil {
		v := r.vs[len(r.vs)-1]
		if v.IsNull(r.i) || v.Datum(r.i).I == 0 {
			r.got = applied{unknown: true}
			return nil
		}
	}
	for i := range r.args {
		r.args[i] = r.vs[i].Datum(r.i)
	}
	got, err := r.a.find(ctx, r.args, fresh)
	r.got = got
	return err
}

// take outputs rows of the row at hand from place k on, and returns the next place.
func (r *applyRun) take(k int) int {
	put := func(id uint32) {
		r.pos[k], r.ids[k] = uint16(r.i), id
		k++
	}
	switch r.a.n.Kind {
	case plan.Semi, plan.Anti:
		if r.got.holds == (r.a.n.Kind == plan.Semi) {
			put(0)
		}
	case plan.Mark:
		r.mark(k)
		put(0)
	default:
		if r.got.rows == 0 && r.a.n.Kind != plan.Inner {
			put(0)
		}
		for ; r.at < r.got.rows && k < r.a.q.vectorRows; r.at++ {
			put(r.got.from + r.at)
		}
		if r.at < r.got.rows {
			return k
		}
	}
	r.i, r.open = r.i+1, false
	return k
}

func (r *applyRun) mark(k int) {
	r.marks[k] = 0
	if r.got.holds {
		r.marks[k] = 1
	}
	r.valid[k>>6] |= 1 << (k & 63)
	if r.got.unknown {
		r.valid[k>>6] &^= 1 << (k & 63)
	}
}

// output makes the batch of the first k places.
func (r *applyRun) output(k int) (*vec.Batch, error) {
	b, err := r.comp.compose(r.in, r.pos[:k], 1)
	if err != nil {
		return nil, err
	}
	switch {
	case r.a.n.Kind == plan.Mark:
		r.cols = append(r.cols[:0], vec.Vector{
			Type: types.T(types.Bool), Width: 1, N: k, Data: vec.DataOf(r.marks), Valid: r.valid, NullBit: -1,
		})
		b.Groups = append(b.Groups, vec.Group{Cols: r.cols})
	case outputsRight(r.a.n.Kind):
		r.cols = r.a.memo.columns(r.cols[:0], r.a.ts)
		b.Groups = append(b.Groups, vec.Group{Cols: r.cols, RowIDs: r.ids[:k]})
	}
	return b, nil
}

func (r *applyRun) close() { r.ev.Close() }

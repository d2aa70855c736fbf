package exec

import (
	"context"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// probeSpill is the operator of one worker that writes rows of the left side.
type probeSpill struct {
	j       *join
	w       *worker
	keys    *expr.Evaluator
	cols    *expr.Evaluator
	keyVs   []*vec.Vector
	vs      []*vec.Vector
	set     *rowSet
	blocks  atomic.Int32 // of set alone: it is used again and again
	hashes  []uint64
	pos     []uint64
	extra   [2]vec.Vector
	rows    *rowScratch
	ordinal int
	row     uint32
}

// probeSpillRows is how many rows a worker keeps before it writes them.
const probeSpillRows = 8 * batchRows

func (j *join) newProbeSpill(w *worker) (operator, error) {
	s := &j.spill
	r := &probeSpill{j: j, w: w, keyVs: make([]*vec.Vector, len(j.n.LeftKeys)), vs: make([]*vec.Vector, len(s.types)), ordinal: -1}
	var err error
	if r.rows, err = newRowScratch(&w.arena); err != nil {
		return nil, err
	}
	if r.hashes, err = makeSlice[uint64](&w.arena, batchRows); err != nil {
		return nil, err
	}
	if r.pos, err = makeSlice[uint64](&w.arena, batchRows); err != nil {
		return nil, err
	}
	blocks := &r.blocks
	if invariants.Mutant("join-spill-one-counter") {
		blocks = &j.build.blocks
	}
	r.set = newRowSet(j.q.mem, s.types, nil, false, blocks, r.rows)
	r.keys, r.cols = j.q.evaluator(j.leftProg), j.q.evaluator(s.prog)
	s.mu.Lock()
	s.probes = append(s.probes, r)
	s.mu.Unlock()
	return r, nil
}

func (r *probeSpill) push(ctx context.Context, b *vec.Batch) (status, error) {
	if len(r.keyVs) > 0 {
		if _, err := evalAll(r.keys, b, r.keyVs); err != nil {
			return needMore, err
		}
	}
	if r.j.byHash() {
		hashKeys(r.hashes, r.keyVs, b.N, r.rows)
	}
	k := len(r.j.spill.cols)
	if _, err := evalAll(r.cols, b, r.vs[:k]); err != nil {
		return needMore, err
	}
	if r.ordinal != r.w.ordinal {
		r.ordinal, r.row = r.w.ordinal, 0
	}
	for i := range b.N {
		r.pos[i] = uint64(r.ordinal)<<32 | uint64(r.row)
		r.row++
	}
	for i, x := range [][]uint64{r.hashes, r.pos} {
		r.extra[i] = vec.Vector{Type: types.T(types.Int8), Width: 8, N: b.N, Data: vec.DataOf(x), NullBit: -1}
		r.vs[k+i] = &r.extra[i]
	}
	if err := r.set.append(r.vs, b.N, nil); err != nil {
		return needMore, err
	}
	if r.set.n >= probeSpillRows || !r.j.q.mem.Fits(r.j.q.claimed.Load(), stateShare, shareWhole) {
		return needMore, r.flush(ctx)
	}
	return needMore, nil
}

// flush writes the rows that the worker has.
func (r *probeSpill) flush(ctx context.Context) error {
	if r.set.n == 0 {
		return nil
	}
	q := r.j.q
	q.spilling.Lock()
	defer q.spilling.Unlock()
	w, err := newRowsWriter(r.j, 1)
	if err != nil {
		return err
	}
	defer w.free()
	err = w.write(ctx, r.set, 0, func(ids []uint32) { w.savedHashes(r.set, len(r.j.spill.cols), ids) }, nil, func(p int, c rowChunk) {
		part := &r.j.spill.parts[p]
		part.probe[r.w.id] = append(part.probe[r.w.id], c)
	})
	r.set.reset()
	return err
}

func (r *probeSpill) resume(context.Context) (status, error) { return needMore, nil }

// close leaves the rows to the source that reads the partitions.
func (r *probeSpill) close() {
	r.keys.Close()
	r.cols.Close()
}

package exec

import (
	"context"
	"encoding/binary"
	"sync"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// A build side that does not fit leaves memory by partitions of its keys' hash. Rows of the other side are then written
// by the same partitions instead of being looked up, and when all are there, partition after partition is joined. Rows that are
// not found by their keys alone are in one partition, which is joined block by block.

// joinSpill is what has left memory of a join.
type joinSpill struct {
	mu    sync.Mutex
	used  bool
	parts [spillParts]joinPart
	// cols are the columns of the left side that are kept; the hash of the keys and the position follow.
	cols  []int
	types []types.Type
	prog  *expr.Program
	// probes are the operators that write rows of the left side.
	probes []*probeSpill
}

// joinPart is a partition of both sides.
type joinPart struct {
	depth int // of the next partitioning
	build []rowChunk
	probe [][]rowChunk // of each worker: their rows are in order
}

// rowChunk is a block of rows, after their positions.
type rowChunk struct {
	l  *layout
	n  int
	at block
}

// canLeave reports whether the build side may leave memory.
func (j *join) canLeave() bool { return j.q.canSpill() }

// tableBytes is what a row takes beside its page, in the table over the keys: word, chain, slots.
const tableBytes = 36

// makeRoom spills the worker's rows if memory for n more, and for finding them, is short.
func (l *buildLocal) makeRoom(ctx context.Context, n int) error {
	if !l.spills {
		return nil
	}
	if l.claim.ask(l.set.growth(n)+int64(l.set.n+n)*tableBytes, buildShare) || l.claim.q.small(l.set.bytesOf()) {
		return nil
	}
	return l.spill(ctx)
}

// spill writes the worker's rows.
func (l *buildLocal) spill(ctx context.Context) error {
	j := l.b.j
	l.claim.done()
	if err := j.beginSpill(); err != nil || l.set.n == 0 {
		return err
	}
	j.q.spilling.Lock()
	defer j.q.spilling.Unlock()
	w, err := newRowsWriter(j, len(j.n.RightKeys))
	if err != nil {
		return err
	}
	defer w.free()
	err = w.write(ctx, l.set, 0, func(ids []uint32) { w.hashKeys(j, l.set, ids) }, l.position, func(p int, c rowChunk) {
		j.spill.parts[p].build = append(j.spill.parts[p].build, c) // spilling is locked
	})
	l.b.rows += l.set.n
	l.left(l.w.ordinal)
	l.set.free()
	return err
}

// beginSpill prepares what the rows of the other side will need.
func (j *join) beginSpill() error {
	s := &j.spill
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used {
		return nil
	}
	var exprs []expr.Expr
	for c, col := range j.n.Left.Columns() {
		if j.q.needs[j.n.Left][c] {
			s.cols = append(s.cols, c)
			s.types = append(s.types, col.Type)
			exprs = append(exprs, &expr.Column{Node: expr.Node{Typ: col.Type}, ID: c})
		}
	}
	s.types = append(s.types, types.T(types.Int8), types.T(types.Int8))
	var err error
	if s.prog, err = j.q.compile(exprs, typesOf(j.n.Left.Columns())); err != nil {
		return err
	}
	for p := range s.parts {
		s.parts[p] = joinPart{depth: 1, probe: make([][]rowChunk, j.q.workers)}
	}
	s.used = true
	j.stats.spill(0, spillParts)
	return nil
}

// finishSpilled writes what is left of the workers' rows.
func (b *buildSide) finishSpilled(ctx context.Context) error {
	for _, l := range b.locals {
		if err := l.spill(ctx); err != nil {
			return err
		}
		b.nullKey = b.nullKey || l.nullKey
	}
	b.j.replaced = nil
	b.j.stats.note("%d rows of the build side were spilled", b.rows)
	return nil
}

// rowsWriter writes rows by partition.
type rowsWriter struct{ partitionWriter }

func newRowsWriter(j *join, keys int) (*rowsWriter, error) {
	w := &rowsWriter{}
	if err := w.open(j.q, j.stats, max(keys, 1)); err != nil {
		return nil, err
	}
	return w, nil
}

// hashKeys sets words to the hashes of the first columns of rows, which are j's keys.
func (w *rowsWriter) hashKeys(j *join, set *rowSet, ids []uint32) {
	if !j.byHash() {
		clear(w.words[:len(ids)])
		return
	}
	for k := range w.d.vecs {
		w.d.vecs[k] = set.gather(k, ids, w.d.cols[k])
		w.d.ptrs[k] = &w.d.vecs[k]
	}
	hashKeys(w.words[:len(ids)], w.d.ptrs, len(ids), w.rows)
}

// savedHashes sets words to the hashes that a row has as a column.
func (w *rowsWriter) savedHashes(set *rowSet, col int, ids []uint32) {
	v := set.gather(col, ids, w.d.cols[0])
	copy(w.words, uint64sOf(words64(&v, len(ids))))
}

// write partitions the rows of a set by the hashes that hash sets words to, and calls out with each chunk.
func (w *rowsWriter) write(ctx context.Context, set *rowSet, depth int, hash func(ids []uint32), position func(id uint32) uint64,
	out func(p int, c rowChunk)) error {
	l := set.layout.clone()
	return w.partition(ctx, set.n, depth, hash, func(dst []byte, ids []uint32) []byte {
		if position != nil {
			for _, id := range ids {
				dst = binary.LittleEndian.AppendUint64(dst, position(id))
			}
		}
		return set.save(dst, ids)
	}, func(p, n int, at block) { out(p, rowChunk{l: &l, n: n, at: at}) })
}

// spilled reports whether the build side has left memory, once it is complete.
func (j *join) spilled() bool { return j.spill.used }

// outOrder reports whether the order of the join's rows counts.
func (j *join) outOrder() bool { return !j.q.orderless[plan.Node(j.n)] }

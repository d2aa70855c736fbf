package exec

import (
	"context"
	"encoding/binary"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// A run is rows in the temporary file that ascend by keys of bytes, which stand beside them. Runs of one operator are
// merged as their rows are read.

// run is rows in the file.
type run struct{ blocks []runBlock }

type runBlock struct {
	at block
	n  int
	l  *layout
}

// Bounds of the bytes that a block of a run aims at, and the number of runs that are merged at once.
const (
	runBytesMin = 4 << 10
	runBytesMax = 64 << 10
	runRowsMin  = 16
	runsMax     = 64
)

// runWriter writes a run.
type runWriter struct {
	q      *Query
	ts     []types.Type
	stats  *opStats
	set    *rowSet
	blocks atomic.Int32
	arena  arena
	lens   []uint32
	keys   []byte
	ids    []uint32
	pick   []uint16
	vs     []*vec.Vector
	buf    []byte
	aim    int64
	run    *run
	l      *layout // of the block before
}

func newRunWriter(q *Query, ts []types.Type, stats *opStats) (*runWriter, error) {
	w := &runWriter{q: q, ts: ts, stats: stats, arena: arena{tracker: q.mem}, run: &run{}}
	w.aim = min(max(q.mem.Least()>>10, runBytesMin), runBytesMax)
	rows, err := newRowScratch(&w.arena)
	if err == nil {
		w.set = newRowSet(q.mem, ts, nil, false, &w.blocks, rows)
		w.ids, err = makeSlice[uint32](&w.arena, chunkRows)
	}
	if err == nil {
		w.pick, err = makeSlice[uint16](&w.arena, batchRows)
	}
	if err != nil {
		w.free()
		return nil, err
	}
	for i := range w.ids {
		w.ids[i] = uint32(i)
	}
	for i := range w.pick {
		w.pick[i] = uint16(i)
	}
	return w, nil
}

func (w *runWriter) free() {
	w.set.release()
	w.arena.free()
}

// add appends n rows; key appends the key of row i.
func (w *runWriter) add(ctx context.Context, vs []*vec.Vector, n int, key func(dst []byte, i int) []byte) error {
	for at := 0; at < n; {
		rows := min(max(int(w.aim)/w.set.layout.stride, runRowsMin), chunkRows)
		k := min(n-at, rows-w.set.n)
		if k <= 0 {
			if err := w.flush(ctx); err != nil {
				return err
			}
			continue
		}
		if err := w.set.append(vs, n, w.pick[at:at+k]); err != nil {
			return err
		}
		for i := at; i < at+k; i++ {
			before := len(w.keys)
			w.keys = key(w.keys, i)
			w.lens = append(w.lens, uint32(len(w.keys)-before))
		}
		at += k
		if w.set.n >= rows || int64(len(w.keys)) > w.aim || len(w.set.heapSlabs) > 1 {
			if err := w.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// addSet adds the n rows of a set that id names; key appends the key of a row.
func (w *runWriter) addSet(ctx context.Context, from *rowSet, n int, id func(i int) uint32, key func(dst []byte, id uint32) []byte) error {
	if err := w.flush(ctx); err != nil {
		return err
	}
	w.set.free()
	w.set.layout, w.set.shift = from.layout.clone(), from.shift
	rows := min(max(int(w.aim)/w.set.layout.stride, runRowsMin), chunkRows)
	var one [1]uint32
	for i := range n {
		one[0] = id(i)
		if err := w.set.copyRows(from, one[:]); err != nil {
			return err
		}
		before := len(w.keys)
		w.keys = key(w.keys, one[0])
		w.lens = append(w.lens, uint32(len(w.keys)-before))
		if w.set.n >= rows || int64(len(w.keys)) > w.aim || len(w.set.heapSlabs) > 1 {
			if err := w.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// vectorsOf returns the columns of a batch without indexes.
func (w *runWriter) vectorsOf(b *vec.Batch) []*vec.Vector {
	cols := b.Groups[0].Cols
	w.vs = w.vs[:0]
	for i := range cols {
		w.vs = append(w.vs, &cols[i])
	}
	return w.vs
}

// flush writes a block.
func (w *runWriter) flush(ctx context.Context) error {
	n := w.set.n
	if n == 0 {
		return nil
	}
	if w.l == nil || !sameLayout(w.l, &w.set.layout) {
		l := w.set.layout.clone()
		w.l = &l
	}
	w.buf = w.buf[:0]
	for _, k := range w.lens {
		w.buf = binary.LittleEndian.AppendUint32(w.buf, k)
	}
	w.buf = pad8(append(pad8(w.buf), w.keys...))
	w.buf = w.set.save(w.buf, w.ids[:n])
	b, err := w.q.spill.write(ctx, w.buf)
	if err != nil {
		return err
	}
	w.stats.spill(b.n, 0)
	if !invariants.Mutant("spill-loses-a-page") || len(w.run.blocks) != 1 {
		w.run.blocks = append(w.run.blocks, runBlock{b, n, w.l})
	}
	w.lens, w.keys = w.lens[:0], w.keys[:0]
	w.set.reset()
	return nil
}

// end returns the run that was written, and begins another.
func (w *runWriter) end(ctx context.Context) (*run, error) {
	err := w.flush(ctx)
	r := w.run
	w.run = &run{}
	return r, err
}

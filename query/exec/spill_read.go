package exec

import (
	"context"
	"io"
	"math"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// runReader is the reader of a source whose rows stand in sorted runs. There is one: rows come in their order, and
// the morsels have the same rows as those of rows that stayed in memory.
type runReader struct {
	q     *Query
	stats *opStats
	runs  []*run
	left  int64 // rows that are wanted
	m     *runMerger
	// slots are the places of the output's columns in the rows, -1: NULL; types are theirs.
	slots []int
	types []types.Type
	pages vec.RowPages
	cols  []vec.Vector
	ids   []uint32
	inner int // rows left of the morsel
	// byOrdinal: morsels are those of the left side of a join, whose keys begin with their numbers.
	byOrdinal bool
	prefix    []byte
	out       vec.Batch
}

// lone is a source that only one worker can read.
type lone interface{ alone() bool }

func (r *runReader) claim(ctx context.Context) error {
	if r.m == nil {
		var err error
		if r.m, err = newRunMerger(ctx, r.q, r.runs); err != nil {
			return err
		}
		r.describe()
	}
	if r.left == 0 || !r.m.more() {
		return io.EOF
	}
	r.inner = resultRows
	if r.byOrdinal {
		r.inner = math.MaxInt
		key := r.m.heap[0].key()
		r.prefix = append(r.prefix[:0], key[:1+4*(1-key[0])]...)
	}
	return nil
}

// describe makes the vectors of the output's columns.
func (r *runReader) describe() {
	for i, at := range r.slots {
		v := nullVector(r.types[i])
		if at >= 0 && at < len(r.m.l.slots) {
			v = r.m.l.slots[at].columnVector(&r.pages)
			v.Type = r.types[i]
		}
		r.cols = append(r.cols, v)
	}
	r.ids = make([]uint32, r.q.vectorRows)
	for i := range r.ids {
		r.ids[i] = uint32(i)
	}
}

func (r *runReader) read(ctx context.Context) (*vec.Batch, error) {
	n := int(min(int64(r.q.vectorRows), int64(r.inner), r.left))
	if n == 0 {
		return nil, nil
	}
	if err := r.m.fill(ctx, n, r.prefix); err != nil {
		return nil, err
	}
	if n = r.m.out.n; n == 0 {
		return nil, nil
	}
	r.inner -= n
	r.left -= int64(n)
	r.pages = *r.m.out.rowPages()
	r.out.N = n
	r.out.Groups = append(r.out.Groups[:0], vec.Group{Cols: r.cols, RowIDs: r.ids[:n]})
	r.stats.out(n)
	return &r.out, nil
}

func (r *runReader) close() {
	if r.m != nil {
		r.m.free()
		r.m = nil
	}
}

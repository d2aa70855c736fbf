package columnar

import (
	"bytes"
	"context"
	"math"
	"slices"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// run is a part of the rows of a bulk load, in the order in which they came.
type run struct {
	list  []*vec.BatchBuilder
	rows  int
	bytes int64 // about
}

// runBatchRows is the number of rows of a batch of a run.
const runBatchRows = 8 * vec.Size

// append copies rows.
func (r *run) append(ts []types.Type, rows *vec.Batch, tracker *mem.Tracker) error {
	if n := len(r.list); n == 0 || r.list[n-1].Len()+rows.N > runBatchRows {
		if n > 0 {
			r.bytes += vec.BuilderBytes(r.list[n-1])
		}
		r.list = append(r.list, vec.NewBatchBuilder(ts, vec.Size, tracker))
	}
	err := r.list[len(r.list)-1].AppendBatch(rows)
	if err == nil {
		r.rows += rows.N
	}
	return err
}

// valueBytes is the size of the values of the rows.
func (r *run) valueBytes() (n int64) {
	for _, bb := range r.list {
		n += batchBytes(bb.Batch())
	}
	return n
}

func (r *run) release() {
	for _, bb := range r.list {
		bb.Release()
	}
	r.list = nil
}

// each calls f with the rows, in batches of at most vec.Size.
func (r *run) each(f func(rows *vec.Batch) error) error {
	var sel []uint16
	for _, bb := range r.list {
		b := bb.Batch()
		for from := 0; from < b.N; from += vec.Size {
			n := min(vec.Size, b.N-from)
			sel = sel[:0]
			for i := range n {
				sel = append(sel, uint16(from+i))
			}
			part := vec.Batch{N: n, Groups: []vec.Group{{Cols: b.Groups[0].Cols, Sel: sel}}}
			if err := f(&part); err != nil {
				return err
			}
		}
	}
	return nil
}

// write hands the rows to a builder in the order of the sort key.
func (r *run) write(ctx context.Context, b *builder) error {
	by := b.inc.newSorter()
	if !r.sorted(&by) {
		return r.writeSorted(ctx, b, &by)
	}
	var refs []table.RowRef
	for _, bb := range r.list {
		var err error
		if refs, err = b.append(ctx, bb.Batch(), nil, refs[:0]); err != nil {
			return err
		}
	}
	return nil
}

// sorted reports whether the rows came in the order of the sort key.
func (r *run) sorted(by *sorter) bool {
	if ascending, known := r.ascending(by); known {
		return ascending
	}
	var last, key []byte
	for _, bb := range r.list {
		b := bb.Batch()
		for i := range b.N {
			if key = by.append(key[:0], b, i); bytes.Compare(key, last) < 0 {
				return false
			}
			last, key = key, last
		}
	}
	return true
}

// ascending is sorted for a sort key of integers; known is false for others.
func (r *run) ascending(by *sorter) (ascending, known bool) {
	var cols []*vec.Vector
	last := make([]int64, len(by.cols))
	for k := range last {
		last[k] = math.MinInt64
	}
	ascending = true
	for _, bb := range r.list {
		b := bb.Batch()
		if cols, known = by.columnsOf(b, cols); !known {
			return false, false
		}
		for i := 0; i < b.N && ascending; i++ {
			ascending = compareInts(last, cols, i) >= 0
		}
	}
	return ascending, known
}

// writeSorted gathers the rows in the order of their sort keys.
func (r *run) writeSorted(ctx context.Context, b *builder, by *sorter) error {
	list, keys := r.order(by)
	charge := int64(cap(list))*sortedRowBytes + int64(cap(keys))
	tracker := b.tracker
	tracker.Force(charge)
	defer tracker.Release(charge)
	out := vec.NewBatchBuilder(b.inc.types, vec.Size, nil)
	var refs []table.RowRef
	batches := make([]*vec.Batch, len(r.list))
	for i, bb := range r.list {
		batches[i] = bb.Batch()
	}
	for len(list) > 0 {
		n := min(len(list), vec.Size)
		out.Reset()
		for c := range b.inc.types {
			col := out.Col(c)
			for i := range list[:n] {
				at := list[i].row
				if err := col.Append(batches[at>>32].BatchDatum(c, int(uint32(at)))); err != nil {
					return err
				}
			}
		}
		err := out.Commit()
		if err == nil {
			refs, err = b.append(ctx, out.Batch(), nil, refs[:0])
		}
		if err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// order returns the rows, as the number of the batch and that in it, in the order of their sort keys.
func (r *run) order(by *sorter) (list []sortedRow, keys []byte) {
	list = make([]sortedRow, 0, r.rows)
	for j, bb := range r.list {
		b := bb.Batch()
		for i := range b.N {
			var x sortedRow
			x, keys = by.row(keys, b, i, uint64(j)<<32|uint64(i))
			list = append(list, x)
		}
	}
	slices.SortStableFunc(list, byKey(keys))
	return list, keys
}

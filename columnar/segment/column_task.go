package segment

import (
	"fmt"
	"hash/crc32"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/parquet-go/parquet-go/format"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/vec"
)

func tileAt(off int64, b []byte) tile {
	return tile{off: off, len: uint32(len(b)), crc: crc32.Checksum(b, castagnoli)}
}

// columnTask makes one column of a row group: what the sidecar says of it, and its chunk. Tasks of different columns
// share nothing that changes.
type columnTask struct {
	chunk  chunkWriter
	index  *format.ColumnIndex
	bounds bounds
	nulls  int64 // rows without a physical value
	err    error
}

// flush writes the rows that are buffered as a row group.
func (w *Writer) flush() error {
	n := w.bb.Len()
	if n == 0 {
		return nil
	}
	batch := w.bb.Batch()
	w.encodeColumns(batch, n)
	var rg format.RowGroup
	rg.NumRows, rg.FileOffset, rg.SortingColumns = int64(n), w.segment.off, w.sorting()
	rg.Ordinal = int16(min(len(w.groups), 1<<15-1))
	for i := range w.tasks {
		t := &w.tasks[i]
		if t.err != nil {
			return t.err
		}
		w.writeChunk(i, t, &rg)
	}
	if w.segment.err != nil {
		return w.segment.err
	}
	w.file.meta.RowGroups = append(w.file.meta.RowGroups, rg)
	w.groups = append(w.groups, group{rows: n})
	w.done += n
	w.bb.Reset()
	return nil
}

// encodeColumns runs the tasks of all columns, on as many processors as the options allow.
func (w *Writer) encodeColumns(batch *vec.Batch, n int) {
	var next atomic.Int32
	work := func() {
		space := spaces.Get().(*[]int64)
		defer spaces.Put(space)
		for i := int(next.Add(1)) - 1; i < len(w.tasks); i = int(next.Add(1)) - 1 {
			w.tasks[i].err = w.encodeColumn(i, batch, n, space)
		}
	}
	workers := min(w.opts.Workers, len(w.tasks), runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}

// spaces are for the values of a column of integers, of one column after the other.
var spaces = sync.Pool{New: func() any { return new([]int64) }}

func (w *Writer) encodeColumn(i int, batch *vec.Batch, n int, space *[]int64) error {
	x, _ := batch.Col(i)
	v, err := valuesOf(&w.layouts[i], x, n, w.done, *space)
	if *space = v.space; err != nil {
		return fmt.Errorf("column %q: %w", w.schema.Columns[i].Name, err)
	}
	if v.nulls != nil && w.schema.Columns[i].NotNull {
		return sqlerr.Newf(sqlerr.InternalError, "column %q of segment %s is NOT NULL and has a NULL", w.schema.Columns[i].Name, w.name)
	}
	w.note(i, v)
	t, d := &w.tasks[i], &w.cols[i].distinct
	var order []uint32
	enc := w.chooseEncoding(i, w.done+n)
	if enc == EncodingDictionary {
		order = d.chunkOrder(v)
		d.chunks = append(d.chunks, order)
	}
	if err := t.chunk.encode(v, enc, d, order); err != nil {
		return sqlerr.Newf(sqlerr.InternalError, "column %q of segment %s: %w", w.schema.Columns[i].Name, w.name, err)
	}
	t.index, t.bounds = w.indexPages(v, i)
	t.nulls = int64(n - v.count(0, n))
	return nil
}

package lamina

import (
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/laminadb/lamina/vec/arrowvec"
)

// newArrowReader returns rows as Arrow record batches in memory of mem.
func newArrowReader(rows *Rows, mem memory.Allocator) (array.RecordReader, error) {
	sum := rows.summary()
	cols := make([]arrowvec.Column, len(sum.Columns))
	for i, c := range sum.Columns {
		cols[i] = arrowvec.Column{Name: c.Name, Type: c.Type}
	}
	conv, err := arrowvec.NewConverter(cols, mem)
	if err != nil {
		rows.fail(err)
		return nil, err
	}
	r := &arrowReader{rows: rows, conv: conv, schema: conv.Schema()}
	r.refs.Store(1)
	return r, nil
}

// arrowReader is an array.RecordReader on Rows: one goroutine at a time reads, any may Retain and Release.
type arrowReader struct {
	rows   *Rows
	conv   *arrowvec.Converter
	schema *arrow.Schema
	rec    arrow.RecordBatch
	err    error
	refs   atomic.Int64
}

var _ array.RecordReader = (*arrowReader)(nil)

func (r *arrowReader) Retain() { r.refs.Add(1) }

func (r *arrowReader) Release() {
	if r.refs.Add(-1) != 0 {
		return
	}
	r.drop()
	if err := r.rows.Close(); r.err == nil {
		r.err = err // for who looks at Err after all
	}
}

func (r *arrowReader) drop() {
	if r.rec != nil {
		r.rec.Release()
		r.rec = nil
	}
}

func (r *arrowReader) Schema() *arrow.Schema { return r.schema }

func (r *arrowReader) Next() bool {
	r.drop()
	if r.err != nil {
		return false
	}
	for {
		b, ok := r.rows.NextBatch()
		if !ok {
			r.err = r.rows.Err()
			return false
		}
		if b.N == 0 {
			continue
		}
		rec, err := r.conv.Record(b)
		if err != nil {
			r.rows.fail(err)
			r.err = err
			return false
		}
		r.rec = rec
		return true
	}
}

func (r *arrowReader) RecordBatch() arrow.RecordBatch { return r.rec }

// Record is RecordBatch under its earlier name, which the interface still has.
func (r *arrowReader) Record() arrow.RecordBatch { return r.rec }

func (r *arrowReader) Err() error { return r.err }

package lamina

import (
	"context"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/vec/arrowvec"
)

// QueryArrow runs one statement and returns its rows as Arrow record batches of up to 2048 rows. Release the reader when
// done: that ends the statement. Retained batches outlive the reader.
func (db *DB) QueryArrow(ctx context.Context, sql string, args ...any) (array.RecordReader, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return newArrowReader(rows)
}

// QueryArrow runs one statement in the transaction: see DB.QueryArrow.
func (tx *Tx) QueryArrow(ctx context.Context, sql string, args ...any) (array.RecordReader, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return newArrowReader(rows)
}

func newArrowReader(rows *Rows) (array.RecordReader, error) {
	cols := make([]arrowvec.Column, len(rows.r.Columns))
	for i, c := range rows.r.Columns {
		cols[i] = arrowvec.Column{Name: c.Name, Type: c.Type}
	}
	fail := func(err error) (array.RecordReader, error) {
		_ = rows.Close() // err is what went wrong
		return nil, err
	}
	if rows.r.Columns == nil {
		return fail(sqlerr.New(sqlerr.InvalidCursorState, "the statement returns no rows"))
	}
	conv, err := arrowvec.NewConverter(cols, memory.DefaultAllocator)
	if err != nil {
		return fail(err)
	}
	schema, err := arrowvec.Schema(cols)
	if err != nil {
		return fail(err)
	}
	r := &arrowReader{rows: rows, conv: conv, schema: schema}
	r.refs.Store(1)
	return r, nil
}

// arrowReader is an array.RecordReader on Rows.
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
		r.err = err
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

package lamina

import (
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/vec"
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
	r := &arrowReader{rows: rows, schema: conv.Schema()}
	r.makers.all = []*arrowvec.Converter{conv}
	r.refs.Store(1)
	return r, nil
}

// arrowReader is an array.RecordReader on Rows: one goroutine at a time reads, any may Retain and Release.
type arrowReader struct {
	rows   *Rows
	makers arrowMakers
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
		m, ok := r.rows.nextMade(&r.makers)
		if !ok {
			r.err = r.rows.Err()
			return false
		}
		r.rec = m.Value.(arrow.RecordBatch)
		if m.Rows > 0 {
			return true
		}
		r.drop()
	}
}

// arrowMakers make record batches, each worker with a converter of its own.
type arrowMakers struct {
	mu  sync.Mutex // of the list
	all []*arrowvec.Converter
}

var _ exec.Maker = (*arrowMakers)(nil)

func (a *arrowMakers) of(worker int) *arrowvec.Converter {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.all) <= worker {
		a.all = append(a.all, a.all[0].Another())
	}
	return a.all[worker]
}

// Make makes the record batch of a batch.
func (a *arrowMakers) Make(worker int, b *vec.Batch) (exec.Made, error) {
	rec, err := a.of(worker).Record(b)
	if err != nil {
		return exec.Made{}, err
	}
	return exec.Made{Value: rec, Rows: b.N, Bytes: arrowvec.Bytes(rec)}, nil
}

func (r *arrowReader) RecordBatch() arrow.RecordBatch { return r.rec }

// Record is RecordBatch under its earlier name, which the interface still has.
func (r *arrowReader) Record() arrow.RecordBatch { return r.rec }

func (r *arrowReader) Err() error { return r.err }

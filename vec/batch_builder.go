package vec

import (
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// BatchBuilder makes batches from rows and from other batches. Its memory and use follow Builder.
type BatchBuilder struct {
	cols  []*Builder
	n     int
	batch Batch
	vecs  []Vector
}

// NewBatchBuilder returns a builder of batches with the given columns and room for capacity rows,
// 0 meaning Size.
func NewBatchBuilder(cols []types.Type, capacity int, tracker *mem.Tracker) *BatchBuilder {
	bb := &BatchBuilder{cols: make([]*Builder, len(cols)), vecs: make([]Vector, len(cols))}
	builders := make([]Builder, len(cols))
	for i, t := range cols {
		bb.cols[i] = &builders[i]
		builders[i].init(t, capacity, tracker)
	}
	return bb
}

// WidthOf is about what a builder takes for a value of a type; of texts it is a guess.
func WidthOf(t types.Type) int {
	var b Builder
	b.init(t, 0, nil)
	switch b.class {
	case types.ClassInt, types.ClassFloat, types.ClassNumeric:
		return b.width
	}
	return 2 * b.width
}

// Col returns the builder of column i, for appending by column; Commit counts the rows.
func (bb *BatchBuilder) Col(i int) *Builder { return bb.cols[i] }

// Columns returns the number of columns.
func (bb *BatchBuilder) Columns() int { return len(bb.cols) }

// Len returns the number of rows.
func (bb *BatchBuilder) Len() int { return bb.n }

// AppendRow appends a row; its strings are copied. After an error the builder is as before.
func (bb *BatchBuilder) AppendRow(row types.Row) error {
	if len(row) != len(bb.cols) {
		return sqlerr.Newf(sqlerr.InternalError, "a row of %d values for a batch of %d columns", len(row), len(bb.cols))
	}
	for i, d := range row {
		if err := bb.cols[i].Append(d); err != nil {
			bb.truncate()
			return err
		}
	}
	bb.n++
	return nil
}

// Commit counts rows that were appended to the columns one by one. All columns must have the same
// length, else XX000.
func (bb *BatchBuilder) Commit() error {
	n := bb.n
	for i, c := range bb.cols {
		if i == 0 {
			n = c.n
		}
		if c.n != n {
			bb.truncate()
			return sqlerr.Newf(sqlerr.InternalError, "column %d has %d values, column 0 has %d", i, c.n, n)
		}
	}
	bb.n = n
	return nil
}

// truncate drops values of incomplete rows.
func (bb *BatchBuilder) truncate() {
	for _, c := range bb.cols {
		c.truncate(bb.n)
	}
}

// Reset forgets the rows and keeps the memory.
func (bb *BatchBuilder) Reset() {
	bb.n = 0
	for _, c := range bb.cols {
		c.Reset()
	}
}

// Release gives the memory back.
func (bb *BatchBuilder) Release() {
	bb.n = 0
	for _, c := range bb.cols {
		c.Release()
	}
}

// Batch returns the rows so far as one group, borrowed until the next append, Reset or Release.
func (bb *BatchBuilder) Batch() *Batch {
	for i, c := range bb.cols {
		bb.vecs[i] = c.Vector()
	}
	bb.batch.Single(bb.n, bb.vecs, nil)
	return &bb.batch
}

// AppendBatch appends the live rows of b. After an error the builder is as before.
func (bb *BatchBuilder) AppendBatch(b *Batch) error {
	if n := b.NumCols(); n != len(bb.cols) {
		return sqlerr.Newf(sqlerr.InternalError, "a batch of %d columns for one of %d", n, len(bb.cols))
	}
	for i, c := range bb.cols {
		v, g := b.Col(i)
		if err := c.AppendColumn(v, g, b.N); err != nil {
			bb.truncate()
			return err
		}
	}
	bb.n += b.N
	return nil
}

// Copy returns a compacted deep copy of b: its live rows only, in one group without selection. With
// a tracker the copy is off-heap until Release.
func Copy(b *Batch, tracker *mem.Tracker) (*BatchBuilder, error) {
	ts := make([]types.Type, b.NumCols())
	for i := range ts {
		v, _ := b.Col(i)
		ts[i] = v.Type
	}
	bb := NewBatchBuilder(ts, max(b.N, 1), tracker)
	if err := bb.AppendBatch(b); err != nil {
		bb.Release()
		return nil, err
	}
	return bb, nil
}

package lamina

import (
	"context"
	"io"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Column describes a column of a result.
type Column struct {
	Name string
	Type types.Type
}

// argsInline is the number of arguments that need no memory of their own.
const argsInline = 4

// Rows are the rows of a query. Close them; reading to the end closes them too.
type Rows struct {
	s     *query.Session
	r     *query.Result
	args  [argsInline]types.Datum
	own   query.Result    // of short queries
	ctx   context.Context //nolint:containedctx // the context of Query covers the reading, as in database/sql
	text  *types.TextOptions
	batch *vec.Batch
	at    int // next row of batch
	row   types.Row
	buf   types.Row // memory of row
	err   error
	done  bool
	after func() error
}

// Columns describes the rows; nil if the statement returns none.
func (r *Rows) Columns() []Column {
	if r.r.Columns == nil {
		return nil
	}
	cols := make([]Column, len(r.r.Columns))
	for i, c := range r.r.Columns {
		cols[i] = Column{Name: c.Name, Type: c.Type}
	}
	return cols
}

// Next moves to the next row; false at the end or on an error, see Err.
func (r *Rows) Next() bool {
	if row, ok := r.r.Row(); ok {
		r.row = row
		return true
	}
	for r.batch == nil || r.at >= r.batch.N {
		if _, ok := r.NextBatch(); !ok {
			return false
		}
	}
	r.row = r.batch.Row(r.at, r.buf[:0])
	r.buf = r.row
	r.at++
	return true
}

// NextBatch returns the next rows as a batch, which is borrowed until the following call; false at the end
// or on an error. Rows that Next has not yet reached in the batch before are passed over.
func (r *Rows) NextBatch() (*vec.Batch, bool) {
	if r.done {
		return nil, false
	}
	b, err := r.r.Next(r.ctx)
	if err != nil {
		if err != io.EOF {
			r.err = err
		}
		r.batch = nil
		r.finish()
		return nil, false
	}
	r.batch, r.at = b, 0
	return b, true
}

// Row returns the current row; its values are valid until the next call of Next.
func (r *Rows) Row() types.Row { return r.row }

// Text returns the current row as PostgreSQL prints it; NULLs are given as ok false.
func (r *Rows) Text(col int) (text string, ok bool) {
	d := r.row[col]
	if !d.Valid {
		return "", false
	}
	return string(types.AppendText(nil, d, r.r.Columns[col].Type, r.text)), true
}

// Value returns a column of the current row as database/sql's drivers do: int64, float64, bool, []byte, string,
// time.Time, or nil for NULL.
func (r *Rows) Value(col int) any { return goValue(r.row[col], r.r.Columns[col].Type, r.text) }

// Scan copies the current row into pointers: to Go's integers, floats, bool, string, []byte, time.Time, any,
// types.Datum, pointers to these for NULL, or anything with a Scan(any) error method.
func (r *Rows) Scan(dest ...any) error {
	if len(dest) != len(r.row) {
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "%d destinations for %d columns", len(dest), len(r.row))
	}
	for i, d := range dest {
		if err := assign(d, r.row[i], r.r.Columns[i].Type, r.text); err != nil {
			return sqlerr.Newf(sqlerr.CodeOf(err), "column %d (%s): %w", i, r.r.Columns[i].Name, err)
		}
	}
	return nil
}

// Err returns the error that ended the rows, if any.
func (r *Rows) Err() error { return r.err }

// RowsAffected returns the number of rows written, or read so far.
func (r *Rows) RowsAffected() int64 { return r.r.Rows() }

// Tag returns the command tag, complete once all rows are read.
func (r *Rows) Tag() string { return r.r.Tag() }

// Close ends the statement and, outside a transaction, commits. Closing again does nothing.
func (r *Rows) Close() error {
	r.finish()
	return r.err
}

func (r *Rows) finish() {
	if r.done {
		return
	}
	r.done = true
	note := func(err error) {
		if r.err == nil {
			r.err = err
		}
	}
	note(r.r.Close())
	note(r.s.Finish(r.ctx, r.err))
	if r.after != nil {
		note(r.after())
	}
}

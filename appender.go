package lamina

import (
	"context"
	"errors"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Appender adds many rows to a table without SQL. Rows become visible together, when Close commits.
//
// AppendRow takes Go values; AppendBatch takes columns at once and is the fastest way in. Constraints hold
// as for INSERT; columns that are not listed get their defaults.
type Appender struct {
	tx   table.Tx
	stmt table.Statement
	w    table.Writer
	def  *table.TableDef
	cols []int
	// rest are the columns not listed, with their default values.
	rest  []types.Datum
	bb    *vec.BatchBuilder
	row   types.Row
	rows  int64
	err   error
	done  bool
	types []types.Type
}

// Appender begins to append to a table, named as in SQL ("orders", "sales.orders"); cols lists the columns that
// rows will have, in order, none meaning all.
func (db *DB) Appender(ctx context.Context, name string, cols ...string) (*Appender, error) {
	tx, err := db.storage.Begin(ctx, table.TxOptions{})
	if err != nil {
		return nil, err
	}
	a := &Appender{tx: tx}
	if err := a.open(ctx, name, cols); err != nil {
		if a.stmt != nil {
			_ = a.stmt.Close(err) // returns err
		}
		return nil, errors.Join(err, tx.Rollback())
	}
	return a, nil
}

func (a *Appender) open(ctx context.Context, name string, cols []string) error {
	def, err := query.FindTable(a.tx.Schema(), name)
	if err != nil {
		return err
	}
	a.def = def
	listed := make([]bool, len(def.Columns))
	if len(cols) == 0 {
		for i := range def.Columns {
			a.cols, listed[i] = append(a.cols, i), true
		}
	}
	for _, c := range cols {
		i := def.ColumnIndex(c)
		if i < 0 {
			return sqlerr.Newf(sqlerr.UndefinedColumn, "column %q of relation %q does not exist", c, def.Name)
		}
		if listed[i] {
			return sqlerr.Newf(sqlerr.DuplicateColumn, "column %q specified more than once", c)
		}
		a.cols, listed[i] = append(a.cols, i), true
	}
	a.rest = make([]types.Datum, len(def.Columns))
	funcs, err := query.CompileRow(def)
	if err != nil {
		return err
	}
	for i, l := range listed {
		a.types = append(a.types, def.Columns[i].Type)
		if l {
			continue
		}
		if a.rest[i], err = funcs.Default(ctx, i); err != nil {
			return err
		}
	}
	if a.stmt, err = a.tx.Statement(ctx); err != nil {
		return err
	}
	if a.w, err = a.stmt.Writer(ctx, def.ID); err != nil {
		return err
	}
	a.bb = vec.NewBatchBuilder(a.types, vec.Size, nil)
	a.row = make(types.Row, len(def.Columns))
	return nil
}

// Columns returns the types of the appended columns, in their order.
func (a *Appender) Columns() []types.Type {
	ts := make([]types.Type, len(a.cols))
	for i, c := range a.cols {
		ts[i] = a.types[c]
	}
	return ts
}

// AppendRow appends one row of Go values, converted as statement arguments are. After an error nothing of the
// Appender is kept.
func (a *Appender) AppendRow(ctx context.Context, values ...any) error {
	if a.err != nil || a.done {
		return a.unusable()
	}
	if len(values) != len(a.cols) {
		return a.fail(sqlerr.Newf(sqlerr.SyntaxError, "%d values for %d columns", len(values), len(a.cols)))
	}
	copy(a.row, a.rest)
	for i, v := range values {
		d, err := datumOf(v)
		if err == nil {
			d, err = query.ConvertParam(d, a.types[a.cols[i]])
		}
		if err != nil {
			return a.fail(sqlerr.Newf(sqlerr.CodeOf(err), "column %s: %w", a.def.Columns[a.cols[i]].Name, err))
		}
		a.row[a.cols[i]] = d
	}
	return a.appendDatums(ctx)
}

// AppendDatums appends one row of values that already have the columns' types.
func (a *Appender) AppendDatums(ctx context.Context, values types.Row) error {
	if a.err != nil || a.done {
		return a.unusable()
	}
	if len(values) != len(a.cols) {
		return a.fail(sqlerr.Newf(sqlerr.SyntaxError, "%d values for %d columns", len(values), len(a.cols)))
	}
	copy(a.row, a.rest)
	for i, d := range values {
		a.row[a.cols[i]] = d
	}
	return a.appendDatums(ctx)
}

func (a *Appender) appendDatums(ctx context.Context) error {
	if err := a.bb.AppendRow(a.row); err != nil {
		return a.fail(err)
	}
	if a.bb.Len() == vec.Size {
		return a.flush(ctx)
	}
	return nil
}

// AppendBatch appends the rows of a batch that has the appended columns in order, with their types. It
// needs an Appender of all columns.
func (a *Appender) AppendBatch(ctx context.Context, b *vec.Batch) error {
	if a.err != nil || a.done {
		return a.unusable()
	}
	if len(a.cols) != len(a.types) || b.NumCols() != len(a.types) {
		return a.fail(sqlerr.Newf(sqlerr.FeatureNotSupported, "AppendBatch needs all %d columns in order", len(a.types)))
	}
	for i, c := range a.cols {
		if v, _ := b.Col(i); c != i || v.Type.Kind != a.types[i].Kind {
			return a.fail(sqlerr.Newf(sqlerr.DatatypeMismatch, "AppendBatch: column %d is not %s of type %s", i, a.def.Columns[i].Name, a.types[i]))
		}
	}
	if err := a.flush(ctx); err != nil {
		return err
	}
	return a.insert(ctx, b)
}

func (a *Appender) flush(ctx context.Context) error {
	if a.bb.Len() == 0 {
		return nil
	}
	err := a.insert(ctx, a.bb.Batch())
	a.bb.Reset()
	return err
}

func (a *Appender) insert(ctx context.Context, b *vec.Batch) error {
	out, err := a.w.Insert(ctx, b, table.OnConflict{Key: -1})
	if err != nil {
		return a.fail(err)
	}
	a.rows += out.Rows
	return nil
}

func (a *Appender) unusable() error {
	if a.err != nil {
		return a.err
	}
	return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "the appender is closed")
}

// fail rolls back what was appended.
func (a *Appender) fail(err error) error {
	a.err = err
	_ = a.stmt.Close(err) // returns err
	_ = a.tx.Rollback()   // err is what went wrong
	a.bb.Release()
	return err
}

// Rows returns the number of rows handed to the storage so far.
func (a *Appender) Rows() int64 { return a.rows + int64(a.bb.Len()) }

// Close commits the rows and ends the appender.
func (a *Appender) Close(ctx context.Context) error {
	if a.done || a.err != nil {
		return a.unusable()
	}
	if err := a.flush(ctx); err != nil {
		return err
	}
	a.done = true
	a.bb.Release()
	if err := a.stmt.Close(nil); err != nil {
		return errors.Join(err, a.tx.Rollback())
	}
	_, err := a.tx.Commit(ctx)
	return err
}

// Abort drops the rows and ends the appender; after Close it does nothing.
func (a *Appender) Abort() error {
	if a.done || a.err != nil {
		return nil
	}
	a.done = true
	a.bb.Release()
	_ = a.stmt.Close(errAborted) // returns errAborted
	return a.tx.Rollback()
}

var errAborted = sqlerr.New(sqlerr.QueryCanceled, "the appender was aborted")

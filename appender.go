package lamina

import (
	"context"
	"errors"
	"time"

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
//
// From 65,536 rows on an Appender locks the table instead of every row, if nobody else is writing to it: then other
// writers wait until it is closed. Rows of a columnar table go to its files from there on, which the commit makes valid.
type Appender struct {
	db     *DB
	s      *query.Session
	handle *handle
	stmt   table.Statement
	w      table.Writer
	load   table.Loader // nil: there are few rows yet
	def    *table.TableDef
	cols   []int
	types  []types.Type // of all columns
	whole  bool         // rows have all columns in their order
	// decimals are by column of the table.
	decimals []decimalLimit
	// defaults are those of the columns not listed.
	defaults *query.Defaults
	bb       *vec.BatchBuilder
	row      types.Row
	rows     int64
	began    time.Duration
	err      error
	done     bool
}

// Appender begins to append to a table, named as in SQL ("orders", "sales.orders"); cols lists the columns that
// rows will have, in order, none meaning all.
func (db *DB) Appender(ctx context.Context, name string, cols ...string) (*Appender, error) {
	s, err := db.session()
	if err != nil {
		return nil, err
	}
	a := &Appender{db: db, s: s, began: s.Began()}
	if err := s.InStorageTx(ctx, query.NoOperation, func(ctx context.Context, tx table.Tx) error { return a.open(ctx, tx, name, cols) }); err != nil {
		if a.stmt != nil {
			_ = a.stmt.Close(err) // returns err
		}
		s.Operated(query.OpAppend, a.began, err)
		return nil, errors.Join(err, s.Finish(ctx, err), db.put(s))
	}
	a.handle = db.open.add("appender", nil)
	db.open.leave()
	return a, nil
}

func (a *Appender) open(ctx context.Context, tx table.Tx, name string, cols []string) error {
	def, err := query.FindTable(tx.Schema(), name)
	if err != nil {
		return err
	}
	a.def = def
	listed := make([]bool, len(def.Columns))
	for i := range def.Columns {
		a.types = append(a.types, def.Columns[i].Type)
		a.decimals = append(a.decimals, decimalLimitOf(def.Columns[i].Type))
		if len(cols) == 0 && def.Columns[i].Generated == "" {
			a.cols, listed[i] = append(a.cols, i), true
		}
	}
	for _, c := range cols {
		i := def.ColumnIndex(c)
		if i < 0 {
			return sqlerr.Newf(sqlerr.UndefinedColumn, "column %q of relation %q does not exist", c, def.Name)
		}
		if def.Columns[i].Generated != "" {
			return sqlerr.Newf(sqlerr.GeneratedAlways, "cannot insert a non-DEFAULT value into column %q", c).
				WithDetail("Column %q is a generated column.", c)
		}
		if listed[i] {
			return sqlerr.Newf(sqlerr.DuplicateColumn, "column %q specified more than once", c)
		}
		a.cols, listed[i] = append(a.cols, i), true
	}
	a.whole = len(a.cols) == len(a.types)
	for i, c := range a.cols {
		a.whole = a.whole && c == i
	}
	if a.defaults, err = a.s.Defaults(def, listed); err != nil {
		return err
	}
	if a.stmt, err = tx.Statement(ctx); err != nil {
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
	if a.whole && len(values) == len(a.types) {
		if err := a.usable(ctx); err != nil {
			return err
		}
		if err := a.putRow(values); err != nil {
			return a.fail(err)
		}
		return a.full(ctx)
	}
	return a.append(ctx, len(values), func(i int, t types.Type) (types.Datum, error) {
		if d, ok, err := direct(values[i], t); ok {
			return d, err
		}
		return valueFor(a.s, values[i], t)
	})
}

// AppendDatums appends one row of values of the columns' types.
func (a *Appender) AppendDatums(ctx context.Context, values types.Row) error {
	return a.append(ctx, len(values), func(i int, t types.Type) (types.Datum, error) { return datumAs(values[i], t) })
}

// datumAs fits a value of a type's kind to the type: length, precision.
func datumAs(d types.Datum, t types.Type) (types.Datum, error) {
	switch {
	case !d.Valid:
		return types.NullOf(t.Kind), nil
	case d.K != t.Kind:
		return d, sqlerr.Newf(sqlerr.DatatypeMismatch, "a value of type %s for type %s", types.T(d.K), t)
	}
	if t.Class() == types.ClassString && t.Kind != types.Bytea && t.Kind != types.UUID {
		if err := types.CheckUTF8String(d.S); err != nil {
			return d, err
		}
	}
	if t.Mod >= 0 {
		return types.Coerce(d, t, false)
	}
	return d, nil
}

// append appends one row of n values.
func (a *Appender) append(ctx context.Context, n int, value func(i int, t types.Type) (types.Datum, error)) error {
	if err := a.usable(ctx); err != nil {
		return err
	}
	if n != len(a.cols) {
		return a.fail(sqlerr.Newf(sqlerr.SyntaxError, "%d values for %d columns", n, len(a.cols)))
	}
	if err := a.defaults.Row(a.row); err != nil {
		return a.fail(err)
	}
	for i, c := range a.cols {
		d, err := value(i, a.types[c])
		if err != nil {
			return a.fail(a.columnError(c, err))
		}
		a.row[c] = d
	}
	if err := a.bb.AppendRow(a.row); err != nil {
		return a.fail(err)
	}
	return a.full(ctx)
}

// full inserts the rows once they fill a batch.
func (a *Appender) full(ctx context.Context) error {
	if a.bb.Len() == vec.Size {
		return a.flush(ctx)
	}
	return nil
}

// columnError says to which column a value does not fit.
func (a *Appender) columnError(c int, err error) error {
	return sqlerr.From(err).WithMessage("column %s: %s", a.def.Columns[c].Name, err)
}

// AppendBatch appends the rows of a batch, which it borrows: the appended columns in order, with their types. It
// is fastest with all columns of the table, in its order, of exactly its types. Texts must be valid UTF-8.
func (a *Appender) AppendBatch(ctx context.Context, b *vec.Batch) error {
	if err := a.usable(ctx); err != nil {
		return err
	}
	if b.NumCols() != len(a.cols) {
		return a.fail(sqlerr.Newf(sqlerr.DatatypeMismatch, "AppendBatch: %d columns for %d", b.NumCols(), len(a.cols)))
	}
	exact := a.whole && b.N <= vec.Size
	for i, c := range a.cols {
		v, _ := b.Col(i)
		if v.Type.Kind != a.types[c].Kind {
			return a.fail(sqlerr.Newf(sqlerr.DatatypeMismatch, "AppendBatch: column %d is %s, %s of %q is %s", i, v.Type,
				a.def.Columns[c].Name, a.def.Name, a.types[c]))
		}
		exact = exact && v.Type == a.types[c]
	}
	if !exact {
		return a.appendRows(ctx, b)
	}
	if err := a.flush(ctx); err != nil {
		return err
	}
	return a.insert(ctx, b)
}

// appendRows appends a batch row by row.
func (a *Appender) appendRows(ctx context.Context, b *vec.Batch) error {
	var row types.Row
	for i := range b.N {
		row = b.Row(i, row[:0])
		if err := a.AppendDatums(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

func (a *Appender) flush(ctx context.Context) error {
	if a.bb.Len() == 0 {
		return nil
	}
	err := a.insert(ctx, a.bb.Batch())
	a.bb.Reset()
	return err
}

// loadRows is the number of rows from which on an Appender is a bulk load.
const loadRows = 1 << 16

func (a *Appender) insert(ctx context.Context, b *vec.Batch) (err error) {
	if a.load == nil && a.rows >= loadRows {
		a.load, err = a.w.Load(ctx, table.LoadOptions{RowsExpected: a.rows})
	}
	switch {
	case err != nil:
	case a.load != nil:
		err = a.load.Append(ctx, b)
	default:
		_, err = a.w.Insert(ctx, b, table.OnConflict{Key: -1})
	}
	if err != nil {
		return a.fail(err)
	}
	a.rows += int64(b.N)
	return nil
}

var (
	errAppenderClosed = sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "the appender is closed")
	errAborted        = sqlerr.New(sqlerr.QueryCanceled, "the appender was aborted")
)

// usable returns why nothing can be appended.
func (a *Appender) usable(ctx context.Context) error {
	switch {
	case a.err != nil:
		return a.err
	case a.done:
		return errAppenderClosed
	}
	err := canceled(ctx)
	if err == nil && a.db.open.isClosed() {
		err = errClosed
	}
	if err != nil {
		return a.fail(err)
	}
	return nil
}

// fail rolls back what was appended.
func (a *Appender) fail(err error) error {
	a.err = err
	_ = a.stmt.Close(err) // returns err
	_ = a.end(context.Background(), err)
	return err
}

// end ends the transaction: err nil commits.
func (a *Appender) end(ctx context.Context, err error) error {
	a.bb.Release()
	counted := err
	if errors.Is(err, errAborted) { // as it was asked to
		counted = nil
	}
	a.s.Operated(query.OpAppend, a.began, counted)
	ferr := a.s.Finish(ctx, err)
	gerr := a.db.giveBack(a.s)
	a.db.open.remove(a.handle)
	return errors.Join(ferr, gerr)
}

// Rows returns the number of rows appended so far.
func (a *Appender) Rows() int64 {
	if a.done || a.err != nil {
		return a.rows
	}
	return a.rows + int64(a.bb.Len())
}

// Close commits the rows and ends the appender. After an error of an earlier call it returns that error.
func (a *Appender) Close(ctx context.Context) error {
	if err := a.usable(ctx); err != nil {
		return err
	}
	if err := a.flush(ctx); err != nil {
		return err
	}
	if a.load != nil {
		if _, err := a.load.Finish(ctx); err != nil {
			return a.fail(err)
		}
	}
	a.done = true
	err := a.stmt.Close(nil)
	if eerr := a.end(ctx, err); err == nil {
		err = eerr
	}
	return err
}

// Abort drops the rows and ends the appender; after Close, or an error, it does nothing.
func (a *Appender) Abort() error {
	if a.done || a.err != nil {
		return nil
	}
	a.done = true
	_ = a.stmt.Close(errAborted) // returns errAborted
	return a.end(context.Background(), errAborted)
}

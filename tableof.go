package lamina

import (
	"context"
	"iter"
	"reflect"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Table reads and writes the rows of a table as structs, without SQL. A field belongs to the column that
// its tag `db:"name"` names, or else to its own name in snake_case; `db:"-"` leaves it out. Columns without a field
// get their defaults. Pointers are NULL when nil; NULL into another field is an error. Any goroutine may use a Table
// of a DB.
type Table[T any] struct {
	q     tableTx
	name  string
	bound atomic.Pointer[binding] // to the version of the table that was met last
}

// tableTx is what TableOf works in: a DB (each call is a transaction of its own), a Conn or a Tx.
type tableTx interface {
	// inTx runs f in a transaction, as an operation. What it does not come back from is named by what.
	inTx(ctx context.Context, what string, op query.Operation, f func(context.Context, *query.Session, table.Tx) error) error
	// rows opens rows; a DB names them by what.
	rows(what string, open func(*query.Session) (*Rows, error)) (*Rows, error)
	options() *Options
}

var (
	_ tableTx = (*DB)(nil)
	_ tableTx = (*Conn)(nil)
	_ tableTx = (*Tx)(nil)
)

// TableOf returns the table with a name, as in SQL ("orders", "sales.orders"), as structs, in a DB, a Conn or a Tx.
func TableOf[T any](q Querier, name string) *Table[T] {
	t := &Table[T]{name: name}
	t.q, _ = q.(tableTx)
	return t
}

func (db *DB) options() *Options  { return &db.o }
func (c *Conn) options() *Options { return &c.db.o }
func (tx *Tx) options() *Options  { return &tx.db.o }

// inTx runs f in a transaction of its own.
func (db *DB) inTx(ctx context.Context, what string, op query.Operation, f func(context.Context, *query.Session, table.Tx) error) (err error) {
	s, err := db.session()
	if err != nil {
		return err
	}
	h := db.open.add(what, nil)
	db.open.leave()
	done := false
	defer func() {
		if !done { // f panics
			_ = s.Rollback()
		}
		if gerr := db.giveBack(s); err == nil {
			err = gerr
		}
		db.open.remove(h)
	}()
	err = s.InStorageTx(ctx, op, func(ctx context.Context, tx table.Tx) error { return f(ctx, s, tx) })
	if ferr := s.Finish(ctx, err); err == nil {
		err = ferr
	}
	done = true
	return err
}

func (c *Conn) inTx(ctx context.Context, _ string, op query.Operation, f func(context.Context, *query.Session, table.Tx) error) error {
	return c.db.call(func() error {
		err := c.s.InStorageTx(ctx, op, func(ctx context.Context, tx table.Tx) error { return f(ctx, c.s, tx) })
		if err == nil && c.s.Reading() {
			return nil // rows that are open end the transaction
		}
		if ferr := c.s.Finish(ctx, err); err == nil {
			err = ferr
		}
		return err
	})
}

func (tx *Tx) inTx(ctx context.Context, _ string, op query.Operation, f func(context.Context, *query.Session, table.Tx) error) error {
	return tx.call(func() error {
		return tx.s.InStorageTx(ctx, op, func(ctx context.Context, t table.Tx) error { return f(ctx, tx.s, t) })
	})
}

// work is what an operation on a table has at hand.
type work struct {
	*binding
	s    *query.Session
	stmt table.Statement
	// put: the rows replace others, so that one with the same key is a conflict with another transaction.
	put bool
}

// end ends the statement.
func (w *work) end(err error) error {
	err = w.stmt.Close(err)
	if w.put && sqlerr.CodeOf(err) == sqlerr.UniqueViolation && sqlerr.From(err).Constraint == w.keyName() {
		return errPutConflict.WithCause(err)
	}
	return err
}

// with runs f in a statement on the table.
func (t *Table[T]) with(ctx context.Context, what string, op query.Operation, f func(context.Context, *work) error) error {
	if t.q == nil {
		return errNoTables
	}
	return t.q.inTx(ctx, what, op, func(ctx context.Context, s *query.Session, tx table.Tx) error {
		w, err := t.begin(ctx, s, tx)
		if err != nil {
			return err
		}
		closed := false
		defer func() {
			if !closed {
				_ = w.stmt.Close(errPanicked)
			}
		}()
		err = f(ctx, w)
		closed = true
		return w.end(err)
	})
}

var errNoTables = sqlerr.Unsupported("TableOf on this kind of connection")

var errPutConflict = sqlerr.New(sqlerr.SerializationFailure, "could not serialize access due to concurrent update")

var errPanicked = sqlerr.New(sqlerr.InternalError, "a panic ended the statement")

// begin begins a statement on the table.
func (t *Table[T]) begin(ctx context.Context, s *query.Session, tx table.Tx) (*work, error) {
	b, err := t.bind(tx.Schema())
	if err != nil {
		return nil, err
	}
	stmt, err := tx.Statement(ctx)
	if err != nil {
		return nil, err
	}
	return &work{binding: b, s: s, stmt: stmt}, nil
}

// bind finds the table and the columns of its fields.
func (t *Table[T]) bind(schema table.Schema) (*binding, error) {
	def, err := query.FindTable(schema, t.name)
	if err != nil {
		return nil, err
	}
	b := t.bound.Load()
	if b == nil || b.def != def {
		if b, err = newBinding(reflect.TypeFor[T](), def); err != nil {
			return nil, err
		}
		t.bound.Store(b)
	}
	return b, nil
}

// change is with for operations that write: those of a DB are tried again when others were in the way.
func (t *Table[T]) change(ctx context.Context, op query.Operation, f func(context.Context, *work) error) error {
	run := func() error { return t.with(ctx, "change of a table", op, f) }
	if _, own := t.q.(*DB); own {
		return retry(ctx, run)
	}
	return run()
}

// Get reads the row with the given primary key (its columns' values in order), or returns
// table.ErrNotFound.
func (t *Table[T]) Get(ctx context.Context, key ...any) (v T, err error) {
	err = t.with(ctx, "look-up", query.OpGet, func(ctx context.Context, w *work) error {
		k, err := w.keyOf(w.s, key)
		if err != nil {
			return err
		}
		r, err := w.stmt.Reader(ctx, w.def.ID)
		if err != nil {
			return err
		}
		row, err := r.Get(ctx, k, w.cols, nil)
		if err != nil {
			return err
		}
		return w.fill(w.s.TextOptions(), reflect.ValueOf(&v).Elem(), row)
	})
	return v, err
}

// Insert adds rows; 23505 if a key exists.
func (t *Table[T]) Insert(ctx context.Context, rows ...T) error {
	return t.change(ctx, query.OpInsert, func(ctx context.Context, w *work) error {
		wr, err := w.stmt.Writer(ctx, w.def.ID)
		if err != nil {
			return err
		}
		all := make([]int, len(rows))
		for i := range all {
			all[i] = i
		}
		return w.insert(ctx, w.s, wr, reflect.ValueOf(rows), all)
	})
}

// Put inserts rows, or replaces those whose primary key exists: columns without a field get their defaults then, too.
// Two of the given rows with one key are 21000.
func (t *Table[T]) Put(ctx context.Context, rows ...T) error {
	return t.change(ctx, query.OpPut, func(ctx context.Context, w *work) error {
		w.put = true
		if err := w.needKey(); err != nil {
			return err
		}
		wr, err := w.stmt.Writer(ctx, w.def.ID)
		if err != nil {
			return err
		}
		r, err := w.stmt.Reader(ctx, w.def.ID)
		if err != nil {
			return err
		}
		v := reflect.ValueOf(rows)
		old, fresh, refs, err := w.existing(ctx, w.s, r, v)
		if err != nil {
			return err
		}
		if err := w.replace(ctx, w.s, wr, v, old, refs); err != nil {
			return err
		}
		return w.insert(ctx, w.s, wr, v, fresh)
	})
}

// Delete removes the row with the given primary key; table.ErrNotFound if there is none.
func (t *Table[T]) Delete(ctx context.Context, key ...any) error {
	return t.change(ctx, query.OpDelete, func(ctx context.Context, w *work) error {
		k, err := w.keyOf(w.s, key)
		if err != nil {
			return err
		}
		r, err := w.stmt.Reader(ctx, w.def.ID)
		if err != nil {
			return err
		}
		wr, err := w.stmt.Writer(ctx, w.def.ID)
		if err != nil {
			return err
		}
		ref, err := r.Ref(ctx, k)
		if err != nil {
			return err
		}
		_, err = wr.Delete(ctx, []table.RowRef{ref})
		return err
	})
}

// Scan yields all rows, in no particular order, at one snapshot. After an error it stops. The loop may end early.
func (t *Table[T]) Scan(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		rows, b, err := t.rows(ctx, "scan of a table")
		if err != nil {
			yield(zero, err)
			return
		}
		defer rows.Close() //nolint:errcheck // its error is Err's, or nobody asks any more
		for rows.Next() {
			var v T
			if err := b.fill(rows.run.text, reflect.ValueOf(&v).Elem(), rows.row); err != nil {
				rows.fail(err)
				break
			}
			if !yield(v, nil) {
				return
			}
		}
		if err := rows.Close(); err != nil {
			yield(zero, err)
		}
	}
}

// ScanArrow returns all rows, in no particular order, at one snapshot, as Arrow record batches with a column for each
// field. Release the reader when done.
func (t *Table[T]) ScanArrow(ctx context.Context) (array.RecordReader, error) {
	rows, _, err := t.rows(ctx, "record reader of a table")
	if err != nil {
		return nil, err
	}
	return newArrowReader(rows, t.q.options().Allocator)
}

// rows opens the rows of the table, with the columns that have a field.
func (t *Table[T]) rows(ctx context.Context, what string) (*Rows, *binding, error) {
	if t.q == nil {
		return nil, nil, errNoTables
	}
	var b *binding
	rows, err := t.q.rows(what, func(s *query.Session) (*Rows, error) {
		r, err := s.ScanTable(ctx, func(schema table.Schema) (def *table.TableDef, cols []int, err error) {
			if b, err = t.bind(schema); err != nil {
				return nil, nil, err
			}
			return b.def, b.cols, nil
		})
		if err != nil {
			_ = s.Finish(ctx, err) // rolls back; err is what went wrong
			return nil, err
		}
		return newRows(ctx, s, r), nil
	})
	return rows, b, err
}

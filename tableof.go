package lamina

import (
	"context"
	"errors"
	"io"
	"iter"
	"reflect"
	"strings"
	"sync"
	"unicode"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Table reads and writes the rows of a table as structs, without SQL. A field belongs to the column that
// its tag `db:"name"` names, or else to its own name in snake_case; `db:"-"` leaves it out. Every column
// must have a field or accept its default; pointers are NULL when nil.
type Table[T any] struct {
	q    tableTx
	name string
}

// tableTx is what TableOf works in: a DB (each call its own transaction) or a Tx.
type tableTx interface {
	inTx(ctx context.Context, readOnly bool, f func(table.Tx) error) error
}

// TableOf returns the named table as structs, in a DB or in a Tx.
func TableOf[T any](q interface{ Querier }, name string) *Table[T] {
	t := &Table[T]{name: name}
	t.q, _ = q.(tableTx)
	return t
}

func (db *DB) inTx(ctx context.Context, readOnly bool, f func(table.Tx) error) error {
	tx, err := db.storage.Begin(ctx, table.TxOptions{ReadOnly: readOnly})
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	_, err = tx.Commit(ctx)
	return err
}

func (tx *Tx) inTx(ctx context.Context, _ bool, f func(table.Tx) error) error {
	if tx.done {
		return errTxDone
	}
	return tx.s.InStorageTx(ctx, f)
}

// binding maps the fields of a struct type to the columns of a table version.
type binding struct {
	def    *table.TableDef
	cols   []int   // columns that have a field
	fields [][]int // reflect index of each
	key    []int   // position in cols of each primary key column
}

var bindings sync.Map // bindingKey → *binding

type bindingKey struct {
	t       reflect.Type
	def     *table.TableDef
	version uint32
}

func bindingOf(t reflect.Type, def *table.TableDef) (*binding, error) {
	k := bindingKey{t, def, def.Version}
	if b, ok := bindings.Load(k); ok {
		return b.(*binding), nil
	}
	if t.Kind() != reflect.Struct {
		return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "TableOf needs a struct type, not %s", t)
	}
	b := &binding{def: def}
	at := map[int]int{}
	for _, f := range reflect.VisibleFields(t) {
		name := f.Tag.Get("db")
		if !f.IsExported() || name == "-" || f.Anonymous && name == "" {
			continue
		}
		if name == "" {
			name = snakeCase(f.Name)
		}
		c := def.ColumnIndex(name)
		if c < 0 {
			return nil, sqlerr.Newf(sqlerr.UndefinedColumn, "field %s of %s: column %q of relation %q does not exist", f.Name, t, name, def.Name)
		}
		if _, dup := at[c]; dup {
			return nil, sqlerr.Newf(sqlerr.DuplicateColumn, "two fields of %s belong to column %q", t, name)
		}
		at[c] = len(b.cols)
		b.cols, b.fields = append(b.cols, c), append(b.fields, f.Index)
	}
	for _, c := range def.PrimaryKey() {
		i, ok := at[c]
		if !ok {
			return nil, sqlerr.Newf(sqlerr.UndefinedColumn, "%s has no field for key column %q", t, def.Columns[c].Name)
		}
		b.key = append(b.key, i)
	}
	bindings.Store(k, b)
	return b, nil
}

// snakeCase turns OrderDate into order_date and CustomerID into customer_id.
func snakeCase(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// with runs f in a statement on the table.
func (t *Table[T]) with(ctx context.Context, readOnly bool, f func(*binding, table.Statement) error) error {
	if t.q == nil {
		return sqlerr.Unsupported("TableOf on this kind of connection")
	}
	return t.q.inTx(ctx, readOnly, func(tx table.Tx) error {
		def, err := query.FindTable(tx.Schema(), t.name)
		if err != nil {
			return err
		}
		b, err := bindingOf(reflect.TypeFor[T](), def)
		if err != nil {
			return err
		}
		stmt, err := tx.Statement(ctx)
		if err != nil {
			return err
		}
		return stmt.Close(f(b, stmt))
	})
}

// Get reads the row with the given primary key (its columns' values in order), or returns
// table.ErrNotFound.
func (t *Table[T]) Get(ctx context.Context, key ...any) (v T, err error) {
	err = t.with(ctx, true, func(b *binding, stmt table.Statement) error {
		r, err := stmt.Reader(ctx, b.def.ID)
		if err != nil {
			return err
		}
		k, err := b.keyOf(key)
		if err != nil {
			return err
		}
		row, err := r.Get(ctx, k, b.cols, nil)
		if err != nil {
			return err
		}
		return b.fill(reflect.ValueOf(&v).Elem(), row)
	})
	return v, err
}

// Insert adds rows; 23505 if a key exists.
func (t *Table[T]) Insert(ctx context.Context, rows ...T) error {
	return t.with(ctx, false, func(b *binding, stmt table.Statement) error {
		w, err := stmt.Writer(ctx, b.def.ID)
		if err != nil {
			return err
		}
		return b.insert(ctx, w, reflect.ValueOf(rows))
	})
}

// Put inserts rows, or replaces those whose primary key exists.
func (t *Table[T]) Put(ctx context.Context, rows ...T) error {
	return t.with(ctx, false, func(b *binding, stmt table.Statement) error {
		if err := b.needKey(); err != nil {
			return err
		}
		w, err := stmt.Writer(ctx, b.def.ID)
		if err != nil {
			return err
		}
		r, err := stmt.Reader(ctx, b.def.ID)
		if err != nil {
			return err
		}
		refs, err := b.existing(ctx, r, reflect.ValueOf(rows))
		if err != nil {
			return err
		}
		if len(refs) > 0 {
			if _, err := w.Delete(ctx, refs); err != nil {
				return err
			}
		}
		return b.insert(ctx, w, reflect.ValueOf(rows))
	})
}

// Delete removes the row with the given primary key; table.ErrNotFound if there is none.
func (t *Table[T]) Delete(ctx context.Context, key ...any) error {
	return t.with(ctx, false, func(b *binding, stmt table.Statement) error {
		r, err := stmt.Reader(ctx, b.def.ID)
		if err != nil {
			return err
		}
		w, err := stmt.Writer(ctx, b.def.ID)
		if err != nil {
			return err
		}
		k, err := b.keyOf(key)
		if err != nil {
			return err
		}
		ref, err := r.Ref(ctx, k)
		if err != nil {
			return err
		}
		_, err = w.Delete(ctx, []table.RowRef{ref})
		return err
	})
}

// Scan yields all rows, in no particular order, at one snapshot. After an error it stops.
func (t *Table[T]) Scan(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		stopped := false
		err := t.with(ctx, true, func(b *binding, stmt table.Statement) error {
			return b.scan(ctx, stmt, func(row types.Row) (bool, error) {
				var v T
				if err := b.fill(reflect.ValueOf(&v).Elem(), row); err != nil {
					return false, err
				}
				stopped = !yield(v, nil)
				return !stopped, nil
			})
		})
		if err != nil && !stopped {
			var zero T
			yield(zero, err)
		}
	}
}

func (b *binding) needKey() error {
	if len(b.key) == 0 {
		return sqlerr.Newf(sqlerr.InvalidTableDefinition, "table %q has no primary key", b.def.Name)
	}
	return nil
}

// keyOf converts key values to the key columns' types.
func (b *binding) keyOf(key []any) (types.Row, error) {
	if err := b.needKey(); err != nil {
		return nil, err
	}
	if len(key) != len(b.key) {
		return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "%d values for the %d columns of the primary key of %q", len(key), len(b.key), b.def.Name)
	}
	row := make(types.Row, len(key))
	for i, v := range key {
		d, err := datumOf(v)
		if err == nil {
			row[i], err = query.ConvertParam(d, b.def.Columns[b.cols[b.key[i]]].Type)
		}
		if err != nil {
			return nil, err
		}
	}
	return row, nil
}

// value returns a field as a datum of its column's type.
func (b *binding) value(v reflect.Value, i int) (types.Datum, error) {
	d, err := datumOf(v.FieldByIndex(b.fields[i]).Interface())
	if err != nil {
		return d, err
	}
	return query.ConvertParam(d, b.def.Columns[b.cols[i]].Type)
}

// existing finds the stored rows that have the primary keys of rows.
func (b *binding) existing(ctx context.Context, r table.Reader, rows reflect.Value) ([]table.RowRef, error) {
	var refs []table.RowRef
	key := make(types.Row, len(b.key))
	for i := range rows.Len() {
		for k, f := range b.key {
			d, err := b.value(rows.Index(i), f)
			if err != nil {
				return nil, err
			}
			key[k] = d
		}
		switch ref, err := r.Ref(ctx, key); {
		case err == nil:
			refs = append(refs, ref)
		case !errors.Is(err, table.ErrNotFound):
			return nil, err
		}
	}
	return refs, nil
}

func (b *binding) insert(ctx context.Context, w table.Writer, rows reflect.Value) error {
	ts := make([]types.Type, len(b.def.Columns))
	row := make(types.Row, len(ts))
	for i, c := range b.def.Columns {
		ts[i] = c.Type
		d, err := query.DefaultValue(b.def, i)
		if err != nil {
			return err
		}
		row[i] = d
	}
	bb := vec.NewBatchBuilder(ts, min(rows.Len(), vec.Size), nil)
	defer bb.Release()
	for i := range rows.Len() {
		for f, c := range b.cols {
			d, err := b.value(rows.Index(i), f)
			if err != nil {
				return err
			}
			row[c] = d
		}
		if err := bb.AppendRow(row); err != nil {
			return err
		}
		if bb.Len() == vec.Size || i == rows.Len()-1 {
			if _, err := w.Insert(ctx, bb.Batch(), table.OnConflict{Key: -1}); err != nil {
				return err
			}
			bb.Reset()
		}
	}
	return nil
}

// fill stores a row's values in a struct.
func (b *binding) fill(v reflect.Value, row types.Row) error {
	for i, d := range row {
		c := &b.def.Columns[b.cols[i]]
		if err := assign(v.FieldByIndex(b.fields[i]).Addr().Interface(), d, c.Type, nil); err != nil {
			return sqlerr.Newf(sqlerr.CodeOf(err), "column %s: %w", c.Name, err)
		}
	}
	return nil
}

func (b *binding) scan(ctx context.Context, stmt table.Statement, f func(types.Row) (bool, error)) error {
	r, err := stmt.Reader(ctx, b.def.ID)
	if err != nil {
		return err
	}
	sc, err := r.Scan(ctx, table.ScanSpec{Cols: b.cols})
	if err != nil {
		return err
	}
	defer sc.Close() //nolint:errcheck // reading only
	for {
		m, err := sc.NextMorsel(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		more, err := scanMorsel(ctx, m, f)
		m.Close()
		if err != nil || !more {
			return err
		}
	}
}

func scanMorsel(ctx context.Context, m table.Morsel, f func(types.Row) (bool, error)) (more bool, err error) {
	var batch vec.Batch
	var row types.Row
	for {
		if err := m.Read(ctx, &batch); err == io.EOF {
			return true, nil
		} else if err != nil {
			return false, err
		}
		for i := range batch.N {
			row = batch.Row(i, row[:0])
			if more, err := f(row); err != nil || !more {
				return false, err
			}
		}
	}
}

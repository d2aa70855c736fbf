package lamina

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// binding maps the fields of a struct type to the columns of a table version.
type binding struct {
	def    *table.TableDef
	cols   []int   // columns that have a field
	fields [][]int // reflect index of each
	key    []int   // position in cols of each primary key column
	given  []bool  // whether a column has a field
}

func newBinding(t reflect.Type, def *table.TableDef) (*binding, error) {
	if t.Kind() != reflect.Struct {
		return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "TableOf needs a struct type, not %s", t)
	}
	b := &binding{def: def, given: make([]bool, len(def.Columns))}
	at := map[int]int{}
	for _, f := range reflect.VisibleFields(t) {
		name := f.Tag.Get("db")
		if !f.IsExported() || name == "-" || f.Anonymous && name == "" {
			continue
		}
		if throughPointer(t, f.Index) {
			return nil, sqlerr.Unsupported("field " + f.Name + " of " + t.String() + ", in an embedded pointer,")
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
		at[c], b.given[c] = len(b.cols), true
		b.cols, b.fields = append(b.cols, c), append(b.fields, f.Index)
	}
	for _, c := range def.PrimaryKey() {
		i, ok := at[c]
		if !ok {
			return nil, sqlerr.Newf(sqlerr.UndefinedColumn, "%s has no field for key column %q", t, def.Columns[c].Name)
		}
		b.key = append(b.key, i)
	}
	return b, nil
}

// throughPointer reports whether the way to a field leads through an embedded pointer.
func throughPointer(t reflect.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		if t = t.Field(i).Type; t.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
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

func (b *binding) needKey() error {
	if len(b.key) == 0 {
		return sqlerr.Newf(sqlerr.InvalidTableDefinition, "table %q has no primary key", b.def.Name)
	}
	return nil
}

// keyOf converts key values to the key columns' types.
func (b *binding) keyOf(s *query.Session, key []any) (types.Row, error) {
	if err := b.needKey(); err != nil {
		return nil, err
	}
	if len(key) != len(b.key) {
		return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "%d values for the %d columns of the primary key of %q", len(key), len(b.key), b.def.Name)
	}
	row := make(types.Row, len(key))
	for i, v := range key {
		c := &b.def.Columns[b.cols[b.key[i]]]
		d, err := valueFor(s, v, c.Type)
		if err != nil {
			return nil, sqlerr.From(err).WithMessage("key column %s: %s", c.Name, err)
		}
		if !d.Valid {
			return nil, table.ErrNotFound // NULL is no key
		}
		row[i] = d
	}
	return row, nil
}

// value returns a field as a datum of its column's type.
func (b *binding) value(s *query.Session, v reflect.Value, i int) (types.Datum, error) {
	c := &b.def.Columns[b.cols[i]]
	d, err := valueFor(s, v.FieldByIndex(b.fields[i]).Interface(), c.Type)
	if err != nil {
		return d, sqlerr.From(err).WithMessage("column %s: %s", c.Name, err)
	}
	return d, nil
}

// existing finds the stored rows that have the primary keys of rows: their places among rows, those of the others, and
// the references of the stored ones.
func (b *binding) existing(ctx context.Context, s *query.Session, r table.Reader, rows reflect.Value) (old, fresh []int, refs []table.RowRef, err error) {
	keys := make([]types.Row, rows.Len())
	for i := range rows.Len() {
		key := make(types.Row, len(b.key))
		keys[i] = key
		for k, f := range b.key {
			d, err := b.value(s, rows.Index(i), f)
			if err != nil {
				return nil, nil, nil, err
			}
			key[k] = d
		}
		if slices.ContainsFunc(key, types.Datum.IsNull) {
			fresh = append(fresh, i) // the insert refuses it
			continue
		}
		switch ref, err := r.Ref(ctx, key); {
		case err == nil:
			old, refs = append(old, i), append(refs, ref)
		case errors.Is(err, table.ErrNotFound):
			fresh = append(fresh, i)
		default:
			return nil, nil, nil, err
		}
	}
	return old, fresh, refs, b.distinct(keys)
}

// distinct refuses two equal keys.
func (b *binding) distinct(keys []types.Row) error {
	compare := func(x, y types.Row) int {
		for i := range x {
			if c := types.Compare(x[i], y[i]); c != 0 {
				return c
			}
		}
		return 0
	}
	slices.SortFunc(keys, compare)
	for i := 1; i < len(keys); i++ {
		if compare(keys[i-1], keys[i]) == 0 {
			return sqlerr.Newf(sqlerr.CardinalityViolation, "two of the rows have the same primary key of %q", b.def.Name)
		}
	}
	return nil
}

// keyName returns the name of the primary key's constraint.
func (b *binding) keyName() string {
	for i := range b.def.Keys {
		if b.def.Keys[i].Primary {
			return b.def.Keys[i].Name
		}
	}
	return ""
}

func (b *binding) insert(ctx context.Context, s *query.Session, w table.Writer, rows reflect.Value, which []int) error {
	return b.batches(s, rows, which, func(batch *vec.Batch, _ int) error {
		_, err := w.Insert(ctx, batch, table.OnConflict{Key: -1})
		return err
	})
}

// replace updates stored rows: deleted and inserted again they would be other rows to transactions that wait for them.
func (b *binding) replace(
	ctx context.Context, s *query.Session, w table.Writer, rows reflect.Value, which []int, refs []table.RowRef,
) error {
	all := make([]int, len(b.def.Columns))
	for i := range all {
		all[i] = i
	}
	return b.batches(s, rows, which, func(batch *vec.Batch, first int) error {
		_, err := w.Update(ctx, refs[first:first+batch.N], all, batch)
		return err
	})
}

// batches makes batches of some of the rows, with the defaults of columns that have no field. f gets the place in which
// of a batch's first row.
func (b *binding) batches(s *query.Session, rows reflect.Value, which []int, f func(batch *vec.Batch, first int) error) error {
	ts := make([]types.Type, len(b.def.Columns))
	row := make(types.Row, len(ts))
	for i, c := range b.def.Columns {
		ts[i] = c.Type
	}
	defaults, err := s.Defaults(b.def, b.given)
	if err != nil {
		return err
	}
	bb := vec.NewBatchBuilder(ts, min(len(which), vec.Size), nil)
	defer bb.Release()
	for n, i := range which {
		if err := defaults.Row(row); err != nil {
			return err
		}
		for f, c := range b.cols {
			d, err := b.value(s, rows.Index(i), f)
			if err != nil {
				return err
			}
			row[c] = d
		}
		if err := bb.AppendRow(row); err != nil {
			return err
		}
		if bb.Len() == vec.Size || n == len(which)-1 {
			if err := f(bb.Batch(), n+1-bb.Len()); err != nil {
				return err
			}
			bb.Reset()
		}
	}
	return nil
}

// fill stores a row's values in a struct.
func (b *binding) fill(o *types.TextOptions, v reflect.Value, row types.Row) error {
	for i, d := range row {
		c := &b.def.Columns[b.cols[i]]
		if err := assign(v.FieldByIndex(b.fields[i]).Addr().Interface(), d, c.Type, o); err != nil {
			return sqlerr.Newf(sqlerr.CodeOf(err), "column %s: %w", c.Name, err)
		}
	}
	return nil
}

package tabletest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// The tables of the model in SQL terms:
//
//	keyed      (id int8 PRIMARY KEY, u int4 UNIQUE, v text)
//	composite  (a int4, b varchar(12), u int4 UNIQUE, v text, PRIMARY KEY (b, a))
//	keyless    (id int8, u int4, v text)

// Shape says which constraints a table of the model has.
type Shape uint8

// The shapes: a primary key and a unique column, the same with a primary key of two columns, and a
// table without any key.
const (
	Keyed Shape = iota
	Composite
	Keyless
	numShapes
)

// tableName is the name of the table in a slot.
func tableName(slot int) string { return fmt.Sprintf("t%d", slot) }

// definition returns the definition of a table.
func definition(slot int, shape Shape, method string) *table.TableDef {
	d := &table.TableDef{Method: method}
	d.Schema, d.Name = table.PublicSchema, tableName(slot)
	if shape == Composite {
		d.Columns = []table.Column{{Name: "a", Type: types.T(types.Int4)}, {Name: "b", Type: types.VarcharN(12)}}
	} else {
		d.Columns = []table.Column{{Name: "id", Type: types.T(types.Int8)}}
	}
	d.Columns = append(d.Columns,
		table.Column{Name: "u", Type: types.T(types.Int4)}, table.Column{Name: "v", Type: types.T(types.Text)})
	if shape == Keyless {
		return d
	}
	key := table.Key{Name: d.Name + "_pkey", Primary: true, Columns: []int{0}}
	if shape == Composite {
		key.Columns = []int{1, 0}
	}
	d.Keys = []table.Key{key, {Name: d.Name + "_u_key", Columns: []int{len(d.Columns) - 2}}}
	return d
}

// keyColumns returns the positions of the key's columns, in the order of the key's values.
func keyColumns(shape Shape) []int {
	if shape == Composite {
		return []int{1, 0}
	}
	return []int{0}
}

// keyOf returns the primary key of a row of the model, in the order of keyColumns.
func keyOf(shape Shape, k int64) types.Row {
	if shape == Composite {
		return types.Row{types.NewString(types.Varchar, fmt.Sprintf("key-%d", k%7)), types.NewInt(types.Int4, k/7)}
	}
	return types.Row{types.NewInt(types.Int8, k)}
}

// contentOf returns the columns of a row besides the key.
func contentOf(r Row) types.Row {
	u := types.NullOf(types.Int4)
	if r.U != 0 {
		u = types.NewInt(types.Int4, r.U)
	}
	// Some values fit into a view, some do not.
	return types.Row{u, types.NewString(types.Text, fmt.Sprintf("v%d%s", r.V, strings.Repeat("-", int(r.V%40))))}
}

// rowOf returns a row of the model with all columns.
func rowOf(shape Shape, k int64, r Row) types.Row {
	key := keyOf(shape, k)
	if shape == Composite {
		key[0], key[1] = key[1], key[0]
	}
	return append(key, contentOf(r)...)
}

// textOf returns a row as text, for comparison.
func textOf(def *table.TableDef, row types.Row) string {
	var s strings.Builder
	for i, d := range row {
		if i > 0 {
			s.WriteByte('|')
		}
		if d.IsNull() {
			s.WriteString("∅")
		} else {
			s.WriteString(def.Columns[i].Type.Text(d))
		}
	}
	return s.String()
}

// allColumns returns 0, 1, … n-1.
func allColumns(def *table.TableDef) []int {
	cols := make([]int, len(def.Columns))
	for i := range cols {
		cols[i] = i
	}
	return cols
}

// batchOf makes a batch of rows.
func batchOf(def *table.TableDef, cols []int, rows []types.Row) (*vec.Batch, error) {
	ts := make([]types.Type, len(cols))
	for i, c := range cols {
		ts[i] = def.Columns[c].Type
	}
	bb := vec.NewBatchBuilder(ts, len(rows), nil)
	for _, r := range rows {
		if err := bb.AppendRow(r); err != nil {
			return nil, err
		}
	}
	return bb.Batch(), nil
}

// scanned is what a scan found: rows as text, and their references in the same order.
type scanned struct {
	rows []string
	refs []table.RowRef
}

// scanAll reads a table to the end, applying the conjuncts that the scan leaves to its caller.
func scanAll(ctx context.Context, r table.Reader, spec table.ScanSpec) (out scanned, err error) {
	def := r.Def()
	spec.Cols = allColumns(def)
	s, err := r.Scan(ctx, spec)
	if err != nil {
		return out, err
	}
	defer func() {
		if cerr := s.Close(); err == nil {
			err = cerr
		}
	}()
	accepted := s.Accepted()
	if len(accepted) != len(spec.Where) {
		return out, fmt.Errorf("%d conjuncts, %d answers", len(spec.Where), len(accepted))
	}
	last := -1
	for {
		m, err := s.NextMorsel(ctx)
		if isEOF(err) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if m.Seq() <= last {
			return out, fmt.Errorf("morsel %d after %d", m.Seq(), last)
		}
		last = m.Seq()
		err = readMorsel(ctx, m, def, &spec, accepted, &out)
		m.Close()
		if err != nil {
			return out, err
		}
	}
}

func readMorsel(ctx context.Context, m table.Morsel, def *table.TableDef, spec *table.ScanSpec, accepted []table.Pushdown, out *scanned) error {
	var b vec.Batch
	bound, n := m.Rows(), 0
	for {
		err := m.Read(ctx, &b)
		if isEOF(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if n += b.N; n > bound {
			return fmt.Errorf("a morsel of at most %d rows has %d", bound, n)
		}
		if spec.VectorRows > 0 && b.N > spec.VectorRows {
			return fmt.Errorf("a batch of at most %d rows has %d", spec.VectorRows, b.N)
		}
		for i := range b.N {
			row := make(types.Row, 0, len(def.Columns)+1)
			for c := range b.NumCols() {
				row = append(row, b.BatchDatum(c, i))
			}
			if !matches(row, spec.Where, accepted) {
				continue
			}
			out.rows = append(out.rows, textOf(def, row[:len(def.Columns)]))
			if spec.Refs {
				out.refs = append(out.refs, table.RowRef(row[len(def.Columns)].I))
			}
		}
	}
}

// matches evaluates the conjuncts that a scan did not take over entirely.
func matches(row types.Row, where []table.Conjunct, accepted []table.Pushdown) bool {
	for i := range where {
		if accepted[i] != table.Exact && !holds(row, &where[i]) {
			return false
		}
	}
	return true
}

// holds evaluates one conjunct in the plainest way.
func holds(row types.Row, c *table.Conjunct) bool {
	d := row[c.Col]
	switch c.Op {
	case table.OpIsNull:
		return d.IsNull()
	case table.OpIsNotNull:
		return !d.IsNull()
	}
	if d.IsNull() {
		return false
	}
	switch c.Op {
	case table.OpIn:
		return slices.ContainsFunc(c.Values, func(v types.Datum) bool { return !v.IsNull() && types.Compare(d, v) == 0 })
	case table.OpPrefix:
		return strings.HasPrefix(d.S, c.Value.S)
	}
	if c.Value.IsNull() {
		return false
	}
	cmp := types.Compare(d, c.Value)
	switch c.Op {
	case table.OpEq:
		return cmp == 0
	case table.OpNe:
		return cmp != 0
	case table.OpLt:
		return cmp < 0
	case table.OpLe:
		return cmp <= 0
	case table.OpGt:
		return cmp > 0
	}
	return cmp >= 0
}

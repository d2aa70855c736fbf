package store

import (
	"context"
	"slices"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// A table whose layout changes is rewritten by the transaction that changes it, under an ACCESS EXCLUSIVE lock: all rows
// that are there become rows of the transaction's write set, in the new form, behind a mark that says that the
// rows before are gone. So the commit record has the new definition, a truncation and all rows, and is applied as a
// whole or not at all; Views from before keep the tier's old rows with the old definition.

// rewrite returns a write set with the rows that st sees of a table, in a new layout.
func (t *Tx) rewrite(
	ctx context.Context, st *Statement, was, def *table.TableDef, f table.RowMapper,
) (rows *writes, err error) {
	asIs := f == nil && sameForm(was, def)
	if f == nil {
		if f, err = t.defaultMapper(was, def); err != nil {
			return nil, err
		}
	}
	for _, c := range def.PrimaryKey() {
		def.Columns[c].NotNull = true // as the catalog sees to
	}
	x := &rewriter{t: t, st: st, def: def, f: f, asIs: asIs, w: newWrites(def, t.tracker())}
	defer func() {
		if err != nil {
			x.w.release()
		}
	}()
	if len(def.Checks) > 0 || hasGenerated(def) {
		if x.funcs, err = t.s.compile(def); err != nil {
			return nil, err
		}
	}
	for i := range def.Columns {
		if def.Columns[i].NotNull {
			x.notNull = append(x.notNull, i)
		}
	}
	x.watch(was)
	x.w.truncate(st.command)
	r, err := st.Reader(ctx, def.ID)
	if err != nil {
		return nil, err
	}
	x.dst = vec.NewBatchBuilder(rowTypes(def)[:len(def.Columns)], vec.Size, nil)
	defer x.dst.Release()
	if err := scanRows(ctx, r, func(c *rowCheck) error { return x.batch(ctx, &c.batch) }); err != nil {
		return nil, t.located(def, someRow(def, err))
	}
	x.w.inserted = 0
	return x.w, x.w.reserve()
}

// rewriter writes the rows of a table in their new form.
type rewriter struct {
	t       *Tx
	st      *Statement
	def     *table.TableDef
	f       table.RowMapper
	asIs    bool // rows keep their form
	funcs   *table.RowFuncs
	notNull []int
	w       *writes
	dst     *vec.BatchBuilder
	key     []byte
	// watched are columns that FOREIGN KEY constraints use, by their positions before and after.
	watched [][2]int
}

// watch makes x notice changes of values that FOREIGN KEY constraints are about, of the table or of others.
func (x *rewriter) watch(was *table.TableDef) {
	used := map[uint32]bool{}
	for i := range x.def.Foreign {
		for _, c := range x.def.Foreign[i].Columns {
			used[x.def.Columns[c].ID] = true
		}
	}
	for _, child := range x.t.catalog().Referencing(x.def.ID) {
		for i := range child.Foreign {
			for _, id := range child.Foreign[i].RefColumns {
				used[id] = used[id] || child.Foreign[i].Table == x.def.ID
			}
		}
	}
	for i := range x.def.Columns {
		if from := columnByID(was, x.def.Columns[i].ID); from >= 0 && used[x.def.Columns[i].ID] {
			x.watched = append(x.watched, [2]int{from, i})
		}
	}
}

// notice notes the watched columns of which a row has got another value.
func (x *rewriter) notice(old, b *vec.Batch) {
	for _, c := range x.watched {
		id := x.def.Columns[c[1]].ID
		for i := 0; i < b.N && !slices.Contains(x.w.changed, id); i++ {
			if !types.Identical(old.BatchDatum(c[0], i), b.BatchDatum(c[1], i)) {
				x.w.changed = append(x.w.changed, id)
			}
		}
	}
}

// batch writes the rows of old, which are at most vec.Size, in their new form.
func (x *rewriter) batch(ctx context.Context, old *vec.Batch) error {
	b := old
	if !x.asIs {
		x.dst.Reset()
		if err := x.f(ctx, old, x.dst); err != nil {
			return err
		}
		b = x.dst.Batch()
		if b.N != old.N {
			return sqlerr.Newf(sqlerr.InternalError, "%d rows were made of %d of table \"%s\"", b.N, old.N, x.def.Name)
		}
		var err error
		if b, err = generate(ctx, x.def, x.funcs, b); err != nil {
			return err
		}
		x.notice(old, b)
	}
	check := rowCheck{batch: *b}
	if err := check.check(ctx, x.def, x.notNull, x.funcs); err != nil {
		return err
	}
	for k := range x.def.Keys {
		if err := x.addKeys(b, k); err != nil {
			return err
		}
	}
	hidden, err := x.t.hiddenKeys(ctx, x.def, b.N)
	if err != nil {
		return err
	}
	if err := x.w.add(x.st.command, b, hidden, nil); err != nil {
		return err
	}
	return x.w.reserve()
}

// addKeys notes the values of Keys[k] that rows have, which must all be different.
func (x *rewriter) addKeys(b *vec.Batch, k int) error {
	for i := range b.N {
		var ok bool
		if x.key, ok = index.AppendBatch(x.key[:0], b, x.def.Keys[k].Columns, i); !ok {
			continue // a NULL is equal to nothing
		}
		if err := checkKeyLength(x.def, k, x.key); err != nil {
			return err
		}
		t := &x.w.keys[k]
		if t.find(x.key) >= 0 && !invariants.Mutant("store-rewrite-duplicates") {
			values := make(types.Row, len(x.def.Keys[k].Columns))
			for j, c := range x.def.Keys[k].Columns {
				values[j] = b.BatchDatum(c, i)
			}
			return x.t.errNotUnique(x.def, k, values)
		}
		t.add(x.key, x.w.rows+int32(i))
	}
	return nil
}

// defaultMapper returns the mapper for a definition that comes without one: columns keep their values, brought to the
// new type where that is a matter of the type's modifier, and new ones have their defaults.
func (t *Tx) defaultMapper(was, def *table.TableDef) (table.RowMapper, error) {
	from := make([]int, len(def.Columns))
	var funcs *table.RowFuncs
	for i := range def.Columns {
		c := &def.Columns[i]
		from[i] = columnByID(was, c.ID)
		switch {
		case from[i] >= 0 && was.Columns[from[i]].Type.Kind != c.Type.Kind:
			return nil, sqlerr.Unsupported("changing the type of a column without saying how its values change")
		case from[i] < 0 && c.Default != "" && funcs == nil:
			var err error
			if funcs, err = t.s.compile(def); err != nil {
				return nil, err
			}
		}
	}
	row := make(types.Row, len(def.Columns))
	return func(ctx context.Context, old *vec.Batch, dst *vec.BatchBuilder) error {
		for i := range old.N {
			for c := range row {
				var err error
				switch col := &def.Columns[c]; {
				case from[c] >= 0:
					row[c], err = types.Coerce(old.BatchDatum(from[c], i), col.Type, false)
				case col.Default == "":
					row[c] = types.NullOf(col.Type.Kind)
				default:
					row[c], err = funcs.Default(ctx, c)
				}
				if err != nil {
					return err
				}
			}
			if err := dst.AppendRow(row); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// columnByID returns the position of a column, -1 if the table has none with the ID.
func columnByID(def *table.TableDef, id uint32) int {
	for i := range def.Columns {
		if id != 0 && def.Columns[i].ID == id {
			return i
		}
	}
	return -1
}

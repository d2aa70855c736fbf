package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// What a workTx does to the store, and notes as effects.

func (x *workTx) note(e ...effect) { x.effects = append(x.effects, e...) }

func (x *workTx) def(name string) (*table.TableDef, error) {
	def, ok := x.tx.Schema().LookupRelation(table.PublicSchema, name).(*table.TableDef)
	if !ok {
		return nil, sqlerr.Newf(sqlerr.UndefinedTable, "no table %s", name)
	}
	return def, nil
}

func (x *workTx) create(name string) error {
	def := pairs(name)
	if name == "c" {
		def = keyless(name)
	}
	def.Columns[2].NotNull = false
	x.defines = true
	x.note(effect{op: effCreate, table: name})
	if crashMixed && name != "new" {
		def.Method = mixedMethod(name)
		x.note(effect{op: effMove, table: name, to: def.Method})
	}
	_, err := x.tx.Schema().Create(context.Background(), def)
	return err
}

func (x *workTx) drop(name string) error {
	def, err := x.def(name)
	if err != nil {
		return err
	}
	x.defines = true
	x.note(effect{op: effDrop, table: name})
	return x.tx.Schema().Drop(context.Background(), def.ID)
}

func (x *workTx) alter(name string, e effect) error {
	def, err := x.def(name)
	if err != nil {
		return err
	}
	def = def.CloneObject().(*table.TableDef)
	switch e.op {
	case effRename:
		def.Name = e.to
	case effWiden:
		def.Columns = append(def.Columns, table.Column{Name: "w", Type: types.T(types.Int8)})
	case effNarrow:
		def.Columns = def.Columns[:3]
	case effRekey:
		if def.PrimaryKey() != nil {
			def.Keys = nil
		} else {
			def.Keys = []table.Key{{Name: fmt.Sprint(name, "_", x.n, "_pkey"), Primary: true, Columns: []int{0}}}
		}
	case effNotNull:
		def.Columns[2].NotNull = true
	case effMove:
		def.Method = e.to
	}
	x.defines = true
	x.note(e)
	if e.op == effWiden {
		return x.tx.Schema().AlterRows(context.Background(), def, widened)
	}
	return x.tx.Schema().Alter(context.Background(), def)
}

// widened adds the column w.
func widened(_ context.Context, old *vec.Batch, dst *vec.BatchBuilder) error {
	for i := range old.N {
		r := old.Row(i, nil)
		if err := dst.AppendRow(append(r, types.NewInt(types.Int8, 7*r[0].I))); err != nil {
			return err
		}
	}
	return nil
}

func (x *workTx) truncate(name string) error {
	def, err := x.def(name)
	if err != nil {
		return err
	}
	x.note(effect{op: effTruncate, table: name})
	return statement(x.tx, func(st table.Statement) error {
		w, err := st.Writer(context.Background(), def.ID)
		if err != nil {
			return err
		}
		return w.Truncate(context.Background())
	})
}

// batchOf makes a batch of whole rows, in the order of ids.
func batchOf(def *table.TableDef, ids []int64, rows map[int64]modelRow) (*vec.Batch, []int, error) {
	cols := make([]int, len(def.Columns))
	ts := make([]types.Type, len(def.Columns))
	for i := range cols {
		cols[i], ts[i] = i, def.Columns[i].Type
	}
	bb := vec.NewBatchBuilder(ts, len(ids), nil)
	for _, id := range ids {
		r := row(id, rows[id].u, rows[id].v)
		if len(cols) > 3 {
			r = append(r, types.NewInt(types.Int8, 7*id))
		}
		if err := bb.AppendRow(r); err != nil {
			return nil, nil, err
		}
	}
	return bb.Batch(), cols, nil
}

func (x *workTx) insert(name string, rows map[int64]modelRow) error {
	def, err := x.def(name)
	if err != nil || len(rows) == 0 {
		return err
	}
	ids := slices.Sorted(maps.Keys(rows))
	for _, id := range ids {
		x.note(effect{op: effPut, table: name, id: id, row: rows[id]})
	}
	return statement(x.tx, func(st table.Statement) error {
		w, err := st.Writer(context.Background(), def.ID)
		if err != nil {
			return err
		}
		b, _, err := batchOf(w.Def(), ids, rows) // its columns may have changed before it was locked
		if err != nil {
			return err
		}
		_, err = w.Insert(context.Background(), b, table.OnConflict{Key: -1})
		return err
	})
}

func (x *workTx) update(name string, rows map[int64]modelRow) error {
	def, err := x.def(name)
	if err != nil {
		return err
	}
	ids := slices.Sorted(maps.Keys(rows))
	for _, id := range ids {
		x.note(effect{op: effPut, table: name, id: id, row: rows[id]})
	}
	return x.rows(def, ids, func(w table.Writer, refs []table.RowRef) error {
		b, cols, err := batchOf(w.Def(), ids, rows)
		if err != nil {
			return err
		}
		_, err = w.Update(context.Background(), refs, cols, b)
		return err
	})
}

func (x *workTx) delete(name string, ids []int64) error {
	def, err := x.def(name)
	if err != nil {
		return err
	}
	for _, id := range ids {
		x.note(effect{op: effDelete, table: name, id: id})
	}
	return x.rows(def, ids, func(w table.Writer, refs []table.RowRef) error {
		_, err := w.Delete(context.Background(), refs)
		return err
	})
}

// rows runs a statement on the rows with some ids: found by key, or in a table without one by a scan.
func (x *workTx) rows(def *table.TableDef, ids []int64, f func(table.Writer, []table.RowRef) error) error {
	return statement(x.tx, func(st table.Statement) error {
		if def.PrimaryKey() != nil {
			refs, w, err := refsOf(st, def.ID, ids)
			if err != nil {
				return err
			}
			return f(w, refs)
		}
		r, err := st.Reader(context.Background(), def.ID)
		if err != nil {
			return err
		}
		found, err := refsByID(r)
		if err != nil {
			return err
		}
		w, err := st.Writer(context.Background(), def.ID)
		if err != nil {
			return err
		}
		var refs []table.RowRef
		for _, id := range ids {
			ref, ok := found[id]
			if !ok {
				return fmt.Errorf("table %s has no row %d", def.Name, id)
			}
			refs = append(refs, ref)
		}
		return f(w, refs)
	})
}

func refsByID(r table.Reader) (map[int64]table.RowRef, error) {
	ctx := context.Background()
	s, err := r.Scan(ctx, table.ScanSpec{Cols: []int{0}, Refs: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	found := map[int64]table.RowRef{}
	for {
		m, err := s.NextMorsel(ctx)
		if isEOF(err) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		err = readRows(ctx, m, func(c *rowCheck) error {
			for i := range c.batch.N {
				found[c.batch.BatchDatum(0, i).I] = table.RowRef(c.batch.BatchDatum(1, i).I)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
}

// modelOf reads a table through a scan, and each row once more by its key.
func modelOf(st table.Statement, def *table.TableDef) (*modelTable, error) {
	ctx := context.Background()
	t := &modelTable{method: otherMethod(def.Method), wide: len(def.Columns) > 3, notNull: def.Columns[2].NotNull, rows: map[int64]modelRow{}}
	r, err := st.Reader(ctx, def.ID)
	if err != nil {
		return nil, err
	}
	err = scanRows(ctx, r, func(c *rowCheck) error {
		for i := range c.batch.N {
			got := c.batch.Row(i, nil)
			id := got[0].I
			if _, twice := t.rows[id]; twice {
				return fmt.Errorf("table %s has row %d twice", def.Name, id)
			}
			t.rows[id] = modelRow{got[1].I, strings.Clone(got[2].S)}
			if t.wide && got[3].I != 7*id {
				return fmt.Errorf("table %s, row %d: w is %d", def.Name, id, got[3].I)
			}
			if err := sameByKey(r, def, got); err != nil {
				return err
			}
		}
		return nil
	})
	return t, err
}

// sameByKey compares a row that a scan has found with what its primary key leads to.
func sameByKey(r table.Reader, def *table.TableDef, want types.Row) error {
	if def.PrimaryKey() == nil {
		return nil
	}
	got, err := r.Get(context.Background(), types.Row{want[0]}, []int{0, 1, 2}, nil)
	if err != nil {
		return fmt.Errorf("table %s, row %d by key: %w", def.Name, want[0].I, err)
	}
	if got[0].I != want[0].I || got[1].I != want[1].I || got[2].S != want[2].S {
		return fmt.Errorf("table %s, row %d: by key %v, by scan %v", def.Name, want[0].I, got, want[:3])
	}
	return nil
}

// state reads all tables of a store, but for the journal, and the journal's numbers.
func stateOf(s *Store) (tables map[string]*modelTable, journal map[int64]bool, err error) {
	tx, err := s.Begin(context.Background(), table.TxOptions{ReadOnly: true, Isolation: table.RepeatableRead})
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = tx.Rollback() }()
	st, err := tx.Statement(context.Background())
	if err != nil {
		return nil, nil, err
	}
	tables, journal = map[string]*modelTable{}, map[int64]bool{}
	for _, o := range tx.Schema().List(table.KindTable) {
		def := o.(*table.TableDef)
		if tables[def.Name], err = modelOf(st, def); err != nil {
			return nil, nil, err
		}
	}
	if t := tables["journal"]; t != nil {
		for n := range t.rows {
			journal[n] = true
		}
	}
	return tables, journal, st.Close(nil)
}

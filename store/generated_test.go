package store

import (
	"context"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// doubles compiles tables whose last column is twice the first.
func doubles(def *table.TableDef) (*table.RowFuncs, error) {
	return &table.RowFuncs{Generate: func(_ context.Context, rows *vec.Batch, dst *vec.BatchBuilder) error {
		for i := range rows.N {
			if err := dst.AppendRow(types.Row{types.NewInt(types.Int8, 2*rows.BatchDatum(0, i).I)}); err != nil {
				return err
			}
		}
		return nil
	}}, nil
}

// TestGeneratedColumns: whatever a writer is given for a generated column, it has the value of its expression, in keys too,
// and after a restart.
func TestGeneratedColumns(t *testing.T) {
	ctx, fs := context.Background(), vfs.NewMem()
	open := func() *Store {
		return must(Open(table.Columnar{Common: table.Common{FS: fs, LogFileBytes: 64 << 10, Compile: doubles}, Dir: "db"}))(t).(*Store)
	}
	s := open()
	def := pairs("g")
	def.Columns = append(def.Columns, table.Column{Name: "twice", Type: types.T(types.Int8), Generated: "2 * id"})
	def.Columns[2].NotNull = false
	def.Keys = append(def.Keys, table.Key{Name: "g_twice_key", Columns: []int{3}})
	tx := must(s.Begin(ctx, table.TxOptions{}))(t).(*Tx)
	id := must(tx.Schema().Create(ctx, def))(t)
	def = tx.Schema().ByID(id).(*table.TableDef)
	insert := func(tx *Tx, load bool, ids ...int64) error {
		return statement(tx, func(st table.Statement) error {
			w, err := st.Writer(ctx, id)
			if err != nil {
				return err
			}
			b := vec.NewBatchBuilder(rowTypes(def), len(ids), nil)
			for _, id := range ids {
				if err := b.AppendRow(append(row(id, 0, ""), types.NewInt(types.Int8, 77))); err != nil {
					return err
				}
			}
			if !load {
				_, err = w.Insert(ctx, b.Batch(), table.OnConflict{Key: -1})
				return err
			}
			l, err := w.Load(ctx, table.LoadOptions{})
			if err == nil {
				err = l.Append(ctx, b.Batch())
			}
			if err == nil {
				_, err = l.Finish(ctx)
			}
			return err
		})
	}
	must(0, insert(tx, false, 1, 2))(t)
	must(0, insert(tx, true, 3, 4))(t)
	must(tx.Commit(ctx))(t)
	tx = must(s.Begin(ctx, table.TxOptions{}))(t).(*Tx)
	must(0, statement(tx, func(st table.Statement) error {
		refs, w, err := refsOf(st, id, []int64{1})
		if err != nil {
			return err
		}
		b := vec.NewBatchBuilder(rowTypes(def)[:1], 1, nil)
		must(0, b.AppendRow(types.Row{types.NewInt(types.Int8, 10)}))(t)
		_, err = w.Update(ctx, refs, []int{0}, b.Batch())
		return err
	}))(t)
	must(tx.Commit(ctx))(t)
	check := func() {
		t.Helper()
		rows := 0
		tx := must(s.Begin(ctx, table.TxOptions{}))(t).(*Tx)
		defer func() { must(0, tx.Rollback())(t) }()
		must(0, statement(tx, func(st table.Statement) error {
			r, err := st.Reader(ctx, id)
			if err != nil {
				return err
			}
			return scanRows(ctx, r, func(c *rowCheck) error {
				rows += c.batch.N
				for i := range c.batch.N {
					if r := c.batch.Row(i, nil); r[3].I != 2*r[0].I {
						t.Errorf("row %v", r)
					}
				}
				return nil
			})
		}))(t)
		if rows != 4 {
			t.Errorf("%d rows", rows)
		}
	}
	check()
	must(0, s.Close())(t)
	s = open()
	check()
	must(0, s.Close())(t)
}

package tabletest

import (
	"context"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// layoutRules are about changes of the columns and keys of a table that has rows.
var layoutRules = []rule{
	{"columns of rows", "", checkColumnsOfRows},
	{"rows made anew", "", checkAlterRows},
	{"a new layout is undone", "", checkLayoutUndone},
	{"keys of rows", "", checkKeysOfRows},
	{"readers of the layout before", "", checkLayoutReaders},
	{"writers of the layout before", "", checkLayoutWriters},
	{"a new layout outlives a restart", "Durable", checkLayoutRestart},
}

// widen returns a table's definition with one more column, without a default.
func widen(tx table.Tx, id table.ObjectID, name string) *table.TableDef {
	d := altered(tx, id)
	d.Columns = append(d.Columns, table.Column{Name: name, Type: types.T(types.Int8)})
	return d
}

// withID appends a multiple of its first column to each row.
func withID(times int64) table.RowMapper {
	return func(_ context.Context, old *vec.Batch, dst *vec.BatchBuilder) error {
		for i := range old.N {
			r := old.Row(i, nil)
			if err := dst.AppendRow(append(r, types.NewInt(types.Int8, times*r[0].I))); err != nil {
				return err
			}
		}
		return nil
	}
}

func checkColumnsOfRows(f *fixture) {
	id := f.filled()
	f.do(func(tx table.Tx) error { return tx.Schema().Alter(f.ctx, widen(tx, id, "w")) })
	f.equal("a column more", f.committed(id), "1|10|one|∅ 2|20|two|∅ 3|∅|three|∅")
	f.do(func(tx table.Tx) error {
		f.must(f.update(tx, id, []int64{2}, []int{3}, types.Row{types.NewInt(types.Int8, 5)}))
		d := altered(tx, id)
		d.Columns[2], d.Columns[3] = d.Columns[3], d.Columns[2] // columns are known by their IDs
		return tx.Schema().Alter(f.ctx, d)
	})
	f.equal("columns in another order", f.committed(id), "1|10|∅|one 2|20|5|two 3|∅|∅|three")
	f.do(func(tx table.Tx) error {
		d := altered(tx, id)
		d.Columns = append(d.Columns[:2:2], table.Column{Name: "w", Type: types.T(types.Int8)})
		return tx.Schema().Alter(f.ctx, d)
	})
	f.equal("a column less, and another one of the same name", f.committed(id), "1|10|∅ 2|20|∅ 3|∅|∅")
	tx := f.begin(table.TxOptions{})
	ids := map[uint32]bool{}
	for _, c := range altered(tx, id).Columns {
		ids[c.ID] = true
	}
	f.equal("IDs of columns", []bool{ids[1], ids[2], ids[3], ids[4], ids[5]}, "[true true false false true]")
	d := widen(tx, id, "x")
	d.Columns[3].NotNull = true
	f.code(tx.Schema().Alter(f.ctx, d), sqlerr.NotNullViolation, `column "x" of relation "t" contains null values`)
	d.Columns = d.Columns[:3]
	d.Columns[2].Type = types.T(types.Text)
	f.code(tx.Schema().Alter(f.ctx, d), sqlerr.FeatureNotSupported)
	f.rollback(tx)
}

func checkAlterRows(f *fixture) {
	id := f.filled()
	f.do(func(tx table.Tx) error {
		f.must(f.insert(tx, id, item(4, 40, "four")))
		f.must(f.delete(tx, id, 2))
		f.must(tx.Schema().AlterRows(f.ctx, widen(tx, id, "w"), withID(7)))
		f.equal("rows", f.rows(tx, id), "1|10|one|7 3|∅|three|21 4|40|four|28")
		f.must(f.setV(tx, id, 3, "drei"))
		return f.delete(tx, id, 4)
	})
	f.equal("rows after the commit", f.committed(id), "1|10|one|7 3|∅|drei|21")
	tx := f.begin(table.TxOptions{})
	f.code(f.insert(tx, id, append(item(1, 50, "again"), types.NullOf(types.Int8))), sqlerr.UniqueViolation)
	f.rollback(tx)
	f.do(func(tx table.Tx) error { // the same columns, other values
		d := altered(tx, id)
		return tx.Schema().AlterRows(f.ctx, d, func(_ context.Context, old *vec.Batch, dst *vec.BatchBuilder) error {
			for i := range old.N {
				r := old.Row(i, nil)
				r[3] = types.NewInt(types.Int8, r[3].I+1)
				if err := dst.AppendRow(r); err != nil {
					return err
				}
			}
			return nil
		})
	})
	f.equal("rows with other values", f.committed(id), "1|10|one|8 3|∅|drei|22")
	f.do(func(tx table.Tx) error { return f.setV(tx, id, 1, "uno") })
	f.equal("rows changed since", f.committed(id), "1|10|uno|8 3|∅|drei|22")
}

func checkLayoutUndone(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	f.must(f.setV(tx, id, 1, "uno"))
	first, err := tx.Savepoint(f.ctx)
	f.must(err)
	f.must(tx.Schema().AlterRows(f.ctx, widen(tx, id, "w"), withID(7)))
	f.must(f.delete(tx, id, 2))
	second, err := tx.Savepoint(f.ctx)
	f.must(err)
	f.must(tx.Schema().AlterRows(f.ctx, widen(tx, id, "x"), withID(9)))
	f.must(f.delete(tx, id, 3))
	f.equal("rows", f.rows(tx, id), "1|10|uno|7|9")
	f.must(second.RollbackTo(f.ctx))
	f.equal("rows after ROLLBACK TO", f.rows(tx, id), "1|10|uno|7 3|∅|three|21")
	f.must(first.RollbackTo(f.ctx))
	f.equal("rows of the layout before", f.rows(tx, id), "1|10|uno 2|20|two 3|∅|three")
	f.must(tx.Schema().AlterRows(f.ctx, widen(tx, id, "y"), withID(2)))
	f.must(f.insert(tx, id, append(item(4, 40, "four"), types.NewInt(types.Int8, 8))))
	f.commit(tx)
	f.equal("rows after the commit", f.committed(id), "1|10|uno|2 2|20|two|4 3|∅|three|6 4|40|four|8")
	tx = f.begin(table.TxOptions{})
	f.must(tx.Schema().AlterRows(f.ctx, widen(tx, id, "z"), withID(3)))
	f.rollback(tx)
	f.equal("rows after a rollback", f.committed(id), "1|10|uno|2 2|20|two|4 3|∅|three|6 4|40|four|8")
}

func checkKeysOfRows(f *fixture) {
	id := f.create(notes("n"))
	f.do(func(tx table.Tx) error {
		return f.insert(tx, id, item(1, 10, "a"), item(2, 0, "b"), item(3, 0, "c"), item(1, 40, "d"))
	})
	key := func(tx table.Tx, name string, col int, primary bool) error {
		d := altered(tx, id)
		k := table.Key{Name: name, Primary: primary, Columns: []int{col}}
		if d.Keys = append(d.Keys, k); primary {
			copy(d.Keys[1:], d.Keys)
			d.Keys[0] = k
		}
		return tx.Schema().Alter(f.ctx, d)
	}
	tx := f.begin(table.TxOptions{})
	f.code(key(tx, "n_pkey", 0, true), sqlerr.UniqueViolation, `could not create unique index "n_pkey"`)
	f.code(key(tx, "n_u", 1, true), sqlerr.NotNullViolation, `column "u" of relation "n" contains null values`)
	f.must(key(tx, "n_u", 1, false))
	f.code(f.insert(tx, id, item(5, 40, "e")), sqlerr.UniqueViolation)
	f.commit(tx)
	tx = f.begin(table.TxOptions{})
	f.code(f.insert(tx, id, item(5, 40, "e")), sqlerr.UniqueViolation)
	f.rollback(tx)
	f.do(func(tx table.Tx) error { return key(tx, "n_v", 2, true) })
	tx = f.begin(table.TxOptions{})
	f.code(f.insert(tx, id, item(5, 50, "d")), sqlerr.UniqueViolation)
	f.rollback(tx)
	f.do(func(tx table.Tx) error { return f.insert(tx, id, item(5, 50, "e")) })
	f.do(func(tx table.Tx) error {
		d := altered(tx, id)
		d.Keys = nil
		f.must(tx.Schema().Alter(f.ctx, d))
		return f.insert(tx, id, item(6, 50, "e"))
	})
	f.do(func(tx table.Tx) error { return f.insert(tx, id, item(6, 50, "e")) })
	f.equal("rows without keys", f.committed(id), "1|10|a 1|40|d 2|∅|b 3|∅|c 5|50|e 6|50|e 6|50|e")
}

func checkLayoutReaders(f *fixture) {
	id := f.filled()
	old := f.begin(table.TxOptions{Isolation: table.RepeatableRead})
	view, err := old.Statement(f.ctx)
	f.must(err)
	f.do(func(tx table.Tx) error {
		f.must(tx.Schema().AlterRows(f.ctx, widen(tx, id, "w"), withID(7)))
		return f.setV(tx, id, 1, "uno")
	})
	f.do(func(tx table.Tx) error { return f.delete(tx, id, 2) })
	f.equal("rows of an old snapshot", f.rows(old, id), filledRows)
	r, err := view.Reader(f.ctx, id)
	f.must(err)
	row, err := r.Get(f.ctx, idOf(2), itemCols, nil)
	f.must(err)
	f.equal("columns and row of an old snapshot", []any{len(r.Def().Columns), row[2].S}, "[3 two]")
	f.must(view.Close(nil))
	f.rollback(old)
	f.equal("rows now", f.committed(id), "1|10|uno|7 3|∅|three|21")
	tx := f.begin(table.TxOptions{})
	st, err := tx.Statement(f.ctx)
	f.must(err)
	_, err = st.Reader(f.ctx, id)
	f.must(err)
	f.code(tx.Schema().Alter(f.ctx, widen(tx, id, "x")), sqlerr.ObjectInUse,
		`cannot ALTER TABLE "t" because it is being used by active queries in this session`)
	f.must(st.Close(nil))
	f.must(tx.Schema().Alter(f.ctx, widen(tx, id, "x")))
	f.rollback(tx)
}

func checkLayoutWriters(f *fixture) {
	id := f.filled()
	old, early := f.begin(table.TxOptions{Isolation: table.RepeatableRead}), f.begin(table.TxOptions{})
	old.Schema().Version()
	st, err := early.Statement(f.ctx)
	f.must(err)
	f.do(func(tx table.Tx) error {
		d := altered(tx, id)
		d.Keys = d.Keys[:1]
		return tx.Schema().AlterRows(f.ctx, d, func(_ context.Context, b *vec.Batch, dst *vec.BatchBuilder) error {
			for i := b.N - 1; i >= 0; i-- { // the same columns, but no row is where it was
				if err := dst.AppendRow(b.Row(i, nil)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	f.code(f.insert(old, id, item(9, 90, "nine")), sqlerr.SerializationFailure) // the key that it has to check is gone
	f.rollback(old)
	r, err := st.Reader(f.ctx, id)
	f.must(err)
	ref, err := r.Ref(f.ctx, idOf(1))
	f.must(err)
	w, err := st.Writer(f.ctx, id)
	f.must(err)
	_, err = w.Update(f.ctx, []table.RowRef{ref}, []int{2}, f.batch(w.Def(), []int{2}, textRow("uno")))
	f.must(err)
	f.must(st.Close(nil))
	f.commit(early)
	f.equal("rows", f.committed(id), "1|10|uno 2|20|two 3|∅|three")
}

func checkLayoutRestart(f *fixture) {
	id := f.filled()
	f.do(func(tx table.Tx) error { return tx.Schema().AlterRows(f.ctx, widen(tx, id, "w"), withID(7)) })
	f.do(func(tx table.Tx) error { return f.setV(tx, id, 1, "uno") })
	f.reopen(false)
	f.equal("rows from the log", f.committed(id), f.outlives(id, "1|10|uno|7 2|20|two|14 3|∅|three|21"))
	f.must(f.s.Checkpoint(f.ctx))
	f.do(func(tx table.Tx) error {
		d := altered(tx, id)
		d.Keys = nil
		return tx.Schema().Alter(f.ctx, d)
	})
	f.reopen(true)
	f.equal("rows after a power loss", f.committed(id), f.outlives(id, "1|10|uno|7 2|20|two|14 3|∅|three|21"))
	f.must(f.s.Checkpoint(f.ctx))
	f.do(func(tx table.Tx) error {
		d := altered(tx, id)
		d.Columns = d.Columns[1:]
		f.must(tx.Schema().Alter(f.ctx, d))
		return f.insert(tx, id, types.Row{types.NullOf(types.Int4), types.NewString(types.Text, "last"), types.NewInt(types.Int8, 1)})
	})
	f.reopen(false)
	f.equal("rows at last", f.committed(id), f.outlives(id, "10|uno|7 20|two|14 ∅|last|1 ∅|three|21"))
}

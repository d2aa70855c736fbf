package tabletest

import (
	"fmt"
	"strings"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// checkEveryRead: row 1 is read in each way there is, and changed by another transaction.
func checkEveryRead(f *fixture) {
	id := f.filled()
	with := func(read func(r table.Reader) error) func(tx table.Tx) error {
		return func(tx table.Tx) error {
			return f.statement(tx, func(st table.Statement) error {
				r, err := st.Reader(f.ctx, id)
				if err == nil {
					err = read(r)
				}
				return err
			})
		}
	}
	scan := func(where ...table.Conjunct) func(tx table.Tx) error {
		return with(func(r table.Reader) error { _, err := scanAll(f.ctx, r, table.ScanSpec{Where: where}); return err })
	}
	for i, read := range []func(tx table.Tx) error{
		with(func(r table.Reader) error { _, err := r.Get(f.ctx, idOf(1), itemCols, nil); return err }),
		with(func(r table.Reader) error { _, err := r.Ref(f.ctx, idOf(1)); return err }),
		with(func(r table.Reader) error {
			return r.GetBatch(f.ctx, []types.Row{idOf(8), idOf(1)}, itemCols, &vec.Batch{})
		}),
		scan(),
		scan(table.Conjunct{Col: 0, Op: table.OpEq, Value: types.NewInt(types.Int8, 1)}),
		scan(table.Conjunct{Col: 1, Op: table.OpIsNotNull}, table.Conjunct{Col: 1, Op: table.OpLt, Value: intOf(20)}),
		scan(table.Conjunct{Col: 0, Op: table.OpIn, Values: []types.Datum{types.NewInt(types.Int8, 7), types.NewInt(types.Int8, 1)}}),
		scan(table.Conjunct{Col: 2, Op: table.OpNe, Value: types.NewString(types.Text, "two")}),
		scan(table.Conjunct{Col: 0, Op: table.OpFilter, Filter: &table.Filter{Min: 3, Max: 3, Bits: []uint64{1}, Exact: true}}),
		func(tx table.Tx) error { _, err := f.lock(tx, id, table.ForKeyShare, table.WaitBlock, 1); return err },
		with(func(r table.Reader) error { // what narrows the scan may be made of what others change
			s, err := r.Scan(f.ctx, table.ScanSpec{Cols: []int{0}})
			if err == nil {
				s.Narrow(table.Conjunct{Col: 0, Op: table.OpEq, Value: types.NewInt(types.Int8, 3)})
				err = s.Close()
			}
			return err
		}),
	} {
		a := f.serializable()
		sp := f.savepoint(a)
		f.must(read(a))
		f.must(sp.RollbackTo(f.ctx)) // gives the locks back
		f.must(f.setV(a, id, 2, strings.Repeat("a", i+1)))
		f.do(func(tx table.Tx) error { return f.setV(tx, id, 1, strings.Repeat("x", i+1)) })
		f.conflict(a, nil)
	}
}

// checkEveryChange: rows with u of at least 50 are looked for, and another transaction makes or made such a row.
func checkEveryChange(f *fixture) {
	id := f.filled()
	base := "1|10|one 2|20|two 3|∅|three 5|55|five"
	f.do(func(tx table.Tx) error { return f.insert(tx, id, item(5, 55, "five")) })
	int4s := func(u int64) types.Row { return types.Row{intOf(u)} }
	for _, c := range []struct {
		change, back func(tx table.Tx) error
	}{
		{func(tx table.Tx) error { return f.insert(tx, id, item(6, 66, "six")) }, func(tx table.Tx) error { return f.delete(tx, id, 6) }},
		{func(tx table.Tx) error { return f.delete(tx, id, 5) }, func(tx table.Tx) error { return f.insert(tx, id, item(5, 55, "five")) }},
		{func(tx table.Tx) error { return f.update(tx, id, []int64{5}, []int{1}, int4s(5)) }, // moves out
			func(tx table.Tx) error { return f.update(tx, id, []int64{5}, []int{1}, int4s(55)) }},
		{func(tx table.Tx) error { return f.update(tx, id, []int64{1}, []int{1}, int4s(60)) }, // moves in
			func(tx table.Tx) error { return f.update(tx, id, []int64{1}, []int{1}, int4s(10)) }},
		{func(tx table.Tx) error { return f.setV(tx, id, 5, "other") }, func(tx table.Tx) error { return f.setV(tx, id, 5, "five") }},
		{func(tx table.Tx) error { return f.update(tx, id, []int64{5}, []int{0}, idOf(7)) },
			func(tx table.Tx) error { return f.update(tx, id, []int64{7}, []int{0}, idOf(5)) }},
		{func(tx table.Tx) error { // twice in one transaction
			if err := f.setV(tx, id, 5, "first"); err != nil {
				return err
			}
			return f.delete(tx, id, 5)
		}, func(tx table.Tx) error { return f.insert(tx, id, item(5, 55, "five")) }},
		{func(tx table.Tx) error {
			return f.statement(tx, func(st table.Statement) error {
				w, err := st.Writer(f.ctx, id)
				if err == nil {
					err = w.Truncate(f.ctx)
				}
				return err
			})
		}, func(tx table.Tx) error {
			return f.insert(tx, id, item(1, 10, "one"), item(2, 20, "two"), item(3, 0, "three"), item(5, 55, "five"))
		}},
	} {
		other := f.create(items("other"))
		f.do(func(tx table.Tx) error { return f.insert(tx, other, item(1, 1, "one")) })
		a := f.serializable()
		sp := f.savepoint(a)
		f.where(a, id, uAtLeast(50))
		f.must(sp.RollbackTo(f.ctx))
		f.must(f.setV(a, other, 1, "a"))
		f.do(c.change)
		f.conflict(a, nil)
		f.do(c.back)
		f.equal("rows", f.committed(id), base)
		f.do(func(tx table.Tx) error { return tx.Schema().Drop(f.ctx, other) })
	}
}

// checkDefinitionIsChange: another transaction alters or drops a table after, or before, it is read at the snapshot.
func checkDefinitionIsChange(f *fixture) {
	other := f.filled()
	for i, change := range []func(tx table.Tx, id table.ObjectID) error{
		func(tx table.Tx, id table.ObjectID) error { return tx.Schema().Alter(f.ctx, widen(tx, id, "w")) },
		func(tx table.Tx, id table.ObjectID) error { return tx.Schema().Drop(f.ctx, id) },
	} {
		for _, late := range []bool{false, true} {
			id := f.create(items(fmt.Sprint("made", i, late)))
			f.do(func(tx table.Tx) error { return f.insert(tx, id, item(1, 10, "one")) })
			a := f.serializable()
			sp := f.savepoint(a)
			f.get(a, other, 3)
			if late {
				f.do(func(tx table.Tx) error { return change(tx, id) })
			}
			f.equal("rows", f.rows(a, id), "1|10|one")
			f.must(sp.RollbackTo(f.ctx))
			if !late {
				f.do(func(tx table.Tx) error { return change(tx, id) })
			}
			f.conflict(a, f.setV(a, other, 1, "a"))
		}
	}
}

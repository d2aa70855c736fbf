package tabletest

import (
	"strings"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// savepointRules are about Savepoint.
var savepointRules = []rule{
	{"savepoints", "Savepoints", checkSavepoints},
	{"savepoints give locks back", "Savepoints", checkSavepointLocks},
	{"savepoints and the schema", "Savepoints", checkSavepointSchema},
	{"savepoints come and go", "Savepoints", checkSavepointStack},
	{"rollback to a savepoint ends statements", "Savepoints", checkSavepointStatements},
	{"rollback to a savepoint within a statement", "Savepoints", checkSavepointWithin},
	{"rows whose locks were given back", "Savepoints", checkReturnedLocks},
}

func (f *fixture) savepoint(tx table.Tx) table.Savepoint {
	f.t.Helper()
	sp, err := tx.Savepoint(f.ctx)
	f.must(err)
	return sp
}

func checkSavepoints(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	f.must(f.setV(tx, id, 1, "before"))
	outer := f.savepoint(tx)
	f.must(f.setV(tx, id, 1, "after"))
	f.must(f.delete(tx, id, 2))
	afterOuter := "1|10|after 3|∅|three"
	inner := f.savepoint(tx)
	f.must(f.update(tx, id, []int64{1}, []int{0}, idOf(7)))
	f.must(f.insert(tx, id, item(2, 20, "again"), item(1, 11, "other")))
	f.equal("rows", f.rows(tx, id), "1|11|other 2|20|again 3|∅|three 7|10|after")
	for range 2 { // a savepoint stays after a rollback to it
		f.must(inner.RollbackTo(f.ctx))
		f.equal("rows at the inner savepoint", f.rows(tx, id), afterOuter)
		f.must(f.delete(tx, id, 1))
	}
	f.must(inner.RollbackTo(f.ctx))
	f.must(inner.Release(f.ctx))
	f.equal("rows after the release", f.rows(tx, id), afterOuter)
	f.must(outer.RollbackTo(f.ctx))
	f.equal("rows at the outer savepoint", f.rows(tx, id), "1|10|before 2|20|two 3|∅|three")
	f.must(f.insert(tx, id, item(4, 20+1, "four")))
	f.commit(tx)
	f.equal("rows", f.committed(id), "1|10|before 2|20|two 3|∅|three 4|21|four")
	f.verify()
}

func checkSavepointLocks(f *fixture) {
	id := f.filled()
	tx, other := f.begin(table.TxOptions{}), f.begin(table.TxOptions{LockWait: time.Millisecond})
	_, err := f.lock(tx, id, table.ForShare, table.WaitBlock, 3)
	f.must(err)
	sp := f.savepoint(tx)
	f.must(f.delete(tx, id, 1, 3))
	f.must(f.insert(tx, id, item(4, 40, "four")))
	f.code(f.delete(other, id, 1), sqlerr.LockNotAvailable)
	f.code(f.insert(other, id, item(5, 40, "five")), sqlerr.LockNotAvailable)
	f.must(sp.RollbackTo(f.ctx))
	f.must(f.delete(other, id, 1))
	f.must(f.insert(other, id, item(5, 40, "five")))
	_, err = f.lock(other, id, table.ForKeyShare, table.NoWait, 3)
	f.must(err)
	_, err = f.lock(other, id, table.ForUpdate, table.NoWait, 3)
	f.code(err, sqlerr.LockNotAvailable) // the lock from before the savepoint is still held
	f.code(other.LockTable(f.ctx, id, table.Exclusive, table.WaitBlock), sqlerr.LockNotAvailable)
	f.commit(tx)
	f.commit(other)
	f.equal("rows", f.committed(id), "2|20|two 3|∅|three 5|40|five")
	// A wait ends when the holder returns to its savepoint.
	tx, other = f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
	sp = f.savepoint(tx)
	f.must(f.delete(tx, id, 2))
	done := background(func() error { return f.setV(other, id, 2, "mine") })
	f.waiting(other)
	f.must(sp.RollbackTo(f.ctx))
	f.must(<-done)
	f.commit(other)
	f.rollback(tx)
}

func checkSavepointSchema(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	sp := f.savepoint(tx)
	u, err := tx.Schema().Create(f.ctx, f.method(items("u")))
	f.must(err)
	f.must(f.insert(tx, u, item(5, 5, "five")))
	f.must(tx.Schema().Drop(f.ctx, id))
	f.must(sp.RollbackTo(f.ctx))
	f.equal("found after the rollback", []table.ObjectID{lookup(tx, "u"), lookup(tx, "t")}, []table.ObjectID{0, id})
	f.equal("rows", f.rows(tx, id), filledRows)
	f.code(f.insert(tx, u, item(6, 6, "six")), sqlerr.UndefinedTable)
	other := f.begin(table.TxOptions{LockWait: time.Millisecond}) // names and tables are free again
	f.must(f.setV(other, id, 1, "x"))
	_, err = other.Schema().Create(f.ctx, items("u"))
	f.must(err)
	f.rollback(other)
	v, err := tx.Schema().Create(f.ctx, f.method(items("v")))
	f.must(err)
	inner := f.savepoint(tx)
	f.must(f.insert(tx, v, item(1, 1, "one")))
	d := altered(tx, v)
	d.Columns[2].NotNull = false
	f.must(tx.Schema().Alter(f.ctx, d))
	f.must(f.insert(tx, v, item(2, 2, "")))
	f.must(inner.RollbackTo(f.ctx))
	f.code(f.insert(tx, v, item(2, 2, "")), sqlerr.NotNullViolation)
	f.must(f.insert(tx, v, item(3, 3, "three")))
	f.commit(tx)
	f.equal("rows", f.committed(id)+" / "+f.committed(v), filledRows+" / 3|3|three")
}

func checkSavepointStack(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	a, b, c := f.savepoint(tx), f.savepoint(tx), f.savepoint(tx)
	f.must(f.setV(tx, id, 1, "x"))
	f.must(b.Release(f.ctx)) // and c with it
	for _, sp := range []table.Savepoint{b, c} {
		f.code(sp.RollbackTo(f.ctx), sqlerr.InvalidSavepointSpecification)
		f.code(sp.Release(f.ctx), sqlerr.InvalidSavepointSpecification)
	}
	f.equal("rows", f.rows(tx, id), "1|10|x 2|20|two 3|∅|three")
	b = f.savepoint(tx)
	f.must(a.RollbackTo(f.ctx))
	f.code(b.Release(f.ctx), sqlerr.InvalidSavepointSpecification)
	f.equal("rows", f.rows(tx, id), filledRows)
	f.must(a.Release(f.ctx))
	a = f.savepoint(tx)
	f.commit(tx)
	if a.RollbackTo(f.ctx) == nil || a.Release(f.ctx) == nil {
		f.t.Error("a savepoint outlives its transaction")
	}
}

// checkSavepointStatements: a statement that began after the savepoint ends with the rollback to it; what is done with it
// afterwards is an error. One that began before it goes on.
func checkSavepointStatements(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	before, err := tx.Statement(f.ctx)
	f.must(err)
	_, err = before.Reader(f.ctx, id)
	f.must(err)
	sp := f.savepoint(tx)
	f.must(f.insert(tx, id, item(4, 40, "four")))
	st, err := tx.Statement(f.ctx)
	f.must(err)
	refs, w, err := f.refs(st, id, 1, 4)
	f.must(err)
	r, err := st.Reader(f.ctx, id)
	f.must(err)
	s, err := r.Scan(f.ctx, table.ScanSpec{Cols: []int{0}})
	f.must(err)
	_, err = w.Delete(f.ctx, refs)
	f.must(err)
	f.must(sp.RollbackTo(f.ctx))
	f.used(st, r, w, id, refs)
	_, _ = s.NextMorsel(f.ctx)
	f.must(s.Close())
	f.equal("rows", f.rows(tx, id), filledRows)
	got, err := f.read(before, id, table.ScanSpec{})
	f.must(err)
	f.equal("rows of an older statement", joinRows(got), filledRows)
	f.must(before.Close(nil))
	f.must(f.insert(tx, id, item(5, 40, "five")))
	f.commit(tx)
	f.equal("rows", f.committed(id), filledRows+" 5|40|five")
}

// checkSavepointWithin: a statement that began before the savepoint wrote its first row after it. It goes on without that
// row, however it ends.
func checkSavepointWithin(f *fixture) {
	id := f.filled()
	for i, end := range []error{nil, errOnPurpose} {
		tx := f.begin(table.TxOptions{})
		f.must(f.setV(tx, id, 1, "kept"))
		st, err := tx.Statement(f.ctx)
		f.must(err)
		sp := f.savepoint(tx)
		f.must(f.insert(tx, id, item(50, 50, "nested"), item(51, 51, "nested")))
		refs, w, err := f.refs(st, id, 2, 3)
		f.must(err)
		_, err = w.Delete(f.ctx, refs[:1])
		f.must(err)
		l, err := w.Load(f.ctx, table.LoadOptions{})
		f.must(err)
		f.must(l.Append(f.ctx, f.batch(w.Def(), itemCols, item(7, 70, "gone"), item(8, 80, "gone"))))
		f.must(sp.RollbackTo(f.ctx))
		f.must(l.Append(f.ctx, f.batch(w.Def(), itemCols, item(9, 90, "loaded"))))
		other := f.begin(table.TxOptions{LockWait: time.Millisecond})
		f.code(f.insert(other, id, item(9, 91, "x")), sqlerr.LockNotAvailable)
		f.rollback(other)
		if i == 0 {
			_, err = l.Finish(f.ctx)
			f.must(err)
		} else {
			f.must(l.Abort())
		}
		_, err = w.Delete(f.ctx, refs[1:])
		f.must(err)
		f.equal("close", st.Close(end), end)
		want := "1|10|kept 2|20|two 9|90|loaded"
		if end != nil {
			want = "1|10|kept 2|20|two 3|∅|three"
		}
		f.equal("rows", f.rows(tx, id), want)
		f.must(f.insert(tx, id, item(7, 70, "again")))
		f.equal("number of rows", len(strings.Fields(f.rows(tx, id))), 4)
		f.rollback(tx)
	}
	f.equal("rows", f.committed(id), filledRows)
}

// checkReturnedLocks: what a statement locked after a savepoint may be another version once the locks were given back.
func checkReturnedLocks(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	st, err := tx.Statement(f.ctx)
	f.must(err)
	refs, w, err := f.refs(st, id, 1, 2)
	f.must(err)
	sp := f.savepoint(tx)
	f.must(w.Lock(f.ctx, refs, table.ForUpdate, table.WaitBlock, make([]table.LockResult, len(refs))))
	f.must(sp.RollbackTo(f.ctx))
	f.do(func(tx table.Tx) error { return f.setV(tx, id, 1, "theirs") })
	_, err = w.Delete(f.ctx, refs)
	f.code(err, sqlerr.SerializationFailure)
	f.code(st.Close(err), sqlerr.SerializationFailure)
	f.rollback(tx)
	f.equal("rows", f.committed(id), "1|10|theirs 2|20|two 3|∅|three")
}

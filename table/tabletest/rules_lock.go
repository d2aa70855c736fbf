package tabletest

import (
	"fmt"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

// lockRules are about locks on rows.
var lockRules = []rule{
	{"row lock modes", "RowLocks", checkRowModes},
	{"wait policies", "RowLocks", checkWaitPolicies},
	{"rows are followed", "RowLocks", checkFollow},
	{"own rows raise their lock", "RowLocks", checkOwnLock},
	{"deadlock", "RowLocks", checkDeadlock},
	{"lock timeout", "RowLocks", checkLockTimeout},
	{"an update waits and fails", "RowLocks", checkUpdateWaits},
}

// rowConflicts has an x for each pair of row lock modes that exclude each other, as in PostgreSQL.
var rowConflicts = [4]string{"---x", "--xx", "-xxx", "xxxx"}

func checkRowModes(f *fixture) {
	id := f.filled()
	for a := range table.RowLock(4) {
		for b := range table.RowLock(4) {
			first, second := f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
			_, err := f.lock(first, id, a, table.NoWait, 1)
			f.must(err)
			_, err = f.lock(second, id, b, table.NoWait, 1)
			if rowConflicts[a][b] == 'x' {
				f.code(err, sqlerr.LockNotAvailable, `could not obtain lock on row in relation "t"`)
			} else if err != nil {
				f.t.Errorf("mode %d beside mode %d: %v", b, a, err)
			}
			f.rollback(first)
			_, err = f.lock(second, id, b, table.NoWait, 1, 2)
			f.must(err)
			f.rollback(second)
		}
	}
}

func checkWaitPolicies(f *fixture) {
	id := f.filled()
	holder, tx := f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
	f.must(f.setV(holder, id, 1, "x"))
	out, err := f.lock(tx, id, table.ForUpdate, table.SkipLocked, 1, 2, 3)
	f.must(err)
	f.equal("skip locked", []table.LockStatus{out[0].Status, out[1].Status, out[2].Status},
		[]table.LockStatus{table.Skipped, table.Unchanged, table.Unchanged})
	_, err = f.lock(tx, id, table.ForKeyShare, table.NoWait, 1) // beside an update of no key
	f.must(err)
	_, err = f.lock(tx, id, table.ForShare, table.NoWait, 1)
	f.code(err, sqlerr.LockNotAvailable, `could not obtain lock on row in relation "t"`)
	f.code(tx.LockTable(f.ctx, id, table.Exclusive, table.NoWait), sqlerr.LockNotAvailable, `could not obtain lock on relation "t"`)
	f.code(tx.LockTable(f.ctx, id, table.Share, table.SkipLocked), sqlerr.InvalidParameterValue)
	f.rollback(holder)
	f.rollback(tx)
}

// checkFollow: what a READ COMMITTED statement locks has changed meanwhile: it gets the newest version, under a changed
// key too, and the version that it gets is there to be read and changed.
func checkFollow(f *fixture) {
	id := f.filled()
	for _, c := range []struct {
		ids  []int64
		do   func(tx table.Tx) error
		want []table.LockStatus
		rows string
	}{
		{[]int64{1, 2}, func(tx table.Tx) error { return f.setV(tx, id, 1, "x") },
			[]table.LockStatus{table.Moved, table.Unchanged}, "1|10|followed 2|20|two 3|∅|three"},
		{[]int64{1, 2, 3}, func(tx table.Tx) error { return f.update(tx, id, []int64{1, 2}, []int{0}, idOf(2), idOf(22)) },
			[]table.LockStatus{table.Moved, table.Moved, table.Unchanged}, "2|10|followed 22|20|followed 3|∅|three"},
		{[]int64{3, 22}, func(tx table.Tx) error { return f.delete(tx, id, 22) },
			[]table.LockStatus{table.Unchanged, table.Gone}, "2|10|followed 3|∅|three"},
		// A row that has got the key of a deleted one is another row, whether in the same transaction
		// or in a later one, by an insert or by a change of its key.
		{[]int64{2}, func(tx table.Tx) error {
			f.must(f.delete(tx, id, 2))
			return f.insert(tx, id, item(2, 10, "another"))
		}, []table.LockStatus{table.Gone}, "2|10|another 3|∅|three"},
		{[]int64{2, 3}, func(tx table.Tx) error {
			f.must(f.delete(tx, id, 2))
			return f.update(tx, id, []int64{3}, []int{0}, idOf(2))
		}, []table.LockStatus{table.Gone, table.Moved}, "2|∅|followed"},
		{[]int64{2}, func(tx table.Tx) error {
			f.do(func(tx table.Tx) error { return f.delete(tx, id, 2) })
			f.do(func(tx table.Tx) error { return f.insert(tx, id, item(2, 20, "a later one")) })
			return f.setV(tx, id, 2, "later still")
		}, []table.LockStatus{table.Gone}, "2|20|later still"},
	} {
		f.equal("what became of them", f.follow(id, c.ids, c.do), c.want)
		f.equal("rows", f.committed(id), c.rows)
	}
}

// follow locks rows in a statement that began before a change of them was committed, and changes those that moved.
func (f *fixture) follow(id table.ObjectID, ids []int64, change func(tx table.Tx) error) (status []table.LockStatus) {
	f.t.Helper()
	tx, other := f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
	f.must(f.statement(tx, func(st table.Statement) error {
		refs, w, err := f.refs(st, id, ids...)
		f.must(err)
		f.must(change(other))
		out := make([]table.LockResult, len(refs))
		done := background(func() error { return w.Lock(f.ctx, refs, table.ForUpdate, table.WaitBlock, out) })
		f.waiting(tx)
		f.commit(other)
		f.must(<-done)
		r, err := st.Reader(f.ctx, id)
		f.must(err)
		for i := range out {
			status = append(status, out[i].Status)
			if out[i].Status != table.Moved {
				continue
			}
			var b vec.Batch
			moved := []table.RowRef{out[i].Ref}
			f.must(r.Fetch(f.ctx, moved, itemCols, &b))
			f.equal("rows by reference", b.N, 1)
			up, err := w.Update(f.ctx, moved, []int{2}, f.batch(w.Def(), []int{2}, textRow("followed")))
			f.must(err)
			f.equal("rows changed", up.Rows, 1)
		}
		return nil
	}))
	f.commit(tx)
	return status
}

// checkOwnLock: an update of no key leaves room for KEY SHARE. What the transaction does to its own version later takes
// that room away.
func checkOwnLock(f *fixture) {
	id := f.filled()
	for i, more := range []func(tx table.Tx) error{
		func(tx table.Tx) error { return f.delete(tx, id, 1) },
		func(tx table.Tx) error { return f.update(tx, id, []int64{1}, []int{1}, item(0, 99, "")[1:2]) },
		func(tx table.Tx) error { return f.update(tx, id, []int64{1}, []int{0}, idOf(99)) },
		func(tx table.Tx) error { _, err := f.lock(tx, id, table.ForUpdate, table.WaitBlock, 1); return err },
	} {
		tx, other := f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
		f.must(f.setV(tx, id, 1, "x"))
		_, err := f.lock(other, id, table.ForKeyShare, table.NoWait, 1)
		f.must(err)
		f.rollback(other)
		f.must(more(tx))
		other = f.begin(table.TxOptions{})
		if _, err = f.lock(other, id, table.ForKeyShare, table.NoWait, 1); sqlerr.CodeOf(err) != sqlerr.LockNotAvailable {
			f.t.Errorf("case %d: KEY SHARE: %v", i, err)
		}
		f.rollback(other)
		f.rollback(tx)
	}
}

func checkDeadlock(f *fixture) {
	id := f.filled()
	a, b := f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
	f.must(f.delete(a, id, 1))
	f.must(f.delete(b, id, 2))
	done := background(func() error { return f.delete(a, id, 2) })
	f.waiting(a)
	err := f.delete(b, id, 1)
	f.code(err, sqlerr.DeadlockDetected, "deadlock detected")
	if sqlerr.From(err).Detail == "" {
		f.t.Error("a deadlock without a detail")
	}
	f.rollback(b)
	f.must(<-done)
	f.commit(a)
	f.equal("rows", f.committed(id), "3|∅|three")
	f.equal("deadlocks", f.s.Metrics().Deadlocks, 1)
}

func checkLockTimeout(f *fixture) {
	id := f.filled()
	holder := f.begin(table.TxOptions{})
	f.must(f.delete(holder, id, 1))
	tx := f.begin(table.TxOptions{LockWait: time.Millisecond})
	const text = "canceling statement due to lock timeout"
	f.code(f.setV(tx, id, 1, "x"), sqlerr.LockNotAvailable, text)
	f.code(f.insert(tx, id, item(1, 11, "x")), sqlerr.LockNotAvailable, text)
	f.code(f.insert(tx, id, item(9, 10, "x")), sqlerr.LockNotAvailable, text)
	f.code(tx.LockTable(f.ctx, id, table.Share, table.WaitBlock), sqlerr.LockNotAvailable, text)
	f.must(f.setV(tx, id, 2, "x"))
	f.commit(tx)
	f.rollback(holder)
	if n := f.s.Metrics().LockTimeouts; n != 4 {
		f.t.Errorf("%d lock timeouts", n)
	}
}

// checkUpdateWaits: an update waits for the row, and if it has changed by then, is refused: the caller has to lock and
// check first.
func checkUpdateWaits(f *fixture) {
	id := f.filled()
	for _, commit := range []bool{false, true} {
		holder, tx := f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
		f.must(f.setV(holder, id, 1, "first"))
		done := background(func() error { return f.setV(tx, id, 1, "second") })
		f.waiting(tx)
		if commit {
			f.commit(holder)
			f.code(<-done, sqlerr.SerializationFailure)
			f.rollback(tx)
		} else {
			f.rollback(holder)
			f.must(<-done)
			f.commit(tx)
		}
	}
	f.equal("rows", f.committed(id), "1|10|first 2|20|two 3|∅|three")
}

// tableLockRules are about locks on tables.
var tableLockRules = []rule{
	{"table lock modes", "RowLocks", checkTableModes},
	{"table locks of statements", "", checkStatementLocks},
}

// tableConflicts is as rowConflicts, for the eight table lock modes.
var tableConflicts = [8]string{
	"-------x", "------xx", "----xxxx", "---xxxxx", "--xx-xxx", "--xxxxxx", "-xxxxxxx", "xxxxxxxx",
}

func checkTableModes(f *fixture) {
	id := f.filled()
	for a := table.AccessShare; a <= table.AccessExclusive; a++ {
		for b := table.AccessShare; b <= table.AccessExclusive; b++ {
			first, second := f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
			f.must(first.LockTable(f.ctx, id, a, table.WaitBlock))
			err := second.LockTable(f.ctx, id, b, table.NoWait)
			if tableConflicts[a-1][b-1] == 'x' {
				f.code(err, sqlerr.LockNotAvailable, `could not obtain lock on relation "t"`)
			} else if err != nil {
				f.t.Errorf("mode %d beside mode %d: %v", b, a, err)
			}
			if err != nil {
				f.must(first.LockTable(f.ctx, id, b, table.NoWait)) // own locks never conflict
			}
			f.rollback(first)
			f.must(second.LockTable(f.ctx, id, b, table.NoWait))
			f.rollback(second)
		}
	}
}

// checkStatementLocks: readers, writers and changes of the definition hold the locks of PostgreSQL to the end.
func checkStatementLocks(f *fixture) {
	id := f.filled()
	altered := func(tx table.Tx) error {
		d := tx.Schema().ByID(id).CloneObject().(*table.TableDef)
		d.Name = "renamed"
		return tx.Schema().Alter(f.ctx, d)
	}
	for name, c := range map[string]struct {
		do   func(tx table.Tx) error
		mode table.TableLock
	}{
		"read":     {func(tx table.Tx) error { f.rows(tx, id); return nil }, table.AccessShare},
		"write":    {func(tx table.Tx) error { return f.setV(tx, id, 1, "x") }, table.RowExclusive},
		"truncate": {func(tx table.Tx) error { f.truncate(tx, id); return nil }, table.AccessExclusive},
		"alter":    {altered, table.AccessExclusive},
		"drop":     {func(tx table.Tx) error { return tx.Schema().Drop(f.ctx, id) }, table.AccessExclusive},
	} {
		tx := f.begin(table.TxOptions{})
		f.must(c.do(tx))
		for other := table.AccessShare; other <= table.AccessExclusive; other++ {
			second := f.begin(table.TxOptions{})
			err := second.LockTable(f.ctx, id, other, table.NoWait)
			if free := tableConflicts[c.mode-1][other-1] != 'x'; free != (err == nil) {
				f.t.Errorf("%s: mode %d answers %v", name, other, err)
			}
			f.rollback(second)
		}
		f.rollback(tx)
	}
	f.equal("rows", f.committed(id), filledRows)
	f.equal("waits", fmt.Sprint(f.s.Metrics().LockWaits), "[]")
}

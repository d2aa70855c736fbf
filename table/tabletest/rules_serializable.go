package tabletest

import (
	"fmt"
	"strings"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// serializableRules are about what SERIALIZABLE promises above REPEATABLE READ. They ask for conflicts that must be found
// and for transactions that must not be refused; a storage may refuse others.
var serializableRules = []rule{
	{"write skew", "Serializable", checkWriteSkew},
	{"write skew by key", "Serializable", checkSkewByKey},
	{"write skew by absent keys", "Serializable", checkSkewByAbsence},
	{"write skew by predicate", "Serializable", checkSkewByPredicate},
	{"what was read is validated at commit", "Serializable", checkValidatedAtCommit},
	{"what was read is validated at the end of statements", "Serializable", checkValidatedAtStatement},
	{"every way to read is validated", "Serializable", checkEveryRead},
	{"every way to change is validated against", "Serializable", checkEveryChange},
	{"a new definition is a change", "Serializable", checkDefinitionIsChange},
	{"read-only anomaly", "Serializable", checkReadOnlyAnomaly},
	{"a conflict comes before a duplicate", "Serializable", checkConflictBeforeDuplicate},
	{"a duplicate is something read", "Serializable", checkDuplicateIsRead},
	{"a free key is something read", "Serializable", checkFreeKeyIsRead},
	{"readers and blind writers are never refused", "Serializable", checkNeverRefused},
	{"who truncates nothing changes nothing", "Serializable", checkEmptyTruncation},
	{"savepoints keep what was read", "Serializable", checkSerializableSavepoints},
	{"serializable across tables", "Serializable", checkSkewAcrossTables},
	{"serializable without keys", "Serializable", checkSkewKeyless},
}

const dependencies = "could not serialize access due to read/write dependencies among transactions"

func (f *fixture) serializable() table.Tx {
	f.t.Helper()
	return f.begin(table.TxOptions{Isolation: table.Serializable})
}

// get looks keys up and returns how many are there.
func (f *fixture) get(tx table.Tx, id table.ObjectID, keys ...int64) (n int) {
	f.t.Helper()
	f.must(f.statement(tx, func(st table.Statement) error {
		r, err := st.Reader(f.ctx, id)
		for _, k := range keys {
			if err == nil {
				if _, err = r.Get(f.ctx, idOf(k), itemCols, nil); err == nil {
					n++
				} else if err == table.ErrNotFound {
					err = nil
				}
			}
		}
		return err
	}))
	return n
}

// where scans for the rows that meet conjuncts, and returns how many do.
func (f *fixture) where(tx table.Tx, id table.ObjectID, where ...table.Conjunct) (n int) {
	f.t.Helper()
	f.must(f.statement(tx, func(st table.Statement) error {
		out, err := f.read(st, id, table.ScanSpec{Where: where})
		n = len(out.rows)
		return err
	}))
	return n
}

// ended is the outcome of a transaction after its last statement: the error of that or of the commit.
func (f *fixture) ended(tx table.Tx, err error) error {
	f.t.Helper()
	if err == nil {
		_, err = tx.Commit(f.ctx)
	}
	f.must(tx.Rollback())
	return err
}

// conflict checks that a transaction is refused because of what it has read.
func (f *fixture) conflict(tx table.Tx, err error) {
	f.t.Helper()
	f.code(f.ended(tx, err), sqlerr.SerializationFailure, dependencies)
}

func intOf(x int64) types.Datum { return types.NewInt(types.Int4, x) }

func uAtLeast(x int64) table.Conjunct {
	return table.Conjunct{Col: 1, Op: table.OpGe, Value: intOf(x)}
}

// checkWriteSkew: each of two transactions reads the whole table, for a sum perhaps, and changes a row.
func checkWriteSkew(f *fixture) {
	id := f.filled()
	a, b := f.serializable(), f.serializable()
	f.rows(a, id)
	f.rows(b, id)
	f.must(f.ended(a, f.setV(a, id, 1, "a")))
	f.conflict(b, f.setV(b, id, 2, "b"))
	f.equal("rows", f.committed(id), "1|10|a 2|20|two 3|∅|three")
}

// checkSkewByKey is G2-item: each reads two rows and changes one of them.
func checkSkewByKey(f *fixture) {
	id := f.filled()
	a, b := f.serializable(), f.serializable()
	f.get(a, id, 1, 2)
	f.get(b, id, 1, 2)
	f.must(f.setV(a, id, 1, "a"))
	f.must(f.setV(b, id, 2, "b"))
	f.must(f.ended(a, nil))
	f.conflict(b, nil)
}

// checkSkewByAbsence: each finds a row missing that the other one adds.
func checkSkewByAbsence(f *fixture) {
	id := f.filled()
	a, b := f.serializable(), f.serializable()
	f.equal("rows found", f.get(a, id, 8)+f.get(b, id, 9), 0)
	f.must(f.insert(a, id, item(9, 0, "a")))
	f.must(f.insert(b, id, item(8, 0, "b")))
	f.must(f.ended(a, nil))
	f.conflict(b, nil)
}

// checkSkewByPredicate: each looks for rows in a range, finds none, and adds one.
func checkSkewByPredicate(f *fixture) {
	id := f.filled()
	a, b := f.serializable(), f.serializable()
	f.equal("rows found", f.where(a, id, uAtLeast(50))+f.where(b, id, uAtLeast(50)), 0)
	f.must(f.insert(a, id, item(8, 80, "a")))
	f.must(f.insert(b, id, item(9, 90, "b")))
	f.must(f.ended(a, nil))
	f.conflict(b, nil)
}

func checkValidatedAtCommit(f *fixture) {
	id := f.filled()
	for _, iso := range []table.Isolation{table.ReadCommitted, table.RepeatableRead, table.Serializable} {
		a, other := f.serializable(), f.begin(table.TxOptions{Isolation: iso})
		f.get(a, id, 1)
		f.must(f.setV(a, id, 2, "a"))
		f.must(f.ended(other, f.setV(other, id, 1, "other")))
		_, err := a.Commit(f.ctx)
		f.code(err, sqlerr.SerializationFailure, dependencies)
		f.rollback(a)
		f.equal("rows", f.committed(id), "1|10|other 2|20|two 3|∅|three")
	}
	f.verify()
}

// checkValidatedAtStatement: a statement, be it one that reads something else, ends with the conflict, once the transaction
// has written.
func checkValidatedAtStatement(f *fixture) {
	id := f.filled()
	a := f.serializable()
	f.get(a, id, 1)
	f.do(func(tx table.Tx) error { return f.setV(tx, id, 1, "other") })
	f.get(a, id, 3) // nothing is written yet
	f.code(f.setV(a, id, 2, "a"), sqlerr.SerializationFailure, dependencies)
	f.rollback(a)

	a = f.serializable()
	f.get(a, id, 1)
	f.must(f.setV(a, id, 2, "a"))
	f.do(func(tx table.Tx) error { return f.setV(tx, id, 1, "more") })
	f.code(f.statement(a, func(st table.Statement) error { _, err := st.Reader(f.ctx, id); return err }),
		sqlerr.SerializationFailure, dependencies)
	f.rollback(a)
	f.equal("rows", f.committed(id), "1|10|more 2|20|two 3|∅|three")
}

// checkReadOnlyAnomaly: a withdrawal reads two accounts, a deposit into the second one commits, a report sees that and
// not yet the withdrawal; then the withdrawal must not commit as if there had been no deposit.
func checkReadOnlyAnomaly(f *fixture) {
	id := f.filled()
	withdrawal, deposit := f.serializable(), f.serializable()
	f.get(withdrawal, id, 1, 2)
	f.get(deposit, id, 2)
	f.must(f.ended(deposit, f.setV(deposit, id, 2, "deposit")))
	report := f.begin(table.TxOptions{Isolation: table.Serializable, ReadOnly: true})
	f.equal("rows", f.rows(report, id), "1|10|one 2|20|deposit 3|∅|three")
	f.commit(report)
	f.conflict(withdrawal, f.setV(withdrawal, id, 1, "withdrawal"))
}

// checkConflictBeforeDuplicate: both have looked whether a key is free.
func checkConflictBeforeDuplicate(f *fixture) {
	id := f.filled()
	for _, look := range []func(tx table.Tx){
		func(tx table.Tx) { f.get(tx, id, 8) },
		func(tx table.Tx) {
			f.where(tx, id, table.Conjunct{Col: 1, Op: table.OpEq, Value: intOf(80)})
		},
	} {
		a, b := f.serializable(), f.serializable()
		look(a)
		look(b)
		f.must(f.ended(a, f.insert(a, id, item(8, 80, "a"))))
		f.code(f.insert(b, id, item(8, 80, "b")), sqlerr.SerializationFailure, dependencies)
		f.rollback(b)
		a, b = f.serializable(), f.serializable() // who did not look finds a duplicate
		f.rows(a, id)
		f.get(b, id, 3)
		f.must(f.ended(a, f.insert(a, id, item(9, 90, "a"))))
		f.code(f.insert(b, id, item(9, 91, "b")), sqlerr.UniqueViolation)
		f.rollback(b)
		f.do(func(tx table.Tx) error { return f.delete(tx, id, 8, 9) })
	}
	a, b := f.serializable(), f.serializable() // waits for the first one to commit
	f.get(a, id, 8)
	f.get(b, id, 8)
	f.must(f.insert(a, id, item(8, 80, "a")))
	done := background(func() error { return f.insert(b, id, item(8, 80, "b")) })
	f.waiting(b)
	f.commit(a)
	f.code(<-done, sqlerr.SerializationFailure, dependencies)
	f.rollback(b)
}

// checkDuplicateIsRead: a transaction learns that a key is taken, and another one frees it.
func checkDuplicateIsRead(f *fixture) {
	id := f.filled()
	for _, row := range []types.Row{item(2, 0, "again"), item(8, 20, "again")} {
		for _, nothing := range []bool{false, true} {
			a := f.serializable()
			sp := f.savepoint(a)
			err := f.statement(a, func(st table.Statement) error {
				w, err := st.Writer(f.ctx, id)
				if err == nil {
					_, err = w.Insert(f.ctx, f.batch(w.Def(), itemCols, row), table.OnConflict{DoNothing: nothing, Key: -1})
				}
				return err
			})
			f.code(err, map[bool]sqlerr.Code{false: sqlerr.UniqueViolation, true: "00000"}[nothing])
			f.must(sp.RollbackTo(f.ctx))
			f.must(f.setV(a, id, 1, "taken"))
			f.do(func(tx table.Tx) error { return f.delete(tx, id, 2) })
			f.conflict(a, nil)
			f.do(func(tx table.Tx) error { return f.insert(tx, id, item(2, 20, "two")) })
		}
	}
}

func checkNeverRefused(f *fixture) {
	id := f.filled()
	reader, only := f.serializable(), f.begin(table.TxOptions{Isolation: table.Serializable, ReadOnly: true})
	blind, undone := f.serializable(), f.serializable()
	f.equal("rows", f.rows(reader, id), filledRows)
	f.equal("rows", f.rows(only, id), filledRows)
	f.must(f.insert(blind, id, item(8, 80, "blind")))
	f.rows(undone, id)
	sp := f.savepoint(undone)
	f.must(f.setV(undone, id, 2, "undone"))
	f.must(sp.RollbackTo(f.ctx))
	f.do(func(tx table.Tx) error {
		f.must(f.insert(tx, id, item(7, 70, "seven")))
		return f.setV(tx, id, 1, "other")
	})
	for _, tx := range []table.Tx{reader, only, undone} {
		f.equal("rows", f.rows(tx, id), filledRows)
		f.commit(tx)
	}
	f.must(f.insert(blind, id, item(9, 90, "blind")))
	f.equal("rows that were written", f.get(blind, id, 8, 9), 2) // by itself
	f.commit(blind)
	f.equal("rows", f.committed(id), "1|10|other 2|20|two 3|∅|three 7|70|seven 8|80|blind 9|90|blind")
}

// checkEmptyTruncation: TRUNCATE of a table without rows conflicts with nobody who has read it, and with rows it does.
func checkEmptyTruncation(f *fixture) {
	id, other := f.create(items("t")), f.create(items("other"))
	truncate := func(tx table.Tx) error {
		return f.writing(tx, id, func(w table.Writer) error { return w.Truncate(f.ctx) })
	}
	for i := range int64(3) {
		a := f.serializable()
		f.must(f.insert(a, other, item(i, 0, "a"))) // the View is from before the other's commit
		f.do(truncate)
		f.equal("rows", f.rows(a, id), "")
		f.equal("row", f.get(a, id, 3), 0)
		f.commit(a)
	}
	f.do(func(tx table.Tx) error { return f.insert(tx, id, item(3, 30, "three")) })
	a := f.serializable()
	f.must(f.insert(a, other, item(9, 0, "a")))
	f.do(truncate)
	f.conflict(a, f.statement(a, func(st table.Statement) error {
		r, err := st.Reader(f.ctx, id)
		if err == nil {
			_, err = r.Get(f.ctx, idOf(3), itemCols, nil)
		}
		return err
	}))
}

func checkSerializableSavepoints(f *fixture) {
	id := f.filled()
	a := f.serializable()
	f.must(f.setV(a, id, 2, "a"))
	sp := f.savepoint(a)
	f.get(a, id, 1)
	f.must(sp.RollbackTo(f.ctx))
	f.do(func(tx table.Tx) error { return f.setV(tx, id, 1, "other") })
	f.code(f.setV(a, id, 3, "a"), sqlerr.SerializationFailure, dependencies)
	f.must(sp.RollbackTo(f.ctx)) // does not undo what was read
	f.conflict(a, nil)
	f.equal("rows", f.committed(id), "1|10|other 2|20|two 3|∅|three")
}

// checkFreeKeyIsRead: a transaction learns that a key is free, by adding a row and taking it back.
func checkFreeKeyIsRead(f *fixture) {
	id := f.filled()
	for _, add := range []func(tx table.Tx) error{
		func(tx table.Tx) error { return f.insert(tx, id, item(8, 80, "free")) },
		func(tx table.Tx) error { return f.update(tx, id, []int64{3}, []int{1}, types.Row{intOf(80)}) },
	} {
		a := f.serializable()
		sp := f.savepoint(a)
		f.must(add(a))
		f.must(sp.RollbackTo(f.ctx))
		f.must(f.setV(a, id, 1, "free"))
		f.do(func(tx table.Tx) error { return f.insert(tx, id, item(8, 80, "taken")) })
		f.conflict(a, nil)
		f.do(func(tx table.Tx) error { return f.delete(tx, id, 8) })
	}
}

// checkSkewAcrossTables: each reads the table that the other one writes to.
func checkSkewAcrossTables(f *fixture) {
	t, u := f.filled(), f.create(items("u"))
	a, b := f.serializable(), f.serializable()
	f.rows(a, t)
	f.rows(b, u)
	f.must(f.insert(a, u, item(1, 1, "a")))
	f.must(f.setV(b, t, 1, "b"))
	f.must(f.ended(b, nil))
	f.conflict(a, nil)
	f.equal("rows", f.committed(t)+f.committed(u), "1|10|b 2|20|two 3|∅|three")
}

func checkSkewKeyless(f *fixture) {
	id := f.create(notes("n"))
	f.do(func(tx table.Tx) error { return f.insert(tx, id, item(1, 10, "one"), item(2, 20, "two")) })
	first := func(tx table.Tx, u int64, del bool) error { // the first row with u changes
		return f.statement(tx, func(st table.Statement) error {
			w, err := st.Writer(f.ctx, id)
			if err != nil {
				return err
			}
			out, err := f.read(st, id, table.ScanSpec{Refs: true, Where: []table.Conjunct{{Col: 1, Op: table.OpEq, Value: intOf(u)}}})
			if err != nil {
				return err
			}
			for i, row := range out.rows {
				switch mine := strings.Contains(row, fmt.Sprintf("|%d|", u)); {
				case mine && del:
					_, err = w.Delete(f.ctx, out.refs[i:i+1])
				case mine:
					_, err = w.Update(f.ctx, out.refs[i:i+1], []int{2}, f.batch(w.Def(), []int{2}, textRow("changed")))
				}
			}
			return err
		})
	}
	for _, del := range []bool{false, true} {
		a, b := f.serializable(), f.serializable()
		f.where(a, id, uAtLeast(10))
		f.where(b, id, uAtLeast(10))
		f.must(first(a, 10, del))
		f.must(first(b, 20, del))
		f.must(f.ended(a, nil))
		f.conflict(b, nil)
	}
}

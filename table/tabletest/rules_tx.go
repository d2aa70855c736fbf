package tabletest

import (
	"context"
	"fmt"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// transactionRules are about isolation.
var transactionRules = []rule{
	{"read committed", "", checkReadCommitted},
	{"repeatable read", "", checkRepeatableRead},
	{"first updater wins", "", checkFirstUpdater},
	{"lost update", "", checkLostUpdate},
	{"read only", "", checkReadOnly},
	{"receipts", "", checkReceipts},
	{"asynchronous commit", "", checkAsync},
}

func checkReadCommitted(f *fixture) {
	id := f.filled()
	tx, other := f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
	f.must(f.setV(other, id, 1, "dirty"))
	f.must(f.insert(other, id, item(4, 40, "dirty")))
	f.equal("rows before the commit", f.rows(tx, id), filledRows)
	f.commit(other)
	f.equal("rows after the commit", f.rows(tx, id), "1|10|dirty 2|20|two 3|∅|three 4|40|dirty")
	f.must(f.setV(tx, id, 1, "mine")) // the newest version is there to be changed
	f.commit(tx)
}

func checkRepeatableRead(f *fixture) {
	id := f.filled()
	late, early := f.begin(table.TxOptions{Isolation: table.RepeatableRead}), f.begin(table.TxOptions{Isolation: table.RepeatableRead})
	f.equal("rows", f.rows(early, id), filledRows)
	f.do(func(tx table.Tx) error {
		f.must(f.delete(tx, id, 2))
		return f.insert(tx, id, item(4, 40, "four"))
	})
	f.equal("rows of the snapshot", f.rows(early, id), filledRows)
	f.equal("rows of a snapshot taken later", f.rows(late, id), "1|10|one 3|∅|three 4|40|four")
	f.must(f.setV(early, id, 1, "mine"))
	f.equal("rows of the snapshot, and own ones", f.rows(early, id), "1|10|mine 2|20|two 3|∅|three")
	f.code(f.insert(early, id, item(4, 41, "unseen")), sqlerr.UniqueViolation)
	f.commit(early)
	f.rollback(late)
	f.equal("rows", f.committed(id), "1|10|mine 3|∅|three 4|40|four")
}

func checkFirstUpdater(f *fixture) {
	id := f.filled()
	for _, c := range []struct {
		first func(tx table.Tx) error
		text  string
	}{
		{func(tx table.Tx) error { return f.setV(tx, id, 1, "first") }, "could not serialize access due to concurrent update"},
		{func(tx table.Tx) error { return f.delete(tx, id, 1) }, "could not serialize access due to concurrent delete"},
	} {
		for _, wait := range []bool{false, true} {
			late, first := f.begin(table.TxOptions{Isolation: table.RepeatableRead}), f.begin(table.TxOptions{})
			f.rows(late, id)
			f.must(c.first(first))
			if !wait {
				f.commit(first)
				f.code(f.setV(late, id, 1, "late"), sqlerr.SerializationFailure, c.text)
				f.code(f.delete(late, id, 1), sqlerr.SerializationFailure, c.text)
				_, err := f.lock(late, id, table.ForUpdate, table.WaitBlock, 1)
				f.code(err, sqlerr.SerializationFailure, c.text)
			} else {
				done := background(func() error { return f.setV(late, id, 1, "late") })
				f.waiting(late)
				f.commit(first)
				f.code(<-done, sqlerr.SerializationFailure, c.text)
			}
			f.rollback(late)
			if c.text[len(c.text)-6:] == "delete" {
				f.do(func(tx table.Tx) error { return f.insert(tx, id, item(1, 10, "one")) })
			}
		}
	}
}

// checkLostUpdate: two transactions add to what both have read.
func checkLostUpdate(f *fixture) {
	id := f.filled()
	a, b := f.begin(table.TxOptions{Isolation: table.RepeatableRead}), f.begin(table.TxOptions{Isolation: table.RepeatableRead})
	f.rows(a, id)
	f.rows(b, id)
	set := func(tx table.Tx, u int64) error {
		return f.update(tx, id, []int64{1}, []int{1}, types.Row{types.NewInt(types.Int4, u)})
	}
	f.must(set(a, 11))
	f.commit(a)
	f.code(set(b, 12), sqlerr.SerializationFailure)
	f.rollback(b)
	f.equal("rows", f.committed(id), "1|11|one 2|20|two 3|∅|three")
}

func checkReadOnly(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{ReadOnly: true})
	f.code(f.insert(tx, id, item(9, 9, "x")), sqlerr.ReadOnlySQLTransaction)
	_, err := tx.Schema().Create(f.ctx, items("u"))
	f.code(err, sqlerr.ReadOnlySQLTransaction)
	f.code(tx.Schema().Drop(f.ctx, id), sqlerr.ReadOnlySQLTransaction)
	f.code(tx.Schema().Alter(f.ctx, tx.Schema().ByID(id).CloneObject()), sqlerr.ReadOnlySQLTransaction)
	f.code(tx.LockTable(f.ctx, id, table.RowExclusive, table.WaitBlock), sqlerr.ReadOnlySQLTransaction)
	f.must(tx.LockTable(f.ctx, id, table.AccessShare, table.WaitBlock))
	f.equal("rows", f.rows(tx, id), filledRows)
	f.equal("LSN of a commit without changes", f.commit(tx).LSN, 0)
}

func checkReceipts(f *fixture) {
	id := f.filled()
	var last table.Receipt
	for i := range int64(5) {
		tx := f.begin(table.TxOptions{Async: i%2 == 1})
		f.must(f.setV(tx, id, 1, fmt.Sprint(i)))
		r := f.commit(tx)
		if r.LSN <= last.LSN || r.Time.Before(last.Time) || r.Time.IsZero() {
			f.t.Errorf("receipt %+v after %+v", r, last)
		}
		last = r
		f.equal("published", f.s.Metrics().PublishedLSN, r.LSN)
	}
	tx := f.begin(table.TxOptions{})
	f.rows(tx, id)
	f.equal("LSN of a commit without changes", f.commit(tx).LSN, 0)
	tx = f.begin(table.TxOptions{})
	f.equal("close", f.statement(tx, func(st table.Statement) error {
		f.must(f.mess(st, id))
		return errOnPurpose
	}), errOnPurpose)
	f.equal("LSN of a commit of what was undone", f.commit(tx).LSN, 0)
}

// checkAsync: whoever has committed sees it.
func checkAsync(f *fixture) {
	id := f.create(items("t"))
	for k := range int64(50) {
		tx := f.begin(table.TxOptions{Async: true})
		f.must(f.insert(tx, id, item(k, k+1, "x")))
		f.commit(tx)
		tx = f.begin(table.TxOptions{ReadOnly: true})
		f.must(f.statement(tx, func(st table.Statement) error {
			r, err := st.Reader(f.ctx, id)
			f.must(err)
			_, err = r.Get(f.ctx, idOf(k), nil, nil)
			return err
		}))
		f.rollback(tx)
	}
}

// endRules are about what is over, and what is cancelled.
var endRules = []rule{
	{"end of a transaction", "", checkTxEnd},
	{"end of the storage", "", checkStorageEnd},
	{"cancelled before it began", "", checkCancelled},
	{"cancelled while it waits", "", checkCancelledWait},
	{"options that are refused", "", checkTxOptions},
}

func checkTxEnd(f *fixture) {
	id := f.filled()
	for _, end := range []func(tx table.Tx) error{
		func(tx table.Tx) error { _, err := tx.Commit(f.ctx); return err },
		table.Tx.Rollback,
	} {
		tx := f.begin(table.TxOptions{})
		f.must(f.setV(tx, id, 1, "one"))
		st, err := tx.Statement(f.ctx)
		f.must(err)
		refs, w, err := f.refs(st, id, 1)
		f.must(err)
		r, err := st.Reader(f.ctx, id)
		f.must(err)
		f.must(end(tx))
		f.used(st, r, w, id, refs)
		_, e1 := tx.Statement(f.ctx)
		_, e2 := tx.Commit(f.ctx)
		_, e3 := tx.Schema().Create(f.ctx, items("u"))
		_, e4 := tx.Savepoint(f.ctx)
		for i, err := range []error{e1, e2, e3, e4, tx.LockTable(f.ctx, id, table.Share, table.WaitBlock),
			tx.Schema().Drop(f.ctx, id), tx.Schema().Alter(f.ctx, items("t"))} {
			if sqlerr.CodeOf(err) != sqlerr.InvalidTransactionState {
				f.t.Errorf("use %d of a transaction that has ended: %v", i+1, err)
			}
		}
		f.must(tx.Rollback())
		f.must(tx.Rollback())
		if tx.Schema().ByID(id) == nil { // what is committed
			f.t.Error("the schema is gone with the transaction")
		}
	}
	f.equal("rows", f.committed(id), filledRows)
}

func checkStorageEnd(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	f.must(f.setV(tx, id, 1, "x"))
	st, err := tx.Statement(f.ctx)
	f.must(err)
	refs, w, err := f.refs(st, id, 1)
	f.must(err)
	r, err := st.Reader(f.ctx, id)
	f.must(err)
	f.must(f.s.Close())
	if _, err := f.s.Begin(f.ctx, table.TxOptions{}); err == nil {
		f.t.Error("a closed storage begins transactions")
	}
	_, e1 := tx.Statement(f.ctx)
	_, e2 := f.s.Size(f.ctx)
	_, e3 := st.Reader(f.ctx, id)
	_, e4 := w.Delete(f.ctx, refs)
	for i, err := range []error{e1, e2, e3, e4, f.s.Close(), f.s.Checkpoint(f.ctx), f.s.Analyze(f.ctx, []table.AnalyzeTarget{{Table: id}}),
		f.s.Compact(f.ctx, id), f.s.Verify(f.ctx, func(table.Damage) bool { return true })} {
		if err == nil {
			f.t.Errorf("use %d of a closed storage is accepted", i+1)
		}
	}
	_, _ = r.Get(f.ctx, idOf(1), itemCols, nil) // may still work: the statement holds its view
	if _, err := tx.Commit(f.ctx); err == nil {
		f.t.Error("a closed storage commits")
	}
	f.must(tx.Rollback())
	f.s.Metrics()
	f.open() // for the end of the test
}

func checkCancelled(f *fixture) {
	id := f.filled()
	gone, cancel := context.WithCancel(f.ctx)
	cancel()
	_, err := f.s.Begin(gone, table.TxOptions{})
	f.code(err, sqlerr.QueryCanceled)
	tx := f.begin(table.TxOptions{})
	_, err = tx.Statement(gone)
	f.code(err, sqlerr.QueryCanceled)
	f.must(f.statement(tx, func(st table.Statement) error {
		refs, w, err := f.refs(st, id, 1)
		f.must(err)
		row := f.batch(w.Def(), itemCols, item(9, 9, "nine"))
		_, e1 := w.Insert(gone, row, plainInsert)
		_, e2 := w.Update(gone, refs, itemCols, row)
		_, e3 := w.Delete(gone, refs)
		_, e4 := w.Load(gone, table.LoadOptions{})
		for _, err := range []error{e1, e2, e3, e4, w.Truncate(gone),
			w.Lock(gone, refs, table.ForShare, table.WaitBlock, make([]table.LockResult, 1))} {
			f.code(err, sqlerr.QueryCanceled)
		}
		return nil
	}))
	f.equal("rows", f.rows(tx, id), filledRows)
	f.must(f.setV(tx, id, 1, "x"))
	_, err = tx.Commit(gone) // before the append: nothing happened
	f.code(err, sqlerr.QueryCanceled)
	f.must(tx.Rollback())
	f.equal("rows", f.committed(id), filledRows)
	f.do(func(tx table.Tx) error { return f.setV(tx, id, 1, "y") }) // no lock is left
}

func checkCancelledWait(f *fixture) {
	id := f.filled()
	holder, tx := f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
	f.must(f.setV(holder, id, 1, "held"))
	ctx, cancel := context.WithCancel(f.ctx)
	done := background(func() error {
		st, err := tx.Statement(ctx)
		f.must(err)
		refs, w, err := f.refs(st, id, 1)
		f.must(err)
		_, err = w.Delete(ctx, refs)
		return st.Close(err)
	})
	f.waiting(tx)
	cancel()
	f.code(<-done, sqlerr.QueryCanceled)
	f.equal("rows", f.rows(tx, id), filledRows)
	f.must(f.setV(tx, id, 2, "goes on"))
	f.commit(tx)
	f.rollback(holder)
}

func checkTxOptions(f *fixture) {
	for _, o := range []table.TxOptions{{Isolation: table.Serializable + 1}, {LockWait: -1}, {WriteBytes: -1}} {
		tx, err := f.s.Begin(f.ctx, o)
		if err == nil {
			f.rollback(tx)
			f.t.Errorf("%+v is accepted", o)
		}
	}
}

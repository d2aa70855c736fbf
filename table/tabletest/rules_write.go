package tabletest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// writeRules are about Writer.
var writeRules = []rule{
	{"insert, update, delete", "", checkChanges},
	{"not null", "", checkNotNull},
	{"truncate", "", checkTruncate},
	{"rows behind a truncation", "", checkBehindTruncate},
	{"load", "Load", checkLoad},
	{"limit of a write set", "", checkWriteLimit},
	{"misuse of a writer", "", checkWriterMisuse},
	{"two tables in one transaction", "", checkTwoTables},
	{"many rows in one transaction", "", checkManyRows},
}

// writing runs work with a writer, in a statement of tx.
func (f *fixture) writing(tx table.Tx, id table.ObjectID, work func(w table.Writer) error) error {
	return f.statement(tx, func(st table.Statement) error {
		w, err := st.Writer(f.ctx, id)
		if err != nil {
			return err
		}
		return work(w)
	})
}

func checkChanges(f *fixture) {
	id := f.create(items("t"))
	tx := f.begin(table.TxOptions{})
	f.must(f.writing(tx, id, func(w table.Writer) error {
		out, err := w.Insert(f.ctx, f.batch(w.Def(), itemCols, item(1, 10, "one"), item(2, 20, "two"), item(3, 0, "three")), plainInsert)
		if err != nil || out.Rows != 3 || len(out.Refs) != 3 || len(out.Skipped) != 0 {
			f.t.Errorf("insert: %+v, %v", out, err)
		}
		out, err = w.Insert(f.ctx, f.batch(w.Def(), itemCols), plainInsert)
		if err != nil || out.Rows != 0 {
			f.t.Errorf("insert of nothing: %+v, %v", out, err)
		}
		return nil
	}))
	f.equal("own rows", f.rows(tx, id), filledRows)
	f.equal("what others see", f.committed(id), "")
	f.must(f.update(tx, id, []int64{2, 3}, []int{2, 1}, append(textRow("zwei"), types.NullOf(types.Int4)), append(textRow("drei"), types.NewInt(types.Int4, 30))))
	f.must(f.delete(tx, id, 1))
	f.equal("own rows", f.rows(tx, id), "2|∅|zwei 3|30|drei")
	f.commit(tx)
	f.equal("committed", f.committed(id), "2|∅|zwei 3|30|drei")
	f.do(func(tx table.Tx) error {
		f.must(f.update(tx, id, []int64{2}, []int{0}, idOf(5)))
		return f.delete(tx, id, 3)
	})
	f.equal("committed", f.committed(id), "5|∅|zwei")
	m := f.s.Metrics()
	if m.Commits < 3 || m.PublishedLSN == 0 {
		f.t.Errorf("metrics %+v", m)
	}
}

func checkNotNull(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	err := f.insert(tx, id, item(4, 40, "four"), item(5, 50, ""))
	f.code(err, sqlerr.NotNullViolation, `null value in column "v" of relation "t" violates not-null constraint`)
	e := sqlerr.From(err)
	f.equal("details", []string{e.Detail, e.Column, e.Table, e.Schema}, []string{"Failing row contains (5, 50, null).", "v", "t", "public"})
	long := strings.Repeat("é", 40)
	err = f.update(tx, id, []int64{3}, []int{0, 2}, append(types.Row{types.NullOf(types.Int8)}, textRow(long)...))
	f.code(err, sqlerr.NotNullViolation, `null value in column "id" of relation "t" violates not-null constraint`)
	f.equal("detail", sqlerr.From(err).Detail, "Failing row contains (null, null, "+long[:64]+"...).")
	f.equal("rows", f.rows(tx, id), filledRows)
	f.rollback(tx)
}

func (f *fixture) truncate(tx table.Tx, id table.ObjectID) {
	f.t.Helper()
	f.must(f.writing(tx, id, func(w table.Writer) error { return w.Truncate(f.ctx) }))
	f.equal("rows after TRUNCATE", f.rows(tx, id), "")
}

func checkTruncate(f *fixture) {
	id := f.filled()
	old := f.begin(table.TxOptions{Isolation: table.RepeatableRead})
	view, err := old.Statement(f.ctx) // has the snapshot, not yet a lock
	f.must(err)
	tx := f.begin(table.TxOptions{})
	f.must(f.insert(tx, id, item(4, 40, "four")))
	if f.s.Features().Savepoints {
		sp, err := tx.Savepoint(f.ctx)
		f.must(err)
		f.truncate(tx, id)
		f.must(sp.RollbackTo(f.ctx))
		f.equal("rows after rollback", f.rows(tx, id), filledRows+" 4|40|four")
	}
	f.truncate(tx, id)
	f.must(f.insert(tx, id, item(1, 20, "new")))
	f.equal("own rows", f.rows(tx, id), "1|20|new")
	f.commit(tx)
	f.equal("committed", f.committed(id), "1|20|new")
	f.must(view.Close(nil))
	f.equal("rows of an older snapshot", f.rows(old, id), filledRows)
	f.rollback(old)
	tx = f.begin(table.TxOptions{})
	f.truncate(tx, id)
	f.rollback(tx)
	f.equal("after rollback", f.committed(id), "1|20|new")
}

// checkBehindTruncate: the rows that an older snapshot shows of a table that was truncated since are gone for who
// wants to change them, whatever has their keys, and their places, now.
func checkBehindTruncate(f *fixture) {
	id, other := f.filled(), f.create(items("other"))
	refill := func() {
		f.do(func(tx table.Tx) error {
			f.truncate(tx, id)
			return f.insert(tx, id, item(1, 11, "new"), item(2, 22, "new"), item(3, 33, "new"))
		})
	}
	levels := []table.Isolation{table.RepeatableRead, table.Serializable}
	if !f.s.Features().Serializable {
		levels = levels[:1]
	}
	for _, iso := range levels {
		for name, change := range map[string]func(tx table.Tx) error{
			"update": func(tx table.Tx) error { return f.setV(tx, id, 1, "old") },
			"delete": func(tx table.Tx) error { return f.delete(tx, id, 2) },
			"lock": func(tx table.Tx) error {
				_, err := f.lock(tx, id, table.ForUpdate, table.WaitBlock, 3)
				return err
			},
		} {
			tx := f.begin(table.TxOptions{Isolation: iso})
			f.equal("rows of the other table", f.rows(tx, other), "")
			refill()
			f.code(change(tx), sqlerr.SerializationFailure)
			f.rollback(tx)
			f.equal("rows after "+name, f.committed(id), "1|11|new 2|22|new 3|33|new")
		}
	}
	tx := f.begin(table.TxOptions{})
	f.must(f.statement(tx, func(st table.Statement) error { // has the snapshot, and then waits for the table
		refill()
		refs, w, err := f.refs(st, id, 1)
		if err != nil {
			return err
		}
		r, err := st.Reader(f.ctx, id)
		if err != nil {
			return err
		}
		row, err := r.Get(f.ctx, idOf(1), []int{1}, nil)
		if err == nil && row[0].I != 11 {
			err = fmt.Errorf("the statement sees %d", row[0].I)
		}
		if err != nil {
			return err
		}
		_, err = w.Update(f.ctx, refs, []int{2}, f.batch(w.Def(), []int{2}, textRow("newer")))
		return err
	}))
	f.commit(tx)
	f.equal("rows", f.committed(id), "1|11|newer 2|22|new 3|33|new")
}

func checkLoad(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	load := func(finish bool, rows ...types.Row) error {
		return f.writing(tx, id, func(w table.Writer) error {
			l, err := w.Load(f.ctx, table.LoadOptions{RowsExpected: int64(len(rows))})
			f.must(err)
			for _, row := range rows {
				if err := l.Append(f.ctx, f.batch(w.Def(), itemCols, row)); err != nil {
					f.must(l.Abort())
					return err
				}
			}
			if !finish {
				f.must(l.Abort())
				return l.Abort()
			}
			out, err := l.Finish(f.ctx)
			if err == nil && out.Rows != int64(len(rows)) {
				f.t.Errorf("%d rows loaded, want %d", out.Rows, len(rows))
			}
			if _, again := l.Finish(f.ctx); again == nil {
				f.t.Error("a load can be finished twice")
			}
			if l.Append(f.ctx, f.batch(w.Def(), itemCols, item(99, 0, "late"))) == nil {
				f.t.Error("a finished load takes rows")
			}
			f.must(l.Abort()) // does nothing
			return err
		})
	}
	f.must(load(true, item(4, 40, "four"), item(5, 50, "five")))
	f.must(load(false, item(6, 60, "six")))
	f.code(load(true, item(7, 70, "seven"), item(1, 80, "again")), sqlerr.UniqueViolation)
	f.code(load(true, item(8, 40, "eight")), sqlerr.UniqueViolation, `duplicate key value violates unique constraint "t_u_key"`)
	f.code(load(true, item(8, 80, "")), sqlerr.NotNullViolation)
	f.equal("own rows", f.rows(tx, id), filledRows+" 4|40|four 5|50|five")
	f.commit(tx)
	f.equal("committed", f.committed(id), filledRows+" 4|40|four 5|50|five")
}

func checkWriteLimit(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{WriteBytes: 64 << 10})
	var err error
	n := 0
	for k := int64(100); err == nil && n < 10_000; k++ {
		if err = f.insert(tx, id, item(k, 0, strings.Repeat("x", 500))); err == nil {
			n++
		}
	}
	f.code(err, sqlerr.OutOfMemory)
	if n < 20 || n > 128 {
		f.t.Errorf("%d rows of 500 bytes fit into 64 KiB", n)
	}
	f.equal("rows", len(strings.Fields(f.rows(tx, id))), n+3)
	f.rollback(tx)
}

func checkWriterMisuse(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	err := f.statement(tx, func(st table.Statement) error {
		refs, w, err := f.refs(st, id, 1, 2)
		f.must(err)
		one := f.batch(w.Def(), []int{2}, textRow("x"))
		_, wrongColumns := w.Insert(f.ctx, one, plainInsert)
		_, wrongRows := w.Update(f.ctx, refs, []int{2}, one)
		_, wrongType := w.Update(f.ctx, refs[:1], []int{0}, one)
		_, noColumn := w.Update(f.ctx, refs[:1], []int{5}, one)
		_, noRow := w.Delete(f.ctx, []table.RowRef{1<<63 | 12345})
		short := w.Lock(f.ctx, refs, table.ForUpdate, table.WaitBlock, make([]table.LockResult, 1))
		for i, err := range []error{wrongColumns, wrongRows, wrongType, noColumn, noRow, short} {
			if err == nil {
				f.t.Errorf("misuse %d is accepted", i)
			}
		}
		return errOnPurpose
	})
	f.equal("close", err, errOnPurpose)
	f.equal("rows", f.rows(tx, id), filledRows)
	_, err = tx.Statement(f.ctx)
	f.must(err)
	f.code(f.insert(tx, id+1000, item(1, 1, "x")), sqlerr.UndefinedTable)
	f.rollback(tx)
}

// checkTwoTables: a transaction spans tables of all tiers.
func checkTwoTables(f *fixture) {
	a, b := f.filled(), f.create(items("b"))
	tx := f.begin(table.TxOptions{})
	f.must(f.delete(tx, a, 1, 2))
	f.must(f.insert(tx, b, item(1, 1, "one"), item(2, 2, "two")))
	other := f.begin(table.TxOptions{Isolation: table.RepeatableRead})
	f.equal("before the commit", f.rows(other, a)+" / "+f.rows(other, b), filledRows+" / ")
	f.commit(tx)
	f.equal("before the commit", f.rows(other, a)+" / "+f.rows(other, b), filledRows+" / ")
	f.rollback(other)
	f.equal("after the commit", f.committed(a)+" / "+f.committed(b), "3|∅|three / 1|1|one 2|2|two")
	tx = f.begin(table.TxOptions{})
	f.must(f.delete(tx, a, 3))
	f.must(f.delete(tx, b, 1))
	f.rollback(tx)
	f.equal("after a rollback", f.committed(a)+" / "+f.committed(b), "3|∅|three / 1|1|one 2|2|two")
}

// checkManyRows writes more than fits into a batch, a chunk or a small log file.
func checkManyRows(f *fixture) {
	id := f.many()
	f.do(func(tx table.Tx) error {
		return f.statement(tx, func(st table.Statement) error {
			all, err := f.read(st, id, table.ScanSpec{Refs: true})
			f.must(err)
			w, err := st.Writer(f.ctx, id)
			f.must(err)
			for len(all.refs) > 0 {
				n := min(len(all.refs), vec.Size)
				vals := make([]types.Row, n)
				for i := range vals {
					vals[i] = textRow(strings.Repeat("y", 100))
				}
				out, err := w.Update(f.ctx, all.refs[:n], []int{2}, f.batch(w.Def(), []int{2}, vals...))
				f.must(err)
				f.equal("rows updated", out.Rows, n)
				all.refs = all.refs[n:]
			}
			return nil
		})
	})
	rows := strings.Fields(f.committed(id))
	f.equal("rows", len(rows), manyRows)
	if i := slices.IndexFunc(rows, func(s string) bool { return !strings.HasSuffix(s, strings.Repeat("y", 100)) }); i >= 0 {
		f.t.Errorf("row %s was not updated", rows[i])
	}
	f.do(func(tx table.Tx) error {
		for from := int64(1); from <= manyRows; from += 1000 {
			if err := f.delete(tx, id, numbers(from, min(from+999, manyRows), func(k int64) bool { return k != 4242 })...); err != nil {
				return err
			}
		}
		return nil
	})
	f.equal("rows", f.committed(id), fmt.Sprintf("4242|4242|%s", strings.Repeat("y", 100)))
}

package tabletest

import (
	"strings"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// statementRules are about what a statement sees, and that it happens as a whole or not at all.
var statementRules = []rule{
	{"a statement does not see its own writes", "", checkHalloween},
	{"own writes by key and reference", "", checkOwnWrites},
	{"a statement is undone", "", checkStatementUndo},
	{"a statement that violates a key is undone", "", checkStatementFails},
	{"statements that read overlap", "", checkOverlap},
	{"nested statements", "", checkNested},
	{"what is undone while it is read", "", checkUndoneWhileRead},
	{"end of a statement", "", checkStatementEnd},
}

// checkHalloween: INSERT INTO t SELECT id + 100, NULL, 'copy' FROM t reads what was there before.
func checkHalloween(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	for round := range int64(3) {
		f.must(f.statement(tx, func(st table.Statement) error {
			r, err := st.Reader(f.ctx, id)
			f.must(err)
			w, err := st.Writer(f.ctx, id)
			f.must(err)
			s, err := r.Scan(f.ctx, table.ScanSpec{Cols: []int{0}, VectorRows: 1})
			f.must(err)
			for {
				m, err := s.NextMorsel(f.ctx)
				if isEOF(err) {
					f.must(s.Close())
					again, err := f.read(st, id, table.ScanSpec{})
					f.equal("rows that the statement sees at its end", len(again.rows), 3<<round)
					return err
				}
				f.must(err)
				var b vec.Batch
				for err = m.Read(f.ctx, &b); err == nil; err = m.Read(f.ctx, &b) {
					copied := item(b.BatchDatum(0, 0).I+100<<round, 0, "copy")
					if _, err := w.Insert(f.ctx, f.batch(w.Def(), itemCols, copied), plainInsert); err != nil {
						return err
					}
				}
				m.Close()
			}
		}))
	}
	f.must(f.statement(tx, func(st table.Statement) error {
		all, err := f.read(st, id, table.ScanSpec{})
		f.equal("rows", len(all.rows), 24)
		return err
	}))
	f.rollback(tx)
}

// checkOwnWrites: within the statement the old row, by reference the new one, and each row is changed once.
func checkOwnWrites(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	f.must(f.statement(tx, func(st table.Statement) error {
		refs, w, err := f.refs(st, id, 1)
		f.must(err)
		set := func(v string) table.Outcome {
			out, err := w.Update(f.ctx, refs, []int{2}, f.batch(w.Def(), []int{2}, textRow(v)))
			f.must(err)
			return out
		}
		out := set("new")
		f.equal("rows", out.Rows, 1)
		r, err := st.Reader(f.ctx, id)
		f.must(err)
		row, err := r.Get(f.ctx, idOf(1), []int{2}, nil)
		f.must(err)
		f.equal("by key", row[0].S, "one")
		var b vec.Batch
		f.must(r.Fetch(f.ctx, out.Refs, itemCols, &b))
		f.equal("by reference", vec.Format(&b), "1 | 10 | new\n")
		f.equal("rows of a second change", set("newer").Rows, 0)
		gone, err := w.Delete(f.ctx, refs)
		f.must(err)
		f.equal("rows of a deletion after it", gone.Rows, 0)
		return nil
	}))
	f.equal("rows", f.rows(tx, id), "1|10|new 2|20|two 3|∅|three")
	f.must(f.statement(tx, func(st table.Statement) error { // the same row twice in one call
		refs, w, err := f.refs(st, id, 2, 2)
		f.must(err)
		out, err := w.Update(f.ctx, refs, []int{2}, f.batch(w.Def(), []int{2}, textRow("a"), textRow("b")))
		f.must(err)
		f.equal("rows", out.Rows, 1)
		return nil
	}))
	f.equal("rows", f.rows(tx, id), "1|10|new 2|20|a 3|∅|three")
	f.rollback(tx)
}

// mess does something of everything in a statement.
func (f *fixture) mess(st table.Statement, id table.ObjectID) error {
	refs, w, err := f.refs(st, id, 1, 2)
	if err != nil {
		return err
	}
	u := types.Row{types.NewInt(types.Int4, 77)}
	if _, err := w.Update(f.ctx, refs[:1], []int{1}, f.batch(w.Def(), []int{1}, u)); err != nil {
		return err
	}
	if _, err := w.Delete(f.ctx, refs[1:]); err != nil {
		return err
	}
	_, err = w.Insert(f.ctx, f.batch(w.Def(), itemCols, item(9, 9, "nine")), plainInsert)
	return err
}

func checkStatementUndo(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	f.must(f.setV(tx, id, 1, "kept"))
	before := f.rows(tx, id)
	err := f.statement(tx, func(st table.Statement) error {
		f.must(f.mess(st, id))
		return errOnPurpose
	})
	f.equal("close", err, errOnPurpose)
	f.equal("rows", f.rows(tx, id), before)
	f.must(f.insert(tx, id, item(9, 77, "nine"))) // both keys are free again
	f.must(f.statement(tx, func(st table.Statement) error {
		refs, w, err := f.refs(st, id, 2)
		f.must(err)
		_, err = w.Delete(f.ctx, refs)
		return err
	}))
	f.commit(tx)
	f.equal("rows", f.committed(id), "1|10|kept 3|∅|three 9|77|nine")
	f.verify()
}

// checkStatementFails: the violation shows at the end of the statement at the latest, and nothing of it stays.
func checkStatementFails(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	f.must(f.insert(tx, id, item(8, 80, "eight")))
	f.code(f.statement(tx, func(st table.Statement) error {
		f.must(f.mess(st, id))
		w, err := st.Writer(f.ctx, id)
		f.must(err)
		_, err = w.Insert(f.ctx, f.batch(w.Def(), itemCols, item(10, 100, "ten"), item(3, 30, "three")), plainInsert)
		return err
	}), sqlerr.UniqueViolation, dupKey)
	f.equal("rows", f.rows(tx, id), filledRows+" 8|80|eight")
	f.must(f.insert(tx, id, item(10, 100, "ten")))
	f.commit(tx)
	f.equal("rows", f.committed(id), "1|10|one 10|100|ten 2|20|two 3|∅|three 8|80|eight")
}

// checkOverlap: portals and cursors keep the snapshot with which they began, and the writes of earlier statements only.
func checkOverlap(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	var cursors []table.Statement
	var want []string
	open := func(rows string) {
		st, err := tx.Statement(f.ctx)
		f.must(err)
		_, err = st.Reader(f.ctx, id)
		f.must(err)
		cursors, want = append(cursors, st), append(want, rows)
	}
	open(filledRows)
	f.must(f.setV(tx, id, 1, "mine"))
	open("1|10|mine 2|20|two 3|∅|three")
	f.do(func(other table.Tx) error { return f.insert(other, id, item(4, 40, "theirs")) })
	open("1|10|mine 2|20|two 3|∅|three 4|40|theirs")
	f.must(f.delete(tx, id, 1, 2))
	open("3|∅|three 4|40|theirs")
	f.must(f.insert(tx, id, item(2, 20, "again")))
	for i := len(cursors) - 1; i >= 0; i-- {
		got, err := f.read(cursors[i], id, table.ScanSpec{VectorRows: 1})
		f.must(err)
		f.equal("rows of a cursor", joinRows(got), want[i])
	}
	for _, st := range cursors {
		f.must(st.Close(nil))
	}
	f.equal("rows", f.rows(tx, id), "2|20|again 3|∅|three 4|40|theirs")
	f.commit(tx)
}

// checkNested: a statement within another one (a foreign-key action, a function) sees what the outer one wrote, and is
// undone with it.
func checkNested(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	outer := func(end error) error {
		return f.statement(tx, func(st table.Statement) error {
			refs, w, err := f.refs(st, id, 1)
			f.must(err)
			_, err = w.Update(f.ctx, refs, []int{2}, f.batch(w.Def(), []int{2}, textRow("outer")))
			f.must(err)
			f.equal("rows in the nested statement", f.rows(tx, id), "1|10|outer 2|20|two 3|∅|three")
			f.must(f.setV(tx, id, 2, "inner"))
			f.equal("failing nested statement", f.statement(tx, func(st table.Statement) error {
				refs, w, err := f.refs(st, id, 3)
				f.must(err)
				_, err = w.Delete(f.ctx, refs)
				f.must(err)
				return errOnPurpose
			}), errOnPurpose)
			return end
		})
	}
	f.equal("close", outer(errOnPurpose), errOnPurpose)
	f.equal("rows", f.rows(tx, id), filledRows)
	f.must(outer(nil))
	f.equal("rows", f.rows(tx, id), "1|10|outer 2|20|inner 3|∅|three")
	f.commit(tx)
}

// checkUndoneWhileRead: rows of a statement that is undone lie in the way of scans of an older one.
func checkUndoneWhileRead(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	f.must(f.insert(tx, id, manyItems(100, 199)...))
	cursor, err := tx.Statement(f.ctx)
	f.must(err)
	r, err := cursor.Reader(f.ctx, id)
	f.must(err)
	var scans []table.Scan
	open := func() {
		s, err := r.Scan(f.ctx, table.ScanSpec{Cols: []int{0}, VectorRows: 10})
		f.must(err)
		scans = append(scans, s)
	}
	open()
	for range 3 {
		f.equal("close", f.statement(tx, func(st table.Statement) error {
			w, err := st.Writer(f.ctx, id)
			f.must(err)
			for from := int64(200); from < 500; from += 100 {
				_, err = w.Insert(f.ctx, f.batch(w.Def(), itemCols, manyItems(from, from+99)...), plainInsert)
				f.must(err)
				open()
			}
			return errOnPurpose
		}), errOnPurpose)
		f.must(f.insert(tx, id, manyItems(500, 599)...))
		open()
		f.must(f.delete(tx, id, numbers(500, 599, nil)...))
	}
	want := append([]int64{1, 2, 3}, numbers(100, 199, nil)...)
	for _, s := range scans {
		f.equal("rows of the cursor", f.inParallel(s, nil), want)
		f.must(s.Close())
	}
	f.must(cursor.Close(nil))
	f.must(f.insert(tx, id, manyItems(200, 299)...))
	f.commit(tx)
	f.equal("rows", len(strings.Fields(f.committed(id))), 203)
}

func checkStatementEnd(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	st, err := tx.Statement(f.ctx)
	f.must(err)
	refs, w, err := f.refs(st, id, 1)
	f.must(err)
	r, err := st.Reader(f.ctx, id)
	f.must(err)
	f.must(st.Close(nil))
	f.used(st, r, w, id, refs)
	f.rollback(tx)
}

// used checks that what has ended answers errors, and does not panic.
func (f *fixture) used(st table.Statement, r table.Reader, w table.Writer, id table.ObjectID, refs []table.RowRef) {
	f.t.Helper()
	var b vec.Batch
	row := f.batch(w.Def(), itemCols, item(9, 9, "nine"))
	_, e1 := st.Reader(f.ctx, id)
	_, e2 := st.Writer(f.ctx, id)
	_, e3 := r.Get(f.ctx, idOf(1), itemCols, nil)
	_, e4 := r.Ref(f.ctx, idOf(1))
	_, e5 := r.Scan(f.ctx, table.ScanSpec{})
	_, e6 := r.Stats(f.ctx)
	_, e7 := w.Insert(f.ctx, row, plainInsert)
	_, e8 := w.Update(f.ctx, refs, itemCols, row)
	_, e9 := w.Delete(f.ctx, refs)
	_, e10 := w.Load(f.ctx, table.LoadOptions{})
	for i, err := range []error{
		e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, w.Truncate(f.ctx), st.Close(nil),
		r.Fetch(f.ctx, refs, itemCols, &b), r.GetBatch(f.ctx, []types.Row{idOf(1)}, itemCols, &b),
		w.Lock(f.ctx, refs, table.ForUpdate, table.WaitBlock, make([]table.LockResult, len(refs))),
	} {
		if err == nil {
			f.t.Errorf("use %d after the end is accepted", i+1)
		}
	}
}

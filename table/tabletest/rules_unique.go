package tabletest

import (
	"fmt"
	"strings"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// uniqueRules are about primary keys and UNIQUE.
var uniqueRules = []rule{
	{"unique violation", "", checkUnique},
	{"NULLs are distinct", "", checkUniqueNulls},
	{"keys move in one statement", "", checkShiftKeys},
	{"many keys move in one statement", "", checkShiftManyKeys},
	{"keys of rows that went", "", checkFreedKeys},
	{"unique among transactions", "", checkUniqueAcross},
	{"on conflict do nothing", "", checkDoNothing},
	{"on conflict above read committed", "", checkDoNothingSnapshot},
	{"on conflict beside other transactions", "RowLocks", checkDoNothingBeside},
}

const (
	dupKey = `duplicate key value violates unique constraint "t_pkey"`
	dupU   = `duplicate key value violates unique constraint "t_u_key"`
)

func checkUnique(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	err := f.insert(tx, id, item(4, 40, "four"), item(1, 50, "again"))
	f.code(err, sqlerr.UniqueViolation, dupKey)
	e := sqlerr.From(err)
	f.equal("details", []string{e.Detail, e.Constraint, e.Table, e.Schema}, []string{"Key (id)=(1) already exists.", "t_pkey", "t", "public"})
	f.code(f.insert(tx, id, item(4, 20, "four")), sqlerr.UniqueViolation, dupU)
	f.code(f.insert(tx, id, item(7, 70, "a"), item(7, 71, "b")), sqlerr.UniqueViolation, dupKey)
	f.must(f.insert(tx, id, item(4, 40, "four")))
	f.code(f.insert(tx, id, item(4, 41, "own")), sqlerr.UniqueViolation, dupKey)
	f.code(f.update(tx, id, []int64{1}, []int{1}, types.Row{types.NewInt(types.Int4, 40)}), sqlerr.UniqueViolation, dupU)
	f.code(f.update(tx, id, []int64{4}, []int{0}, idOf(2)), sqlerr.UniqueViolation, dupKey)
	f.must(f.update(tx, id, []int64{1}, []int{0, 1}, item(1, 10, "")[:2])) // to what it is
	f.equal("rows", f.rows(tx, id), filledRows+" 4|40|four")
	f.rollback(tx)
}

func checkUniqueNulls(f *fixture) {
	id := f.filled()
	f.do(func(tx table.Tx) error {
		f.must(f.insert(tx, id, item(4, 0, "four"), item(5, 0, "five")))
		return f.update(tx, id, []int64{1, 2}, []int{1}, types.Row{types.NullOf(types.Int4)}, types.Row{types.NullOf(types.Int4)})
	})
	f.equal("rows", f.committed(id), "1|∅|one 2|∅|two 3|∅|three 4|∅|four 5|∅|five")
	f.do(func(tx table.Tx) error { return f.insert(tx, id, item(6, 10, "six"), item(7, 20, "seven")) })
}

// checkShiftKeys: UPDATE t SET id = id + 1 succeeds, because keys are checked at the end of the statement.
func checkShiftKeys(f *fixture) {
	id := f.filled()
	for _, own := range []int64{0, 1} {
		f.do(func(tx table.Tx) error {
			if own == 1 { // the same on rows of the transaction itself
				f.must(f.update(tx, id, []int64{2, 3, 4}, []int{2}, textRow("x"), textRow("y"), textRow("z")))
			}
			return f.update(tx, id, []int64{1 + own, 2 + own, 3 + own}, []int{0}, idOf(2+own), idOf(3+own), idOf(4+own))
		})
	}
	f.equal("rows", f.committed(id), "3|10|x 4|20|y 5|∅|z")
	tx := f.begin(table.TxOptions{})
	f.must(f.update(tx, id, []int64{3, 4}, []int{0, 1}, item(4, 20, "")[:2], item(3, 10, "")[:2])) // they change places
	f.code(f.update(tx, id, []int64{3}, []int{0}, idOf(5)), sqlerr.UniqueViolation, dupKey)
	f.commit(tx)
	f.equal("rows", f.committed(id), "3|10|y 4|20|x 5|∅|z")
	f.verify()
}

// checkShiftManyKeys needs more than one batch.
func checkShiftManyKeys(f *fixture) {
	id := f.many()
	f.do(func(tx table.Tx) error {
		return f.statement(tx, func(st table.Statement) error {
			for from := int64(1); from <= manyRows; from += vec.Size {
				ids := numbers(from, min(from+vec.Size-1, manyRows), nil)
				refs, w, err := f.refs(st, id, ids...)
				if err != nil {
					return err
				}
				var to []types.Row
				for _, k := range ids {
					to = append(to, item(k+1, k+1, "")[:2])
				}
				if _, err := w.Update(f.ctx, refs, []int{0, 1}, f.batch(w.Def(), []int{0, 1}, to...)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	rows := " " + f.committed(id) + " "
	f.equal("rows", len(strings.Fields(rows)), manyRows)
	for _, k := range []int64{2, vec.Size, vec.Size + 1, manyRows + 1} {
		if want := fmt.Sprintf(" %d|%d|v%d ", k, k, (k-1)%100); !strings.Contains(rows, want) {
			f.t.Errorf("there is no row %s", want)
		}
	}
	f.verify()
}

// checkFreedKeys: keys of deleted and changed rows are free, in the same transaction too.
func checkFreedKeys(f *fixture) {
	id := f.filled()
	f.do(func(tx table.Tx) error {
		f.must(f.delete(tx, id, 1))
		f.must(f.insert(tx, id, item(1, 11, "again")))
		f.must(f.update(tx, id, []int64{2}, []int{1}, types.Row{types.NewInt(types.Int4, 10)}))
		f.must(f.insert(tx, id, item(4, 20, "four")))
		f.must(f.delete(tx, id, 4))
		return f.insert(tx, id, item(4, 20, "fourth"))
	})
	f.equal("rows", f.committed(id), "1|11|again 2|10|two 3|∅|three 4|20|fourth")
	f.do(func(tx table.Tx) error {
		f.must(f.delete(tx, id, 1, 2, 3, 4))
		return f.insert(tx, id, item(1, 10, "one"), item(2, 20, "two"), item(3, 0, "three"))
	})
	f.equal("rows", f.committed(id), filledRows)
	f.verify()
}

// checkUniqueAcross: the second of two inserts of a key waits for the first.
func checkUniqueAcross(f *fixture) {
	id := f.filled()
	for i, c := range []struct {
		commit bool
		second types.Row
		code   sqlerr.Code
	}{
		{false, item(4, 41, "b"), ""}, {false, item(5, 40, "b"), ""},
		{true, item(4, 41, "b"), sqlerr.UniqueViolation}, {true, item(5, 50, "b"), sqlerr.UniqueViolation},
	} {
		first := item(4, 40, "a")
		if i == 3 {
			first = item(6, 50, "a")
		}
		a, b := f.begin(table.TxOptions{}), f.begin(table.TxOptions{Isolation: table.Isolation(i % 2)})
		f.must(f.insert(a, id, first))
		done := background(func() error { return f.insert(b, id, c.second) })
		f.waiting(b)
		if c.commit {
			f.commit(a)
		} else {
			f.rollback(a)
		}
		if err := <-done; c.code == "" {
			f.must(err)
		} else {
			f.code(err, c.code)
		}
		f.rollback(b)
	}
	// A key that another is about to give up is free once it has.
	a, b := f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
	f.must(f.delete(a, id, 1))
	done := background(func() error { return f.insert(b, id, item(1, 10, "next")) })
	f.waiting(b)
	f.commit(a)
	f.must(<-done)
	f.commit(b)
	f.equal("rows", f.committed(id), "1|10|next 2|20|two 3|∅|three 4|40|a 6|50|a")
}

// ignore inserts rows, leaving out those that conflict.
func (f *fixture) ignore(tx table.Tx, id table.ObjectID, key int, rows ...types.Row) (out table.Outcome, err error) {
	err = f.writing(tx, id, func(w table.Writer) (err error) {
		out, err = w.Insert(f.ctx, f.batch(w.Def(), itemCols, rows...), table.OnConflict{DoNothing: true, Key: key})
		return err
	})
	return out, err
}

func checkDoNothing(f *fixture) {
	id := f.filled()
	tx := f.begin(table.TxOptions{})
	f.must(f.delete(tx, id, 2))
	out, err := f.ignore(tx, id, -1, item(1, 50, "taken"), item(2, 20, "free again"), item(4, 10, "u taken"),
		item(5, 50, "new"), item(5, 51, "twice"))
	f.must(err)
	f.equal("rows, skipped, references", fmt.Sprint(out.Rows, out.Skipped, len(out.Refs)), "2 [0 2 4] 2")
	out, err = f.ignore(tx, id, -1, item(1, 99, "all"), item(5, 98, "taken"))
	f.must(err)
	f.equal("rows, skipped, references", fmt.Sprint(out.Rows, out.Skipped, len(out.Refs)), "0 [0 1] 0")
	_, err = f.ignore(tx, id, 0, item(6, 10, "x")) // the arbiter is the primary key
	f.code(err, sqlerr.UniqueViolation, dupU)
	out, err = f.ignore(tx, id, 1, item(6, 10, "x"), item(7, 0, "seven"))
	f.must(err)
	f.equal("rows, skipped", fmt.Sprint(out.Rows, out.Skipped), "1 [0]")
	f.commit(tx)
	f.equal("rows", f.committed(id), "1|10|one 2|20|free again 3|∅|three 5|50|new 7|∅|seven")
}

// checkDoNothingSnapshot: a row that the snapshot does not show cannot be the reason for doing nothing.
func checkDoNothingSnapshot(f *fixture) {
	id := f.filled()
	late := f.begin(table.TxOptions{Isolation: table.RepeatableRead})
	f.rows(late, id)
	f.do(func(tx table.Tx) error { return f.insert(tx, id, item(8, 8, "eight")) })
	_, err := f.ignore(late, id, -1, item(8, 80, "x"))
	f.code(err, sqlerr.SerializationFailure, "could not serialize access due to concurrent update")
	f.rollback(late)
	tx := f.begin(table.TxOptions{})
	out, err := f.ignore(tx, id, -1, item(8, 80, "x"))
	f.must(err)
	f.equal("rows", out.Rows, 0)
	f.rollback(tx)
}

// checkDoNothingBeside: who finds a row waits for it only if it may be about to go, and does not keep it locked.
func checkDoNothingBeside(f *fixture) {
	id := f.filled()
	a, b := f.begin(table.TxOptions{}), f.begin(table.TxOptions{LockWait: time.Millisecond})
	f.must(f.setV(a, id, 1, "changed"))
	_, err := f.lock(a, id, table.ForShare, table.WaitBlock, 2)
	f.must(err)
	out, err := f.ignore(b, id, -1, item(1, 91, "x"), item(2, 92, "x"), item(93, 10, "x"), item(4, 40, "four"))
	f.must(err)
	f.equal("skipped", out.Skipped, "[0 1 2]")
	f.code(f.insert(b, id, item(2, 92, "x")), sqlerr.UniqueViolation, dupKey)
	f.rollback(a)
	a = f.begin(table.TxOptions{LockWait: time.Millisecond})
	f.must(f.delete(a, id, 1))
	f.must(f.insert(a, id, item(93, 0, "not locked by who has skipped it")))
	_, err = f.ignore(b, id, -1, item(1, 91, "x"))
	f.code(err, sqlerr.LockNotAvailable)
	f.rollback(b)
	for _, commit := range []bool{false, true} {
		b = f.begin(table.TxOptions{})
		done := background(func() (err error) { out, err = f.ignore(b, id, -1, item(1, 10, "mine")); return err })
		f.waiting(b)
		if commit {
			f.commit(a)
		} else {
			f.rollback(a)
			a = f.begin(table.TxOptions{})
			defer f.rollback(a)
			// Two wait for the same row to go: one of them gets the key, the other then finds it taken.
		}
		f.must(<-done)
		f.equal("rows", out.Rows, map[bool]int{false: 0, true: 1}[commit])
		f.rollback(b)
		if !commit {
			f.must(f.delete(a, id, 1))
		}
	}
	f.equal("rows", f.committed(id), "2|20|two 3|∅|three")
	a = f.begin(table.TxOptions{})
	f.must(f.delete(a, id, 2))
	b, c := f.begin(table.TxOptions{}), f.begin(table.TxOptions{})
	var first, second table.Outcome
	one := background(func() (err error) { first, err = f.ignore(b, id, -1, item(2, 20, "b")); _ = b.Rollback(); return err })
	two := background(func() (err error) { second, err = f.ignore(c, id, -1, item(2, 20, "c")); _ = c.Rollback(); return err })
	f.waiting(b)
	f.waiting(c)
	f.commit(a)
	f.must(<-one)
	f.must(<-two)
	if first.Rows+second.Rows == 0 {
		f.t.Error("two that wait for a key both find it taken")
	}
}

// verify demands that the storage finds no damage in itself.
func (f *fixture) verify() {
	f.t.Helper()
	f.must(f.s.Verify(f.ctx, func(d table.Damage) bool {
		f.t.Errorf("damage in %s at %d, %s: %v", d.File, d.Offset, d.Object, d.Err)
		return true
	}))
}

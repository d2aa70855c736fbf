package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// withRows returns a store in memory with the table t of three rows.
func withRows(t *testing.T) (*Store, table.ObjectID) {
	t.Helper()
	s := open(t, nil)
	id := create(t, s, pairs("t"))
	tx := begin(t, s, table.TxOptions{})
	if err := insertRows(t, tx, id, row(1, 10, "one"), row(2, 20, "two"), row(3, 0, "three")); err != nil {
		t.Fatal(err)
	}
	commitTx(t, tx)
	t.Cleanup(func() {
		if n := s.views.Pinned(); len(n) != 1 || n[0].References != 1 {
			t.Errorf("views are left: %+v", n)
		}
		if n := s.locks.Stats(); n.Entries != 0 {
			t.Errorf("%d locks are left", n.Entries)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if n := s.mem.Used(); n != 0 {
			t.Errorf("%d bytes are left", n)
		}
	})
	return s, id
}

func value(v string) types.Row { return types.Row{types.NewString(types.Text, v)} }

func key(id int64) types.Row { return types.Row{types.NewInt(types.Int8, id)} }

func TestConstraintErrors(t *testing.T) {
	s, id := withRows(t)
	tx := begin(t, s, table.TxOptions{})
	defer func() { _ = tx.Rollback() }()
	err := insertRows(t, tx, id, row(4, 40, "four"), row(1, 50, "again"))
	wantCode(t, err, sqlerr.UniqueViolation, `duplicate key value violates unique constraint "t_pkey"`)
	e := sqlerr.From(err)
	if e.Detail != "Key (id)=(1) already exists." || e.Constraint != "t_pkey" || e.Table != "t" || e.Schema != "public" {
		t.Errorf("%+v", e)
	}
	err = insertRows(t, tx, id, row(4, 20, "four"))
	wantCode(t, err, sqlerr.UniqueViolation, `duplicate key value violates unique constraint "t_u_key"`)
	err = insertRows(t, tx, id, row(4, 40, ""))
	wantCode(t, err, sqlerr.NotNullViolation, `null value in column "v" of relation "t" violates not-null constraint`)
	if e := sqlerr.From(err); e.Detail != "Failing row contains (4, 40, null)." || e.Column != "v" {
		t.Errorf("%+v", e)
	}
	long := strings.Repeat("é", 40)
	err = updateRows(t, tx, id, []int64{3}, []int{0, 2}, types.Row{types.NullOf(types.Int8), value(long)[0]})
	wantCode(t, err, sqlerr.NotNullViolation, `null value in column "id" of relation "t" violates not-null constraint`)
	if e := sqlerr.From(err); e.Detail != "Failing row contains (null, null, "+long[:64]+"...)." {
		t.Errorf("%q", e.Detail)
	}
	err = insertRows(t, tx, id, row(7, 70, "a"), row(7, 71, "b"))
	wantCode(t, err, sqlerr.UniqueViolation, `duplicate key value violates unique constraint "t_pkey"`)
	wantText(t, contents(t, tx, id), "1 | 10 | one\n2 | 20 | two\n3 | ∅ | three\n")
}

// TestShiftKeys: UPDATE t SET id = id + 1 succeeds, because keys are checked at the end.
func TestShiftKeys(t *testing.T) {
	s, id := withRows(t)
	for _, own := range []bool{false, true} {
		tx := begin(t, s, table.TxOptions{})
		if own { // the same on rows of the transaction itself
			if err := updateRows(t, tx, id, []int64{2, 3, 4}, []int{2}, value("x"), value("y"), value("z")); err != nil {
				t.Fatal(err)
			}
		}
		ids := []int64{1, 2, 3}
		if own {
			ids = []int64{2, 3, 4}
		}
		err := updateRows(t, tx, id, ids, []int{0}, key(ids[0]+1), key(ids[1]+1), key(ids[2]+1))
		if err != nil {
			t.Fatal(err)
		}
		commitTx(t, tx)
	}
	if got := committedRows(t, s, "t"); got != "3 | 10 | x\n4 | 20 | y\n5 | ∅ | z\n" {
		t.Error(got)
	}
	tx := begin(t, s, table.TxOptions{})
	if err := updateRows(t, tx, id, []int64{3, 4}, []int{0, 1}, row(4, 20, "")[:2], row(3, 10, "")[:2]); err != nil {
		t.Fatal(err)
	}
	wantCode(t, updateRows(t, tx, id, []int64{3}, []int{0}, key(5)), sqlerr.UniqueViolation,
		`duplicate key value violates unique constraint "t_pkey"`)
	commitTx(t, tx)
	if err := s.Verify(t.Context(), func(d table.Damage) bool { t.Error(d.Err); return true }); err != nil {
		t.Fatal(err)
	}
}

// TestShiftManyKeys needs more than one entry in the commit record.
func TestShiftManyKeys(t *testing.T) {
	s := open(t, nil)
	defer func() { _ = s.Close() }()
	def := pairs("t")
	id := create(t, s, def)
	const n = 3 * vec.Size
	tx := begin(t, s, table.TxOptions{})
	for from := int64(1); from <= n; from += 1000 {
		var rows []types.Row
		for k := from; k < from+1000 && k <= n; k++ {
			rows = append(rows, row(k, k, fmt.Sprint(k)))
		}
		if err := insertRows(t, tx, id, rows...); err != nil {
			t.Fatal(err)
		}
	}
	commitTx(t, tx)
	tx = begin(t, s, table.TxOptions{})
	err := statement(tx, func(st table.Statement) error {
		for from := int64(1); from <= n; from += vec.Size {
			var ids []int64
			var to []types.Row
			for k := from; k < from+vec.Size; k++ {
				ids, to = append(ids, k), append(to, row(k+1, k+1, "")[:2])
			}
			refs, w, err := refsOf(st, id, ids)
			if err != nil {
				return err
			}
			if _, err := w.Update(t.Context(), refs, []int{0, 1}, batch(t, def, []int{0, 1}, to...)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	commitTx(t, tx)
	if err := s.Verify(t.Context(), func(d table.Damage) bool { t.Error(d.Err); return true }); err != nil {
		t.Fatal(err)
	}
	got := committedRows(t, s, "t")
	if rows := strings.Count(got, "\n"); rows != n {
		t.Errorf("%d rows, want %d", rows, n)
	}
	if !strings.Contains(got, fmt.Sprintf("%d | %d | %d\n", n+1, n+1, n)) {
		t.Error("the last row has not moved")
	}
}

func TestHalloween(t *testing.T) {
	s, id := withRows(t)
	tx := begin(t, s, table.TxOptions{})
	defer func() { _ = tx.Rollback() }()
	for round := range 2 {
		err := statement(tx, func(st table.Statement) error { // INSERT INTO t SELECT id+100 … FROM t
			r, err := st.Reader(t.Context(), id)
			if err != nil {
				return err
			}
			w, err := st.Writer(t.Context(), id)
			if err != nil {
				return err
			}
			return scanRows(t.Context(), r, func(c *rowCheck) error {
				var rows []types.Row
				for i := range c.batch.N {
					old := c.batch.Row(i, nil)
					rows = append(rows, row(old[0].I+int64(100*(round+1)), 0, "copy"))
				}
				_, err := w.Insert(t.Context(), batch(t, w.Def(), allCols, rows...), table.OnConflict{Key: -1})
				return err
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(contents(t, tx, id), "\n"); n != 12 {
		t.Errorf("%d rows, want 12", n)
	}
}

// TestOwnWritesInStatement: a statement does not see what it writes, its successor does.
func TestOwnWritesInStatement(t *testing.T) {
	s, id := withRows(t)
	tx := begin(t, s, table.TxOptions{})
	defer func() { _ = tx.Rollback() }()
	st := must(tx.Statement(t.Context()))(t)
	refs, w, err := refsOf(st, id, []int64{1})
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.Update(t.Context(), refs, []int{2}, batch(t, w.Def(), []int{2}, value("new")))
	if err != nil || out.Rows != 1 {
		t.Fatal(out, err)
	}
	r := must(st.Reader(t.Context(), id))(t)
	got := must(r.Get(t.Context(), key(1), []int{2}, nil))(t)
	if got[0].S != "one" {
		t.Errorf("the statement sees %q", got[0].S)
	}
	var b vec.Batch
	if err := r.Fetch(t.Context(), out.Refs, allCols, &b); err != nil || vec.Format(&b) != "1 | 10 | new\n" {
		t.Error("by reference: ", vec.Format(&b), err)
	}
	// A second change of the same row counts for nothing.
	again, err := w.Update(t.Context(), refs, []int{2}, batch(t, w.Def(), []int{2}, value("newer")))
	if err != nil || again.Rows != 0 {
		t.Error(again, err)
	}
	if gone, err := w.Delete(t.Context(), refs); err != nil || gone.Rows != 0 {
		t.Error(gone, err)
	}
	if err := st.Close(nil); err != nil {
		t.Fatal(err)
	}
	wantText(t, contents(t, tx, id), "2 | 20 | two\n3 | ∅ | three\n1 | 10 | new\n")
}

func TestStatementUndo(t *testing.T) {
	s, id := withRows(t)
	tx := begin(t, s, table.TxOptions{})
	if err := updateRows(t, tx, id, []int64{1}, []int{2}, value("kept")); err != nil {
		t.Fatal(err)
	}
	before := contents(t, tx, id)
	oops := errors.New("oops")
	err := statement(tx, func(st table.Statement) error {
		refs, w, err := refsOf(st, id, []int64{1, 2})
		if err != nil {
			return err
		}
		if _, err := w.Update(t.Context(), refs[:1], []int{1}, batch(t, w.Def(), []int{1}, types.Row{types.NewInt(types.Int4, 77)})); err != nil {
			return err
		}
		if _, err := w.Delete(t.Context(), refs[1:]); err != nil {
			return err
		}
		if _, err := w.Insert(t.Context(), batch(t, w.Def(), allCols, row(9, 9, "nine")), table.OnConflict{Key: -1}); err != nil {
			return err
		}
		return oops
	})
	if err != oops {
		t.Fatal(err)
	}
	wantText(t, contents(t, tx, id), before)
	if err := insertRows(t, tx, id, row(9, 77, "nine")); err != nil { // both keys are free again
		t.Fatal(err)
	}
	commitTx(t, tx)
	wantText(t, committedRows(t, s, "t"), "2 | 20 | two\n3 | ∅ | three\n1 | 10 | kept\n9 | 77 | nine\n")
}

func TestSavepoints(t *testing.T) {
	s, id := withRows(t)
	ctx := t.Context()
	tx := begin(t, s, table.TxOptions{})
	outer := must(tx.Savepoint(ctx))(t)
	if err := deleteRows(tx, id, 1); err != nil {
		t.Fatal(err)
	}
	inner := must(tx.Savepoint(ctx))(t)
	if err := insertRows(t, tx, id, row(1, 11, "again")); err != nil {
		t.Fatal(err)
	}
	u := must(tx.Schema().Create(ctx, pairs("u")))(t)
	if err := insertRows(t, tx, u, row(5, 5, "five")); err != nil {
		t.Fatal(err)
	}
	if err := inner.RollbackTo(ctx); err != nil {
		t.Fatal(err)
	}
	if tx.Schema().LookupRelation(table.PublicSchema, "u") != nil {
		t.Error("a table outlives its savepoint")
	}
	wantText(t, contents(t, tx, id), "2 | 20 | two\n3 | ∅ | three\n")
	other := begin(t, s, table.TxOptions{LockWait: time.Millisecond})
	wantCode(t, deleteRows(other, id, 1), sqlerr.LockNotAvailable, "canceling statement due to lock timeout")
	if err := outer.RollbackTo(ctx); err != nil {
		t.Fatal(err)
	}
	if err := deleteRows(other, id, 1); err != nil {
		t.Errorf("the lock was not given back: %v", err)
	}
	wantCode(t, inner.Release(ctx), sqlerr.InvalidSavepointSpecification, "savepoint does not exist")
	if err := outer.Release(ctx); err != nil {
		t.Fatal(err)
	}
	commitTx(t, tx)
	commitTx(t, other)
	wantText(t, committedRows(t, s, "t"), "2 | 20 | two\n3 | ∅ | three\n")
}

func TestFirstUpdaterWins(t *testing.T) {
	s, id := withRows(t)
	for _, c := range []struct {
		name string
		do   func(tx *Tx) error
		text string
	}{
		{"update", func(tx *Tx) error { return updateRows(t, tx, id, []int64{1}, []int{2}, value("first")) },
			"could not serialize access due to concurrent update"},
		{"delete", func(tx *Tx) error { return deleteRows(tx, id, 1) },
			"could not serialize access due to concurrent delete"},
	} {
		t.Run(c.name, func(t *testing.T) {
			late := begin(t, s, table.TxOptions{Isolation: table.RepeatableRead})
			contents(t, late, id) // takes the snapshot
			first := begin(t, s, table.TxOptions{})
			if err := c.do(first); err != nil {
				t.Fatal(err)
			}
			commitTx(t, first)
			wantCode(t, updateRows(t, late, id, []int64{1}, []int{2}, value("late")), sqlerr.SerializationFailure, c.text)
			wantCode(t, deleteRows(late, id, 1), sqlerr.SerializationFailure, c.text)
			if err := late.Rollback(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// lockRows locks rows of a statement that began before change was committed.
func lockRows(t *testing.T, s *Store, id table.ObjectID, ids []int64, change func(tx *Tx) error) []table.LockResult {
	t.Helper()
	tx := begin(t, s, table.TxOptions{})
	defer func() { _ = tx.Rollback() }()
	st := must(tx.Statement(t.Context()))(t)
	defer func() { _ = st.Close(nil) }()
	refs, w, err := refsOf(st, id, ids)
	if err != nil {
		t.Fatal(err)
	}
	other := begin(t, s, table.TxOptions{})
	if err := change(other); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	out := make([]table.LockResult, len(refs))
	go func() { done <- w.Lock(context.Background(), refs, table.ForUpdate, table.WaitBlock, out) }()
	for s.locks.Stats().Waiting == 0 {
		time.Sleep(time.Microsecond)
	}
	commitTx(t, other)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for i := range out {
		if out[i].Status == table.Moved {
			var b vec.Batch
			r := must(st.Reader(t.Context(), id))(t)
			if err := r.Fetch(t.Context(), []table.RowRef{out[i].Ref}, allCols, &b); err != nil {
				t.Fatal(err)
			}
			t.Logf("row %d has become %s", ids[i], vec.Format(&b))
			if up, err := w.Update(t.Context(), []table.RowRef{out[i].Ref}, []int{2}, batch(t, w.Def(), []int{2}, value("followed"))); err != nil || up.Rows != 1 {
				t.Errorf("update of the new version: %+v, %v", up, err)
			}
		}
	}
	return out
}

func TestFollowUpdates(t *testing.T) {
	s, id := withRows(t)
	for _, c := range []struct {
		name string
		ids  []int64
		do   func(tx *Tx) error
		want []table.LockStatus
	}{
		{"update", []int64{1, 2}, func(tx *Tx) error { return updateRows(t, tx, id, []int64{1}, []int{2}, value("x")) },
			[]table.LockStatus{table.Moved, table.Unchanged}},
		{"key change", []int64{1, 2, 3}, func(tx *Tx) error {
			return updateRows(t, tx, id, []int64{1, 2}, []int{0}, key(2), key(22))
		}, []table.LockStatus{table.Moved, table.Moved, table.Unchanged}},
		{"delete", []int64{3, 22}, func(tx *Tx) error { return deleteRows(tx, id, 22) },
			[]table.LockStatus{table.Unchanged, table.Gone}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i, l := range lockRows(t, s, id, c.ids, c.do) {
				if l.Status != c.want[i] {
					t.Errorf("row %d: status %d, want %d", c.ids[i], l.Status, c.want[i])
				}
			}
		})
	}
}

func TestWaitPolicies(t *testing.T) {
	s, id := withRows(t)
	holder := begin(t, s, table.TxOptions{})
	if err := updateRows(t, holder, id, []int64{1}, []int{2}, value("x")); err != nil {
		t.Fatal(err)
	}
	tx := begin(t, s, table.TxOptions{})
	defer func() { _ = tx.Rollback(); _ = holder.Rollback() }()
	err := statement(tx, func(st table.Statement) error {
		refs, w, err := refsOf(st, id, []int64{1, 2})
		if err != nil {
			return err
		}
		out := make([]table.LockResult, 2)
		if err := w.Lock(t.Context(), refs, table.ForUpdate, table.SkipLocked, out); err != nil {
			return err
		}
		if out[0].Status != table.Skipped || out[1].Status != table.Unchanged {
			t.Errorf("skip locked: %+v", out)
		}
		if err := w.Lock(t.Context(), refs[:1], table.ForKeyShare, table.NoWait, out[:1]); err != nil {
			t.Errorf("KEY SHARE beside an update of no key: %v", err)
		}
		return w.Lock(t.Context(), refs[:1], table.ForShare, table.NoWait, out[:1])
	})
	wantCode(t, err, sqlerr.LockNotAvailable, `could not obtain lock on row in relation "t"`)
	wantCode(t, tx.LockTable(t.Context(), id, table.Exclusive, table.NoWait), sqlerr.LockNotAvailable,
		`could not obtain lock on relation "t"`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tx.LockTable(ctx, id, table.Exclusive, table.WaitBlock); sqlerr.CodeOf(err) != sqlerr.QueryCanceled {
		t.Errorf("canceled wait: %v", err)
	}
}

func TestDeadlock(t *testing.T) {
	s, id := withRows(t)
	a, b := begin(t, s, table.TxOptions{}), begin(t, s, table.TxOptions{})
	if err := deleteRows(a, id, 1); err != nil {
		t.Fatal(err)
	}
	if err := deleteRows(b, id, 2); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- deleteRows(a, id, 2) }()
	for s.locks.Stats().Waiting == 0 {
		time.Sleep(time.Microsecond)
	}
	err := deleteRows(b, id, 1)
	wantCode(t, err, sqlerr.DeadlockDetected, "deadlock detected")
	if d := sqlerr.From(err).Detail; !strings.Contains(d, "waits for") {
		t.Errorf("detail %q", d)
	}
	_ = b.Rollback()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	commitTx(t, a)
	wantText(t, committedRows(t, s, "t"), "3 | ∅ | three\n")
	if m := s.Metrics(); m.Deadlocks != 1 {
		t.Errorf("%d deadlocks", m.Deadlocks)
	}
}

// TestUniqueAcrossTransactions: the second of two inserts of a key waits for the first.
func TestUniqueAcrossTransactions(t *testing.T) {
	for _, c := range []struct {
		name   string
		commit bool
		second types.Row
		code   sqlerr.Code
		text   string
	}{
		{"primary key, commit", true, row(4, 41, "b"), "23505", `duplicate key value violates unique constraint "t_pkey"`},
		{"unique, commit", true, row(5, 40, "b"), "23505", `duplicate key value violates unique constraint "t_u_key"`},
		{"primary key, rollback", false, row(4, 41, "b"), "00000", ""},
		{"unique, rollback", false, row(5, 40, "b"), "00000", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, id := withRows(t)
			a, b := begin(t, s, table.TxOptions{}), begin(t, s, table.TxOptions{Isolation: table.RepeatableRead})
			if err := insertRows(t, a, id, row(4, 40, "a")); err != nil {
				t.Fatal(err)
			}
			done := make(chan error)
			go func() { done <- insertRows(t, b, id, c.second) }()
			for s.locks.Stats().Waiting == 0 {
				time.Sleep(time.Microsecond)
			}
			if c.commit {
				commitTx(t, a)
			} else if err := a.Rollback(); err != nil {
				t.Fatal(err)
			}
			wantCode(t, <-done, c.code, c.text)
			_ = b.Rollback()
		})
	}
}

func TestOnConflictDoNothing(t *testing.T) {
	s, id := withRows(t)
	tx := begin(t, s, table.TxOptions{})
	if err := deleteRows(tx, id, 2); err != nil {
		t.Fatal(err)
	}
	err := statement(tx, func(st table.Statement) error {
		w, err := st.Writer(t.Context(), id)
		if err != nil {
			return err
		}
		rows := batch(t, w.Def(), allCols, row(1, 50, "taken"), row(2, 20, "free again"), row(4, 10, "u taken"),
			row(5, 50, "new"), row(5, 51, "twice"))
		out, err := w.Insert(t.Context(), rows, table.OnConflict{DoNothing: true, Key: -1})
		if err != nil || out.Rows != 2 || fmt.Sprint(out.Skipped) != "[0 2 4]" || len(out.Refs) != 2 {
			t.Errorf("%+v, %v", out, err)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = statement(tx, func(st table.Statement) error { // the arbiter is the primary key
		w, err := st.Writer(t.Context(), id)
		if err != nil {
			return err
		}
		_, err = w.Insert(t.Context(), batch(t, w.Def(), allCols, row(6, 10, "x")), table.OnConflict{DoNothing: true, Key: 0})
		return err
	})
	wantCode(t, err, sqlerr.UniqueViolation, `duplicate key value violates unique constraint "t_u_key"`)
	commitTx(t, tx)
	wantText(t, committedRows(t, s, "t"), "1 | 10 | one\n3 | ∅ | three\n2 | 20 | free again\n5 | 50 | new\n")

	late := begin(t, s, table.TxOptions{Isolation: table.RepeatableRead})
	contents(t, late, id)
	tx = begin(t, s, table.TxOptions{})
	if err := insertRows(t, tx, id, row(8, 8, "eight")); err != nil {
		t.Fatal(err)
	}
	commitTx(t, tx)
	err = statement(late, func(st table.Statement) error {
		w, err := st.Writer(t.Context(), id)
		if err != nil {
			return err
		}
		_, err = w.Insert(t.Context(), batch(t, w.Def(), allCols, row(8, 80, "x")), table.OnConflict{DoNothing: true, Key: -1})
		return err
	})
	wantCode(t, err, sqlerr.SerializationFailure, "could not serialize access due to concurrent update")
	_ = late.Rollback()
}

func TestReadOnlyAndEnded(t *testing.T) {
	s, id := withRows(t)
	tx := begin(t, s, table.TxOptions{ReadOnly: true})
	wantCode(t, insertRows(t, tx, id, row(9, 9, "x")), sqlerr.ReadOnlySQLTransaction,
		"cannot execute data changes in a read-only transaction")
	_, err := tx.Schema().Create(t.Context(), pairs("u"))
	wantCode(t, err, sqlerr.ReadOnlySQLTransaction, "cannot execute CREATE in a read-only transaction")
	st := must(tx.Statement(t.Context()))(t)
	r := must(st.Reader(t.Context(), id))(t)
	if receipt := commitTx(t, tx); receipt.LSN != 0 {
		t.Errorf("%+v", receipt)
	}
	if _, err := r.Get(t.Context(), key(1), allCols, nil); sqlerr.CodeOf(err) != sqlerr.InvalidTransactionState {
		t.Errorf("get after the end: %v", err)
	}
	if _, err := r.Scan(t.Context(), table.ScanSpec{}); sqlerr.CodeOf(err) != sqlerr.InvalidTransactionState {
		t.Errorf("scan after the end: %v", err)
	}
	if _, err := tx.Statement(t.Context()); sqlerr.CodeOf(err) != sqlerr.InvalidTransactionState {
		t.Errorf("statement after the end: %v", err)
	}
	if _, err := tx.Commit(t.Context()); sqlerr.CodeOf(err) != sqlerr.InvalidTransactionState {
		t.Errorf("second commit: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Errorf("rollback after commit: %v", err)
	}
	for _, o := range []table.TxOptions{{Isolation: table.Serializable}, {AsOf: 1}} {
		if _, err := s.Begin(t.Context(), o); sqlerr.CodeOf(err) != sqlerr.FeatureNotSupported {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestWriteBytes(t *testing.T) {
	s, id := withRows(t)
	tx := begin(t, s, table.TxOptions{WriteBytes: 64 << 10})
	var err error
	n := 0
	for k := int64(100); err == nil; k++ {
		if err = insertRows(t, tx, id, row(k, 0, strings.Repeat("x", 500))); err == nil {
			n++
		}
	}
	wantCode(t, err, sqlerr.OutOfMemory, "out of memory")
	if n < 20 || n > 128 {
		t.Errorf("%d rows fit", n)
	}
	if got := strings.Count(contents(t, tx, id), "\n"); got != n+3 {
		t.Errorf("%d rows are left, want %d", got, n+3)
	}
	_ = tx.Rollback()
	if s.mem.Used() > 8<<20 {
		t.Error("bytes left")
	}
}

func TestTruncate(t *testing.T) {
	s, id := withRows(t)
	old := begin(t, s, table.TxOptions{Isolation: table.RepeatableRead})
	o := must(old.Statement(t.Context()))(t) // has the View, not yet the lock
	tx := begin(t, s, table.TxOptions{})
	if err := insertRows(t, tx, id, row(4, 40, "four")); err != nil {
		t.Fatal(err)
	}
	sp := must(tx.Savepoint(t.Context()))(t)
	truncate := func() {
		err := statement(tx, func(st table.Statement) error {
			w, err := st.Writer(t.Context(), id)
			if err != nil {
				return err
			}
			return w.Truncate(t.Context())
		})
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, contents(t, tx, id), "")
	}
	truncate()
	if err := sp.RollbackTo(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantText(t, contents(t, tx, id), "1 | 10 | one\n2 | 20 | two\n3 | ∅ | three\n4 | 40 | four\n")
	truncate()
	if err := insertRows(t, tx, id, row(1, 20, "new")); err != nil {
		t.Fatal(err)
	}
	commitTx(t, tx)
	wantText(t, committedRows(t, s, "t"), "1 | 20 | new\n")
	if err := o.Close(nil); err != nil {
		t.Fatal(err)
	}
	wantText(t, contents(t, old, id), "1 | 10 | one\n2 | 20 | two\n3 | ∅ | three\n")
	_ = old.Rollback()
}

func TestHiddenKeys(t *testing.T) {
	s := open(t, nil)
	defer func() { _ = s.Close() }()
	tx := begin(t, s, table.TxOptions{})
	id := must(tx.Schema().Create(t.Context(), keyless("k")))(t)
	if err := insertRows(t, tx, id, row(1, 0, "a"), row(1, 0, "a")); err != nil {
		t.Fatal(err)
	}
	commitTx(t, tx)
	for range 3 {
		tx = begin(t, s, table.TxOptions{})
		if err := insertRows(t, tx, id, row(1, 0, "a")); err != nil {
			t.Fatal(err)
		}
		err := statement(tx, func(st table.Statement) error { // updates what it finds
			r := must(st.Reader(t.Context(), id))(t)
			w := must(st.Writer(t.Context(), id))(t)
			sc := must(r.Scan(t.Context(), table.ScanSpec{Cols: []int{0}, Refs: true}))(t)
			var refs []table.RowRef
			for {
				m, err := sc.NextMorsel(t.Context())
				if isEOF(err) {
					break
				}
				if err := readRows(t.Context(), m, func(c *rowCheck) error {
					for i := range c.batch.N {
						refs = append(refs, table.RowRef(c.batch.BatchDatum(1, i).I))
					}
					return nil
				}); err != nil {
					return err
				}
			}
			_ = sc.Close()
			var vals []types.Row
			for range refs {
				vals = append(vals, value("b"))
			}
			_, err := w.Update(t.Context(), refs, []int{2}, batch(t, w.Def(), []int{2}, vals...))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		commitTx(t, tx)
	}
	wantText(t, committedRows(t, s, "k"), strings.Repeat("1 | ∅ | b\n", 5))
	if err := s.Verify(t.Context(), func(d table.Damage) bool { t.Error(d.Err); return true }); err != nil {
		t.Fatal(err)
	}
}

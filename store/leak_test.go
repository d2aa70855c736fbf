package store

import (
	"errors"
	"strings"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// withRows returns a store in memory with the table t of three rows. At the end nothing may be left of what was opened.
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
		if h := &s.history; h.open.Load() != 0 || h.bytes != 0 || len(h.views) != 0 {
			t.Errorf("of SERIALIZABLE transactions %d are left, %d bytes, views %v", h.open.Load(), h.bytes, h.views)
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

// TestNothingIsLeft: views, locks and memory are given back, however a transaction ends.
func TestNothingIsLeft(t *testing.T) {
	s, id := withRows(t)
	ctx := t.Context()
	for i, end := range []func(tx *Tx) error{
		func(tx *Tx) error { _, err := tx.Commit(ctx); return err },
		(*Tx).Rollback,
		func(tx *Tx) error { _, err := tx.Commit(ctx); return err },
	} {
		tx := begin(t, s, table.TxOptions{Isolation: table.Isolation(i)})
		if err := insertRows(t, tx, id, row(int64(10+i), 0, strings.Repeat("x", 3000))); err != nil {
			t.Fatal(err)
		}
		sp := must(tx.Savepoint(ctx))(t)
		if err := deleteRows(tx, id, 1); err != nil {
			t.Fatal(err)
		}
		inner := must(tx.Statement(ctx))(t)
		r := must(inner.Reader(ctx, id))(t)
		within := must(r.Scan(ctx, table.ScanSpec{Cols: allCols}))(t)
		if err := sp.RollbackTo(ctx); err != nil {
			t.Fatal(err)
		}
		failed := errors.New("failed")
		if err := statement(tx, func(st table.Statement) error {
			w := must(st.Writer(ctx, id))(t)
			l := must(w.Load(ctx, table.LoadOptions{}))(t)
			if err := l.Append(ctx, batch(t, w.Def(), allCols, row(20, 0, "loaded"))); err != nil {
				return err
			}
			return failed
		}); err != failed {
			t.Fatal(err)
		}
		st := must(tx.Statement(ctx))(t)
		r = must(st.Reader(ctx, id))(t)
		left := must(r.Scan(ctx, table.ScanSpec{Cols: allCols}))(t)
		m := must(left.NextMorsel(ctx))(t)
		if err := end(tx); err != nil {
			t.Fatal(err)
		}
		m.Close()
		for _, scan := range []table.Scan{within, left} {
			if _, err := scan.NextMorsel(ctx); sqlerr.CodeOf(err) != sqlerr.InvalidTransactionState {
				t.Errorf("scan after the end: %v", err)
			}
			if err := errors.Join(scan.Close(), scan.Close()); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestOpenScanKeepsItsRows: a scan that outlives its statement pins what it shows until it is closed.
func TestOpenScanKeepsItsRows(t *testing.T) {
	s, id := withRows(t)
	ctx := t.Context()
	tx := begin(t, s, table.TxOptions{})
	st := must(tx.Statement(ctx))(t)
	r := must(st.Reader(ctx, id))(t)
	scan := must(r.Scan(ctx, table.ScanSpec{Cols: allCols}))(t)
	m := must(scan.NextMorsel(ctx))(t)
	commitTx(t, tx)
	old := s.views.Watermark()
	for i := range 200 {
		tx := begin(t, s, table.TxOptions{})
		if err := updateRows(t, tx, id, []int64{1}, []int{2}, types.Row{types.NewString(types.Text, strings.Repeat("y", i))}); err != nil {
			t.Fatal(err)
		}
		commitTx(t, tx)
	}
	if s.views.Watermark() != old {
		t.Error("the view of an open scan was given up")
	}
	var c rowCheck
	if err := m.Read(ctx, &c.batch); err != nil || c.batch.N != 3 || c.batch.BatchDatum(2, 0).S != "one" {
		t.Errorf("%d rows, %v", c.batch.N, err)
	}
	m.Close()
	if err := scan.Close(); err != nil {
		t.Fatal(err)
	}
	tx = begin(t, s, table.TxOptions{})
	if err := deleteRows(tx, id, 1); err != nil {
		t.Fatal(err)
	}
	commitTx(t, tx)
	if s.views.Watermark() == old {
		t.Error("the view of a closed scan is still held")
	}
}

// TestWriteSetMemory: what a transaction that runs out of memory has charged is given back.
func TestWriteSetMemory(t *testing.T) {
	s, id := withRows(t)
	before := s.mem.Used()
	tx := begin(t, s, table.TxOptions{WriteBytes: 64 << 10})
	var err error
	for k := int64(100); err == nil; k++ {
		err = insertRows(t, tx, id, row(k, 0, strings.Repeat("x", 500)))
	}
	wantCode(t, err, sqlerr.OutOfMemory, "out of memory")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if n := s.mem.Used(); n != before {
		t.Errorf("%d bytes are charged, %d were before", n, before)
	}
}

// TestRefusedRowsLeaveNothing: of a batch for which memory ends in the middle of a column, later rows of the same
// transaction find nothing.
func TestRefusedRowsLeaveNothing(t *testing.T) {
	for _, def := range []*table.TableDef{pairs("p"), keyless("k")} {
		s := open(t, nil)
		id := create(t, s, def)
		tx := begin(t, s, table.TxOptions{WriteBytes: 512 << 10})
		next := int64(1)
		rows := func(n int, v string) (list []types.Row) {
			for range n {
				list = append(list, row(next, 0, v))
				next++
			}
			return list
		}
		if err := insertRows(t, tx, id, rows(300, "few")...); err != nil {
			t.Fatal(err)
		}
		wantCode(t, insertRows(t, tx, id, rows(1500, strings.Repeat("x", 900))...), sqlerr.OutOfMemory, "out of memory")
		if err := insertRows(t, tx, id, rows(10, "more")...); err != nil {
			t.Fatalf("%s after a refused batch: %v", def.Name, err)
		}
		commitTx(t, tx)
		tx = begin(t, s, table.TxOptions{})
		got := contents(t, tx, id)
		commitTx(t, tx)
		if n := strings.Count(got, "few"); n != 300 || strings.Count(got, "more") != 10 || strings.Contains(got, "xx") {
			t.Errorf("%s: %d of 300 rows before the refused ones are left: %.300s", def.Name, n, got)
		}
	}
}

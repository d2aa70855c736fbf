package store

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

var serializable = table.TxOptions{Isolation: table.Serializable}

const dependenciesText = "could not serialize access due to read/write dependencies among transactions"

// filledTable makes a table of pairs with the rows 1 to n: (i, 10 i, "v").
func filledTable(t testing.TB, s *Store, name string, n int) table.ObjectID {
	t.Helper()
	id := create(t, s, pairs(name))
	var rows []types.Row
	for i := range int64(n) {
		rows = append(rows, row(i+1, 10*(i+1), "v"))
	}
	tx := begin(t, s, table.TxOptions{})
	if err := insertRows(t, tx, id, rows...); err != nil {
		t.Fatal(err)
	}
	commitTx(t, tx)
	return id
}

func setV(t testing.TB, tx *Tx, id table.ObjectID, key int64, v string) error {
	t.Helper()
	return updateRows(t, tx, id, []int64{key}, []int{2}, types.Row{types.NewString(types.Text, v)})
}

// getRow reads a row by key, whether it is there or not.
func getRow(t testing.TB, tx *Tx, id table.ObjectID, key int64) (out types.Row) {
	t.Helper()
	err := statement(tx, func(st table.Statement) error {
		r, err := st.Reader(context.Background(), id)
		if err == nil {
			out, err = r.Get(context.Background(), types.Row{types.NewInt(types.Int8, key)}, allCols, nil)
		}
		if err == table.ErrNotFound {
			err = nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// scanWhere scans for the rows that meet conjuncts and returns how many the tier gives.
func scanWhere(tx *Tx, id table.ObjectID, where ...table.Conjunct) (n int, err error) {
	return n, statement(tx, func(st table.Statement) error {
		r, err := st.Reader(context.Background(), id)
		if err != nil {
			return err
		}
		s, err := r.Scan(context.Background(), table.ScanSpec{Cols: allCols, Where: where})
		if err != nil {
			return err
		}
		defer s.Close() //nolint:errcheck // a read-only scan has nothing to report at its end
		for {
			m, err := s.NextMorsel(context.Background())
			if isEOF(err) {
				return nil
			}
			if err != nil {
				return err
			}
			err = readRows(context.Background(), m, func(c *rowCheck) error {
				for i := range c.batch.N {
					ok := true
					for j := range where {
						ok = ok && holds(c.batch.BatchDatum(where[j].Col, i), &where[j])
					}
					if ok {
						n++
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	})
}

// stall stops the next sync of a file system until it is let go.
type stall struct {
	armed        atomic.Bool
	reached, let chan struct{}
}

// syncsLog reports whether a call syncs the log, and not a file that is being prepared for it, or the folder.
func syncsLog(op errorfs.Op) bool {
	return (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) && strings.Contains(op.Path, "wal/wal-")
}

func (s *stall) MaybeError(op errorfs.Op) error {
	if syncsLog(op) && s.armed.CompareAndSwap(true, false) {
		close(s.reached)
		<-s.let
	}
	return nil
}

func (s *stall) String() string { return "stall" }

// TestSerializableSeesUnpublished: a commit that has its LSN and waits for the disk counts as a change. Whoever begins
// meanwhile sees it, or knows of it.
func TestSerializableSeesUnpublished(t *testing.T) {
	disk := &stall{reached: make(chan struct{}), let: make(chan struct{})}
	s := open(t, errorfs.Wrap(vfs.NewMem(), disk))
	id := filledTable(t, s, "t", 5)
	early, ready := begin(t, s, serializable), begin(t, s, serializable)
	for _, tx := range []*Tx{early, ready} {
		getRow(t, tx, id, 1)
	}
	if err := setV(t, ready, id, 2, "ready"); err != nil {
		t.Fatal(err)
	}
	other := begin(t, s, table.TxOptions{})
	if err := setV(t, other, id, 1, "other"); err != nil {
		t.Fatal(err)
	}
	disk.armed.Store(true)
	committed := make(chan error, 1)
	go func() { _, err := other.Commit(context.Background()); committed <- err }()
	<-disk.reached

	late := begin(t, s, serializable) // need not wait: what is on its way is remembered
	if got := getRow(t, late, id, 1)[2].S; got != "v" {
		t.Errorf("the late transaction reads %q", got)
	}
	wantCode(t, setV(t, early, id, 3, "early"), sqlerr.SerializationFailure, dependenciesText)
	wantCode(t, setV(t, late, id, 4, "late"), sqlerr.SerializationFailure, dependenciesText)
	_, err := ready.Commit(t.Context())
	wantCode(t, err, sqlerr.SerializationFailure, dependenciesText)
	for _, tx := range []*Tx{early, late} {
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
	first := make(chan *Tx, 1) // nobody remembers what is on its way: begins when it is visible
	go func() { first <- begin(t, s, serializable) }()
	close(disk.let)
	if err := <-committed; err != nil {
		t.Fatal(err)
	}
	tx := <-first
	if got := getRow(t, tx, id, 1)[2].S; got != "other" {
		t.Errorf("the first transaction after it reads %q", got)
	}
	if err := setV(t, tx, id, 2, "first"); err != nil {
		t.Fatal(err)
	}
	commitTx(t, tx)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSerializableAfterFailure: when the log has failed under a commit, transactions still read, and what they write is
// refused as any other write is.
func TestSerializableAfterFailure(t *testing.T) {
	var fail atomic.Bool
	s := open(t, errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if fail.Load() && syncsLog(op) {
			return errorfs.ErrInjected
		}
		return nil
	})))
	id := filledTable(t, s, "t", 3)
	other := begin(t, s, table.TxOptions{})
	if err := setV(t, other, id, 1, "other"); err != nil {
		t.Fatal(err)
	}
	fail.Store(true)
	_, err := other.Commit(t.Context())
	if sqlerr.CodeOf(err) != sqlerr.TransactionResolutionUnknown {
		t.Fatalf("%v", err)
	}
	tx := begin(t, s, serializable)
	if got := getRow(t, tx, id, 1)[2].S; got != "v" {
		t.Errorf("it reads %q", got)
	}
	if err = setV(t, tx, id, 2, "tx"); err == nil {
		_, err = tx.Commit(t.Context())
	}
	if sqlerr.CodeOf(err) != sqlerr.IOError {
		t.Errorf("a write answers %s %v", sqlerr.CodeOf(err), err)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err == nil {
		t.Error("the store closes as if nothing had failed")
	}
}

// TestSerializablePrecision: what does not meet the conditions of a scan, or has another key, is no conflict.
func TestSerializablePrecision(t *testing.T) {
	s := open(t, nil)
	id, other := filledTable(t, s, "t", 9), filledTable(t, s, "other", 3)
	u := func(op table.Op, x int64) table.Conjunct {
		return table.Conjunct{Col: 1, Op: op, Value: types.NewInt(types.Int4, x)}
	}
	v := func(op table.Op, x string) table.Conjunct {
		return table.Conjunct{Col: 2, Op: op, Value: types.NewString(types.Text, x)}
	}
	text := func(x string) types.Datum { return types.NewString(types.Text, x) }
	for i, c := range []struct {
		where    []table.Conjunct
		conflict bool
	}{ // row 5, (5, 50, x), becomes (5, 50, y)
		{[]table.Conjunct{u(table.OpEq, 50)}, true},
		{[]table.Conjunct{u(table.OpEq, 51)}, false},
		{[]table.Conjunct{u(table.OpNe, 50)}, false},
		{[]table.Conjunct{u(table.OpNe, 51)}, true},
		{[]table.Conjunct{u(table.OpLt, 50)}, false},
		{[]table.Conjunct{u(table.OpLe, 50)}, true},
		{[]table.Conjunct{u(table.OpGt, 50)}, false},
		{[]table.Conjunct{u(table.OpGe, 50)}, true},
		{[]table.Conjunct{u(table.OpGe, 40), v(table.OpEq, "x")}, true}, // as it was
		{[]table.Conjunct{u(table.OpGe, 40), v(table.OpEq, "y")}, true}, // as it is
		{[]table.Conjunct{u(table.OpGe, 40), v(table.OpEq, "z")}, false},
		{[]table.Conjunct{u(table.OpGe, 60), v(table.OpEq, "y")}, false},
		{[]table.Conjunct{v(table.OpPrefix, "")}, true},
		{[]table.Conjunct{v(table.OpPrefix, "xy")}, false},
		{[]table.Conjunct{{Col: 1, Op: table.OpIsNull}}, false},
		{[]table.Conjunct{{Col: 1, Op: table.OpIsNotNull}}, true},
		{[]table.Conjunct{{Col: 2, Op: table.OpIn, Values: []types.Datum{text("a"), text("x")}}}, true},
		{[]table.Conjunct{{Col: 2, Op: table.OpIn, Values: []types.Datum{text("a"), text("b")}}}, false},
		{[]table.Conjunct{{Col: 2, Op: table.OpIn}}, false},
		{nil, true},
	} {
		setup, tx, change := begin(t, s, table.TxOptions{}), begin(t, s, serializable), begin(t, s, table.TxOptions{})
		if err := setV(t, setup, id, 5, "x"); err != nil {
			t.Fatal(err)
		}
		commitTx(t, setup)
		if _, err := scanWhere(tx, id, c.where...); err != nil {
			t.Fatal(err)
		}
		getRow(t, tx, id, 4)
		getRow(t, tx, id, 50)
		if err := setV(t, change, id, 5, "y"); err != nil {
			t.Fatal(err)
		}
		commitTx(t, change)
		err := setV(t, tx, other, 1, "tx")
		if got := sqlerr.CodeOf(err) == sqlerr.SerializationFailure; got != c.conflict || err != nil && !got {
			t.Errorf("case %d: %v, want a conflict: %v", i, err, c.conflict)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
	if s.history.list != nil || s.history.bytes != 0 || s.history.by != nil {
		t.Error("commits are remembered though no transaction is open")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSerializableForgets: what is remembered is bounded; who would need what was forgotten is refused, and others are
// not. Commits that all open transactions see are forgotten first.
func TestSerializableForgets(t *testing.T) {
	s := open(t, nil)
	id, other := filledTable(t, s, "t", 3), filledTable(t, s, "other", 900)
	old, reader := begin(t, s, serializable), begin(t, s, serializable)
	getRow(t, old, id, 1)
	getRow(t, reader, id, 1)
	keys, vals := make([]int64, 900), make([]types.Row, 900)
	for i := range keys {
		keys[i], vals[i] = int64(i+1), types.Row{types.NewString(types.Text, strings.Repeat("x", 500))}
	}
	for range 2 * historyBytesMax / (900 * 1000) {
		tx := begin(t, s, table.TxOptions{})
		if err := updateRows(t, tx, other, keys, []int{2}, vals...); err != nil {
			t.Fatal(err)
		}
		commitTx(t, tx)
	}
	if b := s.history.bytes; b > historyBytesMax || b < historyBytesMax/2 {
		t.Errorf("%d bytes are remembered, at most %d should be", b, historyBytesMax)
	}
	err := setV(t, old, id, 2, "old")
	wantCode(t, err, sqlerr.SerializationFailure, dependenciesText)
	if d := sqlerr.From(err).Detail; !strings.Contains(d, "no longer known") {
		t.Errorf("detail %q", d)
	}
	fresh := begin(t, s, serializable)
	getRow(t, fresh, id, 1)
	commitTx(t, reader)
	if err := old.Rollback(); err != nil {
		t.Fatal(err)
	}
	if b := s.history.bytes; b != 0 {
		t.Errorf("%d bytes are remembered that the only transaction sees", b)
	}
	if err := setV(t, fresh, id, 2, "fresh"); err != nil {
		t.Fatal(err)
	}
	commitTx(t, fresh)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// hooked is a context that does something whenever it is asked whether it has ended: in a commit that is between the
// validation outside the queue and the one in it.
type hooked struct {
	context.Context
	hook func()
}

func (h hooked) Err() error { h.hook(); return nil }

// TestSerializableQueueIsBounded: the commit queue does not wait for a validation of everything that came between.
func TestSerializableQueueIsBounded(t *testing.T) {
	for _, fs := range []vfs.FS{nil, vfs.NewMem()} {
		s := open(t, fs)
		id := filledTable(t, s, "t", 3)
		next := int64(1000)
		insert := func(n int64) {
			tx := begin(t, s, table.TxOptions{})
			var rows []types.Row
			for range n {
				next++
				rows = append(rows, row(next, 0, "much"))
			}
			if err := insertRows(t, tx, id, rows...); err != nil {
				t.Fatal(err)
			}
			commitTx(t, tx)
		}
		for _, c := range []struct {
			rounds   int // in which others commit
			rows     int64
			conflict bool
		}{{0, 0, false}, {1, 10, false}, {queueTriesMax, 10, false}, {2, 2000, false}, {queueTriesMax, 2000, true}} {
			tx := begin(t, s, serializable)
			for i := range int64(10) {
				if _, err := scanWhere(tx, id, table.Conjunct{Col: 0, Op: table.OpEq, Value: types.NewInt(types.Int8, 100+i)}); err != nil {
					t.Fatal(err)
				}
			}
			if err := setV(t, tx, id, 2, "tx"); err != nil {
				t.Fatal(err)
			}
			rounds := 0
			_, err := tx.Commit(hooked{context.Background(), func() {
				if rounds++; rounds <= c.rounds {
					insert(c.rows)
				}
			}})
			if got := sqlerr.CodeOf(err) == sqlerr.SerializationFailure; got != c.conflict || err != nil && !got {
				t.Errorf("%+v: %v", c, err)
			}
			if c.rows > 1000 && rounds < c.rounds {
				t.Errorf("%+v: the commit was tried %d times", c, rounds)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

package lamina_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// noWait makes Close name what is open at once.
var noWait = &lamina.Options{CloseWait: -1}

const manyRows = "SELECT g FROM generate_series(1, 1000000) g"

// Everything of a closed DB is an error, never a panic.
func TestUseAfterClose(t *testing.T) {
	ctx := t.Context()
	for _, dir := range []string{"", t.TempDir()} {
		db, err := lamina.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY); INSERT INTO t VALUES (1)")
		conn, err := db.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		own, err := conn.Prepare(ctx, "SELECT a FROM t")
		if err != nil {
			t.Fatal(err)
		}
		st, err := db.Prepare(ctx, "SELECT a FROM t WHERE a = $1")
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil { // sessions and statements hold nothing
			t.Fatal(err)
		}
		type row struct{ A int }
		tab, onConn := lamina.TableOf[row](db, "t"), lamina.TableOf[row](conn, "t")
		for what, f := range map[string]func() error{
			"Exec":           func() error { _, err := db.Exec(ctx, "SELECT 1"); return err },
			"Query":          func() error { _, err := db.Query(ctx, "SELECT 1"); return err },
			"QueryArrow":     func() error { _, err := db.QueryArrow(ctx, "SELECT 1"); return err },
			"Begin":          func() error { _, err := db.Begin(ctx, tableTx); return err },
			"RunTx":          func() error { return db.RunTx(ctx, tableTx, func(*lamina.Tx) error { return nil }) },
			"Conn":           func() error { _, err := db.Conn(ctx); return err },
			"Prepare":        func() error { _, err := db.Prepare(ctx, "SELECT 1"); return err },
			"Appender":       func() error { _, err := db.Appender(ctx, "t"); return err },
			"Checkpoint":     func() error { return db.Checkpoint(ctx) },
			"Compact":        func() error { return db.Compact(ctx, 1) },
			"Verify":         func() error { return db.Verify(ctx, func(table.Damage) bool { return true }) },
			"Backup":         func() error { _, err := db.Backup(ctx, "nowhere"); return err },
			"Close":          db.Close,
			"Stmt.Exec":      func() error { _, err := st.Exec(ctx, 1); return err },
			"Conn.Exec":      func() error { _, err := conn.Exec(ctx, "SELECT 1"); return err },
			"Conn.Query":     func() error { _, err := conn.Query(ctx, "SELECT 1"); return err },
			"Conn.Prepare":   func() error { _, err := conn.Prepare(ctx, "SELECT 1"); return err },
			"ConnStmt.Query": func() error { _, err := own.Query(ctx); return err },
			"Get":            func() error { _, err := tab.Get(ctx, 1); return err },
			"Insert":         func() error { return tab.Insert(ctx, row{2}) },
			"Put":            func() error { return tab.Put(ctx, row{2}) },
			"Delete":         func() error { return tab.Delete(ctx, 1) },
			"Scan": func() error {
				for _, err := range tab.Scan(ctx) {
					return err
				}
				return nil
			},
			"ScanArrow":     func() error { _, err := tab.ScanArrow(ctx); return err },
			"Get, Conn":     func() error { _, err := onConn.Get(ctx, 1); return err },
			"Storage.Begin": func() error { _, err := db.Storage().Begin(ctx, tableTx); return err },
			"Engine":        func() error { return db.Engine().Close() },
		} {
			err := f()
			if what == "Engine" {
				continue // closing it again is harmless
			}
			wantCode(t, err, sqlerr.AdminShutdown, what)
		}
		if m := db.Metrics(); m.Commits == 0 {
			t.Error("no metrics of a closed database")
		}
		if err := errors.Join(st.Close(), conn.Close()); err != nil {
			t.Errorf("closing what is left: %v", err)
		}
	}
}

// Close names what is open, and where it was made; what is left of it is an error.
func TestCloseNamesWhatIsOpen(t *testing.T) {
	ctx := t.Context()
	type row struct{ A int }
	for what, openIt := range map[string]func(*lamina.DB) func() error{
		"rows": func(db *lamina.DB) func() error {
			r, err := db.Query(ctx, manyRows)
			if err != nil || !r.Next() {
				t.Fatal(err)
			}
			return func() error {
				for r.Next() {
				}
				return r.Close()
			}
		},
		"record reader": func(db *lamina.DB) func() error {
			r, err := db.QueryArrow(ctx, manyRows)
			if err != nil || !r.Next() {
				t.Fatal(err)
			}
			return func() error {
				defer r.Release()
				for r.Next() {
				}
				return r.Err()
			}
		},
		"record reader of a table": func(db *lamina.DB) func() error {
			r, err := lamina.TableOf[row](db, "t").ScanArrow(ctx)
			if err != nil || !r.Next() {
				t.Fatal(err)
			}
			return func() error {
				defer r.Release()
				for r.Next() {
				}
				return r.Err()
			}
		},
		"transaction": func(db *lamina.DB) func() error {
			tx, err := db.Begin(ctx, tableTx)
			if err != nil {
				t.Fatal(err)
			}
			exec(t, tx, "INSERT INTO t VALUES (-1)")
			return func() error {
				_, err := tx.Commit(ctx)
				return errors.Join(err, tx.Rollback())
			}
		},
		"transaction of a connection": func(db *lamina.DB) func() error {
			c, err := db.Conn(ctx)
			if err != nil {
				t.Fatal(err)
			}
			exec(t, c, "BEGIN; INSERT INTO t VALUES (-1)")
			return func() error {
				_, err := c.Exec(ctx, "COMMIT")
				return errors.Join(err, c.Close())
			}
		},
		"appender": func(db *lamina.DB) func() error {
			a, err := db.Appender(ctx, "t")
			if err != nil || a.AppendRow(ctx, -1) != nil {
				t.Fatal(err)
			}
			return func() error { return a.Close(ctx) }
		},
		"rows of a prepared statement": func(db *lamina.DB) func() error {
			st, err := db.Prepare(ctx, manyRows)
			if err != nil {
				t.Fatal(err)
			}
			r, err := st.Query(ctx)
			if err != nil || !r.Next() {
				t.Fatal(err)
			}
			return func() error { return errors.Join(drained(r), st.Close()) }
		},
	} {
		for _, dir := range []string{"", t.TempDir()} {
			db, err := lamina.Open(dir, noWait)
			if err != nil {
				t.Fatal(err)
			}
			exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY); INSERT INTO t SELECT g FROM generate_series(1, 10000) g")
			end := openIt(db)
			err = db.Close()
			wantCode(t, err, sqlerr.ObjectInUse, what)
			if err == nil || !strings.Contains(err.Error(), what+" of ") || !strings.Contains(err.Error(), "close_test.go:") ||
				!strings.Contains(err.Error(), "lamina_test.TestCloseNamesWhatIsOpen") {
				t.Errorf("%s: %v", what, err)
			}
			wantCode(t, end(), sqlerr.AdminShutdown, what+", after Close")
			if dir != "" { // closed all the same: it opens again, and nothing of the transaction is there
				want(t, openDir(t, dir, nil), "10000|1", "SELECT count(*), min(a) FROM t")
			}
		}
	}
}

func drained(r *lamina.Rows) error {
	for r.Next() {
	}
	return r.Close()
}

// Close waits for what others end meanwhile.
func TestCloseWaits(t *testing.T) {
	ctx := t.Context()
	before := runtime.NumGoroutine()
	db, err := lamina.Open("", &lamina.Options{CloseWait: time.Minute, Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, "CREATE TABLE t (a int4); INSERT INTO t SELECT g FROM generate_series(1, 10000) g")
	const readers = 4
	var ready, wg sync.WaitGroup
	ready.Add(2 * readers)
	for range readers {
		wg.Go(func() { // runs
			c, err := db.Conn(ctx)
			if err != nil {
				t.Error(err)
			}
			ready.Done()
			_, err = c.Exec(ctx, "SELECT count(*) FROM t a, t b, t c WHERE a.a + b.a = c.a % 7")
			wantCode(t, err, sqlerr.AdminShutdown, "a statement that runs")
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() { // holds a transaction and rows
			tx, err := db.Begin(ctx, tableTx)
			if err != nil {
				t.Error(err)
			}
			rows, err := tx.Query(ctx, manyRows)
			if err != nil || !rows.Next() {
				t.Error(err)
			}
			ready.Done()
			for rows.Next() {
				runtime.Gosched()
			}
			wantCode(t, rows.Close(), sqlerr.AdminShutdown, "rows")
			if err := tx.Rollback(); err != nil {
				t.Error(err)
			}
		})
	}
	ready.Wait()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	goroutinesBack(t, before)
}

// Many goroutines use one DB in every way while it is closed.
func TestCloseUnderLoad(t *testing.T) {
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY, b text); INSERT INTO t SELECT g, 'b' FROM generate_series(1, 3000) g")
	h := newHammer(db, 6, sqlerr.AdminShutdown)
	<-h.enough
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := h.wait(); err != nil {
		t.Error(err)
	}
}

// Many goroutines use one DB in every way.
func TestConcurrentUse(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		db := openDir(t, dir, nil)
		exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY, b text); INSERT INTO t SELECT g, 'b' FROM generate_series(1, 3000) g")
		h := newHammer(db, 6, sqlerr.SuccessfulCompletion)
		<-h.enough
		h.stop.Store(true)
		if err := h.wait(); err != nil {
			t.Error(err)
		}
		want(t, db, "3000|t", "SELECT count(*) FILTER (WHERE a BETWEEN 1 AND 3000), count(*) > 3000 FROM t")
	}
}

// hammer uses a DB in many goroutines.
type hammer struct {
	stop atomic.Bool
	wg   sync.WaitGroup
	// enough is closed after the first hundred operations, or an error.
	enough chan bool
	once   sync.Once
	ops    atomic.Int64
	mu     sync.Mutex
	errs   []error
}

// newHammer starts goroutines that work until stop, or an error of theirs that is not expected by its code.
func newHammer(db *lamina.DB, workers int, end sqlerr.Code) *hammer {
	h := &hammer{enough: make(chan bool)}
	for w := range workers {
		h.wg.Go(func() {
			defer h.once.Do(func() { close(h.enough) })
			for i := 0; !h.stop.Load(); i++ {
				if err := oneOf(db, w, i); err != nil {
					if sqlerr.CodeOf(err) != end {
						h.mu.Lock()
						h.errs = append(h.errs, fmt.Errorf("operation %d: %s %w", (w+i)%6, sqlerr.CodeOf(err), err))
						h.mu.Unlock()
					}
					return
				}
				if h.ops.Add(1) == 100 {
					h.once.Do(func() { close(h.enough) })
				}
			}
		})
	}
	return h
}

// wait returns the errors once all goroutines have ended.
func (h *hammer) wait() error {
	h.wg.Wait()
	return errors.Join(h.errs...)
}

// oneOf does one of the things that can be done with a DB.
func oneOf(db *lamina.DB, w, i int) error {
	ctx := context.Background()
	key := 10000 + w*100000 + i
	type row struct {
		A int
		B *string
	}
	switch (w + i) % 6 {
	case 0:
		_, err := db.Exec(ctx, "INSERT INTO t VALUES ($1, $2)", key, fmt.Sprint(key))
		return err
	case 1:
		rows, err := db.Query(ctx, "SELECT b, count(*) FROM t GROUP BY b ORDER BY 2 DESC LIMIT 3")
		if err != nil {
			return err
		}
		return drained(rows)
	case 2:
		return db.RunTx(ctx, tableTx, func(tx *lamina.Tx) error {
			if _, err := tx.Exec(ctx, "UPDATE t SET b = b WHERE a = $1", i%7+1); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "DELETE FROM t WHERE a = $1", key-2)
			return err
		})
	case 3:
		r, err := db.QueryArrow(ctx, "SELECT a, b FROM t WHERE a BETWEEN 1 AND 3000")
		if err != nil {
			return err
		}
		defer r.Release()
		n := int64(0)
		for r.Next() {
			n += r.RecordBatch().NumRows()
		}
		if r.Err() == nil && n != 3000 {
			return fmt.Errorf("%d rows", n)
		}
		return r.Err()
	case 4:
		tab := lamina.TableOf[row](db, "t")
		if err := tab.Put(ctx, row{A: key}); err != nil {
			return err
		}
		if _, err := tab.Get(ctx, i%3000+1); err != nil {
			return err
		}
		n := 0
		for _, err := range tab.Scan(ctx) {
			if err != nil {
				return err
			}
			if n++; n == 100 {
				break
			}
		}
		return nil
	default:
		a, err := db.Appender(ctx, "t", "a")
		if err != nil {
			return err
		}
		for k := range 3 {
			if err := a.AppendRow(ctx, -key*10-k); err != nil {
				return err
			}
		}
		return a.Close(ctx)
	}
}

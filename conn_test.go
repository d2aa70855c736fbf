package lamina_test

import (
	"context"
	"errors"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
)

func connect(t *testing.T, db *lamina.DB) *lamina.Conn {
	t.Helper()
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // closed before, maybe
	return c
}

func TestConnKeepsState(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY)")
	c, other := connect(t, db), connect(t, db)
	if !c.Pristine() || c.Status() != 'I' {
		t.Error("a new session has state")
	}
	exec(t, c, "SET TimeZone = 'Asia/Tokyo'; PREPARE p AS SELECT $1::int4 + 1")
	want(t, c, "Asia/Tokyo", "SHOW TimeZone")
	want(t, c, "6", "EXECUTE p(5)")
	want(t, other, "UTC", "SHOW TimeZone")
	want(t, db, "UTC", "SHOW TimeZone")
	if c.Pristine() {
		t.Error("a session with settings is pristine")
	}
	exec(t, c, "BEGIN; INSERT INTO t VALUES (1); SET LOCAL TimeZone = 'Asia/Seoul'")
	if c.Status() != 'T' {
		t.Errorf("status %c", c.Status())
	}
	want(t, c, "Asia/Seoul", "SHOW TimeZone")
	want(t, other, "0", "SELECT count(*) FROM t")
	_, err := c.Exec(ctx, "SELECT 1/0")
	wantCode(t, err, sqlerr.DivisionByZero, "an error")
	if c.Status() != 'E' {
		t.Errorf("status %c", c.Status())
	}
	_, err = c.Exec(ctx, "SELECT 1")
	wantCode(t, err, sqlerr.InFailedSQLTransaction, "in a failed block")
	if r := exec(t, c, "COMMIT"); r.Tag != "ROLLBACK" {
		t.Errorf("tag %s", r.Tag)
	}
	want(t, c, "Asia/Tokyo", "SHOW TimeZone")
	exec(t, c, "DISCARD ALL")
	want(t, c, "UTC", "SHOW TimeZone")
	if !c.Pristine() {
		t.Error("DISCARD ALL leaves state")
	}
	// SET by a DB lasts for that text only.
	exec(t, db, "SET TimeZone = 'Asia/Tokyo'")
	for range 3 {
		want(t, db, "UTC", "SHOW TimeZone")
	}
	exec(t, db, "BEGIN; INSERT INTO t VALUES (7)") // left open: rolled back
	want(t, db, "0", "SELECT count(*) FROM t")
}

// Close of a session with a transaction rolls back and frees its locks.
func TestConnClose(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY)")
	c := connect(t, db)
	exec(t, c, "BEGIN; INSERT INTO t VALUES (1)")
	rows, err := c.Query(ctx, "SELECT g FROM generate_series(1, 100000) g")
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	st, err := c.Prepare(ctx, "SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "INSERT INTO t VALUES (1); DROP TABLE t")
	if rows.Next() {
		t.Error("a row of a closed session")
	}
	if rows.Close() == nil {
		t.Error("no error of rows whose session was closed")
	}
	_, err = c.Exec(ctx, "SELECT 1")
	wantCode(t, err, sqlerr.ObjectNotInPrerequisiteState, "Exec")
	_, err = c.Query(ctx, "SELECT 1")
	wantCode(t, err, sqlerr.ObjectNotInPrerequisiteState, "Query")
	_, err = c.QueryArrow(ctx, "SELECT 1")
	wantCode(t, err, sqlerr.ObjectNotInPrerequisiteState, "QueryArrow")
	_, err = c.Prepare(ctx, "SELECT 2")
	wantCode(t, err, sqlerr.ObjectNotInPrerequisiteState, "Prepare")
	_, err = st.Query(ctx)
	wantCode(t, err, sqlerr.ObjectNotInPrerequisiteState, "a statement of it")
	type row struct{ A int }
	wantCode(t, lamina.TableOf[row](c, "t").Insert(ctx, row{1}), sqlerr.ObjectNotInPrerequisiteState, "TableOf")
	c.Cancel()
	if c.Close() == nil {
		t.Error("a second Close")
	}
}

func TestConnCancel(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	c := connect(t, db)
	c.Cancel() // nothing runs
	want(t, c, "1", "SELECT 1")
	started, done := make(chan bool), make(chan error, 1)
	go func() {
		close(started)
		_, err := c.Exec(ctx, "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b WHERE a % 7 = b % 11")
		done <- err
	}()
	<-started
	var err error
	for running := true; running; {
		select {
		case err = <-done:
			running = false
		default:
			c.Cancel()
		}
	}
	wantCode(t, err, sqlerr.QueryCanceled, "a long statement")
	want(t, c, "1", "SELECT 1") // the session lives on

	exec(t, c, "BEGIN")
	a, err := c.Query(ctx, "SELECT g FROM generate_series(1, 1000000) g")
	if err != nil || !a.Next() {
		t.Fatal(err)
	}
	b, err := c.Query(ctx, "SELECT g FROM generate_series(1, 1000000) g")
	if err != nil || !b.Next() {
		t.Fatal(err)
	}
	c.Cancel() // both
	for _, rows := range []*lamina.Rows{a, b} {
		for rows.Next() {
		}
		wantCode(t, rows.Close(), sqlerr.QueryCanceled, "rows")
	}
	if c.Status() != 'E' {
		t.Errorf("status %c", c.Status())
	}
	exec(t, c, "ROLLBACK")
}

// Before anything has happened: nothing happens, 57014, and the context's error can be found.
func TestCancelledContext(t *testing.T) {
	db := open(t, nil)
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY); INSERT INTO t VALUES (1)")
	c := connect(t, db)
	st, err := db.Prepare(t.Context(), "INSERT INTO t VALUES ($1)")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	tx := begin(t, db, tableTx)
	exec(t, tx, "INSERT INTO t VALUES (100)")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	type row struct{ A int }
	tab := lamina.TableOf[row](db, "t")
	for what, f := range map[string]func() error{
		"Exec":            func() error { _, err := db.Exec(ctx, "INSERT INTO t VALUES (2)"); return err },
		"Exec, args":      func() error { _, err := db.Exec(ctx, "INSERT INTO t VALUES ($1)", 2); return err },
		"DDL":             func() error { _, err := db.Exec(ctx, "CREATE TABLE u (a int4)"); return err },
		"Query":           func() error { _, err := db.Query(ctx, "SELECT a FROM t"); return err },
		"Query, short":    func() error { _, err := db.Query(ctx, "SELECT a FROM t WHERE a = 1"); return err },
		"Query, constant": func() error { _, err := db.Query(ctx, "SELECT 1"); return err },
		"QueryArrow":      func() error { _, err := db.QueryArrow(ctx, "SELECT a FROM t"); return err },
		"Conn":            func() error { _, err := db.Conn(ctx); return err },
		"Conn.Exec":       func() error { _, err := c.Exec(ctx, "INSERT INTO t VALUES (2)"); return err },
		"Prepare":         func() error { _, err := db.Prepare(ctx, "SELECT 1"); return err },
		"Stmt.Exec":       func() error { _, err := st.Exec(ctx, 2); return err },
		"Begin":           func() error { _, err := db.Begin(ctx, tableTx); return err },
		"RunTx":           func() error { return db.RunTx(ctx, tableTx, func(*lamina.Tx) error { return errors.New("ran") }) },
		"Appender":        func() error { _, err := db.Appender(ctx, "t"); return err },
		"Table.Get":       func() error { _, err := tab.Get(ctx, 1); return err },
		"Table.Insert":    func() error { return tab.Insert(ctx, row{2}) },
		"Table.Put":       func() error { return tab.Put(ctx, row{1}) },
		"Table.Delete":    func() error { return tab.Delete(ctx, 1) },
		"Table.ScanArrow": func() error { _, err := tab.ScanArrow(ctx); return err },
		"Commit":          func() error { _, err := tx.Commit(ctx); return err },
		"Table.Scan": func() error {
			for _, err := range tab.Scan(ctx) {
				return err
			}
			return nil
		},
	} {
		err := f()
		wantCode(t, err, sqlerr.QueryCanceled, what)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: the context's error cannot be found in %v", what, err)
		}
	}
	want(t, db, "1", "SELECT a FROM t")
	exec(t, db, "DROP TABLE t")
}

// A context that ends while rows are read ends them.
func TestCancelWhileReading(t *testing.T) {
	db := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rows, err := db.Query(ctx, "SELECT g FROM generate_series(1, 10000000) g")
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	cancel()
	for rows.Next() {
	}
	wantCode(t, rows.Err(), sqlerr.QueryCanceled, "Rows.Err")
	wantCode(t, rows.Close(), sqlerr.QueryCanceled, "Rows.Close")
	if !errors.Is(rows.Err(), context.Canceled) {
		t.Error(rows.Err())
	}
}

package lamina_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

var tableTx table.TxOptions

func begin(t *testing.T, db *lamina.DB, o table.TxOptions) *lamina.Tx {
	t.Helper()
	tx, err := db.Begin(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func TestTxCommitAndRollback(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY)")
	tx := begin(t, db, tableTx)
	exec(t, tx, "INSERT INTO t VALUES (1)")
	if r := exec(t, tx, "INSERT INTO t VALUES ($1)", 2); r.Receipt != (table.Receipt{}) || r.RowsAffected != 1 {
		t.Errorf("inside: %+v", r)
	}
	want(t, tx, "1\n2", "SELECT a FROM t ORDER BY a")
	want(t, db, "", "SELECT a FROM t")
	receipt, err := tx.Commit(ctx)
	if err != nil || receipt.LSN == 0 {
		t.Errorf("%+v, %v", receipt, err)
	}
	want(t, db, "1\n2", "SELECT a FROM t ORDER BY a")
	if err := tx.Rollback(); err != nil {
		t.Errorf("Rollback after Commit: %v", err)
	}
	_, err = tx.Commit(ctx)
	wantCode(t, err, sqlerr.NoActiveSQLTransaction, "second Commit")
	_, err = tx.Exec(ctx, "SELECT 1")
	wantCode(t, err, sqlerr.NoActiveSQLTransaction, "Exec after Commit")
	_, err = tx.Query(ctx, "SELECT 1")
	wantCode(t, err, sqlerr.NoActiveSQLTransaction, "Query after Commit")
	_, err = tx.QueryArrow(ctx, "SELECT 1")
	wantCode(t, err, sqlerr.NoActiveSQLTransaction, "QueryArrow after Commit")

	tx = begin(t, db, tableTx)
	exec(t, tx, "DELETE FROM t; CREATE TABLE u (a int4)")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	want(t, db, "2", "SELECT count(*) FROM t")
	_, err = db.Exec(ctx, "SELECT * FROM u")
	wantCode(t, err, sqlerr.UndefinedTable, "a table that was rolled back")

	tx = begin(t, db, tableTx) // reads only
	want(t, tx, "2", "SELECT count(*) FROM t")
	if receipt, err := tx.Commit(ctx); err != nil || receipt.LSN != 0 {
		t.Errorf("%+v, %v", receipt, err)
	}
}

func TestTxFailed(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY); INSERT INTO t VALUES (1)")
	tx := begin(t, db, tableTx)
	exec(t, tx, "INSERT INTO t VALUES (2)")
	_, err := tx.Exec(ctx, "INSERT INTO t VALUES (1)")
	wantCode(t, err, sqlerr.UniqueViolation, "the same key")
	_, err = tx.Exec(ctx, "SELECT 1")
	wantCode(t, err, sqlerr.InFailedSQLTransaction, "Exec in a failed transaction")
	_, err = tx.Query(ctx, "SELECT a FROM t WHERE a = $1", 1)
	wantCode(t, err, sqlerr.InFailedSQLTransaction, "Query in a failed transaction")
	_, err = tx.Commit(ctx)
	wantCode(t, err, sqlerr.InFailedSQLTransaction, "Commit of a failed transaction")
	want(t, db, "1", "SELECT a FROM t")

	tx = begin(t, db, tableTx) // an error while rows are read
	rows, err := tx.Query(ctx, "SELECT 10 / (5000 - g) FROM generate_series(1, 10000) g")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
	}
	wantCode(t, rows.Err(), sqlerr.DivisionByZero, "reading")
	_, err = tx.Exec(ctx, "SELECT 1")
	wantCode(t, err, sqlerr.InFailedSQLTransaction, "after an error of reading")
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
}

func TestTxSavepoints(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY)")
	tx := begin(t, db, tableTx)
	exec(t, tx, "INSERT INTO t VALUES (1); SAVEPOINT one; INSERT INTO t VALUES (2); SAVEPOINT two; INSERT INTO t VALUES (3)")
	_, err := tx.Exec(ctx, "INSERT INTO t VALUES (1)")
	wantCode(t, err, sqlerr.UniqueViolation, "the same key")
	exec(t, tx, "ROLLBACK TO two")
	want(t, tx, "1\n2", "SELECT a FROM t ORDER BY a")
	exec(t, tx, "INSERT INTO t VALUES (4); RELEASE two")
	_, err = tx.Exec(ctx, "ROLLBACK TO two")
	wantCode(t, err, sqlerr.InvalidSavepointSpecification, "a released savepoint")
	exec(t, tx, "ROLLBACK TO one")
	exec(t, tx, "INSERT INTO t VALUES (5)")
	if _, err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	want(t, db, "1\n5", "SELECT a FROM t ORDER BY a")
}

// COMMIT as a statement ends a Tx too: nothing more runs in it, least of all by itself.
func TestTxEndedBySQL(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4)")
	for _, end := range []string{"COMMIT", "ROLLBACK"} {
		tx := begin(t, db, tableTx)
		exec(t, tx, "INSERT INTO t VALUES (1)")
		exec(t, tx, end)
		_, err := tx.Exec(ctx, "INSERT INTO t VALUES (2)")
		wantCode(t, err, sqlerr.NoActiveSQLTransaction, "after "+end)
		wantCode(t, lamina.TableOf[struct{ A int }](tx, "t").Insert(ctx, struct{ A int }{3}), sqlerr.NoActiveSQLTransaction, "Insert after "+end)
		_, err = tx.Commit(ctx)
		wantCode(t, err, sqlerr.NoActiveSQLTransaction, "Commit after "+end)
	}
	want(t, db, "1", "SELECT a FROM t")
}

func TestTxOptions(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY); INSERT INTO t VALUES (1)")
	tx := begin(t, db, table.TxOptions{Isolation: table.RepeatableRead})
	want(t, tx, "repeatable read", "SHOW transaction_isolation")
	want(t, tx, "1", "SELECT a FROM t")
	exec(t, db, "UPDATE t SET a = 2")
	want(t, tx, "1", "SELECT a FROM t")
	_, err := tx.Exec(ctx, "UPDATE t SET a = 3")
	wantCode(t, err, sqlerr.SerializationFailure, "an update of what another has changed")
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
	tx = begin(t, db, table.TxOptions{ReadOnly: true})
	_, err = tx.Exec(ctx, "INSERT INTO t VALUES (9)")
	wantCode(t, err, sqlerr.ReadOnlySQLTransaction, "a write")
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
	_, err = db.Begin(ctx, table.TxOptions{AsOf: 1})
	wantCode(t, err, sqlerr.FeatureNotSupported, "AsOf")
}

// Two statements of a Tx may be read at once.
func TestTxOverlappingRows(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4); INSERT INTO t SELECT g FROM generate_series(1, 5000) g")
	tx := begin(t, db, tableTx)
	a, err := tx.Query(ctx, "SELECT a FROM t ORDER BY a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := tx.Query(ctx, "SELECT a FROM t ORDER BY a DESC")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for a.Next() && b.Next() {
		var x, y int
		if a.Scan(&x) != nil || b.Scan(&y) != nil || x+y != 5001 {
			t.Fatalf("%d and %d", x, y)
		}
		n++
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil || n != 5000 {
		t.Errorf("%d rows, %v", n, err)
	}
	if _, err := tx.Commit(ctx); err != nil {
		t.Error(err)
	}
}

// Transactions that conflict are run again until all have had their turn.
func TestRunTxRetries(t *testing.T) {
	db := open(t, nil)
	exec(t, db, "CREATE TABLE t (k int4 PRIMARY KEY, n int8); INSERT INTO t VALUES (1, 0), (2, 0)")
	const workers, each = 4, 25
	var tries sync.Map
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				err := db.RunTx(context.Background(), table.TxOptions{Isolation: table.RepeatableRead}, func(tx *lamina.Tx) error {
					tries.Store([3]any{w, i, tx}, true)
					a, b := 1, 2
					if w%2 == 1 {
						a, b = b, a // the other order: deadlocks, too
					}
					for _, k := range []int{a, b} {
						if _, err := tx.Exec(context.Background(), "UPDATE t SET n = n + 1 WHERE k = $1", k); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	want(t, db, "1|100\n2|100", "SELECT * FROM t ORDER BY k")
	n := 0
	tries.Range(func(any, any) bool { n++; return true })
	if n < workers*each {
		t.Errorf("%d tries", n)
	}
	t.Logf("%d tries of %d transactions; %d conflicts, %d deadlocks", n, workers*each, db.Metrics().Conflicts, db.Metrics().Deadlocks)
}

// One conflict of each kind, for certain.
func TestRunTxRetriesKnownConflicts(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (k int4 PRIMARY KEY, n int8); INSERT INTO t VALUES (1, 0), (2, 0)")
	tries := 0
	err := db.RunTx(ctx, table.TxOptions{Isolation: table.RepeatableRead}, func(tx *lamina.Tx) error {
		tries++
		want(t, tx, "2", "SELECT count(*) FROM t")
		if tries == 1 {
			exec(t, db, "UPDATE t SET n = 10 WHERE k = 1")
		}
		_, err := tx.Exec(ctx, "UPDATE t SET n = n + 1 WHERE k = 1")
		return err
	})
	if err != nil || tries != 2 {
		t.Errorf("40001: %d tries, %v", tries, err)
	}
	want(t, db, "11", "SELECT n FROM t WHERE k = 1")

	other := begin(t, db, tableTx)
	exec(t, other, "UPDATE t SET n = 100 WHERE k = 2")
	tries = 0
	holds, done := make(chan bool), make(chan error, 1)
	err = db.RunTx(ctx, tableTx, func(tx *lamina.Tx) error {
		tries++
		if _, err := tx.Exec(ctx, "UPDATE t SET n = n + 1 WHERE k = 1"); err != nil {
			return err
		}
		if tries == 1 {
			go func() {
				close(holds)
				_, err := other.Exec(ctx, "UPDATE t SET n = n + 100 WHERE k = 1") // waits, or is the victim
				if err == nil {
					_, err = other.Commit(ctx)
				} else {
					err = errors.Join(err, other.Rollback())
				}
				done <- err
			}()
			<-holds
		}
		_, err := tx.Exec(ctx, "UPDATE t SET n = n + 1 WHERE k = 2")
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		wantCode(t, err, sqlerr.DeadlockDetected, "the other transaction")
	} else if tries < 2 {
		t.Log("the other transaction came first") // no deadlock then
	}

	tries = 0
	err = db.RunTx(ctx, tableTx, func(tx *lamina.Tx) error {
		tries++
		_, err := tx.Exec(ctx, "INSERT INTO t VALUES (1, 1)")
		return err
	})
	wantCode(t, err, sqlerr.UniqueViolation, "other errors")
	if tries != 1 {
		t.Errorf("%d tries after an error that is no conflict", tries)
	}
	conflict := sqlerr.New(sqlerr.SerializationFailure, "always")
	tries = 0
	err = db.RunTx(ctx, tableTx, func(*lamina.Tx) error { tries++; return conflict })
	if !errors.Is(err, conflict) || tries != 50 {
		t.Errorf("a conflict without end: %d tries, %v", tries, err)
	}
	ended, cancel := context.WithCancel(ctx)
	err = db.RunTx(ended, tableTx, func(*lamina.Tx) error { cancel(); return conflict })
	wantCode(t, err, sqlerr.QueryCanceled, "a context that has ended")
	if !errors.Is(err, context.Canceled) || !errors.Is(err, conflict) {
		t.Errorf("%v", err)
	}
}

// An error or a panic of f leaves nothing open.
func TestRunTxPanics(t *testing.T) {
	db := open(t, nil)
	exec(t, db, "CREATE TABLE t (a int4)")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = db.RunTx(t.Context(), tableTx, func(tx *lamina.Tx) error {
			exec(t, tx, "INSERT INTO t VALUES (1)")
			panic("mine")
		})
	}()
	want(t, db, "0", "SELECT count(*) FROM t")
	exec(t, db, "DROP TABLE t") // nothing holds a lock
}

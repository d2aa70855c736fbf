package lamina_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

// outcome runs a statement in a transaction and demands its code.
func outcome(t *testing.T, tx *lamina.Tx, sql string, code sqlerr.Code) {
	t.Helper()
	_, err := tx.Exec(context.Background(), sql)
	wantCode(t, err, code, sql)
}

func rollback(t *testing.T, txs ...*lamina.Tx) {
	t.Helper()
	for _, tx := range txs {
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
}

// endings are ways in which transactions end, and what each adds to the counters.
var endings = []struct {
	name  string
	times int
	run   func(t *testing.T, db *lamina.DB)
	adds  string
}{
	{"commit", 3, func(t *testing.T, db *lamina.DB) { exec(t, db, "UPDATE t SET v = v + 1 WHERE id = 1") }, "commits=3 rows_updated=3"},
	{"read", 4, func(t *testing.T, db *lamina.DB) { text(t, db, "SELECT sum(v) FROM t") }, "read_only_commits=4"},
	{"rollback", 2, func(t *testing.T, db *lamina.DB) {
		tx := begin(t, db, table.TxOptions{})
		outcome(t, tx, "INSERT INTO t VALUES (100, 1)", sqlerr.SuccessfulCompletion)
		rollback(t, tx)
	}, "aborts=2"},
	{"failure", 2, func(t *testing.T, db *lamina.DB) {
		_, err := db.Exec(context.Background(), "INSERT INTO t VALUES (1, 1)")
		wantCode(t, err, sqlerr.UniqueViolation, "a second row 1")
	}, ""},
	{"conflict", 2, func(t *testing.T, db *lamina.DB) {
		tx := begin(t, db, table.TxOptions{Isolation: table.RepeatableRead})
		outcome(t, tx, "SELECT count(*) FROM t", sqlerr.SuccessfulCompletion)
		exec(t, db, "UPDATE t SET v = v + 1 WHERE id = 2")
		outcome(t, tx, "UPDATE t SET v = v + 1 WHERE id = 2", sqlerr.SerializationFailure)
		rollback(t, tx)
	}, "commits=2 conflicts=2 rows_updated=2"},
	{"timeout", 2, func(t *testing.T, db *lamina.DB) {
		holder, waiter := begin(t, db, table.TxOptions{}), begin(t, db, table.TxOptions{})
		outcome(t, holder, "UPDATE t SET v = v + 1 WHERE id = 3", sqlerr.SuccessfulCompletion)
		outcome(t, waiter, "SET LOCAL lock_timeout = '1ms'", sqlerr.SuccessfulCompletion)
		outcome(t, waiter, "UPDATE t SET v = v + 1 WHERE id = 3", sqlerr.LockNotAvailable)
		rollback(t, waiter, holder)
	}, "aborts=2 lock_waits=2 lock_timeouts=2"},
	{"deadlock", 1, deadlock, "commits=1 aborts=1 deadlocks=1 lock_waits=2 rows_updated=2"},
	{"checkpoint", 1, func(t *testing.T, db *lamina.DB) {
		if err := db.Checkpoint(context.Background()); err != nil {
			t.Fatal(err)
		}
	}, "checkpoints=1"},
}

// deadlock lets two transactions wait for each other: one of them ends.
func deadlock(t *testing.T, db *lamina.DB) {
	a, b := begin(t, db, table.TxOptions{}), begin(t, db, table.TxOptions{})
	outcome(t, a, "UPDATE t SET v = v + 1 WHERE id = 4", sqlerr.SuccessfulCompletion)
	outcome(t, b, "UPDATE t SET v = v + 1 WHERE id = 5", sqlerr.SuccessfulCompletion)
	failed := make(chan bool, 2)
	for tx, id := range map[*lamina.Tx]int{a: 5, b: 4} {
		go func() {
			_, err := tx.Exec(context.Background(), fmt.Sprintf("UPDATE t SET v = v + 1 WHERE id = %d", id))
			code := sqlerr.CodeOf(err)
			if err == nil {
				_, err = tx.Commit(context.Background())
			} else {
				err = tx.Rollback()
			}
			if err != nil || code != sqlerr.SuccessfulCompletion && code != sqlerr.DeadlockDetected {
				t.Errorf("deadlock: %s, %v", code, err)
			}
			failed <- code == sqlerr.DeadlockDetected
		}()
	}
	if one, other := <-failed, <-failed; one == other {
		t.Errorf("of two transactions that wait for each other both end alike: %v", one)
	}
}

// counters reads lamina.metrics.
func counters(t *testing.T, db *lamina.DB) map[string]int64 {
	t.Helper()
	m := map[string]int64{}
	for _, line := range texts(t, db, "SELECT name, value FROM lamina.metrics") {
		var v int64
		name, value, _ := strings.Cut(line, "|")
		if _, err := fmt.Sscan(value, &v); err != nil {
			t.Fatal(err)
		}
		m[name] = v
	}
	return m
}

// TestMetricsOutcomes counts how transactions end, and compares the counters of the log with the log.
func TestMetricsOutcomes(t *testing.T) {
	dir := t.TempDir()
	db, err := lamina.Open("", smallLog(dir))
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY, v int8); INSERT INTO t SELECT i, 0 FROM generate_series(1, 9) AS s(i)")
	counted := []string{"commits", "read_only_commits", "aborts", "conflicts", "deadlocks", "lock_waits", "lock_timeouts", "rows_inserted",
		"rows_updated", "rows_deleted", "checkpoints"}
	for _, e := range endings {
		before := counters(t, db)
		for range e.times {
			e.run(t, db)
		}
		after := counters(t, db)
		after["read_only_commits"]-- // the query of before
		var adds []string
		for _, name := range counted {
			if n := after[name] - before[name]; n != 0 {
				adds = append(adds, fmt.Sprintf("%s=%d", name, n))
			}
		}
		if got := strings.Join(adds, " "); got != e.adds {
			t.Errorf("%s, %d times: %s, want %s", e.name, e.times, got, e.adds)
		}
	}
	logCounted(t, db, dir)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// logCounted compares the counters of the log with its files.
func logCounted(t *testing.T, db *lamina.DB, dir string) {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy")
	m := db.Metrics()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	report, err := wal.Scan(vfs.Default, filepath.Join(copied, "wal"), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if report.Records != m.LogRecords || report.Bytes != m.LogBytes || m.Groups != m.LogRecords {
		t.Errorf("the log has %d records in %d bytes; counted are %d, %d, in %d groups", report.Records, report.Bytes, m.LogRecords,
			m.LogBytes, m.Groups)
	}
}

package isolation

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// ofLog reports whether a call syncs the log, and not a file that is being prepared for it.
func ofLog(op waltest.Op) bool {
	return op.Kind == waltest.OpSync && strings.Contains(op.Path, "/wal/") && !strings.Contains(op.Path, "/tmp-")
}

// TestCancelledCommit cancels commits that are already in the log, whose leader cannot go on: whoever asked must be told
// 08007, that nobody knows, and not 57014, that nothing has happened; and indeed they are there afterwards.
func TestCancelledCommit(t *testing.T) {
	fs := waltest.NewCrashFS()
	db, err := lamina.Open("db", &lamina.Options{FS: fs, MemoryBytes: 64 << 20, Storage: table.Columnar{}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // Verify below reads it
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = db.Exec(ctx(), "CREATE TABLE t (a int8)")
	must(err)
	for _, c := range []struct {
		name   string
		commit func(ctx context.Context, conn *lamina.Conn, tx *lamina.Tx) error
	}{
		{"COMMIT", func(ctx context.Context, conn *lamina.Conn, _ *lamina.Tx) error {
			_, err := conn.Exec(ctx, "COMMIT")
			return err
		}},
		{"Tx.Commit", func(ctx context.Context, _ *lamina.Conn, tx *lamina.Tx) error {
			_, err := tx.Commit(ctx)
			return err
		}},
		{"one statement", func(ctx context.Context, conn *lamina.Conn, _ *lamina.Tx) error {
			_, err := conn.Exec(ctx, "ROLLBACK; INSERT INTO t VALUES (9)")
			return err
		}},
		{"one statement with an argument", func(ctx context.Context, conn *lamina.Conn, _ *lamina.Tx) error {
			if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
				return err
			}
			_, err := conn.Exec(ctx, "INSERT INTO t VALUES ($1)", 10)
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := db.Conn(ctx())
			must(err)
			tx, err := db.Begin(ctx(), table.TxOptions{})
			must(err)
			_, err = conn.Exec(ctx(), "BEGIN; INSERT INTO t VALUES (1)")
			must(err)
			_, err = tx.Exec(ctx(), "INSERT INTO t VALUES (2)")
			must(err)
			syncing, release := make(chan struct{}), make(chan struct{})
			var once atomic.Bool
			fs.SetHook(func(op waltest.Op) error {
				if ofLog(op) && once.CompareAndSwap(false, true) {
					close(syncing)
					<-release
				}
				return nil
			})
			leader, follower := make(chan error, 1), make(chan error, 1)
			go func() {
				_, err := db.Exec(ctx(), "INSERT INTO t VALUES (3)")
				leader <- err
			}()
			<-syncing
			late, cancel := context.WithCancel(ctx())
			defer cancel()
			records := db.Metrics().LogRecords
			go func() { follower <- c.commit(late, conn, tx) }()
			for db.Metrics().LogRecords == records {
				pause()
			}
			cancel()
			if err := <-follower; sqlerr.CodeOf(err) != sqlerr.TransactionResolutionUnknown {
				t.Errorf("%v, want %s", err, sqlerr.TransactionResolutionUnknown)
			}
			close(release)
			must(<-leader)
			fs.SetHook(nil)
			_ = tx.Rollback() // of the cases that do not use it
			must(conn.Close())
			rows := int64(0)
			for range 100_000 { // the follower's commit goes on without it
				r, err := db.Exec(ctx(), "DELETE FROM t")
				must(err)
				if rows += r.RowsAffected; rows == 2 {
					return
				}
				pause()
			}
			t.Errorf("%d rows, want those of the leader and of the follower", rows)
		})
	}
}

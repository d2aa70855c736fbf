package lamina_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// ledger is a database in which each transaction writes the next number into a table of each tier, with a sum over all
// before it.
type ledger struct {
	db *lamina.DB
	// acked is the newest number that was acknowledged.
	acked atomic.Int64
}

var ledgerTables = []string{"by_columns", "by_lsm"}

func newLedger(t *testing.T, db *lamina.DB) *ledger {
	t.Helper()
	exec(t, db, `CREATE TABLE by_columns (n int8 PRIMARY KEY, sum int8, pad text) USING columnar;
		CREATE TABLE by_lsm (n int8 PRIMARY KEY, sum int8, pad text) USING lsm;
		CREATE TABLE head (tier text PRIMARY KEY, n int8, sum int8);
		INSERT INTO head VALUES ('by_columns', 0, 0), ('by_lsm', 0, 0);
		CREATE TABLE scratch (n int8) USING memory`)
	return &ledger{db: db}
}

// next commits the next number.
func (l *ledger) next(t *testing.T) error {
	var n int64
	err := l.db.RunTx(t.Context(), tableTx, func(tx *lamina.Tx) error {
		rows, err := tx.Query(t.Context(), "UPDATE head SET n = n + 1, sum = sum + (n + 1) * (n + 1) RETURNING n")
		if err != nil {
			return err
		}
		for rows.Next() {
			err = errors.Join(err, rows.Scan(&n))
		}
		if err := errors.Join(err, rows.Close()); err != nil {
			return err
		}
		for _, name := range ledgerTables {
			if _, err := tx.Exec(t.Context(), "INSERT INTO "+name+" SELECT n, sum, repeat('x', (n % 300)::int4) FROM head WHERE tier = '"+name+"'"); err != nil {
				return err
			}
			if _, err := tx.Exec(t.Context(), "DELETE FROM "+name+" WHERE n = $1", n-500); err != nil {
				return err
			}
		}
		_, err = tx.Exec(t.Context(), "INSERT INTO scratch VALUES ($1)", n)
		return err
	})
	if err == nil {
		for old := l.acked.Load(); old < n && !l.acked.CompareAndSwap(old, n); old = l.acked.Load() {
		}
	}
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func queryInt(t *testing.T, db *lamina.DB, sql string) (n int64) {
	t.Helper()
	rows, err := db.Query(t.Context(), sql)
	must(t, err)
	for rows.Next() {
		must(t, rows.Scan(&n))
	}
	must(t, rows.Close())
	return n
}

// at checks that all tiers of a copy are at one number, that their content is that of the number, and returns it.
func (l *ledger) at(t *testing.T, dir string) int64 {
	t.Helper()
	db, err := lamina.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { must(t, db.Close()) }()
	if err := db.Verify(t.Context(), func(d table.Damage) bool { t.Errorf("%+v", d); return true }); err != nil {
		t.Fatal(err)
	}
	n := queryInt(t, db, "SELECT max(n) FROM head")
	sum := n * (n + 1) * (2*n + 1) / 6
	for _, name := range ledgerTables {
		first := max(1, n-499)
		for what, want := range map[string]int64{
			"SELECT n FROM head WHERE tier = '" + name + "'":   n,
			"SELECT sum FROM head WHERE tier = '" + name + "'": sum,
			"SELECT max(n) FROM " + name:                       n,
			"SELECT min(n) FROM " + name:                       first,
			"SELECT count(*) FROM " + name:                     n - first + 1,
			"SELECT count(*) FROM " + name + " WHERE sum <> n * (n + 1) * (2 * n + 1) / 6 OR pad <> repeat('x', (n % 300)::int4)": 0,
		} {
			if got := queryInt(t, db, what); got != want {
				t.Errorf("%s at %d: %s is %d, should be %d", dir, n, what, got, want)
			}
		}
	}
	if got := queryInt(t, db, "SELECT count(*) FROM scratch"); got != 0 {
		t.Errorf("%d rows of a table in memory", got)
	}
	exec(t, db, "UPDATE head SET n = n + 1; CHECKPOINT")
	return n
}

// TestBackup makes backups in the file system of the machine beside writers, and opens them: all tiers are at the same
// commit, one that was acknowledged when the backup was begun or came until it was there. Later commits, checkpoints and
// compactions of the original do not show in them.
func TestBackup(t *testing.T) {
	top := t.TempDir()
	db, err := lamina.Open(filepath.Join(top, "db"), &lamina.Options{Storage: table.LSM{
		Common: table.Common{LogFileBytes: 64 << 10, LogBytesMax: 256 << 10, DefaultMethod: "columnar"}, MemtableBytes: 256 << 10,
	}})
	if err != nil {
		t.Fatal(err)
	}
	l := newLedger(t, db)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := l.next(t); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	type made struct {
		dir           string
		before, after int64
	}
	var list []made
	linked := 0
	for i := range 8 {
		for from := l.acked.Load(); l.acked.Load() < from+60 && !t.Failed(); {
			if err := db.Checkpoint(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		m := made{dir: filepath.Join(top, fmt.Sprint("backup", i)), before: l.acked.Load()}
		r, err := db.Backup(t.Context(), m.dir)
		if err != nil {
			t.Fatal(err)
		}
		m.after = l.acked.Load() + 3 // each writer may have one more that is not acknowledged yet
		linked += r.Linked
		list = append(list, m)
	}
	close(stop)
	wg.Wait()
	exec(t, db, "DELETE FROM by_columns; DELETE FROM by_lsm; CHECKPOINT")
	must(t, db.Close())
	for _, m := range list {
		if n := l.at(t, m.dir); n < m.before || n > m.after {
			t.Errorf("%s is at %d, was begun at %d and there at %d", m.dir, n, m.before, m.after)
		}
	}
	t.Log(l.acked.Load(), "commits,", linked, "linked files")
	if l.acked.Load() < 300 || linked < 16 {
		t.Errorf("%d commits, %d linked files", l.acked.Load(), linked)
	}
}

// TestBackupEndsWithTheDatabase closes a database in the middle of a backup: that ends with 57P01 and leaves nothing.
func TestBackupEndsWithTheDatabase(t *testing.T) {
	fs := vfs.NewMem()
	db, err := lamina.Open("db", &lamina.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, "CREATE TABLE t (a int4); INSERT INTO t SELECT generate_series(1, 1000)")
	began, closed := make(chan struct{}), make(chan error, 1)
	go func() {
		<-began
		closed <- db.Close()
	}()
	once := sync.OnceFunc(func() {
		close(began)
		for db.Checkpoint(t.Context()) == nil { // until Close has begun
		}
	})
	_, err = db.BackupWith(t.Context(), "backup", table.BackupOptions{Progress: func(int64, int64) { once() }})
	if sqlerr.CodeOf(err) != sqlerr.AdminShutdown {
		t.Errorf("the backup ended with %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if _, err := fs.Stat("backup"); err == nil {
		t.Error("the backup is there")
	}
	mem, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mem.Backup(t.Context(), "backup"); sqlerr.CodeOf(err) != sqlerr.FeatureNotSupported {
		t.Errorf("a backup of a database in memory: %v", err)
	}
	must(t, mem.Close())
}

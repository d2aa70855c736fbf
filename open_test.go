package lamina_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

func TestOpenDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "db")
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	db := openDir(t, dir, nil)
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY); INSERT INTO t VALUES (1), (2)")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openDir(t, dir, nil)
	want(t, db, "1\n2", "SELECT a FROM t ORDER BY a")
}

func TestOpenTwice(t *testing.T) {
	for name, o := range map[string]*lamina.Options{"files": nil, "memory": {FS: vfs.NewMem()}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db := openDir(t, dir, o)
			exec(t, db, "CREATE TABLE t (a int4)")
			for _, readOnly := range []bool{false, true} {
				second := lamina.Options{ReadOnly: readOnly}
				if o != nil {
					second.FS = o.FS
				}
				_, err := lamina.Open(dir, &second)
				wantCode(t, err, sqlerr.ObjectInUse, "second open")
			}
			exec(t, db, "INSERT INTO t VALUES (1)") // the first has not noticed
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			want(t, openDir(t, dir, o), "1", "SELECT a FROM t")
		})
	}
}

func TestOpenReadOnly(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	_, err := lamina.Open(filepath.Join(dir, "missing"), &lamina.Options{ReadOnly: true})
	if err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a missing directory, read only: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "missing")); !os.IsNotExist(err) {
		t.Errorf("reading has made a directory: %v", err)
	}
	db := openDir(t, dir, nil)
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'x')")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	db = openDir(t, dir, &lamina.Options{ReadOnly: true})
	want(t, db, "1|x", "SELECT * FROM t")
	refusesWrites(t, db)
	if err := db.Verify(ctx, func(table.Damage) bool { t.Error("damage"); return true }); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("reading changed files:\n%s\nbefore\n%s", after, before)
	}
}

// refusesWrites tries every way to write.
func refusesWrites(t *testing.T, db *lamina.DB) {
	t.Helper()
	ctx := context.Background()
	for _, sql := range []string{
		"INSERT INTO t VALUES (2)", "UPDATE t SET b = 'y'", "DELETE FROM t", "TRUNCATE t", "CREATE TABLE u (a int4)", "DROP TABLE t",
		"ALTER TABLE t ADD COLUMN c int4", "CREATE SCHEMA s", "BEGIN READ WRITE",
	} {
		_, err := db.Exec(ctx, sql)
		wantCode(t, err, sqlerr.ReadOnlySQLTransaction, sql)
	}
	_, err := db.Exec(ctx, "SET default_transaction_read_only = off; INSERT INTO t VALUES (3)")
	wantCode(t, err, sqlerr.ReadOnlySQLTransaction, "after SET")
	type row struct {
		A int
		B *string
	}
	tab := lamina.TableOf[row](db, "t")
	wantCode(t, tab.Insert(ctx, row{A: 5}), sqlerr.ReadOnlySQLTransaction, "Insert")
	wantCode(t, tab.Put(ctx, row{A: 1}), sqlerr.ReadOnlySQLTransaction, "Put")
	wantCode(t, tab.Delete(ctx, 1), sqlerr.ReadOnlySQLTransaction, "Delete")
	_, err = db.Appender(ctx, "t")
	wantCode(t, err, sqlerr.ReadOnlySQLTransaction, "Appender")
	tx, err := db.Begin(ctx, table.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = tx.Exec(ctx, "INSERT INTO t VALUES (2)")
	wantCode(t, err, sqlerr.ReadOnlySQLTransaction, "in a Tx")
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
}

// listing returns the names, sizes and times of a directory's files.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, i os.FileInfo, err error) error {
		if err != nil || i.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		b.WriteString(strings.TrimPrefix(path, dir) + "\x00")
		b.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A read-only DB on a backend that can be written to.
func TestOpenStorageReadOnly(t *testing.T) {
	s, err := lamina.NewTableStorage(table.Memory{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	db, err := lamina.OpenStorage(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY, b text) USING memory; INSERT INTO t VALUES (1, 'x')")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, err = lamina.OpenStorage(s, &lamina.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	refusesWrites(t, db)
	want(t, db, "1|x", "SELECT * FROM t")
}

func TestOpenStorage(t *testing.T) {
	ctx := context.Background()
	s, err := lamina.NewTableStorage(table.Memory{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := lamina.OpenStorage(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := lamina.OpenStorage(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, a, "CREATE TABLE t (a int4); INSERT INTO t VALUES (1)")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	want(t, b, "1", "SELECT a FROM t")
	wantCode(t, a.Checkpoint(ctx), sqlerr.AdminShutdown, "checkpoint of a closed DB")
	if b.Storage() != s {
		t.Error("Storage is another one")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error("the storage is the caller's to close: ", err)
	}
	_, err = lamina.OpenStorage(nil, nil)
	wantCode(t, err, sqlerr.InvalidParameterValue, "no storage")
	_, err = lamina.OpenStorage(s, &lamina.Options{Storage: table.Memory{}})
	wantCode(t, err, sqlerr.InvalidParameterValue, "two storages")
}

func TestNewTableStorage(t *testing.T) {
	_, err := lamina.NewTableStorage(table.Cluster{})
	wantCode(t, err, sqlerr.FeatureNotSupported, "Cluster")
	_, err = lamina.NewTableStorage(nil)
	wantCode(t, err, sqlerr.InvalidParameterValue, "nil")
	s, err := lamina.NewTableStorage(table.Columnar{Dir: "d", Common: table.Common{FS: vfs.NewMem()}})
	if err != nil {
		t.Fatal(err)
	}
	if !s.Features().Durable {
		t.Error("columnar is not durable")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestDefaultMethod: tables that name no access method have that of the storage, unless a setting says otherwise.
func TestDefaultMethod(t *testing.T) {
	common := func(method string) table.Common { return table.Common{FS: vfs.NewMem(), DefaultMethod: method} }
	for _, x := range []struct {
		name    string
		storage table.Config
		setting string
		want    string
	}{
		{"memory", table.Memory{}, "", "memory"},
		{"columnar", table.Columnar{Dir: "d", Common: common("")}, "", "columnar"},
		{"LSM", table.LSM{Dir: "d", Common: common("")}, "", "lsm"},
		{"columnar, memory by default", table.Columnar{Dir: "d", Common: common("memory")}, "", "memory"},
		{"LSM, with a setting", table.LSM{Dir: "d", Common: common("")}, "columnar", "columnar"},
	} {
		t.Run(x.name, func(t *testing.T) {
			o := &lamina.Options{Storage: x.storage}
			if x.setting != "" {
				o.Settings = map[string]string{"default_table_access_method": x.setting}
			}
			db, err := lamina.Open("", o)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close() //nolint:errcheck // the test is over
			exec(t, db, "CREATE TABLE t (a int4); INSERT INTO t VALUES (1)")
			want(t, db, x.want, "SELECT tier FROM lamina.tables WHERE table_name = 't'")
			want(t, db, x.want, "SHOW default_table_access_method")
		})
	}
}

func TestMaintenance(t *testing.T) {
	ctx := context.Background()
	db := openDir(t, t.TempDir(), nil)
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY); INSERT INTO t SELECT g FROM generate_series(1, 5000) g; DELETE FROM t WHERE a > 10")
	if err := db.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	tx, err := db.Storage().Begin(ctx, table.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	id := tx.Schema().List(table.KindTable)[0].Head().ID
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := db.Compact(ctx, id); err != nil && sqlerr.CodeOf(err) != sqlerr.FeatureNotSupported {
		t.Error(err)
	}
	damages := 0
	if err := db.Verify(ctx, func(table.Damage) bool { damages++; return true }); err != nil || damages > 0 {
		t.Errorf("verify: %d damages, %v", damages, err)
	}
	m := db.Metrics()
	if m.Commits == 0 || m.RowsInserted != 5000 || m.RowsDeleted != 4990 || m.Checkpoints == 0 {
		t.Errorf("metrics: %+v", m)
	}
	want(t, db, "10", "SELECT count(*) FROM t")
}

func TestVersion(t *testing.T) {
	if lamina.Version() == "" {
		t.Error("no version")
	}
}

// Nothing of a database lives on after Close, no goroutine and no open file: whatever failed, was canceled or left half read.
func TestGoroutinesEnd(t *testing.T) {
	use := func(dir string) {
		db, err := lamina.Open(dir, &lamina.Options{Workers: 4})
		if err != nil {
			t.Fatal(err)
		}
		exec(t, db, "CREATE TABLE IF NOT EXISTS t (a int4); INSERT INTO t SELECT g FROM generate_series(1, 10000) g")
		text(t, db, "SELECT count(*), sum(a) FROM t")
		_, err = db.Exec(context.Background(), "INSERT INTO t SELECT 1 / (g - 9999) FROM generate_series(1, 10000) g")
		wantCode(t, err, sqlerr.DivisionByZero, "a division in the middle")
		ctx, cancel := context.WithCancel(context.Background())
		rows, err := db.Query(ctx, "SELECT a.a FROM t AS a, t AS b")
		if err != nil || !rows.Next() {
			t.Fatal(err)
		}
		cancel()
		for rows.Next() {
		}
		wantCode(t, rows.Close(), sqlerr.QueryCanceled, "a canceled query")
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	use("")
	use(t.TempDir()) // what starts once in a process has started
	before, files := runtime.NumGoroutine(), openFiles()
	for range 3 {
		use("")
		use(t.TempDir())
	}
	goroutinesBack(t, before)
	if n := openFiles(); n > files {
		t.Errorf("%d files are open, %d before", n, files)
	}
}

package lamina_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// lsmFormatTables are the tables of lsmFormatWork.
var lsmFormatTables = []string{"t", "h", "s.moved", "cut", "c"}

// smallLSM are the options of a database with small log files whose tables are LSM tables. Nothing is compacted, so that the files
// can be copied at any time.
func smallLSM(dir string) *lamina.Options {
	return &lamina.Options{Storage: table.LSM{
		Dir: dir, Common: table.Common{LogFileBytes: 256 << 10}, MemtableBytes: 256 << 10, DisableCompaction: true,
	}}
}

// lsmFormatWork leaves rows in the tables of an LSM tree and in the log after them: with unique keys and without a primary one,
// changed, deleted, truncated, of a table whose layout changed, and of transactions that also wrote to a columnar table.
func lsmFormatWork(t *testing.T, db *lamina.DB) {
	t.Helper()
	exec(t, db, `CREATE TABLE t (id int8 PRIMARY KEY, a int4 UNIQUE, b text, c numeric(10,2), d float8, e bool, f date, g bytea, UNIQUE (b, f));
		INSERT INTO t SELECT i, CASE WHEN i % 5 = 0 THEN NULL ELSE i * -3 END, 'text ' || i, i * -1.25, i / 4.0, i % 2 = 0,
			date '2024-01-01' - i::int, '\x00ff'::bytea FROM generate_series(-20, 200) AS s(i);
		INSERT INTO t (id, c) VALUES (1000, NULL), (1001, 12345678.9), (-9223372036854775808, 0);
		CREATE TABLE h (x int4 UNIQUE, y text, n numeric);
		INSERT INTO h VALUES (1, 'one', 1.50), (2, E'tab\there', 12345678901234567890.123), (NULL, NULL, NULL), (-7, '', -99999999999999999999);
		CREATE SCHEMA s; CREATE TABLE s.moved (k text, n int2, PRIMARY KEY (k, n)); INSERT INTO s.moved VALUES ('a', 1), ('b', -2), ('', 3);
		CREATE TABLE cut (a int4); INSERT INTO cut VALUES (1), (2);
		CREATE TABLE gone (a int4 UNIQUE); INSERT INTO gone VALUES (1);
		CREATE TABLE c (id int4 PRIMARY KEY, v text) USING columnar; INSERT INTO c VALUES (1, 'both'), (2, 'tiers')`)
	exec(t, db, "UPDATE t SET a = a + 1, c = c + 0.01 WHERE id % 10 = 3")
	exec(t, db, "DELETE FROM t WHERE id % 7 = 0")
	exec(t, db, "ALTER TABLE s.moved ADD COLUMN more text DEFAULT 'new'")
	exec(t, db, "TRUNCATE cut")
	exec(t, db, "DROP TABLE gone")
	if err := db.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "UPDATE t SET id = id + 500, b = b || '!' WHERE id % 10 = 0")
	exec(t, db, "DELETE FROM t WHERE id % 11 = 0")
	exec(t, db, "DELETE FROM h WHERE x = 2")
	exec(t, db, "BEGIN; INSERT INTO h SELECT i, 'row ' || i, i FROM generate_series(10, 20) AS s(i); UPDATE c SET v = v || '!'; COMMIT")
	exec(t, db, "ALTER TABLE s.moved ADD COLUMN yet int4 DEFAULT 5")
	exec(t, db, "INSERT INTO cut VALUES (3), (4)")
}

// writePairs writes the key-values of the LSM tree in the directory of a closed database, or of a copy of it, as rows.py reads
// them, and returns the file's name.
func writePairs(t *testing.T, dir string) string {
	t.Helper()
	db, err := pebble.Open(filepath.Join(dir, "lsm"), &pebble.Options{ReadOnly: true, Logger: pebbleLogger{t}})
	if err != nil {
		t.Fatal(err)
	}
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for it.First(); it.Valid(); it.Next() {
		fmt.Fprintf(&b, "%x\t%x\n", it.Key(), it.Value())
	}
	file := filepath.Join(t.TempDir(), "pairs")
	for _, err := range []error{it.Close(), db.Close(), os.WriteFile(file, b.Bytes(), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return file
}

// pebbleLogger makes errors of Pebble those of a test.
type pebbleLogger struct{ *testing.T }

func (pebbleLogger) Infof(string, ...any) {}

// TestDecodeLSM compares what the key-values of LSM tables say to a program of its own with what the database says.
func TestDecodeLSM(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, err := lamina.Open("", smallLSM(dir))
	if err != nil {
		t.Fatal(err)
	}
	lsmFormatWork(t, db)
	want := contents(t, db, lsmFormatTables)
	if n := strings.Count(want, "\n"); n < 180 {
		t.Fatalf("only %d rows", n)
	}
	same := func(what, dir string) {
		t.Helper()
		if got := python(t, "rows.py", dir, writePairs(t, dir)); got != want {
			t.Errorf("%s: %d bytes, want %d; the first difference is at %d", what, len(got), len(want), firstDifference(got, want))
		}
	}
	open := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(open, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	same("tables and log", open)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	same("tables", dir)
}

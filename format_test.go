package lamina_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// formatTables are the tables of formatWork, of types that docs/format/rows.py writes as COPY does.
var formatTables = []string{"t", "h", "s.moved", "big"}

// formatWork leaves rows in snapshot files (before the checkpoint) and in the log (after it): changed, deleted, of tables
// whose layout changed, of a transaction that is larger than a record.
func formatWork(t *testing.T, db *lamina.DB) {
	t.Helper()
	exec(t, db, `CREATE TABLE t (id int8 PRIMARY KEY, a int4, b text, c numeric(10,2), d float8, e bool, f date, g bytea);
		INSERT INTO t SELECT i, CASE WHEN i % 5 = 0 THEN NULL ELSE i * 3 END, 'text ' || i, i * -1.25, i / 4.0, i % 2 = 0,
			date '2024-01-01' + i::int, '\x00ff'::bytea FROM generate_series(1, 200) AS s(i);
		CREATE TABLE h (x int4, y text); INSERT INTO h VALUES (1, 'one'), (2, E'tab\there'), (NULL, NULL), (-7, '');
		CREATE SCHEMA s; CREATE TABLE s.moved (k text, n int2, PRIMARY KEY (k, n)); INSERT INTO s.moved VALUES ('a', 1), ('b', -2), ('c', 3);
		CREATE TABLE gone (a int4); INSERT INTO gone VALUES (1)`)
	if err := db.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "UPDATE t SET b = b || '!', c = c + 0.01 WHERE id % 10 = 0")
	exec(t, db, "DELETE FROM t WHERE id % 7 = 0")
	exec(t, db, "DELETE FROM h WHERE x = 2")
	exec(t, db, "INSERT INTO h SELECT i, 'row ' || i FROM generate_series(10, 20) AS s(i)")
	exec(t, db, "UPDATE s.moved SET n = n + 1 WHERE k <> 'c'")
	exec(t, db, "ALTER TABLE s.moved ADD COLUMN more text DEFAULT 'new'")
	exec(t, db, "DROP TABLE gone")
	exec(t, db, "CREATE TABLE big (a int4 PRIMARY KEY, b text)")
	exec(t, db, "INSERT INTO big SELECT i, repeat('x', 1000) || i FROM generate_series(1, 1500) AS s(i)")
	exec(t, db, "DELETE FROM big WHERE a > 20")
}

// contents are the lines that rows.py prints of a database with some tables.
func contents(t *testing.T, db *lamina.DB, tables []string) string {
	t.Helper()
	var lines []string
	for _, name := range tables {
		file := filepath.Join(t.TempDir(), "rows")
		exec(t, db, "COPY "+name+" TO '"+file+"'")
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(name, ".") {
			name = "public." + name
		}
		for line := range strings.Lines(string(b)) {
			lines = append(lines, name+"\t"+line)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// python runs a script of docs/format and returns what it prints.
func python(t *testing.T, script string, args ...string) string {
	t.Helper()
	program, err := osexec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3: the programs that read the files on their own are written in it")
	}
	out, err := osexec.Command(program, append([]string{filepath.Join("docs", "format", script)}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// smallLog are the options of a database with small log files.
func smallLog(dir string) *lamina.Options {
	return &lamina.Options{Storage: table.Columnar{Dir: dir, Common: table.Common{LogFileBytes: 512 << 10}}}
}

// TestDecodeIndependently compares what the files say to a program of its own with what the database says.
func TestDecodeIndependently(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, err := lamina.Open("", smallLog(dir))
	if err != nil {
		t.Fatal(err)
	}
	formatWork(t, db)
	want := contents(t, db, formatTables)
	if n := strings.Count(want, "\n"); n < 200 {
		t.Fatalf("only %d rows", n)
	}
	same := func(what, dir string) {
		t.Helper()
		if got := python(t, "rows.py", dir); got != want {
			t.Errorf("%s: %d bytes, want %d; the first difference is at %d", what, len(got), len(want), firstDifference(got, want))
		}
	}
	open := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(open, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	same("snapshot and log", open)
	listed(t, open)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	same("snapshot", dir)
}

// decodeLinesMax bounds the program that reads the log and the snapshot files.
const decodeLinesMax = 100

// listed compares what decode.py says about the log and the snapshot files with what formatWork did.
func listed(t *testing.T, dir string) {
	t.Helper()
	var snapshot, inserted, ended int
	for line := range strings.Lines(python(t, "decode.py", dir)) {
		var id, lsn, operation, keys, rows int
		if _, err := fmt.Sscanf(line, "snapshot: table %d, %d rows", &id, &rows); err == nil {
			snapshot += rows
		} else if _, err := fmt.Sscanf(line, "commit %d: table %d, operation %d, %d keys, %d rows", &lsn, &id, &operation, &keys, &rows); err == nil {
			inserted, ended = inserted+rows, ended+keys
		} else {
			t.Errorf("decode.py prints %q", line)
		}
	}
	// The rows of four tables; then those of UPDATE, INSERT, UPDATE, ALTER and INSERT, and the keys of UPDATE, DELETE,
	// DELETE, UPDATE and DELETE.
	const before, after, keys = 200 + 4 + 3 + 1, 20 + 11 + 2 + 3 + 1500, 20 + 28 + 1 + 2 + 1480
	if snapshot != before || inserted != before+after || ended != keys {
		t.Errorf("decode.py: %d rows in snapshot files, %d rows and %d keys in the log", snapshot, inserted, ended)
	}
	script, err := os.ReadFile(filepath.Join("docs", "format", "decode.py"))
	if n := bytes.Count(script, []byte("\n")); err != nil || n > decodeLinesMax {
		t.Errorf("decode.py has %d lines, %v", n, err)
	}
}

func firstDifference(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

package lamina_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// segmentFormatTables are the tables of segmentFormatWork.
var segmentFormatTables = []string{"t", "h", "few"}

// smallSegments are the options of a database with small segments, which are compacted on demand only.
func smallSegments(dir string) *lamina.Options {
	return &lamina.Options{Storage: table.Columnar{
		Dir: dir, Common: table.Common{LogFileBytes: 64 << 10}, DeltaRows: 200, SegmentRows: 150, DisableCompaction: true,
	}}
}

// segmentFormatWork leaves rows in segments and memtables, with deletions in the manifest and in the log, a flush and a
// compaction before the last checkpoint and after it, of tables with and without a primary key.
func segmentFormatWork(t *testing.T, db *lamina.DB) {
	t.Helper()
	exec(t, db, `CREATE TABLE t (id int8 PRIMARY KEY, a int4 UNIQUE, b text, c numeric(10,2), d float8, e bool, f date, g bytea, n numeric)
			WITH (compression = zstd, bitmap = 'e');
		CREATE TABLE h (x int4 UNIQUE, y text) WITH (sort_key = 'y');
		CREATE TABLE few (a int4);
		INSERT INTO few VALUES (1), (NULL);
		INSERT INTO t SELECT i, CASE WHEN i % 5 = 0 THEN NULL ELSE i * -3 END, 'text ' || i % 17, i * -1.25, i / 4.0, i % 3 = 0,
			date '2024-01-01' - i::int, '\x00ff'::bytea, i * 12345678901234567890.5 FROM generate_series(1, 400) AS s(i);
		INSERT INTO h SELECT i, 'row ' || i * 7919 % 1000 FROM generate_series(1, 250) AS s(i)`)
	exec(t, db, "VACUUM FULL t; VACUUM FULL h")
	exec(t, db, "DELETE FROM t WHERE id % 7 = 0; UPDATE h SET y = y || '!' WHERE x % 10 = 0")
	if err := db.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "UPDATE t SET b = b || '!', id = id + 1000 WHERE id % 10 = 1; DELETE FROM h WHERE x % 11 = 0")
	exec(t, db, "VACUUM FULL h")
	exec(t, db, "DELETE FROM t WHERE id % 13 = 0; INSERT INTO t (id, c) VALUES (-1, 0.05); DELETE FROM h WHERE x = 3")
}

// TestDecodeSegments compares the rows that docs/format/segments.py counts in the files of segments, less those that deletion
// vectors name, and in memtables, with what SQL counts: of a closed database, and of one whose log goes on from its checkpoint.
func TestDecodeSegments(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, err := lamina.Open("", smallSegments(dir))
	must(t, err)
	segmentFormatWork(t, db)
	// The commit of a move that is a load names its segments.
	exec(t, db, "CREATE TABLE moved (id int8 PRIMARY KEY, a text) USING lsm; INSERT INTO moved SELECT i, 'row ' || i FROM generate_series(1, 400) AS s(i)")
	exec(t, db, "ALTER TABLE moved SET ACCESS METHOD columnar; DELETE FROM moved WHERE id % 9 = 0; INSERT INTO moved VALUES (9, 'new')")
	if loads(db) == 0 {
		t.Error("no rows were loaded into segments")
	}
	rows := map[string]int{}
	for _, name := range append(slices.Clone(segmentFormatTables), "moved") {
		n := 0
		_, err := fmt.Sscan(text(t, db, "SELECT count(*) FROM "+name), &n)
		must(t, err)
		rows["public."+name] = n
	}
	open := filepath.Join(t.TempDir(), "copy")
	must(t, os.CopyFS(open, os.DirFS(dir)))
	must(t, db.Close())
	for _, c := range []struct {
		what, dir string
		pendMin   int
	}{{"open", open, 20}, {"closed", dir, 0}} {
		live, deleted, pending := listedSegments(t, c.dir)
		for name, n := range rows {
			// A deletion that the log has concerns a row of a segment, unless a compaction has left the row out.
			if got := live[name]; c.pendMin == 0 && got != n || got < n || got-pending > n {
				t.Errorf("%s, table %s: %d rows live in files, SQL counts %d", c.what, name, got, n)
			}
		}
		if deleted < 30 || pending < c.pendMin || c.pendMin == 0 && pending > 0 {
			t.Errorf("%s: %d deleted rows, %d deletions in the log", c.what, deleted, pending)
		}
	}
}

// listedSegments adds up what segments.py lists.
func listedSegments(t *testing.T, dir string) (live map[string]int, deleted, pending int) {
	t.Helper()
	live = map[string]int{}
	for line := range strings.Lines(python(t, "segments.py", dir)) {
		name, rest, _ := strings.Cut(line, ": ")
		var n, level, rows, cut, memory, late int
		if _, err := fmt.Sscanf(rest, "segment %d, level %d, %d rows, cut %d, deleted:", &n, &level, &rows, &cut); err == nil {
			_, list, _ := strings.Cut(rest, "deleted:")
			live[name] += rows - len(strings.Fields(list))
			deleted += len(strings.Fields(list))
		} else if _, err := fmt.Sscanf(rest, "%d rows in memtables, %d deletions in the log", &memory, &late); err == nil {
			live[name] += memory
			pending += late
		} else {
			t.Errorf("segments.py prints %q", line)
		}
	}
	return live, deleted, pending
}

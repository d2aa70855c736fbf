package lamina_test

import (
	"context"
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

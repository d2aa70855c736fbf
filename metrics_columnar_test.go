package lamina_test

import (
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// columnarMetrics returns the metrics of the tier of columnar tables.
func columnarMetrics(t *testing.T, db *lamina.DB) table.TierMetrics {
	t.Helper()
	for _, m := range db.Metrics().Tiers {
		if m.Name == "columnar" {
			return m
		}
	}
	t.Fatal("there is no columnar tier")
	return table.TierMetrics{}
}

// TestColumnarMetrics runs a known workload on a columnar table, and wants exact counts after each step: rows of the delta,
// segments, their deleted rows, flushes, compactions, bitmaps, pages, questions to filters.
func TestColumnarMetrics(t *testing.T) {
	db, err := lamina.Open(t.TempDir(), &lamina.Options{Storage: table.Columnar{DisableCompaction: true}, Workers: 1})
	must(t, err)
	defer func() { must(t, db.Close()) }()
	var first table.TierMetrics // of the step
	step := func(sql string, want func(m table.TierMetrics) []int64) {
		t.Helper()
		first = columnarMetrics(t, db)
		exec(t, db, sql)
		list := want(columnarMetrics(t, db))
		for i := 0; i < len(list); i += 2 {
			if list[i] != list[i+1] {
				t.Errorf("%s: count %d is %d, want %d", sql, i/2, list[i], list[i+1])
			}
		}
	}
	state := func(delta, segments, deleted int64) func(m table.TierMetrics) []int64 {
		return func(m table.TierMetrics) []int64 {
			return []int64{m.DeltaRows, delta, m.Segments, segments, m.DeletedRows, deleted, m.Files, 2 * segments,
				m.Rows, m.ByTable[0].Rows, m.ByTable[0].DeltaRows, delta, m.ByTable[0].Segments, segments,
				m.ByTable[0].DeletedRows, deleted, m.ByTable[0].FileBytes, m.FileBytes}
		}
	}
	step("CREATE TABLE t (id int8 PRIMARY KEY, kind text, n int8) WITH (bitmap = 'kind')", state(0, 0, 0))
	step("INSERT INTO t SELECT g, 'kind ' || g % 8, g FROM generate_series(1, 10000) g", state(10000, 0, 0))
	// Of each row: two numbers, and a string of six bytes.
	if m := columnarMetrics(t, db); m.AppliedBytes != 10000*(8+6+8) {
		t.Errorf("%d bytes were applied", m.AppliedBytes)
	}
	step("VACUUM FULL t", state(0, 1, 0))
	m := columnarMetrics(t, db)
	if m.Flushes != 1 || m.FlushBytes != m.FileBytes || m.FileBytes == 0 || m.Compactions != 0 || m.LiveBytes != 10000*(8+6+8) {
		t.Errorf("after a flush: %+v", m)
	}
	step("DELETE FROM t WHERE id <= 100", state(0, 1, 100))
	step("UPDATE t SET n = n + 1 WHERE id > 9900", state(100, 1, 200))
	step("INSERT INTO t VALUES (1, 'kind 1', 1)", state(101, 1, 200))
	// One value has one bitmap.
	step("SELECT sum(n) FROM t WHERE kind = 'kind 3'", func(m table.TierMetrics) []int64 {
		return []int64{m.BitmapsRead - first.BitmapsRead, 1}
	})
	step("VACUUM FULL t", state(0, 1, 0))
	m = columnarMetrics(t, db)
	if m.Flushes != 2 || m.Compactions != 1 || m.CompactionWrittenBytes != m.FileBytes || m.Stalls != 0 || m.Rows != 9901 {
		t.Errorf("after a compaction: %+v", m)
	}
	// The column has a page in each of five zones; those that are read twice are in the cache.
	for range 2 {
		step("SELECT sum(n) FROM t", func(m table.TierMetrics) []int64 {
			return []int64{m.PagesRead - first.PagesRead, 5, m.CacheMisses - first.CacheMisses, 5}
		})
	}
	step("SELECT sum(n) FROM t", func(m table.TierMetrics) []int64 {
		return []int64{m.PagesRead - first.PagesRead, 0, m.CacheHits - first.CacheHits, 5}
	})
	want(t, db, "0|1|0|9901", "SELECT delta_rows, segments, deleted_rows, live_rows FROM lamina.tables WHERE table_name = 't'")
	want(t, db, "2|1|9901|t", "SELECT flushes, compactions, live_rows, file_bytes > 0 FROM lamina.tiers WHERE tier = 'columnar'")
	wantColumnarPlan(t, db)
}

// wantColumnarPlan: a plan says what was read of segments.
func wantColumnarPlan(t *testing.T, db *lamina.DB) {
	t.Helper()
	rows, err := db.Query(t.Context(), "EXPLAIN (ANALYZE) SELECT sum(n), max(id) FROM t WHERE kind = 'kind 3'")
	must(t, err)
	var plan strings.Builder
	for rows.Next() {
		line, _ := rows.Text(0)
		plan.WriteString(line + "\n")
	}
	must(t, rows.Close())
	for _, want := range []string{"1 segments read, 0 skipped", "pages read", "1 bitmaps read"} {
		if !strings.Contains(plan.String(), want) {
			t.Errorf("the plan does not say %q:\n%s", want, &plan)
		}
	}
}

package lamina_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
)

// scansWithout are queries whose plans say how a scan has found its rows, and the setting without which it does not say it.
var scansWithout = []struct{ tier, where, setting, says string }{
	{"columnar", "kind = 'kind 3'", "debug_bitmaps", "1 bitmaps read"},
	{"columnar", "id BETWEEN 100 AND 120", "debug_zone_maps", "chunks skipped by bounds"},
	{"columnar", "id > 1000000", "debug_zone_maps", "0 segments read, 1 skipped"},
	{"memory", "id BETWEEN 100 AND 120", "debug_zone_maps", "chunks skipped by bounds"},
	{"lsm", "id BETWEEN 100 AND 120", "debug_zone_maps", "1 ranges of keys read"},
}

// TestScansWithout: scans use neither zone maps nor bitmaps where they must not, and answer the same.
func TestScansWithout(t *testing.T) {
	db := openDir(t, filepath.Join(t.TempDir(), "db"), nil)
	for _, tier := range analyzedTiers {
		exec(t, db, fmt.Sprintf("CREATE TABLE t_%[1]s (id int PRIMARY KEY, kind text) USING %[1]s; "+
			"INSERT INTO t_%[1]s SELECT g, 'kind ' || g %% 8 FROM generate_series(1, 20000) g", tier))
	}
	exec(t, db, "ALTER TABLE t_columnar SET (bitmap = 'kind')")
	exec(t, db, "VACUUM FULL t_columnar")
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	for _, q := range scansWithout {
		sql := fmt.Sprintf("SELECT count(*), sum(id) FROM t_%s WHERE %s", q.tier, q.where)
		answer, plan := text(t, c, sql), explained(t, c, "EXPLAIN (ANALYZE) "+sql)
		exec(t, c, "SET "+q.setting+" = off")
		without := explained(t, c, "EXPLAIN (ANALYZE) "+sql)
		if !strings.Contains(plan, q.says) || strings.Contains(without, q.says) {
			t.Errorf("%s, %q in\n%s\nnot in\n%s", sql, q.says, plan, without)
		}
		want(t, c, answer, sql)
		exec(t, c, "RESET "+q.setting)
	}
}

// TestStatementsWithout: a statement of one row runs with pipelines, and a text is planned anew, where that is demanded. Either
// takes memory that the other way does not.
func TestStatementsWithout(t *testing.T) {
	db := open(t, nil)
	exec(t, db, "CREATE TABLE p (id int PRIMARY KEY, a int); INSERT INTO p VALUES (1, 2)")
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	st, err := c.Prepare(t.Context(), "SELECT a FROM p WHERE id = $1")
	if err != nil {
		t.Fatal(err)
	}
	for setting, run := range map[string]func(){
		"debug_short_statements": func() { readOne(t, st) },
		"debug_plan_cache":       func() { want(t, c, "2", "SELECT a FROM p WHERE id = 1") },
	} {
		with := testing.AllocsPerRun(20, run)
		exec(t, c, "SET "+setting+" = off")
		if without := testing.AllocsPerRun(20, run); without < with+20 {
			t.Errorf("%s: %.0f allocations with it, %.0f without", setting, with, without)
		}
		exec(t, c, "RESET "+setting)
	}
}

func readOne(t *testing.T, st *lamina.ConnStmt) {
	t.Helper()
	rows, err := st.Query(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := textOf(rows); got != "2" {
		t.Errorf("read %s", got)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
}

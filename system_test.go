package lamina_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// texts returns the rows of a query as text, columns with | between them.
func texts(t *testing.T, db lamina.Querier, sql string, args ...any) (out []string) {
	t.Helper()
	rows, err := db.Query(context.Background(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	values := make([]any, len(rows.Columns()))
	for rows.Next() {
		dest := make([]any, len(values))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		row := ""
		for i, v := range values {
			if i > 0 {
				row += "|"
			}
			row += fmt.Sprint(v)
		}
		out = append(out, row)
	}
	if err := rows.Close(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// TestSystemRelations reads every column of every system relation.
func TestSystemRelations(t *testing.T) {
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // in memory
	if _, err := db.Exec(ctx, "CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'x' CHECK (a <> '')); CREATE VIEW v AS SELECT a FROM t"); err != nil {
		t.Fatal(err)
	}
	names := texts(t, db, `SELECT n.nspname || '.' || c.relname, c.relnatts FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname IN ('pg_catalog', 'information_schema', 'lamina') ORDER BY 1`)
	withRows := 0
	for _, line := range names {
		var name string
		var columns int
		if _, err := fmt.Sscanf(line, "%s", &name); err != nil {
			t.Fatal(err)
		}
		for i := range name {
			if name[i] == '|' {
				if _, err := fmt.Sscan(name[i+1:], &columns); err != nil {
					t.Fatal(err)
				}
				name = name[:i]
				break
			}
		}
		described := texts(t, db, "SELECT count(*) FROM pg_attribute WHERE attrelid = $1::text::regclass", name)
		if described[0] != fmt.Sprint(columns) {
			t.Errorf("%s has %d columns, of which %s are described", name, columns, described[0])
		}
		if len(texts(t, db, "SELECT * FROM "+name)) > 0 {
			withRows++
		}
	}
	if len(names) < 70 || withRows < 28 {
		t.Errorf("only %d system relations, %d of them with rows", len(names), withRows)
	}
}

// TestSystemRelationsAreFresh runs one prepared statement before and after a change that its plan does not depend on.
func TestSystemRelationsAreFresh(t *testing.T) {
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // in memory
	if _, err := db.Exec(ctx, "CREATE TABLE t (id int PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	const live = "SELECT live_rows FROM lamina.tables WHERE table_name = 't'"
	st := prepared(t, db, live)
	one := func() string {
		rows, err := st.Query(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close() //nolint:errcheck // it has one row
		var n int64
		if !rows.Next() {
			t.Fatal("no row")
		}
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(n)
	}
	for i := range 3 {
		want := fmt.Sprint(i)
		if got := one(); got != want {
			t.Errorf("prepared: %s live rows, want %s", got, want)
		}
		if got := texts(t, db, live); fmt.Sprint(got) != "["+want+"]" {
			t.Errorf("by text: %s live rows, want %s", got, want)
		}
		if _, err := db.Exec(ctx, "INSERT INTO t VALUES ($1)", i); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ sql, want string }{
		{"SELECT value FROM lamina.metrics WHERE name = 'rows_inserted'", "[3]"},
		{"SELECT count FROM lamina.latencies WHERE operation = 'insert'", "[3]"},
		{"SELECT count, p50_ns > 0 AND p999_ns >= p50_ns FROM lamina.latencies WHERE operation = 'commit'", "[4|true]"},
		{"SELECT count(*) FROM lamina.errors", "[0]"},
		{"SELECT count(*) FROM lamina.memory WHERE bytes >= 0", "[4]"},
		{"SELECT count(*) FROM lamina.views_pinned WHERE holders > 0", "[1]"},
		{"SELECT state, query LIKE 'SELECT state%' FROM pg_stat_activity WHERE pid = pg_backend_pid()", "[active|true]"},
	} {
		if got := fmt.Sprint(texts(t, db, c.sql)); got != c.want {
			t.Errorf("%s: %s, want %s", c.sql, got, c.want)
		}
	}
}

// TestTiersView: lamina.tiers has what a tier did with its files.
func TestTiersView(t *testing.T) {
	db, err := lamina.Open(t.TempDir(), &lamina.Options{Storage: table.LSM{DisableCompaction: true}})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, "CREATE TABLE t (id int4 PRIMARY KEY, b text); INSERT INTO t SELECT i, repeat('x', 50) FROM generate_series(1, 1000) AS s(i)")
	if err := db.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
	want(t, db, "lsm|1|1000|1|t|t|0|t", `SELECT tier, tables, live_rows, flushes, files = 1 AND file_bytes = flush_bytes,
		live_bytes = applied_bytes AND live_bytes > 50000, compactions, write_amplification > 0 AND write_amplification = space_amplification
		FROM lamina.tiers WHERE tier = 'lsm'`)
	want(t, db, "memory|0", "SELECT tier, flushes FROM lamina.tiers WHERE tier = 'memory'")
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

package lamina_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
)

// shortStatements read at most one row by key, or none; the arguments are those of each run.
var shortStatements = []struct {
	sql  string
	args [][]any
}{
	{"SELECT id, a, b, c, d FROM p WHERE id = $1", [][]any{{1}, {2}, {3}, {77}, {nil}}},
	{"SELECT a + 1, c || '!', d, NOT e FROM p WHERE id = $1", [][]any{{1}, {2}, {3}, {4}}},
	{"SELECT 10 / a FROM p WHERE id = $1", [][]any{{1}, {4}, {3}, {77}}},
	{"SELECT id FROM p WHERE id = $1 AND a > $2", [][]any{{1, 5}, {1, 50}, {3, 1}, {1, nil}}},
	{"SELECT id FROM p WHERE id = $1 AND 10 / a > 1", [][]any{{1}, {4}, {3}}},
	{"SELECT c FROM p WHERE id = $1 AND c LIKE 'o%' AND d IN (1.5, 2.50)", [][]any{{1}, {2}, {3}}},
	{"SELECT CASE WHEN a > 3 THEN c ELSE 'small' END, coalesce(c, 'none') FROM p WHERE id = $1", [][]any{{1}, {2}, {3}, {4}}},
	{"SELECT b, d, d * 2, d / 3 FROM p WHERE id = 2", [][]any{nil}},
	{"SELECT 1, 'x', NULL, $1::int + 1", [][]any{{3}, {nil}}},
	{"SELECT 1 WHERE $1 > 2", [][]any{{3}, {1}, {nil}}},
	{"SELECT s, f FROM q WHERE k = $1 AND n = $2", [][]any{{"one", 1}, {"one", 2}, {"two", 2}}},
	{"UPDATE p SET a = a + 1, c = c || '.' WHERE id = $1 RETURNING id, a, c", [][]any{{1}, {2}, {77}, {3}}},
	{"UPDATE p SET a = 10 / a WHERE id = $1", [][]any{{4}, {1}}},
	{"INSERT INTO p VALUES ($1, $2, 0.25, 'new', 1.1, true) RETURNING id + 1", [][]any{{100, 5}, {1, 5}}},
	{"INSERT INTO p (id) VALUES ($1) ON CONFLICT DO NOTHING", [][]any{{1}, {200}}},
	{"DELETE FROM p WHERE id = $1 AND a > 0 RETURNING c", [][]any{{1}, {3}, {77}, {100}}},
	{"SELECT count(*), sum(a), min(c) FROM p", [][]any{nil}},
}

const shortTables = `
CREATE TABLE p (id int PRIMARY KEY, a int, b float8, c varchar(20), d numeric(8,2), e bool);
CREATE TABLE q (k char(5), n int8, s text, f float4, PRIMARY KEY (k, n));
INSERT INTO p VALUES (1, 7, 0.5, 'one', 1.5, true), (2, 2, -0.0, 'two', -3, false), (3, NULL, NULL, NULL, NULL, NULL), (4, 0, 1e300, '', 0, true);
INSERT INTO q VALUES ('one', 1, 'first', 1.5), ('one', 2, NULL, NULL);`

// runShortStatements runs them with a setting and returns everything they answer.
func runShortStatements(t *testing.T, set string) (answers []string) {
	t.Helper()
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // in memory
	if _, err := db.Exec(ctx, shortTables); err != nil {
		t.Fatal(err)
	}
	c, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // nothing is open
	if _, err := c.Exec(ctx, set); err != nil {
		t.Fatal(err)
	}
	for _, s := range shortStatements {
		st, err := c.Prepare(ctx, s.sql)
		if err != nil {
			t.Fatalf("%s: %v", s.sql, err)
		}
		for _, args := range s.args {
			answers = append(answers, fmt.Sprintf("%s %v: %s", s.sql, args, answerOf(ctx, st, args)))
		}
	}
	return answers
}

func answerOf(ctx context.Context, st *lamina.ConnStmt, args []any) string {
	rows, err := st.Query(ctx, args...)
	if err != nil {
		return string(sqlerr.CodeOf(err)) + " " + err.Error()
	}
	var b strings.Builder
	for _, c := range rows.Columns() {
		fmt.Fprintf(&b, "%s %s,", c.Name, c.Type)
	}
	for rows.Next() {
		b.WriteString(" (")
		for i := range rows.Row() {
			text, ok := rows.Text(i)
			fmt.Fprintf(&b, "%q %v,", text, ok)
		}
		b.WriteString(")")
	}
	if err := rows.Close(); err != nil {
		return string(sqlerr.CodeOf(err)) + " " + err.Error()
	}
	return fmt.Sprintf("%s %s, %d rows", b.String(), rows.Tag(), rows.RowsAffected())
}

// TestShortStatements: statements that are run without pipelines answer as those that use them.
func TestShortStatements(t *testing.T) {
	short := runShortStatements(t, "SET debug_vector_forms = off")
	long := runShortStatements(t, "SET debug_vector_forms = on")
	if len(short) < 45 || len(short) != len(long) {
		t.Fatalf("%d and %d answers", len(short), len(long))
	}
	for i := range short {
		if short[i] != long[i] {
			t.Errorf("short: %s\nlong:  %s", short[i], long[i])
		}
	}
}

// TestShortResultsOverlap: a statement that runs again leaves the rows of its earlier runs alone.
func TestShortResultsOverlap(t *testing.T) {
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // in memory
	if _, err := db.Exec(ctx, shortTables); err != nil {
		t.Fatal(err)
	}
	c, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // nothing is open
	if _, err := c.Exec(ctx, "BEGIN"); err != nil {
		t.Fatal(err)
	}
	st, err := c.Prepare(ctx, "SELECT id, c FROM p WHERE id = $1")
	if err != nil {
		t.Fatal(err)
	}
	var all []*lamina.Rows
	for id := 1; id <= 4; id++ {
		rows, err := st.Query(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rows)
		if id%2 == 0 && !rows.Next() { // some are read at once
			t.Fatalf("row %d: none", id)
		}
	}
	for i, rows := range all {
		if i%2 == 0 && !rows.Next() {
			t.Fatalf("row %d: none", i+1)
		}
		if got := rows.Row()[0].I; got != int64(i+1) {
			t.Errorf("row %d: read %d", i+1, got)
		}
		if rows.Next() {
			t.Errorf("row %d: another row", i+1)
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
	if b, ok := all[0].NextBatch(); ok {
		t.Errorf("a batch of %d rows after the end", b.N)
	}
}

// TestShortSeesNewPlan: a prepared short statement follows changes of its table and of the search path.
func TestShortSeesNewPlan(t *testing.T) {
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // in memory
	c, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // nothing is open
	exec := func(sql string) {
		t.Helper()
		if _, err := c.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec(shortTables)
	st, err := c.Prepare(ctx, "SELECT id, c FROM p WHERE id = $1")
	if err != nil {
		t.Fatal(err)
	}
	want := func(text string) {
		t.Helper()
		if got := answerOf(ctx, st, []any{1}); !strings.HasSuffix(got, text) {
			t.Errorf("%s, want %s", got, text)
		}
	}
	want(`("1" true,"one" true,) SELECT 1, 1 rows`)
	exec("ALTER TABLE p RENAME TO old; CREATE TABLE p (c varchar(20), id int PRIMARY KEY); INSERT INTO p VALUES ('new', 1)")
	want(`("1" true,"new" true,) SELECT 1, 1 rows`)
	exec("CREATE SCHEMA other; CREATE TABLE other.p (id int PRIMARY KEY, c varchar(20)); INSERT INTO other.p VALUES (1, 'there')")
	exec("SET search_path = other, public")
	want(`("1" true,"there" true,) SELECT 1, 1 rows`)
	exec("DROP TABLE other.p")
	want(`("1" true,"new" true,) SELECT 1, 1 rows`)
	exec("DROP TABLE p")
	if got := answerOf(ctx, st, []any{1}); !strings.HasPrefix(got, string(sqlerr.UndefinedTable)) {
		t.Errorf("after DROP TABLE: %s", got)
	}
}

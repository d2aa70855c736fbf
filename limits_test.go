package lamina_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

func rep(s string, n int) string { return strings.Repeat(s, n) }

// nested are shapes of statements that may nest without end.
var nested = []struct {
	name string
	sql  func(n int) string
}{
	{"parentheses", func(n int) string { return "SELECT " + rep("(", n) + "1" + rep(")", n) }},
	{"sums", func(n int) string { return "SELECT 1" + rep("+1", n) }},
	{"concatenation", func(n int) string { return "SELECT ''" + rep("||'a'", n) }},
	{"comparisons", func(n int) string { return "SELECT true" + rep(" = (true", n) + rep(")", n) }},
	{"and", func(n int) string { return "SELECT true" + rep(" AND true", n) }},
	{"or and not", func(n int) string { return "SELECT " + rep("NOT (false OR ", n) + "true" + rep(")", n) }},
	{"signs", func(n int) string { return "SELECT " + rep("- ", n) + "1" }},
	{"casts", func(n int) string { return "SELECT 1" + rep("::int8::int4", n) }},
	{"calls", func(n int) string { return "SELECT " + rep("abs(", n) + "1" + rep(")", n) }},
	{"case", func(n int) string { return "SELECT " + rep("CASE WHEN true THEN ", n) + "1" + rep(" END", n) }},
	{"coalesce", func(n int) string { return "SELECT " + rep("coalesce(NULL, ", n) + "1" + rep(")", n) }},
	{"is null", func(n int) string { return "SELECT " + rep("(", n) + "1" + rep(" IS NULL)", n) }},
	{"in", func(n int) string { return "SELECT 1 WHERE " + rep("1 IN (SELECT 1 WHERE ", n) + "true" + rep(")", n) }},
	{"exists", func(n int) string {
		return "SELECT 1 WHERE " + rep("EXISTS (SELECT 1 WHERE ", n) + "true" + rep(")", n)
	}},
	{"scalar subqueries", func(n int) string { return "SELECT " + rep("(SELECT ", n) + "1" + rep(")", n) }},
	{"derived tables", func(n int) string {
		return rep("SELECT * FROM (", n) + "SELECT 1" + rep(") AS s", n)
	}},
	{"with", func(n int) string { return rep("WITH c AS (", n) + "SELECT 1" + rep(") SELECT * FROM c", n) }},
	{"unions", func(n int) string { return "SELECT 1" + rep(" UNION ALL SELECT 1", n) }},
	{"nested unions", func(n int) string { return rep("(", n) + "SELECT 1" + rep(" UNION SELECT 1)", n) }},
	{"joins", func(n int) string {
		return "SELECT 1 FROM " + rep("(SELECT 1 FROM ", n) + "one" + rep(" CROSS JOIN (VALUES (1)) AS o) AS p", n)
	}},
	{"join list", func(n int) string {
		var b strings.Builder
		b.WriteString("SELECT 1 FROM one")
		for i := range n {
			fmt.Fprintf(&b, " JOIN one AS o%d ON true", i)
		}
		return b.String()
	}},
	{"explain", func(n int) string { return "EXPLAIN SELECT " + rep("(", n) + "1" + rep(")", n) }},
	{"insert", func(n int) string { return "INSERT INTO one VALUES (" + rep("(", n) + "1" + rep(")", n) + ")" }},
	{"check", func(n int) string {
		return "CREATE TABLE x (a int CHECK (" + rep("(", n) + "a > 0" + rep(")", n) + "))"
	}},
}

// TestNestingLimits nests every shape deeper and deeper: it is run, or refused with 54001 (or as it would be flat), and the
// database answers afterwards.
func TestNestingLimits(t *testing.T) {
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // in memory
	exec(t, db, "CREATE TABLE one (a int4); INSERT INTO one VALUES (1)")
	refused, ran := 0, 0
	for _, shape := range nested {
		for _, n := range []int{10, 1_000, 50_000} {
			if shape.name == "join list" && n > 10 {
				continue
			}
			tx, err := db.Begin(ctx, table.TxOptions{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = tx.Exec(ctx, shape.sql(n))
			switch code := sqlerr.CodeOf(err); {
			case err == nil:
				ran++
			case code == sqlerr.StatementTooComplex:
				refused++
			case n == 10, code != sqlerr.SyntaxError && code != sqlerr.DuplicateAlias && code != sqlerr.UndefinedFunction && code != sqlerr.NumericValueOutOfRange:
				t.Errorf("%s, %d deep: %s %.200v", shape.name, n, code, err)
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want(t, db, "1", "SELECT count(*) FROM one"); ran < 35 || refused < 20 {
		t.Errorf("%d ran, %d were refused", ran, refused)
	}
}

// columns is a list of n columns: c0 int, c1 int, ….
func columns(n int, each string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, each, i)
	}
	return b.String()
}

// sizeLimits are statements at a limit, which run ("00000"), and beyond it.
var sizeLimits = []struct {
	name, code string
	sql        func() string
}{
	{"1,600 columns", "00000", func() string { return "CREATE TABLE wide (" + columns(1600, "c%d int") + ")" }},
	{"a row of 1,600 columns", "00000", func() string { return "INSERT INTO wide VALUES (" + columns(1600, "%d") + ")" }},
	{"1,601 columns", "54011", func() string { return "CREATE TABLE wider (" + columns(1601, "c%d int") + ")" }},
	{"one column more", "54011", func() string { return "ALTER TABLE wide ADD COLUMN more int" }},
	{"a select list of 1,664", "00000", func() string { return "SELECT " + columns(1664, "%d") }},
	{"a select list of 1,665", "54011", func() string { return "SELECT " + columns(1665, "%d") }},
	{"32 columns of a key", "00000", func() string {
		return "CREATE TABLE k32 (" + columns(32, "c%d int") + ", UNIQUE (" + columns(32, "c%d") + "))"
	}},
	{"33 columns of a key", "54011", func() string {
		return "CREATE TABLE k33 (" + columns(33, "c%d int") + ", UNIQUE (" + columns(33, "c%d") + "))"
	}},
	{"a name of 63 bytes", "00000", func() string { return "CREATE TABLE " + rep("n", 63) + " (a int)" }},
	{"a name of 1,000 bytes is cut", "42P07", func() string { return "CREATE TABLE " + rep("n", 1000) + " (a int)" }},
	{"a key of 8,000 bytes", "00000", func() string { return "INSERT INTO keyed VALUES ('" + rep("k", 8000) + "')" }},
	{"a key of 9,000 bytes", "54000", func() string { return "INSERT INTO keyed VALUES ('" + rep("k", 9000) + "')" }},
	{"a text of 10 MB", "00000", func() string { return "INSERT INTO plain VALUES ('" + rep("t", 10<<20) + "')" }},
	{"a longer key by UPDATE", "54000", func() string { return "UPDATE keyed SET k = k || k" }},
	{"longer keys by ADD UNIQUE", "54000", func() string { return "ALTER TABLE plain ADD UNIQUE (a)" }},
	{"a comment of 10 MB", "00000", func() string { return "SELECT 1 /* " + rep("t", 10<<20) + " */" }},
	{"a statement of more than 16 MiB", "54000", func() string { return "SELECT '" + rep("t", 16<<20) + "'" }},
	{"100,000 values of IN", "00000", func() string { return "SELECT 1 WHERE 5 IN (" + columns(100_000, "%d") + ")" }},
	{"100,000 rows of VALUES", "00000", func() string { return "INSERT INTO one VALUES " + columns(100_000, "(%d)") }},
	{"parameter 65,535", "42P18", func() string { return "SELECT $65535::int" }}, // it is there, those before it are not
	{"parameter 65,536", "42P02", func() string { return "SELECT $65536::int" }},
	{"a string of 1 GiB", "54000", func() string { return "SELECT repeat('x', 1 << 30)" }},
	{"100 arguments", "00000", func() string { return "SELECT concat(" + columns(100, "%d") + ")" }},
	{"101 arguments", "54023", func() string { return "SELECT concat(" + columns(101, "%d") + ")" }},
}

// TestSizeLimits goes to each limit and one step beyond it.
func TestSizeLimits(t *testing.T) {
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // in memory
	exec(t, db, "CREATE TABLE one (a int4); CREATE TABLE keyed (k text PRIMARY KEY); CREATE TABLE plain (a text)")
	for _, l := range sizeLimits {
		if _, err := db.Exec(ctx, l.sql()); string(sqlerr.CodeOf(err)) != l.code {
			t.Errorf("%s: %s %.200v, want %s", l.name, sqlerr.CodeOf(err), err, l.code)
		}
	}
	want(t, db, "1|10485760|100000", "SELECT (SELECT count(*) FROM keyed), (SELECT length(a) FROM plain), (SELECT count(*) FROM one)")
	want(t, db, "1599", "SELECT c1599 FROM wide")
}

// TestManyParameters gives a statement as many parameters as the wire protocol can.
func TestManyParameters(t *testing.T) {
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // in memory
	const n = 65535
	args := make([]any, n)
	var b strings.Builder
	b.WriteString("SELECT count(*), min(v), max(v) FROM (VALUES ")
	for i := range n {
		args[i] = i
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "($%d::int4)", i+1)
	}
	b.WriteString(") AS s (v)")
	if got := texts(t, db, b.String(), args...); fmt.Sprint(got) != "[65535|0|65534]" {
		t.Errorf("%d parameters: %v", n, got)
	}
}

// TestCountLimits has as many savepoints and prepared statements as there may be, and one more.
func TestCountLimits(t *testing.T) {
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
	defer c.Close() //nolint:errcheck // the test is over
	if _, err := c.Exec(ctx, "BEGIN"); err != nil {
		t.Fatal(err)
	}
	for _, each := range []string{"SAVEPOINT s%d", "PREPARE p%d AS SELECT 1"} {
		const most = 10_000
		for i := range most {
			if _, err := c.Exec(ctx, fmt.Sprintf(each, i)); err != nil {
				t.Fatalf("%s, %d: %v", each, i, err)
			}
		}
		_, err := c.Exec(ctx, fmt.Sprintf(each, most))
		wantCode(t, err, sqlerr.ProgramLimitExceeded, each)
		if _, err := c.Exec(ctx, "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
}

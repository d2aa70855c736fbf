package lamina_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
)

// copies are what COPY writes; the answers are PostgreSQL's.
var copies = []struct{ sql, want string }{
	{`COPY (SELECT E'a\tb|c\\d', NULL, '', E'x\ny', true, 1.50) TO '%s'`, "a\\tb|c\\\\d\t\\N\t\tx\\ny\tt\t1.50\n"},
	{`COPY (SELECT 'a|b', NULL, '') TO '%s' (DELIMITER '|')`, "a\\|b|\\N|\n"},
	{`COPY (SELECT 1 AS a, 'x' AS "b c") TO '%s' (HEADER)`, "a\tb c\n1\tx\n"},
	{`COPY (SELECT E'a,"b', NULL, '', E'x\ny', '\.') TO '%s' (FORMAT csv)`, "\"a,\"\"b\",,\"\",\"x\ny\",\\.\n"},
	{`COPY (SELECT '\.') TO '%s' (FORMAT csv)`, "\"\\.\"\n"},
	{`COPY (SELECT 1 AS a, 'x' AS b) TO '%s' (FORMAT csv, HEADER, FORCE_QUOTE (b))`, "a,b\n1,\"x\"\n"},
	{`COPY (SELECT 1 AS a, 'x' AS b) TO '%s' (FORMAT csv, FORCE_QUOTE *)`, "\"1\",\"x\"\n"},
	{`COPY (SELECT 'a''"b') TO '%s' (FORMAT csv, QUOTE '''', ESCAPE '"')`, "'a\"'\"\"b'\n"},
	{`COPY (SELECT NULL, 'none') TO '%s' (FORMAT csv, NULL 'none')`, "none,\"none\"\n"},
	{`COPY t TO '%s'`, "1\tone\n2\t\\N\n"},
	{`COPY t (b) TO '%s' (FORMAT csv)`, "one\n\n"},
	{`COPY t (b, a) TO '%s' (FORMAT csv, HEADER true)`, "b,a\none,1\n,2\n"},
	{`COPY (UPDATE t SET b = b || '!' RETURNING a, b) TO '%s'`, "1\tone!\n2\t\\N\n"},
	{`COPY (SELECT 1 WHERE false) TO '%s'`, ""},
}

// TestCopyTo writes files and compares them with PostgreSQL's.
func TestCopyTo(t *testing.T) {
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // in memory
	exec(t, db, "CREATE TABLE t (a int4, b text); INSERT INTO t VALUES (1, 'one'), (2, NULL); CREATE VIEW v AS SELECT a FROM t")
	file := filepath.Join(t.TempDir(), "out")
	with := func(sql string) string {
		for i := 0; i+2 <= len(sql); i++ {
			if sql[i:i+2] == "%s" {
				return sql[:i] + file + sql[i+2:]
			}
		}
		return sql
	}
	for _, c := range copies {
		if _, err := db.Exec(ctx, with(c.sql)); err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n%q, want\n%q", c.sql, err, got, c.want)
		}
	}
	for sql, code := range map[string]sqlerr.Code{
		"COPY nothing TO '%s'":                         sqlerr.UndefinedTable,
		"COPY v TO '%s'":                               sqlerr.WrongObjectType,
		"COPY t (c) TO '%s'":                           sqlerr.UndefinedColumn,
		"COPY t (a, a) TO '%s'":                        sqlerr.DuplicateColumn,
		"COPY (DELETE FROM t) TO '%s'":                 sqlerr.FeatureNotSupported,
		"COPY t TO STDOUT":                             sqlerr.FeatureNotSupported,
		"COPY t TO '/nowhere/at/all'":                  sqlerr.UndefinedFile,
		"COPY t TO '%s' (FORCE_QUOTE (a))":             sqlerr.FeatureNotSupported,
		"COPY t TO '%s' (FORMAT csv, FORCE_QUOTE (c))": sqlerr.UndefinedColumn,
		"COPY (SELECT 1 / (a - 1) FROM t) TO '%s'":     sqlerr.DivisionByZero,
	} {
		_, err := db.Exec(ctx, with(sql))
		wantCode(t, err, code, sql)
	}
}

// TestCopyRoundTrip copies rows of every kind out and in again, in both formats.
func TestCopyRoundTrip(t *testing.T) {
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // in memory
	const all = "SELECT count(*), sum(a), count(b), min(length(b)), count(DISTINCT b), sum(c), min(d), count(e) FROM "
	exec(t, db, "CREATE TABLE t (a int8, b text, c numeric, d timestamptz, e bytea)")
	exec(t, db, `INSERT INTO t SELECT i, CASE WHEN i % 7 = 0 THEN NULL WHEN i % 5 = 0 THEN '' ELSE repeat(chr(1 + (i % 300)::int), (i % 50)::int) END,
		i * 0.25, '2024-01-01'::timestamptz + i * interval '1 hour', decode(to_hex(i + 1048576), 'hex') FROM generate_series(4096, 9000) AS s(i)`)
	for _, format := range []string{"text", "csv"} {
		file := filepath.Join(t.TempDir(), "rows")
		r, err := db.Exec(ctx, "COPY t TO '"+file+"' (FORMAT "+format+")")
		if err != nil || r.Tag != "COPY 4905" {
			t.Fatalf("%s: %v %s", format, err, r.Tag)
		}
		exec(t, db, "CREATE TABLE u (a int8, b text, c numeric, d timestamptz, e bytea)")
		exec(t, db, "COPY u FROM '"+file+"' (FORMAT "+format+")")
		want(t, db, text(t, db, all+"t"), all+"u")
		want(t, db, "0", "SELECT count(*) FROM (TABLE t EXCEPT TABLE u) AS s")
		exec(t, db, "DROP TABLE u")
	}
}

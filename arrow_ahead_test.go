package lamina_test

import (
	"testing"

	"github.com/laminadb/lamina"
)

// TestQueryArrowAhead: record batches are the same, in the same order, whether one worker makes them or several.
func TestQueryArrowAhead(t *testing.T) {
	o := checked(t)
	o.Workers = 4
	db := openDir(t, t.TempDir(), o)
	ctx := t.Context()
	exec(t, db, `CREATE TABLE t (a int8, b text, c numeric(12,2), d int4); CREATE TABLE u (k int4, s text); CREATE SEQUENCE q;
		INSERT INTO t SELECT g, CASE WHEN g % 7 > 0 THEN 'row number ' || g % 1000 END, g * 0.25, g * 37 % 5000 FROM generate_series(1, 150000) g;
		INSERT INTO u SELECT g, 'value ' || g FROM generate_series(1, 3000) g; INSERT INTO u SELECT g, 'another ' || g FROM generate_series(1, 9) g`)
	if err := db.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "INSERT INTO t SELECT g, 'late', 1, 5 FROM generate_series(1, 100) g; DELETE FROM t WHERE a % 1000 = 3")
	c := connect(t, db)
	rows := 0
	for _, sql := range []string{
		"SELECT * FROM t",
		"SELECT t.*, u.s FROM t JOIN u ON t.d = u.k",
		"SELECT t.a, t.b, u.s FROM t LEFT JOIN u ON t.d = u.k",
		"SELECT t.a, u.s FROM t FULL JOIN u ON t.d = u.k + 2900",
		"SELECT a, b, c FROM t WHERE d < 700 UNION ALL SELECT k, s, 1.5 FROM u UNION ALL SELECT a, b, c FROM t WHERE d > 4000",
		"SELECT a, b FROM t ORDER BY c DESC, a",
		"SELECT d, count(*), max(b) FROM t GROUP BY d",
		"SELECT a / (70000 - a), b FROM t",
		"SELECT a, (c * 1e12)::numeric(12,2) FROM t WHERE a > 40000",
		"SELECT a FROM t LIMIT 30000",
	} {
		var want string
		for i, way := range []string{"off", "auto", "always"} {
			exec(t, c, "SET debug_results_ahead = "+way)
			got, n := arrowRows(t, c, sql)
			rows += n
			if i == 0 {
				want = got
			} else if got != want {
				t.Errorf("%s, %s: %d bytes of other rows, or another error", sql, way, len(got))
			}
		}
	}
	if rows < 1000000 {
		t.Errorf("%d rows", rows)
	}
	exec(t, c, "SET debug_results_ahead = always")
	if got, _ := arrowRows(t, c, "SELECT sum(n) FROM (SELECT n - lag(n) OVER (ORDER BY a, b) AS n FROM (SELECT nextval('q') AS n, a, b FROM u JOIN t ON t.a = u.k) x) y"); got == "" {
		t.Error("no row")
	}
	if got, _ := arrowRows(t, c, "SELECT nextval('q') - a FROM generate_series(1, 20000) a"); got == "" {
		t.Error("no row")
	}
	r, err := c.QueryArrow(ctx, "SELECT * FROM t") // what nobody reads is released
	if err != nil || !r.Next() || !r.Next() {
		t.Fatal(err)
	}
	r.Release()
}

// arrowRows returns all rows and the error as text.
func arrowRows(t *testing.T, c *lamina.Conn, sql string) (text string, rows int) {
	t.Helper()
	r, err := c.QueryArrow(t.Context(), sql)
	if err != nil {
		return err.Error(), 0
	}
	defer r.Release()
	for r.Next() {
		rec := r.RecordBatch()
		rows += int(rec.NumRows())
		b, err := rec.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		text += string(b) + "\n"
	}
	if err := r.Err(); err != nil {
		text += err.Error()
	}
	return text, rows
}

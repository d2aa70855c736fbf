package lamina_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
)

// TestCopyManyRows copies rows enough for many chunks and for a bulk load: every row is there, defaults are computed in the order
// of the rows, and an error far into the input names its line and leaves nothing.
func TestCopyManyRows(t *testing.T) {
	ctx := context.Background()
	db, err := lamina.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	const rows = 150_000
	exec(t, db, `CREATE SEQUENCE s; CREATE TABLE t (id int PRIMARY KEY, n bigint DEFAULT nextval('s'), b text, c numeric(9,2), d date,
		k int DEFAULT 7, twice int GENERATED ALWAYS AS (id * 2) STORED)`)
	var in strings.Builder
	lines := 0
	for i := range rows {
		b := fmt.Sprintf("a text that is number %d", i)
		switch i % 10 {
		case 1:
			b = fmt.Sprintf("\"quoted, with \"\"%d\"\"\"", i)
		case 2:
			b = "\"two\nlines\""
			lines++
		case 3:
			b = ""
		}
		fmt.Fprintf(&in, "%d,%s,%d.25,2024-01-%02d\n", i, b, i, i%28+1)
		lines++
	}
	file := filepath.Join(t.TempDir(), "in.csv")
	copyFile := func(text string) error {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := db.Exec(ctx, "COPY t (id, b, c, d) FROM '"+file+"' (FORMAT csv)")
		return err
	}
	for _, bad := range []struct{ line, message, context string }{
		{"x,b,1,2024-01-01", `invalid input syntax for type integer: "x"`, `COPY t, line %d, column id: "x"`},
		{"1,b,1,2024-01-32", `date/time field value out of range: "2024-01-32"`, `COPY t, line %d, column d: "2024-01-32"`},
		{"1,b,1", `missing data for column "d"`, `COPY t, line %d: "1,b,1"`},
		{"1,\xff,1,2024-01-01", `invalid byte sequence for encoding "UTF8": 0xff`, `COPY t, line %d`},
	} {
		err := copyFile(in.String() + bad.line + "\n" + in.String())
		e, ok := errors.AsType[*sqlerr.Error](err)
		if !ok || e.Message != bad.message || e.Context != fmt.Sprintf(bad.context, lines+1) {
			t.Errorf("%s: %v, context %q", bad.line, err, sqlerr.From(err).Context)
		}
		want(t, db, "0", "SELECT count(*) FROM t")
	}
	exec(t, db, "ALTER SEQUENCE s RESTART")
	if err := copyFile(in.String()); err != nil {
		t.Fatal(err)
	}
	want(t, db, fmt.Sprintf("%d", rows), "SELECT count(*) FROM t WHERE n = id + 1 AND k = 7 AND twice = id * 2 AND c = id + 0.25 AND d = DATE '2024-01-01' + id % 28")
	want(t, db, fmt.Sprintf("%d", rows), `SELECT count(*) FROM t WHERE b IS NOT DISTINCT FROM CASE id % 10
		WHEN 1 THEN 'quoted, with "' || id || '"' WHEN 2 THEN E'two\nlines' WHEN 3 THEN NULL ELSE 'a text that is number ' || id END`)
	if err := copyFile("-1,b,1,2024-01-01\n149999,b,1,2024-01-01\n"); sqlerr.CodeOf(err) != sqlerr.UniqueViolation {
		t.Error(err)
	}
	want(t, db, fmt.Sprintf("%d", rows), "SELECT count(*) FROM t")
}

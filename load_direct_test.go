package lamina_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
)

// loads returns how many bulk loads were committed as segments.
func loads(db *lamina.DB) (n int64) {
	for _, m := range db.Metrics().Tiers {
		n += m.Loads
	}
	return n
}

// TestStatementsLoad: INSERT … SELECT, CREATE TABLE AS, COPY and the Appender write segments when there are many rows, and
// a transaction reads and changes what it has loaded.
func TestStatementsLoad(t *testing.T) {
	db, err := lamina.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // a test
	const n = 200_000
	series := fmt.Sprintf("SELECT i, 'v' || i %% 100 FROM generate_series(1, %d) AS g(i)", n)
	sums := func(name string, count int) {
		t.Helper()
		want(t, db, fmt.Sprint(count), "SELECT count(*) FROM "+name)
	}
	exec(t, db, "CREATE TABLE t (a int8 PRIMARY KEY, b text)")
	exec(t, db, "INSERT INTO t "+series)
	sums("t", n)
	exec(t, db, "CREATE TABLE u AS "+series)
	sums("u", n)
	if got := loads(db); got != 2 {
		t.Errorf("%d loads after INSERT and CREATE TABLE AS", got)
	}
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "%d,x%d\n", 2*n-i, i%7) // from the last to the first
	}
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // a test
	name := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "COPY t FROM '"+name+"' (FORMAT csv)")
	sums("t", 2*n)
	if got := loads(db); got != 3 {
		t.Errorf("%d loads after COPY", got)
	}
	want(t, db, "v7", fmt.Sprintf("SELECT b FROM t WHERE a = %d", 107))
	want(t, db, "x0", fmt.Sprintf("SELECT b FROM t WHERE a = %d", 2*n))
	for _, q := range []string{
		"BEGIN", "CREATE TABLE own (a int8 PRIMARY KEY, b text)", "INSERT INTO own " + series, "DELETE FROM own WHERE a <= 10",
		"UPDATE own SET b = 'own' WHERE a = 11", "INSERT INTO own VALUES (1, 'again')", "COMMIT",
	} {
		if _, err := c.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	sums("own", n-9)
	want(t, db, "own", "SELECT b FROM own WHERE a = 11")
	want(t, db, "again", "SELECT b FROM own WHERE a = 1")
}

package lamina_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
)

// TestExplainAnalyze: the plan says of each scan in which tier its rows are, and how many there were.
func TestExplainAnalyze(t *testing.T) {
	db, err := lamina.Open(filepath.Join(t.TempDir(), "db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	exec(t, db, `CREATE TABLE a (id int4 PRIMARY KEY); CREATE TABLE b (id int4 PRIMARY KEY) USING lsm; CREATE TABLE c (id int4) USING memory;
		INSERT INTO a SELECT generate_series(1, 10); INSERT INTO b SELECT generate_series(1, 20); INSERT INTO c SELECT generate_series(1, 30)`)
	rows, err := db.Query(context.Background(), "EXPLAIN (ANALYZE) SELECT count(*) FROM (SELECT id FROM a UNION ALL SELECT id FROM b WHERE id = 7 UNION ALL SELECT id FROM c) AS x")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // Err has what there is to say
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(strings.TrimSpace(line) + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	at := plan.String()
	for _, want := range []string{"(actual rows=1 time=", "Seq Scan on a", "(actual rows=10 time=", "Tier: columnar\n", "Key Lookup on b",
		"(actual rows=1 time=", "Tier: lsm\n", "Seq Scan on c", "(actual rows=30 time=", "Tier: memory\n", "Execution Time: "} {
		_, after, ok := strings.Cut(at, want)
		if !ok {
			t.Fatalf("no %q where it is expected:\n%s", want, plan.String())
		}
		at = after
	}
}

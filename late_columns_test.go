package lamina_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// lateRows is the number of rows of tables whose columns are fetched late.
const lateRows = 6000

// lateDB has table t in a tier, of which half of the rows are where they are after a checkpoint.
func lateDB(t *testing.T, tier string) *lamina.DB {
	t.Helper()
	db := openDir(t, t.TempDir(), nil)
	exec(t, db, "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, name text NOT NULL, note text) USING "+tier)
	insert := "INSERT INTO t SELECT i, i % 10, 'name of row ' || i, CASE WHEN i % 3 > 0 THEN repeat('x', i % 40) END FROM generate_series($1::int, $2::int) AS g(i)"
	exec(t, db, insert, 1, lateRows/2)
	flush(t, db)
	exec(t, db, insert, lateRows/2+1, lateRows)
	return db
}

// flush makes what is committed durable and moves rows of t to segments, if it has any.
func flush(t *testing.T, db *lamina.DB) {
	t.Helper()
	ctx := context.Background()
	if err := db.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	tx, err := db.Storage().Begin(ctx, table.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	id := tx.Schema().Lookup(table.KindTable, table.PublicSchema, "t").(*table.TableDef).ID
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := db.Compact(ctx, id); err != nil {
		t.Fatal(err)
	}
}

// TestLateColumnsBesideChanges reads half of a result whose columns are fetched late, changes, deletes and moves all rows,
// and reads the rest: it is what it was when the query began.
func TestLateColumnsBesideChanges(t *testing.T) {
	for _, tier := range []string{"columnar", "memory", "lsm"} {
		t.Run(tier, func(t *testing.T) {
			db := lateDB(t, tier)
			const sql = "SELECT t.id, t.name, t.note, u.name FROM t JOIN t AS u ON u.id = t.id / 2 WHERE t.n < 7 ORDER BY t.n DESC, t.id"
			want := text(t, db, sql)
			c, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close() //nolint:errcheck // the test is over
			exec(t, c, "SET debug_late_columns = always")
			exec(t, c, "SET debug_vector_rows = 64")
			if plan := text(t, c, "EXPLAIN "+sql); strings.Count(plan, "Fetch from t") != 2 {
				t.Fatalf("columns do not come late:\n%s", plan)
			}
			rows, err := c.Query(t.Context(), sql)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for rows.Next() {
				if len(got) == lateRows/4 {
					exec(t, db, "UPDATE t SET name = 'changed', note = 'changed' WHERE n <> 3")
					exec(t, db, "DELETE FROM t WHERE n = 3 OR n = 5")
					flush(t, db)
				}
				got = append(got, lineOf(rows))
			}
			if err := rows.Close(); err != nil {
				t.Fatal(err)
			}
			if g := strings.Join(got, "\n"); g != want {
				t.Errorf("the result changes while it is read: %d rows of %d", len(got), strings.Count(want, "\n")+1)
			}
			if after := text(t, c, "SELECT count(*), count(DISTINCT name) FROM t WHERE n <> 3"); after != fmt.Sprintf("%d|1", lateRows*8/10) {
				t.Errorf("afterwards: %s", after)
			}
		})
	}
}

// TestLateColumnsSetting: the setting decides, also of statements that have been planned under another one.
func TestLateColumnsSetting(t *testing.T) {
	db := lateDB(t, "columnar")
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	const sql = "EXPLAIN (ANALYZE, TIMING off) SELECT t.id, u.name FROM t LEFT JOIN t AS u ON u.id = t.id + 1 WHERE t.n = 4 ORDER BY t.id LIMIT 3"
	for _, way := range []struct {
		value   string
		fetches bool
	}{{"off", false}, {"always", true}, {"auto", false}, {"always", true}} {
		exec(t, c, "SET debug_late_columns = "+way.value)
		if plan := text(t, c, sql); strings.Contains(plan, "Fetch from t u") != way.fetches {
			t.Errorf("debug_late_columns = %s:\n%s", way.value, plan)
		}
	}
}

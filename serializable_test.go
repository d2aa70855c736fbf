package lamina_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

var serializable = table.TxOptions{Isolation: table.Serializable}

const dependencies = "could not serialize access due to read/write dependencies among transactions"

// serialRow is a row of the table t of these tests.
type serialRow struct {
	ID int64 `db:"id"`
	G  int64 `db:"g"`
	V  int64 `db:"v"`
}

// serialDB has the tables t, d and w: what t says is read, and decides what is written to w.
func serialDB(t testing.TB, method string) *lamina.DB {
	t.Helper()
	db := openDir(t, t.TempDir(), nil)
	exec(t, db, "SET default_table_access_method = "+method+`;
CREATE TABLE t (id int8 PRIMARY KEY, g int8, v int8, UNIQUE (v));
CREATE TABLE d (g int8 PRIMARY KEY, name text);
CREATE TABLE w (x int8) USING columnar;
INSERT INTO t SELECT i, i / 10, i FROM generate_series(1, 100) i;
INSERT INTO d SELECT i, 'name ' || i FROM generate_series(0, 10) i;`)
	return db
}

// serialReads are the ways to read row 42, (42, 4, 42), or the rows of its group.
func serialReads(db *lamina.DB) map[string]func(t *testing.T, tx *lamina.Tx) error {
	reads := map[string]func(t *testing.T, tx *lamina.Tx) error{
		"struct by key": func(t *testing.T, tx *lamina.Tx) error {
			_, err := lamina.TableOf[serialRow](tx, "t").Get(t.Context(), 42)
			return err
		},
		"structs": func(t *testing.T, tx *lamina.Tx) error {
			for _, err := range lamina.TableOf[serialRow](tx, "t").Scan(t.Context()) {
				if err != nil {
					return err
				}
			}
			return nil
		},
		"arrow": func(t *testing.T, tx *lamina.Tx) error {
			r, err := tx.QueryArrow(t.Context(), "SELECT sum(v) FROM t WHERE g = 4")
			if err != nil {
				return err
			}
			defer r.Release()
			for r.Next() {
			}
			return r.Err()
		},
	}
	for _, sql := range []string{
		"SELECT v FROM t WHERE id = 42",
		"SELECT v FROM t WHERE id = 42 AND g = 4",
		"SELECT 1 FROM t WHERE id = 42 AND g = 5",
		"SELECT v FROM t WHERE id IN (1, 42)",
		"SELECT * FROM t WHERE v = 42",
		"SELECT sum(v) FROM t",
		"SELECT count(*) FROM t",
		"SELECT g, max(v) FROM t GROUP BY g",
		"SELECT max(v) FROM t WHERE g = 4",
		"SELECT id FROM t WHERE g + 1 = 5",
		"SELECT id FROM t WHERE g = 4 OR g = 5",
		"SELECT id FROM t ORDER BY v LIMIT 1",
		"SELECT count(*) FROM d JOIN t USING (g) WHERE name = 'name 4'",
		"SELECT name FROM d WHERE EXISTS (SELECT FROM t WHERE t.g = d.g AND t.v = 42)",
		"SELECT name, (SELECT max(v) FROM t WHERE t.g = d.g) FROM d",
		"SELECT (SELECT v FROM t WHERE id = 42) + 1",
		"WITH x AS (SELECT v FROM t WHERE g = 4) SELECT count(*) FROM x",
		"SELECT v FROM t WHERE g = 4 UNION SELECT 1",
		"EXPLAIN ANALYZE SELECT v FROM t WHERE g = 4",
		"UPDATE d SET name = 'other' WHERE g = (SELECT g FROM t WHERE id = 42)",
		"DELETE FROM d USING t WHERE d.g = t.g + 100 AND t.id = 42",
		"INSERT INTO w SELECT v FROM t WHERE id = 42",
		"UPDATE t SET g = 9 WHERE id = 42 AND v = 43",
		"UPDATE t SET g = 9 WHERE g = 4 AND v + 0 > 1000",
		"DELETE FROM t WHERE g = 4 AND id + 0 > 1000",
	} {
		reads[sql] = func(t *testing.T, tx *lamina.Tx) error { text(t, tx, sql); return nil }
	}
	return reads
}

// TestSerializableReads: whatever way a transaction has read what another one changes, it does not write any more.
func TestSerializableReads(t *testing.T) {
	for _, method := range []string{"memory", "columnar"} {
		db := serialDB(t, method)
		n := 0
		for name, read := range serialReads(db) {
			for _, late := range []bool{false, true} { // it is changed before, or after, the transaction has written
				tx := begin(t, db, serializable)
				if err := read(t, tx); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				insert := func() error { _, err := tx.Exec(t.Context(), "INSERT INTO w VALUES (1)"); return err }
				if late {
					if err := insert(); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
				exec(t, db, "UPDATE t SET v = v + 1000, g = g + 1 WHERE id = 42; UPDATE t SET v = 42, g = 4 WHERE id = 42")
				wantCode(t, insert(), sqlerr.SerializationFailure, name)
				_, err := tx.Exec(t.Context(), "SELECT 1")
				wantCode(t, err, sqlerr.InFailedSQLTransaction, name)
				if err := tx.Rollback(); err != nil {
					t.Error(err)
				}
				n++
			}
		}
		want(t, db, "0", "SELECT count(*) FROM w")
		if n < 50 {
			t.Errorf("only %d reads were tried", n)
		}
	}
}

// TestSerializableReaderFails: the statement that ends with the conflict may be one that only reads, after its last row.
func TestSerializableReaderFails(t *testing.T) {
	db := serialDB(t, "columnar")
	for _, sql := range []string{"SELECT v FROM t WHERE id = 1", "SELECT count(*) FROM t", "SELECT name FROM d"} {
		tx := begin(t, db, serializable)
		want(t, tx, "42", "SELECT v FROM t WHERE id = 42")
		exec(t, tx, "INSERT INTO w VALUES (1)")
		exec(t, db, "UPDATE t SET g = g WHERE id = 42")
		rows, err := tx.Query(t.Context(), sql)
		if err == nil {
			for rows.Next() {
			}
			err = rows.Close()
		}
		wantCode(t, err, sqlerr.SerializationFailure, sql)
		if err != nil && err.Error() != dependencies {
			t.Error(err)
		}
		_, err = tx.Exec(t.Context(), "INSERT INTO w VALUES (2)")
		wantCode(t, err, sqlerr.InFailedSQLTransaction, sql)
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
	want(t, db, "0", "SELECT count(*) FROM w")
}

// TestSerializableRetry: RunTx repeats what was refused, until a sum that each transaction has read is what it says.
func TestSerializableRetry(t *testing.T) {
	const workers, each = 8, 15
	db := open(t, nil)
	exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY, n int8)")
	var next, tries atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range each {
				id := next.Add(1)
				err := db.RunTx(t.Context(), serializable, func(tx *lamina.Tx) error {
					tries.Add(1)
					rows, err := tx.Query(t.Context(), "SELECT count(*) FROM t")
					if err != nil {
						return err
					}
					n := textOf(rows)
					if err := rows.Close(); err != nil {
						return err
					}
					_, err = tx.Exec(t.Context(), "INSERT INTO t VALUES ($1, $2)", id, n)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d tries of %d transactions", tries.Load(), workers*each)
	want(t, db, fmt.Sprintf("%d|%d|0|%d", workers*each, workers*each, workers*each-1),
		"SELECT count(*), count(DISTINCT n), min(n), max(n) FROM t")
}

package lamina_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

const benchRows = 100_000

// benchDB opens a database with a table of benchRows rows, keys 0 … benchRows-1; in memory, or in a directory.
func benchDB(tb testing.TB, durable bool) *lamina.DB {
	tb.Helper()
	if durable {
		return benchDBOf(tb, tb.TempDir(), nil)
	}
	return benchDBOf(tb, "", nil)
}

func benchDBOf(tb testing.TB, dir string, o *lamina.Options) *lamina.DB {
	tb.Helper()
	db, err := lamina.Open(dir, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	ctx := context.Background()
	if _, err := db.Exec(ctx, "CREATE TABLE t (id int8 PRIMARY KEY, a int8, b float8, c text)"); err != nil {
		tb.Fatal(err)
	}
	app, err := db.Appender(ctx, "t")
	if err != nil {
		tb.Fatal(err)
	}
	for i := range int64(benchRows) {
		if err := app.AppendRow(ctx, i, i, 0.5, "the text of a row, which is longer than a view"); err != nil {
			tb.Fatal(err)
		}
	}
	if err := app.Close(ctx); err != nil {
		tb.Fatal(err)
	}
	return db
}

func benchStores(b *testing.B, run func(b *testing.B, db *lamina.DB)) {
	for _, durable := range []bool{false, true} {
		b.Run(fmt.Sprintf("durable=%v", durable), func(b *testing.B) {
			db := benchDB(b, durable)
			b.ReportAllocs()
			run(b, db)
		})
	}
	b.Run("segments", func(b *testing.B) {
		db := benchDB(b, true)
		if _, err := db.Exec(b.Context(), "VACUUM FULL t"); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		run(b, db)
	})
	b.Run("lsm", func(b *testing.B) {
		db := benchDBOf(b, b.TempDir(), &lamina.Options{Storage: table.LSM{}})
		b.ReportAllocs()
		run(b, db)
	})
}

// runOne runs a prepared statement and reads all of its rows.
func runOne(tb testing.TB, st *lamina.Stmt, args ...any) (rows int) {
	r, err := st.Query(context.Background(), args...)
	if err != nil {
		tb.Fatal(err)
	}
	for r.Next() {
		rows++
	}
	if err := r.Close(); err != nil {
		tb.Fatal(err)
	}
	return rows
}

func prepared(tb testing.TB, db *lamina.DB, sql string) *lamina.Stmt {
	tb.Helper()
	st, err := db.Prepare(context.Background(), sql)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := st.Close(); err != nil {
			tb.Error(err)
		}
	})
	return st
}

func BenchmarkPointSelect(b *testing.B) {
	benchStores(b, func(b *testing.B, db *lamina.DB) {
		st := prepared(b, db, "SELECT id, a, b, c FROM t WHERE id = $1")
		i := int64(0)
		for b.Loop() {
			i = (i + 7919) % benchRows
			if n := runOne(b, st, i); n != 1 {
				b.Fatalf("key %d: %d rows", i, n)
			}
		}
	})
}

// BenchmarkUnpreparedSelect is a read by key that nobody has prepared: its text was seen before, or never.
func BenchmarkUnpreparedSelect(b *testing.B) {
	db := benchDB(b, false)
	for _, c := range []struct {
		name string
		run  func(i int64) (*lamina.Rows, error)
	}{
		{"seen", func(i int64) (*lamina.Rows, error) {
			return db.Query(context.Background(), "SELECT id, a, b, c FROM t WHERE id = $1", i)
		}},
		{"new", func(i int64) (*lamina.Rows, error) {
			return db.Query(context.Background(), fmt.Sprintf("SELECT id, a, b, c FROM t WHERE id = %d", i))
		}},
	} {
		b.Run("text="+c.name, func(b *testing.B) {
			b.ReportAllocs()
			i := int64(0)
			for b.Loop() {
				i = (i + 7919) % benchRows
				rows, err := c.run(i)
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for rows.Next() {
					n++
				}
				if err := rows.Close(); n != 1 || err != nil {
					b.Fatalf("key %d: %d rows, %v", i, n, err)
				}
			}
		})
	}
}

func BenchmarkPointInsert(b *testing.B) {
	benchStores(b, func(b *testing.B, db *lamina.DB) {
		st := prepared(b, db, "INSERT INTO t VALUES ($1, $2, $3, $4)")
		i := int64(benchRows)
		for b.Loop() {
			i++
			runOne(b, st, i, i, 0.5, "the text of a row, which is longer than a view")
		}
	})
}

// BenchmarkPointInsertClients is durable one-row inserts by several clients at once, each with its own statement.
func BenchmarkPointInsertClients(b *testing.B) {
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			db := benchDB(b, true)
			var stmts []*lamina.Stmt
			for range clients {
				stmts = append(stmts, prepared(b, db, "INSERT INTO t VALUES ($1, $2, $3, $4)"))
			}
			before := db.Metrics()
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for c := range clients {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						if _, err := stmts[c].Exec(context.Background(), benchRows+n, n, 0.5, "the text of a row, which is longer than a view"); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			after := db.Metrics()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
			b.ReportMetric(float64(after.Commits-before.Commits)/float64(max(1, after.Groups-before.Groups)), "commits/group")
		})
	}
}

func BenchmarkPointUpdate(b *testing.B) {
	benchStores(b, func(b *testing.B, db *lamina.DB) {
		st := prepared(b, db, "UPDATE t SET a = a + 1 WHERE id = $1")
		i := int64(0)
		for b.Loop() {
			i = (i + 7919) % benchRows
			runOne(b, st, i)
		}
	})
}

// BenchmarkPointUpdateTx is one row of 100 that a transaction updates.
func BenchmarkPointUpdateTx(b *testing.B) {
	benchStores(b, func(b *testing.B, db *lamina.DB) {
		ctx := context.Background()
		c, err := db.Conn(ctx)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close() //nolint:errcheck // nothing is open
		st, err := c.Prepare(ctx, "UPDATE t SET a = a + 1 WHERE id = $1")
		if err != nil {
			b.Fatal(err)
		}
		i, n := int64(0), 0
		exec := func(sql string) {
			if _, err := c.Exec(ctx, sql); err != nil {
				b.Fatal(err)
			}
		}
		for b.Loop() {
			if n++; n%100 == 1 {
				exec("BEGIN")
			}
			i = (i + 7919) % benchRows
			if _, err := st.Exec(ctx, i); err != nil {
				b.Fatal(err)
			}
			if n%100 == 0 {
				exec("COMMIT")
			}
		}
		if n%100 != 0 {
			exec("COMMIT")
		}
	})
}

// insertAllocationsMax bounds the allocations of a one-row INSERT: its transaction and commit, the values' boxes, and
// what the log and the row store keep.
const insertAllocationsMax = 14

// TestShortStatementAllocations: of a row by key, the rows and a text that the client keeps.
func TestShortStatementAllocations(t *testing.T) {
	if invariants.Enabled {
		t.Skip("needs exact allocations: assertions box what they would print")
	}
	db := benchDB(t, false)
	st := prepared(t, db, "SELECT id, a, b, c FROM t WHERE id = $1")
	var key any = int64(77)
	if n := testing.AllocsPerRun(200, func() {
		if runOne(t, st, key) != 1 {
			t.Fatal("no row")
		}
	}); n > 2 {
		t.Errorf("%v allocations for a row by key", n)
	}
	ins, id := prepared(t, db, "INSERT INTO t VALUES ($1, $2, $3, $4)"), int64(benchRows)
	if n := testing.AllocsPerRun(200, func() {
		id++
		if _, err := ins.Exec(t.Context(), id, id, 0.5, "the text of a row, which is longer than a view"); err != nil {
			t.Fatal(err)
		}
	}); n > insertAllocationsMax {
		t.Errorf("%v allocations for an INSERT of a row", n)
	}
}

// BenchmarkGet reads rows by key through package table, at one snapshot and at one each.
func BenchmarkGet(b *testing.B) {
	benchStores(b, func(b *testing.B, db *lamina.DB) {
		ctx := context.Background()
		tx, err := db.Storage().Begin(ctx, table.TxOptions{ReadOnly: true, Isolation: table.RepeatableRead})
		if err != nil {
			b.Fatal(err)
		}
		defer tx.Rollback() //nolint:errcheck // it only reads
		def, err := query.FindTable(tx.Schema(), "t")
		if err != nil {
			b.Fatal(err)
		}
		st, err := tx.Statement(ctx)
		if err != nil {
			b.Fatal(err)
		}
		r, err := st.Reader(ctx, def.ID)
		if err != nil {
			b.Fatal(err)
		}
		var row types.Row
		var key [1]types.Datum
		cols, x := []int{0, 1, 2, 3}, uint64(0)
		for b.Loop() {
			x = x*6364136223846793005 + 1442695040888963407
			key[0] = types.NewInt(types.Int8, int64((x>>33)%benchRows))
			if row, err = r.Get(ctx, key[:], cols, row[:0]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

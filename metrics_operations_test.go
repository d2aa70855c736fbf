package lamina_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

type metricsRow struct {
	ID int64
	A  int64
}

// TestMetricsOperations runs a known workload without SQL and demands exact counts.
func TestMetricsOperations(t *testing.T) {
	ctx := context.Background()
	db := open(t, nil)
	exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY, a int8)")
	rows := lamina.TableOf[metricsRow](db, "t")
	check := func(what string, err error, code sqlerr.Code) {
		t.Helper()
		if sqlerr.CodeOf(err) != code {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for i := range int64(7) {
		check("insert", rows.Insert(ctx, metricsRow{i, 1}), sqlerr.SuccessfulCompletion)
	}
	for range 2 {
		check("insert again", rows.Insert(ctx, metricsRow{1, 1}), sqlerr.UniqueViolation)
	}
	for i := range int64(5) {
		check("put", rows.Put(ctx, metricsRow{i, 2}), sqlerr.SuccessfulCompletion)
		_, err := rows.Get(ctx, i)
		check("get", err, sqlerr.SuccessfulCompletion)
	}
	for range 3 {
		if _, err := rows.Get(ctx, int64(99)); err == nil {
			t.Fatal("a row that is not there")
		}
	}
	check("delete", rows.Delete(ctx, int64(6)), sqlerr.SuccessfulCompletion)
	tx, err := db.Begin(ctx, table.TxOptions{})
	check("begin", err, sqlerr.SuccessfulCompletion)
	inTx := lamina.TableOf[metricsRow](tx, "t")
	check("put in a transaction", inTx.Put(ctx, metricsRow{50, 1}, metricsRow{51, 1}), sqlerr.SuccessfulCompletion)
	check("rollback", tx.Rollback(), sqlerr.SuccessfulCompletion)
	n := 0
	for range 4 {
		for _, err := range rows.Scan(ctx) {
			check("scan", err, sqlerr.SuccessfulCompletion)
			n++
		}
	}
	for i := range 3 {
		a, err := db.Appender(ctx, "t")
		check("appender", err, sqlerr.SuccessfulCompletion)
		check("append", a.AppendRow(ctx, 100+i, 1), sqlerr.SuccessfulCompletion)
		if i == 0 {
			check("abort", a.Abort(), sqlerr.SuccessfulCompletion)
			continue
		}
		check("close", a.Close(ctx), sqlerr.SuccessfulCompletion)
	}
	_, err = db.Appender(ctx, "nothing")
	check("appender of nothing", err, sqlerr.UndefinedTable)
	m := db.Metrics()
	if got, want := statementCounts(m), "ddl=1 table get=8 table insert=9 table put=6 table delete=1 table scan=4 append=4"; got != want {
		t.Errorf("operations: %s, want %s", got, want)
	}
	if got, want := errorCounts(m), "23=2 42=1"; got != want {
		t.Errorf("errors: %s, want %s", got, want)
	}
	if n != 4*6 {
		t.Errorf("%d rows", n)
	}
	want(t, db, "table get|8\ntable put|6", "SELECT operation, count FROM lamina.latencies WHERE operation IN ('table get', 'table put') ORDER BY operation")
}

// TestMetricsPinned reads at a snapshot while rows are replaced and deleted: the snapshot says how many it keeps.
func TestMetricsPinned(t *testing.T) {
	ctx := context.Background()
	for _, method := range []string{"columnar", "memory"} {
		db := openDir(t, t.TempDir(), nil)
		exec(t, db, "CREATE TABLE t (id int8 PRIMARY KEY, a int8, p text) USING "+method+"; CREATE TABLE u (id int8 PRIMARY KEY) USING "+method)
		exec(t, db, "INSERT INTO t SELECT i, i, repeat('x', 100) FROM generate_series(1, 1000) AS s(i); INSERT INTO u SELECT i FROM generate_series(1, 50) AS s(i)")
		tx, err := db.Begin(ctx, table.TxOptions{Isolation: table.RepeatableRead})
		if err != nil {
			t.Fatal(err)
		}
		want(t, tx, "1000", "SELECT count(*) FROM t")
		exec(t, db, "UPDATE t SET a = 0 WHERE id <= 300")
		exec(t, db, "DELETE FROM t WHERE id > 900; TRUNCATE u")
		views := db.Metrics().Views
		first, last := views[0], views[len(views)-1]
		if first.PinnedRows != 300+100+50 || first.PinnedBytes < first.PinnedRows*8 || last.PinnedRows != 0 || last.PinnedBytes != 0 {
			t.Errorf("%s: the oldest snapshot %+v, the newest %+v", method, first, last)
		}
		want(t, db, "450|t", "SELECT max(pinned_rows), max(pinned_bytes) > 3600 FROM lamina.views_pinned")
		want(t, tx, "1000|50", "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)")
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		exec(t, db, "UPDATE t SET a = 1 WHERE id = 1")
		for _, v := range db.Metrics().Views {
			if v.PinnedRows > 1 {
				t.Errorf("%s: after its end the snapshot is %s", method, fmt.Sprintf("%+v", v))
			}
		}
	}
}

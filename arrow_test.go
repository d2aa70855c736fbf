package lamina_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
)

// checked returns options whose Arrow memory must be given back by the end of the test.
func checked(t *testing.T) *lamina.Options {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	t.Cleanup(func() { mem.AssertSize(t, 0) })
	return &lamina.Options{Allocator: mem}
}

// arrowText reads a reader to its end and releases it: a line for each row.
func arrowText(t *testing.T, r array.RecordReader) string {
	t.Helper()
	defer r.Release()
	var lines []string
	for r.Next() {
		lines = append(lines, recordText(r.RecordBatch()))
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func recordText(rec arrow.RecordBatch) string {
	var lines []string
	for i := range int(rec.NumRows()) {
		var cells []string
		for _, col := range rec.Columns() {
			cells = append(cells, col.ValueStr(i))
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	return strings.Join(lines, "\n")
}

func TestQueryArrowTypes(t *testing.T) {
	db := open(t, checked(t))
	exec(t, db, `CREATE TABLE t (b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric(10,2), n0 numeric, s text, v varchar(5),
		y bytea, u uuid, d date, ti time, ts timestamp, tz timestamptz, iv interval);
		INSERT INTO t VALUES (true, 1, 2, 3, 1.5, 2.5, 4.25, 1e30, 'text', 'abc', '\x0102', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
		'2024-02-03', '01:02:03', '2024-02-03 04:05:06', '2024-02-03 04:05:06+00', '1 month 2 days');
		INSERT INTO t (b) VALUES (NULL)`)
	r, err := db.QueryArrow(t.Context(), "SELECT * FROM t")
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, f := range r.Schema().Fields() {
		fields = append(fields, f.Name+" "+f.Type.String())
	}
	if got, wanted := strings.Join(fields, ", "), "b bool, i2 int16, i4 int32, i8 int64, f4 float32, f8 float64, n decimal(10, 2), n0 utf8, s utf8, v utf8, "+
		"y binary, u fixed_size_binary[16], d date32, ti time64[us], ts timestamp[us], tz timestamp[us, tz=UTC], iv month_day_nano_interval"; got != wanted {
		t.Errorf("%s\nwant\n%s", got, wanted)
	}
	got := arrowText(t, r)
	wanted := "true|1|2|3|1.5|2.5|4.25|1000000000000000000000000000000|text|abc|AQI=|oO68mZwLTvi7bWu5vTgKEQ==|2024-02-03|01:02:03.000000|" +
		"2024-02-03 04:05:06.000000|2024-02-03 04:05:06.000000|"
	if !strings.HasPrefix(got, wanted[:60]) || strings.Count(got, "(null)") != 17 {
		t.Errorf("%s\nwant\n%s", got, wanted)
	}
}

// Batches that are kept outlive the reader, the table and the database.
func TestQueryArrowRetained(t *testing.T) {
	db := openDir(t, t.TempDir(), checked(t))
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int8, b text); INSERT INTO t SELECT g, 'row ' || g FROM generate_series(1, 10000) g")
	if err := db.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	r, err := db.QueryArrow(ctx, "SELECT a, b FROM t ORDER BY a")
	if err != nil {
		t.Fatal(err)
	}
	r.Retain()
	var kept []arrow.RecordBatch
	for r.Next() {
		rec := r.RecordBatch()
		if rec.NumRows() > 2048 {
			t.Errorf("%d rows", rec.NumRows())
		}
		rec.Retain()
		kept = append(kept, rec)
	}
	if r.Err() != nil || r.Next() || r.RecordBatch() != nil {
		t.Errorf("at the end: %v", r.Err())
	}
	r.Release()
	r.Release()
	if r.Next() {
		t.Error("a batch after Release")
	}
	exec(t, db, "DROP TABLE t; CREATE TABLE t (a int8, b text); INSERT INTO t SELECT g, 'other ' || g FROM generate_series(1, 10000) g")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, rec := range kept {
		for i := range int(rec.NumRows()) {
			n++
			if a, b := rec.Column(0).(*array.Int64).Value(i), rec.Column(1).(*array.String).Value(i); a != int64(n) || b != fmt.Sprint("row ", n) {
				t.Fatalf("row %d: %d %q", n, a, b)
			}
		}
		rec.Release()
	}
	if n != 10000 {
		t.Errorf("%d rows", n)
	}
}

// Release ends the statement: its transaction, its locks.
func TestQueryArrowRelease(t *testing.T) {
	db := open(t, checked(t))
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int8 PRIMARY KEY); INSERT INTO t SELECT g FROM generate_series(1, 10000) g")
	r, err := db.QueryArrow(ctx, "SELECT a FROM t")
	if err != nil || !r.Next() {
		t.Fatal(err)
	}
	_, err = db.Exec(ctx, "SET lock_timeout = '1ms'; DROP TABLE t")
	wantCode(t, err, sqlerr.LockNotAvailable, "DROP TABLE while it is read")
	r.Release()
	exec(t, db, "DROP TABLE t")
}

func TestQueryArrowErrors(t *testing.T) {
	db := open(t, checked(t))
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY, n numeric(10,2))")
	for _, sql := range []string{"INSERT INTO t VALUES (1, 1)", "CREATE TABLE u (a int4)", "BEGIN", ""} {
		_, err := db.QueryArrow(ctx, sql)
		wantCode(t, err, sqlerr.InvalidCursorState, sql)
	}
	want(t, db, "0", "SELECT count(*) FROM t") // it did nothing
	_, err := db.QueryArrow(ctx, "SELECT nix")
	wantCode(t, err, sqlerr.UndefinedColumn, "no such column")
	// An error of the conversion undoes the statement, too.
	r, err := db.QueryArrow(ctx, "INSERT INTO t VALUES (1, 'NaN') RETURNING n")
	if err != nil {
		t.Fatal(err)
	}
	if r.Next() {
		t.Error("NaN has no decimal")
	}
	wantCode(t, r.Err(), sqlerr.NumericValueOutOfRange, "NaN")
	r.Release()
	want(t, db, "0", "SELECT count(*) FROM t")
	r, err = db.QueryArrow(ctx, "INSERT INTO t VALUES (1, 1.5), (2, NULL) RETURNING a, n")
	if err != nil {
		t.Fatal(err)
	}
	if got := arrowText(t, r); got != "1|1.50\n2|(null)" && got != "1|1.5\n2|(null)" {
		t.Error(got)
	}
	want(t, db, "2", "SELECT count(*) FROM t")
	r, err = db.QueryArrow(ctx, "SELECT 10 / (5000 - g) FROM generate_series(1, 10000) g")
	if err != nil {
		t.Fatal(err)
	}
	for r.Next() {
	}
	wantCode(t, r.Err(), sqlerr.DivisionByZero, "an error while reading")
	r.Release()
	ended, cancel := context.WithCancel(ctx)
	if r, err = db.QueryArrow(ended, "SELECT g FROM generate_series(1, 10000000) g"); err != nil || !r.Next() {
		t.Fatal(err)
	}
	cancel()
	for r.Next() {
	}
	wantCode(t, r.Err(), sqlerr.QueryCanceled, "a context that has ended")
	r.Release()
}

func TestQueryArrowInTransactions(t *testing.T) {
	db := open(t, checked(t))
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4)")
	tx := begin(t, db, tableTx)
	exec(t, tx, "INSERT INTO t VALUES (1), (2)")
	r, err := tx.QueryArrow(ctx, "SELECT a FROM t WHERE a > $1", 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := arrowText(t, r); got != "2" {
		t.Error(got)
	}
	r, err = tx.QueryArrow(ctx, "SELECT g FROM generate_series(1, 100000) g")
	if err != nil || !r.Next() {
		t.Fatal(err)
	}
	if _, err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if r.Next() {
		t.Error("a batch after the transaction")
	}
	wantCode(t, r.Err(), sqlerr.InvalidCursorState, "after the transaction")
	r.Release()
	c := connect(t, db)
	if r, err = c.QueryArrow(ctx, "SELECT count(*) FROM t"); err != nil {
		t.Fatal(err)
	}
	if got := arrowText(t, r); got != "2" {
		t.Error(got)
	}
	if r, err = db.QueryArrow(ctx, "SELECT a FROM t WHERE false"); err != nil || r.Schema().NumFields() != 1 {
		t.Fatal(err)
	}
	if got := arrowText(t, r); got != "" {
		t.Error(got)
	}
}

func ExampleDB_QueryArrow() {
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	reader, err := db.QueryArrow(ctx, `SELECT g AS n, g * g AS square FROM generate_series(1, $1::int8) g`, 5000)
	if err != nil {
		panic(err)
	}
	defer reader.Release()
	sum, batches := int64(0), 0
	for reader.Next() {
		squares := reader.RecordBatch().Column(1).(*array.Int64)
		for _, v := range squares.Int64Values() {
			sum += v
		}
		batches++
	}
	if err := reader.Err(); err != nil {
		panic(err)
	}
	fmt.Println(reader.Schema().Field(1).Name, sum, batches > 1)
	// Output: square 41679167500 true
}

package lamina_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

func appender(t *testing.T, db *lamina.DB, name string, cols ...string) *lamina.Appender {
	t.Helper()
	a, err := db.Appender(t.Context(), name, cols...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAppender(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		db := openDir(t, dir, nil)
		ctx := t.Context()
		exec(t, db, "CREATE SCHEMA s; CREATE TABLE s.t (a int8 PRIMARY KEY, b text NOT NULL, c numeric(10,2))")
		a := appender(t, db, "S.t")
		const rows = 3*vec.Size + 17
		for i := range rows {
			if err := a.AppendRow(ctx, i, fmt.Sprint("b", i), "1.25"); err != nil {
				t.Fatal(err)
			}
		}
		if a.Rows() != rows || len(a.Columns()) != 3 || a.Columns()[2] != types.NumericPS(10, 2) {
			t.Errorf("%d rows, %v", a.Rows(), a.Columns())
		}
		want(t, db, "0", "SELECT count(*) FROM s.t") // not yet visible
		if err := a.Close(ctx); err != nil {
			t.Fatal(err)
		}
		if a.Rows() != rows {
			t.Errorf("%d rows after Close", a.Rows())
		}
		want(t, db, fmt.Sprintf("%d|%d|%d", rows, rows*(rows-1)/2, rows*5/4), "SELECT count(*), sum(a), trunc(sum(c)) FROM s.t")
		wantCode(t, a.AppendRow(ctx, 1, "x", nil), sqlerr.ObjectNotInPrerequisiteState, "AppendRow after Close")
		wantCode(t, a.AppendDatums(ctx, nil), sqlerr.ObjectNotInPrerequisiteState, "AppendDatums after Close")
		wantCode(t, a.AppendBatch(ctx, &vec.Batch{}), sqlerr.ObjectNotInPrerequisiteState, "AppendBatch after Close")
		wantCode(t, a.Close(ctx), sqlerr.ObjectNotInPrerequisiteState, "second Close")
		if err := a.Abort(); err != nil {
			t.Errorf("Abort after Close: %v", err)
		}
	}
}

// Columns that are not listed get their defaults: those of the statement once, volatile ones for each row.
func TestAppenderDefaults(t *testing.T) {
	db := open(t, &lamina.Options{Settings: map[string]string{"TimeZone": "Asia/Tokyo"}})
	ctx := t.Context()
	exec(t, db, `CREATE TABLE t (a int4, b text DEFAULT 'none', at timestamptz DEFAULT now(), d date DEFAULT '2024-05-06',
		clock timestamptz DEFAULT clock_timestamp(), n int4)`)
	before := time.Now().Add(-time.Second)
	a := appender(t, db, "t", "n", "a")
	for i := range 100 {
		if err := a.AppendRow(ctx, nil, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(ctx); err != nil {
		t.Fatal(err)
	}
	type row struct{ A int }
	if err := lamina.TableOf[row](db, "t").Insert(ctx, row{100}, row{101}); err != nil {
		t.Fatal(err)
	}
	want(t, db, "102|0|101|1|1|0", "SELECT count(*), min(a), max(a), count(DISTINCT b), count(DISTINCT d), count(n) FROM t")
	want(t, db, "1", "SELECT count(DISTINCT at) FROM t WHERE a < 100")
	want(t, db, "102", "SELECT count(*) FROM t WHERE at BETWEEN $1 AND $2 AND clock BETWEEN $1 AND $2", before, time.Now().Add(time.Second))
	if n := text(t, db, "SELECT count(DISTINCT clock) > 1 FROM t WHERE a < 100"); n != "t" {
		t.Error("a volatile default was computed once")
	}
}

func TestAppenderErrors(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, `CREATE TABLE t (a int4 PRIMARY KEY, b varchar(3) NOT NULL, c int4 CHECK (c > 0), u int4 UNIQUE);
		INSERT INTO t VALUES (1, 'x', 1, 1)`)
	for name, c := range map[string]struct {
		cols []string
		code sqlerr.Code
	}{"nowhere": {nil, sqlerr.UndefinedTable}, "nix.t": {nil, sqlerr.InvalidSchemaName}, "t": {[]string{"a", "nix"}, sqlerr.UndefinedColumn},
		"public.t": {[]string{"a", "a"}, sqlerr.DuplicateColumn}, "a.b.c": {nil, sqlerr.InvalidName}, "": {nil, sqlerr.InvalidName}} {
		_, err := db.Appender(ctx, name, c.cols...)
		wantCode(t, err, c.code, name)
	}
	for _, c := range []struct {
		what string
		row  []any
		code sqlerr.Code
	}{
		{"too few", []any{5}, sqlerr.SyntaxError},
		{"too many", []any{5, "b", 1, 1, 1}, sqlerr.SyntaxError},
		{"no number", []any{"five", "b", 1, 5}, sqlerr.InvalidTextRepresentation},
		{"too long", []any{5, "bbbb", 1, 5}, sqlerr.StringDataRightTruncation},
		{"too large", []any{int64(1) << 40, "b", 1, 5}, sqlerr.NumericValueOutOfRange},
		{"no UTF-8", []any{5, "\xff", 1, 5}, sqlerr.CharacterNotInRepertoire},
		{"Go type", []any{5, []int{}, 1, 5}, sqlerr.FeatureNotSupported},
		{"not null", []any{5, nil, 1, 5}, sqlerr.NotNullViolation},
		{"check", []any{5, "b", 0, 5}, sqlerr.CheckViolation},
		{"primary key", []any{1, "b", 1, 5}, sqlerr.UniqueViolation},
		{"own key", []any{4, "b", 1, 5}, sqlerr.UniqueViolation},
		{"unique", []any{5, "b", 1, 1}, sqlerr.UniqueViolation},
	} {
		a := appender(t, db, "t")
		if err := a.AppendRow(ctx, 4, "ok", 1, 4); err != nil {
			t.Fatal(err)
		}
		err := a.AppendRow(ctx, c.row...)
		cerr := a.Close(ctx)
		if err == nil {
			err = cerr
		}
		wantCode(t, err, c.code, c.what)
		if cerr == nil {
			t.Errorf("%s: Close has no error", c.what)
		}
		if a.AppendRow(ctx, 6, "x", 1, 6) == nil || a.Close(ctx) == nil {
			t.Errorf("%s: the appender goes on", c.what)
		}
		if err := a.Abort(); err != nil {
			t.Errorf("%s: Abort: %v", c.what, err)
		}
		want(t, db, "1|x|1|1", "SELECT * FROM t")
	}
	a := appender(t, db, "t")
	if err := a.AppendRow(ctx, 4, "ok", 1, 4); err != nil {
		t.Fatal(err)
	}
	if err := a.Abort(); err != nil {
		t.Error(err)
	}
	want(t, db, "1", "SELECT count(*) FROM t")
	a = appender(t, db, "t") // a context that has ended
	ended, cancel := context.WithCancel(ctx)
	cancel()
	wantCode(t, a.AppendRow(ended, 4, "ok", 1, 4), sqlerr.QueryCanceled, "AppendRow")
	if a.Close(ctx) == nil {
		t.Error("Close after an error")
	}
	exec(t, db, "DROP TABLE t") // nothing holds a lock
}

func batchOf(t *testing.T, ts []types.Type, rows ...[]string) *vec.Batch {
	t.Helper()
	bb := vec.NewBatchBuilder(ts, len(rows), nil)
	for _, r := range rows {
		row := make(types.Row, len(ts))
		for i, s := range r {
			row[i] = types.NullOf(ts[i].Kind)
			if s == "∅" {
				continue
			}
			d, err := types.Parse(ts[i], s)
			if err != nil {
				t.Fatal(err)
			}
			row[i] = d
		}
		if err := bb.AppendRow(row); err != nil {
			t.Fatal(err)
		}
	}
	return bb.Batch()
}

func TestAppendBatch(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4, b varchar(3), c numeric(10,2))")
	own := []types.Type{types.T(types.Int4), types.VarcharN(3), types.NumericPS(10, 2)}
	a := appender(t, db, "t")
	if err := a.AppendRow(ctx, 0, "x", 1); err != nil { // rows and batches keep their order
		t.Fatal(err)
	}
	if err := a.AppendBatch(ctx, batchOf(t, own, []string{"1", "abc", "1.25"}, []string{"∅", "∅", "∅"})); err != nil {
		t.Fatal(err)
	}
	loose := []types.Type{types.T(types.Int4), types.T(types.Varchar), types.T(types.Numeric)}
	if err := a.AppendBatch(ctx, batchOf(t, loose, []string{"2", "de", "1.999"})); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(ctx); err != nil {
		t.Fatal(err)
	}
	want(t, db, "0|x|1.00\n1|abc|1.25\n∅|∅|∅\n2|de|2.00", "SELECT * FROM t")
	part := appender(t, db, "t", "c", "a")
	if err := part.AppendBatch(ctx, batchOf(t, []types.Type{own[2], own[0]}, []string{"7.00", "7"})); err != nil {
		t.Fatal(err)
	}
	if err := part.Close(ctx); err != nil {
		t.Fatal(err)
	}
	want(t, db, "7|∅|7.00", "SELECT * FROM t WHERE a = 7")
	for what, c := range map[string]struct {
		b    *vec.Batch
		code sqlerr.Code
	}{
		"columns":  {batchOf(t, own[:2], []string{"1", "a"}), sqlerr.DatatypeMismatch},
		"type":     {batchOf(t, []types.Type{types.T(types.Int8), own[1], own[2]}, []string{"1", "a", "1"}), sqlerr.DatatypeMismatch},
		"too long": {batchOf(t, loose, []string{"1", "abcd", "1"}), sqlerr.StringDataRightTruncation},
	} {
		a := appender(t, db, "t")
		wantCode(t, a.AppendBatch(ctx, c.b), c.code, what)
		if a.Close(ctx) == nil {
			t.Errorf("%s: Close", what)
		}
	}
	a = appender(t, db, "t")
	wantCode(t, a.AppendDatums(ctx, types.Row{types.NewString(types.Text, "x"), types.Null(), types.Null()}), sqlerr.DatatypeMismatch, "a datum")
	want(t, db, "5", "SELECT count(*) FROM t")
}

// Appenders run beside each other and beside SQL.
func TestAppendersAtOnce(t *testing.T) {
	db := open(t, nil)
	ctx := t.Context()
	exec(t, db, "CREATE TABLE t (a int4 PRIMARY KEY)")
	a, b := appender(t, db, "t"), appender(t, db, "t")
	for i := range 100 {
		if err := a.AppendRow(ctx, i); err != nil {
			t.Fatal(err)
		}
		if err := b.AppendRow(ctx, 1000+i); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, db, "INSERT INTO t VALUES (5000)")
	if err := a.Close(ctx); err != nil {
		t.Fatal(err)
	}
	want(t, db, "101", "SELECT count(*) FROM t")
	if err := b.Close(ctx); err != nil {
		t.Fatal(err)
	}
	want(t, db, "201", "SELECT count(*) FROM t")
}

func ExampleDB_Appender() {
	ctx := context.Background()
	db, err := lamina.Open("", nil)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	if _, err := db.Exec(ctx, `CREATE TABLE readings (at timestamp, sensor text, value float8, unit text DEFAULT 'K')`); err != nil {
		panic(err)
	}
	a, err := db.Appender(ctx, "readings", "at", "sensor", "value")
	if err != nil {
		panic(err)
	}
	defer a.Abort() // after Close it does nothing
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 3000 {
		if err := a.AppendRow(ctx, start.Add(time.Duration(i)*time.Second), "s1", float64(i%10)); err != nil {
			panic(err)
		}
	}
	if err := a.Close(ctx); err != nil {
		panic(err)
	}
	rows, err := db.Query(ctx, `SELECT unit, count(*), max(at), avg(value) FROM readings GROUP BY unit`)
	if err != nil {
		panic(err)
	}
	defer rows.Close()
	for rows.Next() {
		var cells []string
		for i := range rows.Columns() {
			s, _ := rows.Text(i)
			cells = append(cells, s)
		}
		fmt.Println(strings.Join(cells, " | "))
	}
	// Output: K | 3000 | 2024-01-01 00:49:59 | 4.5
}

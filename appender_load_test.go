package lamina_test

import (
	"fmt"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
)

// bulkRows is more than what makes an Appender a bulk load.
const bulkRows = 1<<16 + 10_000

// TestAppenderLoads fills one table by two appenders at once, then by one alone, which keeps other writers out.
func TestAppenderLoads(t *testing.T) {
	db, ctx := open(t, nil), t.Context()
	exec(t, db, "CREATE TABLE t (a int8 PRIMARY KEY, b text UNIQUE)")
	exec(t, db, "INSERT INTO t VALUES (-1, 'first')")
	one, two := appender(t, db, "t"), appender(t, db, "t")
	for i := range bulkRows { // ascending and descending keys
		if err := one.AppendRow(ctx, i, fmt.Sprint("one", i)); err != nil {
			t.Fatal(err)
		}
		if err := two.AppendRow(ctx, 10*bulkRows-i, fmt.Sprint("two", i)); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, db, "INSERT INTO t VALUES (-2, 'beside')") // neither is alone: rows are locked
	if err := two.Abort(); err != nil {
		t.Fatal(err)
	}
	if err := one.Close(ctx); err != nil {
		t.Fatal(err)
	}
	want(t, db, fmt.Sprint(bulkRows+2), "SELECT count(*) FROM t")

	alone := appender(t, db, "t")
	for i := range bulkRows {
		if err := alone.AppendRow(ctx, bulkRows+i, fmt.Sprint("alone", i)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	if _, err := c.Exec(ctx, "SET lock_timeout = '10ms'"); err != nil {
		t.Fatal(err)
	}
	_, err = c.Exec(ctx, "INSERT INTO t VALUES (-3, 'late')")
	wantCode(t, err, sqlerr.LockNotAvailable, "insert beside a load")
	want(t, db, fmt.Sprint(bulkRows+2), "SELECT count(*) FROM t")
	if err := alone.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Exec(ctx, "INSERT INTO t VALUES (-3, 'late')"); err != nil {
		t.Error(err)
	}
	want(t, db, fmt.Sprint(2*bulkRows+3), "SELECT count(*) FROM t")
}

// TestAppenderLoadDuplicates finds keys that are there already: in the table, or earlier in the load.
func TestAppenderLoadDuplicates(t *testing.T) {
	db, ctx := open(t, nil), t.Context()
	exec(t, db, "CREATE TABLE t (a int8 PRIMARY KEY, b int8 UNIQUE)")
	exec(t, db, fmt.Sprintf("INSERT INTO t VALUES (%d, -1)", 2*bulkRows))
	for _, c := range []struct {
		name string
		a, b int
	}{
		{"key of the table", 2 * bulkRows, bulkRows}, {"value of the table", bulkRows, -1}, {"first key", 0, bulkRows},
		{"last key", bulkRows - 1, bulkRows}, {"value in the middle", bulkRows, 77},
	} {
		a := appender(t, db, "t")
		for i := range bulkRows {
			if err := a.AppendRow(ctx, i, i); err != nil {
				t.Fatal(err)
			}
		}
		err := a.AppendRow(ctx, c.a, c.b)
		if err == nil {
			err = a.Close(ctx)
		}
		wantCode(t, err, sqlerr.UniqueViolation, c.name)
		want(t, db, "1", "SELECT count(*) FROM t")
	}
	a := appender(t, db, "t")
	for i := range bulkRows { // the largest keys first
		if err := a.AppendRow(ctx, bulkRows-i, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(ctx); err != nil {
		t.Fatal(err)
	}
	want(t, db, fmt.Sprint(bulkRows+1), "SELECT count(*) FROM t")
}

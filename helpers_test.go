package lamina_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
)

// open opens a database in memory and closes it at the end.
func open(t testing.TB, o *lamina.Options) *lamina.DB {
	t.Helper()
	return openDir(t, "", o)
}

func openDir(t testing.TB, dir string, o *lamina.Options) *lamina.DB {
	t.Helper()
	db, err := lamina.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil && sqlerr.CodeOf(err) != sqlerr.AdminShutdown {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// exec runs statements that must succeed.
func exec(t testing.TB, q lamina.Querier, sql string, args ...any) lamina.Result {
	t.Helper()
	r, err := q.Exec(context.Background(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return r
}

// text returns the rows of a query: values by |, rows by newline, NULL as ∅.
func text(t testing.TB, q lamina.Querier, sql string, args ...any) string {
	t.Helper()
	rows, err := q.Query(context.Background(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	s := textOf(rows)
	if err := rows.Close(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return s
}

func textOf(rows *lamina.Rows) string {
	var lines []string
	for rows.Next() {
		lines = append(lines, lineOf(rows))
	}
	return strings.Join(lines, "\n")
}

// lineOf returns the row at hand as textOf does.
func lineOf(rows *lamina.Rows) string {
	var cells []string
	for i := range rows.Columns() {
		s, ok := rows.Text(i)
		if !ok {
			s = "∅"
		}
		cells = append(cells, s)
	}
	return strings.Join(cells, "|")
}

// want fails unless a query has the rows.
func want(t testing.TB, q lamina.Querier, rows, sql string, args ...any) {
	t.Helper()
	if got := text(t, q, sql, args...); got != rows {
		t.Errorf("%s:\n%s\nwant\n%s", sql, got, rows)
	}
}

// wantCode fails unless err has the SQLSTATE.
func wantCode(t testing.TB, err error, code sqlerr.Code, what string) {
	t.Helper()
	if got := sqlerr.CodeOf(err); got != code {
		t.Errorf("%s: %s (%v), want %s", what, got, err, code)
	}
}

// goroutinesBack fails unless the number of goroutines comes back to what it was.
func goroutinesBack(t testing.TB, before int) {
	t.Helper()
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond) // what has been told to end is given time to
	}
	stacks := make([]byte, 1<<16)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

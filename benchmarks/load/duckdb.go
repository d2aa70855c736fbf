package load

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/laminadb/lamina/benchmarks/duck"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/tpch"
)

// loadDuck loads the rows into a new database.
func loadDuck(ctx context.Context, dir string, o *Options, load func(*sql.Conn) (machine.Stopwatch, error)) (w machine.Stopwatch, gotBack string, err error) {
	db, gotBack, err := duck.Open(ctx, filepath.Join(dir, "duck.db"), o.Threads, o.MemoryBytes)
	if err != nil {
		return w, "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return w, "", err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, duckTable()); err != nil {
		return w, "", err
	}
	if w, err = load(conn); err != nil {
		return w, "", err
	}
	return w, gotBack + ", no primary key", checkDuck(ctx, conn, o.want)
}

// duckTable is the table without a primary key, whose index would slow the load.
func duckTable() string {
	text := "CREATE TABLE lineitem ("
	for i, c := range tpch.LineItem.Columns() {
		if i > 0 {
			text += ", "
		}
		text += c.Name + " " + c.SQLType() + " NOT NULL"
	}
	return text + ")"
}

// appendDuck loads the rows row by row, as DuckDB's Go Appender takes them.
func appendDuck(ctx context.Context, conn *sql.Conn, _ *Options, r *rows) (w machine.Stopwatch, err error) {
	exec := func(text string) error {
		return w.Time(func() error { _, err := conn.ExecContext(ctx, text); return err })
	}
	if err := exec("BEGIN"); err != nil {
		return w, err
	}
	err = conn.Raw(func(c any) error {
		app, err := duckdb.NewAppenderFromConn(c.(driver.Conn), "", "lineitem")
		if err != nil {
			return err
		}
		for _, b := range r.batches {
			all := values(b, duckDecimal)
			if err := w.Time(func() error { return appendDuckRows(app, all) }); err != nil {
				return errors.Join(err, app.Close())
			}
		}
		return w.Time(app.Close)
	})
	if err != nil {
		return w, fmt.Errorf("duckdb: %w", err)
	}
	err = exec("COMMIT")
	return w, err
}

func appendDuckRows(app *duckdb.Appender, all [][]any) error {
	row := make([]driver.Value, len(all[0]))
	for _, values := range all {
		for i, v := range values {
			row[i] = v
		}
		if err := app.AppendRow(row...); err != nil {
			return err
		}
	}
	return nil
}

func checkDuck(ctx context.Context, conn *sql.Conn, want sums) error {
	got := make([]string, len(want))
	pointers := make([]any, len(got))
	for i := range got {
		pointers[i] = &got[i]
	}
	text := "SELECT columns(*)::varchar FROM (" + sumsQuery() + ")"
	if err := conn.QueryRowContext(ctx, text).Scan(pointers...); err != nil {
		return err
	}
	return want.compare(got)
}

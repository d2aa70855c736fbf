package load

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/tpch"
	"github.com/laminadb/lamina/vec"
)

// loadLamina loads the rows into a new database: as columns, or row by row as Go values.
func loadLamina(ctx context.Context, dir string, o *Options, r *rows, asRows bool) (took time.Duration, gotBack string, err error) {
	db, err := lamina.Open(dir, &lamina.Options{Workers: o.Threads, MemoryBytes: o.MemoryBytes})
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	gotBack = fmt.Sprintf("Lamina: memory=%.1f GiB (of storage: %.1f GiB), columnar tier, primary key (l_orderkey, l_linenumber)",
		float64(o.MemoryBytes)/(1<<30), float64(db.Metrics().MemoryLimit)/(1<<30))
	if _, err := db.Exec(ctx, tpch.DDL(tpch.LineItem)); err != nil {
		return 0, "", err
	}
	before := db.Metrics()
	if took, err = appendLamina(ctx, db, r, asRows); err != nil {
		return 0, "", err
	}
	m := db.Metrics()
	if n := m.RowsInserted - before.RowsInserted; n != r.n || m.Commits-before.Commits != 1 || m.LogSyncs == before.LogSyncs {
		return 0, "", fmt.Errorf("%d rows in %d commits with %d syncs, want %d in one that was synced",
			n, m.Commits-before.Commits, m.LogSyncs-before.LogSyncs, r.n)
	}
	return took, gotBack, checkLamina(ctx, db, o.want)
}

func appendLamina(ctx context.Context, db *lamina.DB, r *rows, asRows bool) (took time.Duration, err error) {
	start := time.Now()
	app, err := db.Appender(ctx, "lineitem")
	if err != nil {
		return 0, err
	}
	took = time.Since(start)
	cols := tpchload.NewColumns(app.Columns())
	for _, b := range r.batches {
		run := appendColumns
		if asRows {
			run = appendRows
		}
		d, err := run(ctx, app, b, cols)
		if err != nil {
			return 0, errors.Join(err, app.Abort())
		}
		took += d
	}
	start = time.Now()
	err = app.Close(ctx)
	return took + time.Since(start), err
}

func appendColumns(ctx context.Context, app *lamina.Appender, b *tpch.LineItemBatch, cols *tpchload.Columns) (time.Duration, error) {
	if err := cols.Set(b); err != nil {
		return 0, err
	}
	var parts []*vec.Batch
	for first := 0; first < b.Len(); first += vec.Size {
		parts = append(parts, cols.Rows(first, min(vec.Size, b.Len()-first)))
	}
	start := time.Now()
	for _, p := range parts {
		if err := app.AppendBatch(ctx, p); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

func appendRows(ctx context.Context, app *lamina.Appender, b *tpch.LineItemBatch, _ *tpchload.Columns) (time.Duration, error) {
	all := values(b, laminaDecimal)
	start := time.Now()
	for _, row := range all {
		if err := app.AppendRow(ctx, row...); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

func checkLamina(ctx context.Context, db *lamina.DB, want sums) error {
	found, err := db.Query(ctx, sumsQuery())
	if err != nil {
		return err
	}
	var got []string
	for found.Next() {
		for i := range found.Columns() {
			text, _ := found.Text(i)
			got = append(got, text)
		}
	}
	return errors.Join(found.Close(), want.compare(got))
}

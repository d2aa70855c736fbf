package load

import (
	"context"
	"errors"
	"fmt"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/tpch"
	"github.com/laminadb/lamina/vec"
)

// loadLamina loads the rows into a new database.
func loadLamina(ctx context.Context, dir string, o *Options, r *rows, load func(*lamina.DB) (machine.Stopwatch, error)) (w machine.Stopwatch, gotBack string, err error) {
	db, err := lamina.Open(dir, &lamina.Options{Workers: o.Threads, MemoryBytes: o.MemoryBytes})
	if err != nil {
		return w, "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	gotBack = fmt.Sprintf("Lamina: memory=%.1f GiB (of storage: %.1f GiB), columnar tier, primary key (l_orderkey, l_linenumber)",
		float64(o.MemoryBytes)/(1<<30), float64(db.Metrics().MemoryLimit)/(1<<30))
	if _, err := db.Exec(ctx, tpch.DDL(tpch.LineItem)); err != nil {
		return w, "", err
	}
	before := db.Metrics()
	if w, err = load(db); err != nil {
		return w, "", err
	}
	m := db.Metrics()
	if n := m.RowsInserted - before.RowsInserted; n != r.n || m.Commits-before.Commits != 1 || m.LogSyncs == before.LogSyncs {
		return w, "", fmt.Errorf("%d rows in %d commits with %d syncs, want %d in one that was synced",
			n, m.Commits-before.Commits, m.LogSyncs-before.LogSyncs, r.n)
	}
	return w, gotBack, checkLamina(ctx, db, o.want)
}

// appendLaminaColumns loads the rows as columns.
func appendLaminaColumns(ctx context.Context, db *lamina.DB, _ *Options, r *rows) (machine.Stopwatch, error) {
	return appendLamina(ctx, db, r, appendColumns)
}

// appendLaminaRows loads them row by row, as Go values.
func appendLaminaRows(ctx context.Context, db *lamina.DB, _ *Options, r *rows) (machine.Stopwatch, error) {
	return appendLamina(ctx, db, r, appendRows)
}

type appendRun = func(context.Context, *machine.Stopwatch, *lamina.Appender, *tpch.LineItemBatch, *tpchload.Columns) error

// appendLamina loads the rows through an Appender, batch by batch.
func appendLamina(ctx context.Context, db *lamina.DB, r *rows, run appendRun) (w machine.Stopwatch, err error) {
	var app *lamina.Appender
	if err := w.Time(func() (err error) { app, err = db.Appender(ctx, "lineitem"); return err }); err != nil {
		return w, err
	}
	cols := tpchload.NewColumns(app.Columns())
	for _, b := range r.batches {
		if err := run(ctx, &w, app, b, cols); err != nil {
			return w, errors.Join(err, app.Abort())
		}
	}
	err = w.Time(func() error { return app.Close(ctx) })
	return w, err
}

func appendColumns(ctx context.Context, w *machine.Stopwatch, app *lamina.Appender, b *tpch.LineItemBatch, cols *tpchload.Columns) error {
	if err := cols.Set(b); err != nil {
		return err
	}
	var parts []*vec.Batch
	for first := 0; first < b.Len(); first += vec.Size {
		parts = append(parts, cols.Rows(first, min(vec.Size, b.Len()-first)))
	}
	return w.Time(func() error {
		for _, p := range parts {
			if err := app.AppendBatch(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
}

func appendRows(ctx context.Context, w *machine.Stopwatch, app *lamina.Appender, b *tpch.LineItemBatch, _ *tpchload.Columns) error {
	all := values(b, laminaDecimal)
	return w.Time(func() error {
		for _, row := range all {
			if err := app.AppendRow(ctx, row...); err != nil {
				return err
			}
		}
		return nil
	})
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

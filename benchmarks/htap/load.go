package htap

import (
	"context"
	"errors"
	"fmt"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/tpch"
	"github.com/laminadb/lamina/vec"
)

// Of the orders and their lines the last come late, so that they are in the delta: 4 of 100. Every hundredth is then changed.
const (
	latePart    = 25
	changedPart = 100
)

// lateRows is the size of the transactions in which late rows come.
const lateRows = 4 * vec.Size

// load fills the tables: all but the late rows are in segments.
func (b *bench) load(ctx context.Context) error {
	var rest []tpch.Table
	for _, t := range tpch.Tables() {
		if t != tpch.Orders && t != tpch.LineItem {
			rest = append(rest, t)
		}
	}
	if _, err := tpchload.Load(ctx, b.db, b.g, tpchload.Options{Tier: "columnar", Tables: rest}); err != nil {
		return err
	}
	if err := tpchload.Create(ctx, b.db, []tpch.Table{tpch.Orders, tpch.LineItem}, "columnar"); err != nil {
		return err
	}
	late := b.g.Units(tpch.Orders) - b.g.Units(tpch.Orders)/latePart
	if err := b.append(ctx, func(first int64) bool { return first < late }, 128*vec.Size); err != nil {
		return err
	}
	if err := b.compact(ctx); err != nil {
		return err
	}
	if err := b.append(ctx, func(first int64) bool { return first >= late }, lateRows); err != nil {
		return err
	}
	for _, text := range []string{
		fmt.Sprintf("UPDATE orders SET o_comment = o_comment WHERE o_orderkey %% %d = 3", changedPart),
		fmt.Sprintf("UPDATE lineitem SET l_comment = l_comment WHERE l_orderkey %% %d = 3", changedPart),
	} {
		if _, err := b.db.Exec(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// compact puts all rows of all tables into segments.
func (b *bench) compact(ctx context.Context) error {
	for _, t := range tpch.Tables() {
		if _, err := b.db.Exec(ctx, "VACUUM FULL "+t.Name()); err != nil {
			return err
		}
	}
	return nil
}

// append appends those orders and lines whose units are chosen, so many rows a transaction.
func (b *bench) append(ctx context.Context, chosen func(first int64) bool, rows int64) error {
	targets := map[tpch.Table]*appender{tpch.Orders: {name: "orders"}, tpch.LineItem: {name: "lineitem"}}
	o := tpch.GenerateOptions{Tables: []tpch.Table{tpch.Orders, tpch.LineItem}, BatchUnits: 100, Ordered: true}
	err := b.g.Generate(ctx, o, func(ctx context.Context, batch tpch.Batch, first int64) error {
		if !chosen(first) {
			return nil
		}
		return targets[batch.Table()].add(ctx, b.db, batch, rows)
	})
	for _, t := range targets {
		err = errors.Join(err, t.close(ctx))
	}
	return err
}

// appender appends to one table.
type appender struct {
	name string
	app  *lamina.Appender
	cols *tpchload.Columns
}

func (a *appender) add(ctx context.Context, db *lamina.DB, b tpch.Batch, rows int64) (err error) {
	if a.app == nil {
		if a.app, err = db.Appender(ctx, a.name); err != nil {
			return err
		}
		if a.cols == nil {
			a.cols = tpchload.NewColumns(a.app.Columns())
		}
	}
	if err := a.cols.Set(b); err != nil {
		return err
	}
	for first := 0; first < b.Len(); first += vec.Size {
		if err := a.app.AppendBatch(ctx, a.cols.Rows(first, min(vec.Size, b.Len()-first))); err != nil {
			return err
		}
	}
	if a.app.Rows() >= rows {
		return a.close(ctx)
	}
	return nil
}

func (a *appender) close(ctx context.Context) error {
	app := a.app
	if a.app = nil; app == nil {
		return nil
	}
	return app.Close(ctx)
}

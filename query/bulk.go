package query

import (
	"context"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

// bulkRows is the number of rows from which on a statement that inserts is a bulk load, which locks the table, if it can,
// instead of every row.
const bulkRows = 1 << 16

// bulk inserts the rows of a statement. A statement of many rows is a bulk load from some row on.
type bulk struct {
	w    table.Writer
	load table.Loader // nil: there are few rows yet
	rows int64
}

// insert adds rows.
func (b *bulk) insert(ctx context.Context, rows *vec.Batch) (err error) {
	if b.load == nil && b.rows >= bulkRows {
		if b.load, err = b.w.Load(ctx, table.LoadOptions{RowsExpected: b.rows}); err != nil {
			return err
		}
	}
	if b.load != nil {
		if err = b.load.Append(ctx, rows); err == nil {
			b.rows += int64(rows.N)
		}
		return err
	}
	out, err := b.w.Insert(ctx, rows, table.OnConflict{Key: -1})
	b.rows += out.Rows
	return err
}

// finish ends the load.
func (b *bulk) finish(ctx context.Context) error {
	if b.load == nil {
		return nil
	}
	_, err := b.load.Finish(ctx)
	return err
}

package segments

import (
	"context"
	"fmt"

	"github.com/laminadb/lamina/types"
)

// deltaPart is how many rows there are to one in the delta, deletedPart how many to one that is deleted.
const (
	deltaPart   = 20
	deletedPart = 100
)

// makeSums makes three tables with the same rows.
func (b *bench) makeSums(ctx context.Context) error {
	b.o.Progress("segments: filling")
	for _, t := range []string{"whole", "holes", "delta"} {
		if err := b.exec(ctx, "CREATE TABLE "+t+" (id int4 PRIMARY KEY, a int4, b int4, c int4)"); err != nil {
			return err
		}
		cold := b.o.Rows
		if t == "delta" {
			cold -= cold / deltaPart
		}
		if err := b.fill(ctx, t, 0, cold, sumRow); err != nil {
			return err
		}
		if err := b.exec(ctx, "VACUUM FULL "+t); err != nil {
			return err
		}
		if err := b.fill(ctx, t, cold, b.o.Rows, sumRow); err != nil {
			return err
		}
	}
	// About as many of all rows as of those that c is at random.
	if err := b.exec(ctx, fmt.Sprintf("DELETE FROM holes WHERE c %% %d = 0", deletedPart)); err != nil {
		return err
	}
	m := b.db.Metrics()
	for _, t := range m.Tiers {
		b.r.Deleted, b.r.DeltaRows = b.r.Deleted+t.DeletedRows, b.r.DeltaRows+t.DeltaRows
	}
	if want := b.r.Rows / deletedPart; b.r.Deleted < want/2 || b.r.Deleted > want*2 || b.r.DeltaRows != int64(b.o.Rows/deltaPart) {
		return fmt.Errorf("segments: %d rows are deleted, and %d in the delta", b.r.Deleted, b.r.DeltaRows)
	}
	return nil
}

// makeEquals makes two tables of a column of 1,000 values with bitmaps, the same without, and one to add up.
func (b *bench) makeEquals(ctx context.Context) error {
	b.o.Progress("segments: filling")
	const columns = "(id int4 PRIMARY KEY, bits int4, plain int4, amount int4) WITH (bitmap = bits"
	for t, more := range map[string]string{"clustered": ", sort_key = bits)", "mixed": ")"} {
		if err := b.exec(ctx, "CREATE TABLE "+t+" "+columns+more); err != nil {
			return err
		}
		if err := b.fill(ctx, t, 0, b.o.Rows, equalRow); err != nil {
			return err
		}
		if err := b.exec(ctx, "VACUUM FULL "+t); err != nil {
			return err
		}
	}
	return b.exec(ctx, "CHECKPOINT")
}

func (b *bench) exec(ctx context.Context, text string) error {
	_, err := b.db.Exec(ctx, text)
	return err
}

// values is the number of values that a column with bitmaps has.
const values = 1000

func sumRow(row types.Row, id int) {
	for i := range row {
		row[i] = types.NewInt(types.Int4, int64(int32(spread(4*id+i))))
	}
	row[0] = types.NewInt(types.Int4, int64(id))
}

func equalRow(row types.Row, id int) {
	x := spread(id)
	row[0], row[3] = types.NewInt(types.Int4, int64(id)), types.NewInt(types.Int4, int64(x>>44))
	row[1] = types.NewInt(types.Int4, int64(x%values))
	row[2] = row[1]
}

// spread returns a number that looks random.
func spread(i int) uint64 {
	x := (uint64(i) + 1) * 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	return x ^ x>>27
}

// fill inserts rows [from, to).
func (b *bench) fill(ctx context.Context, table string, from, to int, of func(row types.Row, id int)) error {
	app, err := b.db.Appender(ctx, table)
	if err != nil {
		return err
	}
	row := make(types.Row, len(scanned))
	for id := from; id < to; id++ {
		of(row, id)
		if err := app.AppendDatums(ctx, row); err != nil {
			return err
		}
	}
	return app.Close(ctx)
}

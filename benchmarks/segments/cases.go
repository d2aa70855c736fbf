package segments

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// sumCases are the cases of tables that are added up.
func (b *bench) sumCases(ctx context.Context) (list []*Case, err error) {
	for _, c := range []struct{ name, table string }{{Whole, "whole"}, {Holes, "holes"}, {Delta, "delta"}} {
		rows := b.r.Rows
		if c.name == Holes {
			rows -= b.r.Deleted
		}
		ask, err := b.query(ctx, "SELECT count(*), sum(id), sum(a), sum(b), sum(c) FROM "+c.table)
		if err != nil {
			return nil, err
		}
		list = append(list, &Case{Name: c.name, run: func(ctx context.Context) error {
			got, err := ask(ctx)
			if err == nil && got[0] != rows {
				err = fmt.Errorf("%d rows, not %d", got[0], rows)
			}
			return err
		}})
	}
	return list, nil
}

// scanCases are the case of a table that is read and not added up. It has a turn of its own: sums of that table would find it
// in the caches of the processor.
func (b *bench) scanCases(ctx context.Context) ([]*Case, error) {
	r, err := b.reader(ctx, "whole")
	if err != nil {
		return nil, err
	}
	return []*Case{{Name: Scan, run: func(ctx context.Context) error {
		n, err := scan(ctx, r)
		if err == nil && n != b.r.Rows {
			err = fmt.Errorf("%d rows, not %d", n, b.r.Rows)
		}
		return err
	}}}, nil
}

// equalCases are the cases of equality on a column.
func (b *bench) equalCases(prefix string) func(context.Context) ([]*Case, error) {
	return func(ctx context.Context) (list []*Case, err error) {
		at := make([]int64, 2) // both cases ask for the same values
		found := map[int64]int64{}
		for k, c := range []struct{ name, column string }{{Bits, "bits"}, {Looking, "plain"}} {
			ask, err := b.query(ctx, "SELECT count(*), sum(amount) FROM mixed WHERE "+c.column+" = $1")
			if err != nil {
				return nil, err
			}
			list = append(list, &Case{Name: prefix + c.name, run: func(ctx context.Context) error {
				x := at[k] * 7 % values
				at[k]++
				got, err := ask(ctx, x)
				if err != nil {
					return err
				}
				if want, ok := found[x]; ok && want != got[1] || got[0] < 1 {
					return fmt.Errorf("value %d: %d rows with the sum %d, not %d", x, got[0], got[1], want)
				}
				found[x] = got[1]
				return nil
			}})
		}
		return list, nil
	}
}

// query prepares a query that returns one row of integers.
func (b *bench) query(ctx context.Context, text string) (func(ctx context.Context, args ...any) ([]int64, error), error) {
	st, err := b.db.Prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, st.Close)
	return func(ctx context.Context, args ...any) (got []int64, err error) {
		rows, err := st.Query(ctx, args...)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		if !rows.Next() {
			return nil, errors.Join(rows.Err(), errors.New("no row"))
		}
		got = make([]int64, len(rows.Columns()))
		into := make([]any, len(got))
		for i := range got {
			into[i] = &got[i]
		}
		return got, rows.Scan(into...)
	}, nil
}

// reader returns what reads a table, until the database is closed.
func (b *bench) reader(ctx context.Context, name string) (table.Reader, error) {
	tx, err := b.db.Storage().Begin(ctx, table.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, tx.Rollback)
	def, err := query.FindTable(tx.Schema(), name)
	if err != nil {
		return nil, err
	}
	stmt, err := tx.Statement(ctx)
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, func() error { return stmt.Close(nil) })
	return stmt.Reader(ctx, def.ID)
}

// scan adds up all columns, and returns the number of rows.
func scan(ctx context.Context, r table.Reader) (rows int64, err error) {
	s, err := r.Scan(ctx, table.ScanSpec{Cols: scanned})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	sum := uint32(0)
	for {
		m, err := s.NextMorsel(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		var batch vec.Batch
		for err = m.Read(ctx, &batch); err == nil; err = m.Read(ctx, &batch) {
			rows += int64(batch.N)
			sum += addUp(&batch)
		}
		m.Close()
		if !errors.Is(err, io.EOF) {
			return 0, err
		}
	}
	if sum == 0 {
		return 0, errors.New("nothing was added up")
	}
	return rows, nil
}

// addUp adds up the entries of a batch of four-byte integers without holes, as they are stored.
func addUp(b *vec.Batch) (sum uint32) {
	for i := range b.NumCols() {
		v, g := b.Col(i)
		if g.Sel != nil || v.Width != 4 {
			return 0
		}
		for _, x := range vec.Values[uint32](v)[:b.N] {
			sum += x
		}
	}
	return sum
}

// readPages counts the pages that equality on a clustered column reads.
func (b *bench) readPages(ctx context.Context) error {
	r, err := b.reader(ctx, "clustered")
	if err != nil {
		return err
	}
	s, err := r.Scan(ctx, table.ScanSpec{
		Cols: []int{3}, Where: []table.Conjunct{{Col: 1, Op: table.OpEq, Value: types.NewInt(types.Int4, values/2)}},
	})
	if err != nil {
		return err
	}
	for {
		m, err := s.NextMorsel(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(err, s.Close())
		}
		var batch vec.Batch
		for err = m.Read(ctx, &batch); err == nil; err = m.Read(ctx, &batch) {
		}
		m.Close()
		if !errors.Is(err, io.EOF) {
			return errors.Join(err, s.Close())
		}
	}
	report := s.Report()
	if report.Pages == 0 || report.Bitmaps == 0 {
		err = fmt.Errorf("segments: %d pages and %d bitmaps were read", report.Pages, report.Bitmaps)
	}
	b.r.Pages = float64(report.Pages) / float64(report.Pages+report.PagesSkip)
	return errors.Join(err, s.Close())
}

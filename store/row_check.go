package store

import (
	"context"
	"errors"
	"io"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

// rowCheck is a batch of a table's rows.
type rowCheck struct{ batch vec.Batch }

// scanRows calls f for each batch of rows that a reader sees.
func scanRows(ctx context.Context, r table.Reader, f func(*rowCheck) error) error {
	s, err := r.Scan(ctx, table.ScanSpec{Cols: allColumns(r.Def())})
	if err != nil {
		return err
	}
	return scanAll(ctx, s, f)
}

// scanAll calls f for each batch of a scan, and closes it.
func scanAll(ctx context.Context, s table.Scan, f func(*rowCheck) error) (err error) {
	defer func() {
		if cerr := s.Close(); err == nil {
			err = cerr
		}
	}()
	for {
		m, err := s.NextMorsel(ctx)
		if isEOF(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := readRows(ctx, m, f); err != nil {
			return err
		}
	}
}

func readRows(ctx context.Context, m table.Morsel, f func(*rowCheck) error) error {
	defer m.Close()
	var c rowCheck
	for {
		err := m.Read(ctx, &c.batch)
		if isEOF(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if c.batch.N == 0 {
			continue
		}
		if err := f(&c); err != nil {
			return err
		}
	}
}

// check checks the rows against what a new definition demands of them.
func (c *rowCheck) check(ctx context.Context, def *table.TableDef, notNull []int, funcs *table.RowFuncs) error {
	for _, col := range notNull {
		if firstNull(&c.batch, col) < c.batch.N {
			name := def.Columns[col].Name
			return sqlerr.Newf(sqlerr.NotNullViolation, "column \"%s\" of relation \"%s\" contains null values", name, def.Name).
				On("", def.Name, name)
		}
	}
	if funcs != nil && funcs.Check != nil {
		return funcs.Check(ctx, &c.batch)
	}
	return nil
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

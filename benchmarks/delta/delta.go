// Package delta measures what rows that were committed but are not in any segment cost a scan: the time that
// all workers together need for every value of a column, of a table that is nothing but such rows, and of the same
// table after one row of a hundred was deleted.
package delta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Options say what is measured; all must be set.
type Options struct {
	// Dir is a folder for the database.
	Dir                 string
	Rows, Runs, Threads int
	Progress            func(string)
}

// Result is what was measured: milliseconds for one column, one figure for each run.
type Result struct {
	Rows, Deleted int64
	// Whole are those of the table as it was filled, Holes those after the deletion, Query those of a SELECT that
	// asks for the largest value of each column, after the deletion.
	Whole, Holes, Query []float64
	Settings            []string
}

// columns is the number of columns, all of them read.
const columns = 4

// deleteEach is how many rows there are to one that is deleted.
const deleteEach = 100

// Run measures everything.
func Run(ctx context.Context, o Options) (r Result, err error) {
	o.Progress("delta: filling")
	db, err := lamina.Open(filepath.Join(o.Dir, "delta"), &lamina.Options{Workers: o.Threads})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	r.Rows = int64(o.Rows)
	if err := fill(ctx, db, r.Rows); err != nil {
		return r, err
	}
	r.Settings = []string{fmt.Sprintf("Lamina: %d rows of %d int8 columns that are in no segment, %d workers, columnar tier", r.Rows, columns, o.Threads)}
	o.Progress("delta: scans of all rows")
	if r.Whole, err = scans(ctx, db, o, r.Rows); err != nil {
		return r, err
	}
	done, err := db.Exec(ctx, "DELETE FROM t WHERE id % $1 = 37", deleteEach)
	if err != nil {
		return r, err
	}
	r.Deleted = done.RowsAffected
	if r.Deleted < 1 || r.Deleted > r.Rows/deleteEach+1 {
		return r, fmt.Errorf("%d of %d rows were deleted", r.Deleted, r.Rows)
	}
	o.Progress("delta: scans with deleted rows")
	if r.Holes, err = scans(ctx, db, o, r.Rows-r.Deleted); err != nil {
		return r, err
	}
	r.Query, err = queries(ctx, db, o)
	return r, err
}

func fill(ctx context.Context, db *lamina.DB, rows int64) error {
	if _, err := db.Exec(ctx, "CREATE TABLE t (id int8 PRIMARY KEY, a int8, b int8, c int8)"); err != nil {
		return err
	}
	app, err := db.Appender(ctx, "t")
	if err != nil {
		return err
	}
	row := make(types.Row, columns)
	for id := range rows {
		for i := range row {
			row[i] = types.NewInt(types.Int8, id*int64(i+1))
		}
		if err := app.AppendDatums(ctx, row); err != nil {
			return err
		}
	}
	return app.Close(ctx)
}

// scans reads the table a number of times, after once that does not count.
func scans(ctx context.Context, db *lamina.DB, o Options, rows int64) (times []float64, err error) {
	tx, err := db.Storage().Begin(ctx, table.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	def, err := query.FindTable(tx.Schema(), "t")
	if err != nil {
		return nil, err
	}
	stmt, err := tx.Statement(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = stmt.Close(err) }()
	reader, err := stmt.Reader(ctx, def.ID)
	if err != nil {
		return nil, err
	}
	want := sum{}
	for run := range o.Runs + 1 {
		start := time.Now()
		got, err := scan(ctx, reader, o.Threads)
		took := time.Since(start)
		switch {
		case err != nil:
			return nil, err
		case got.rows != rows || run > 0 && got != want:
			return nil, fmt.Errorf("delta: the scan read %d rows with sum %d, want %d and %d", got.rows, got.values, rows, want.values)
		}
		if want = got; run > 0 {
			times = append(times, perColumn(took))
		}
	}
	return times, nil
}

func perColumn(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 / columns }

// sum is what a scan found.
type sum struct{ rows, values int64 }

// scan adds up all values of all columns.
func scan(ctx context.Context, r table.Reader, threads int) (total sum, err error) {
	s, err := r.Scan(ctx, table.ScanSpec{Cols: []int{0, 1, 2, 3}})
	if err != nil {
		return total, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var wg sync.WaitGroup
	sums, errs := make([]sum, threads), make([]error, threads)
	for w := range threads {
		wg.Go(func() { errs[w] = work(ctx, s, &sums[w]) })
	}
	wg.Wait()
	for _, x := range sums {
		total.rows, total.values = total.rows+x.rows, total.values+x.values
	}
	return total, errors.Join(errs...)
}

// work reads morsels until there are no more.
func work(ctx context.Context, s table.Scan, into *sum) error {
	var b vec.Batch
	mine := sum{}
	defer func() { *into = mine }()
	for {
		m, err := s.NextMorsel(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for err == nil {
			if err = m.Read(ctx, &b); err == nil {
				mine.add(&b)
			}
		}
		m.Close()
		if !errors.Is(err, io.EOF) {
			return err
		}
	}
}

func (s *sum) add(b *vec.Batch) {
	s.rows += int64(b.N)
	for i := range b.NumCols() {
		v, g := b.Col(i)
		switch v.Width {
		case 8:
			s.values += addUp(vec.Values[int64](v), g.Sel, 0, b.N)
		case 4:
			s.values += addUp(vec.Values[uint32](v), g.Sel, v.Base, b.N)
		case 2:
			s.values += addUp(vec.Values[uint16](v), g.Sel, v.Base, b.N)
		default:
			s.values += addUp(vec.Values[uint8](v), g.Sel, v.Base, b.N)
		}
	}
}

func addUp[T int64 | uint32 | uint16 | uint8](values []T, sel []uint16, base int64, n int) (s int64) {
	if sel == nil {
		for _, x := range values[:n] {
			s += int64(x)
		}
	} else {
		for _, i := range sel[:n] {
			s += int64(values[i])
		}
	}
	return s + base*int64(n)
}

// queries asks for the largest values in SQL.
func queries(ctx context.Context, db *lamina.DB, o Options) (times []float64, err error) {
	o.Progress("delta: queries with deleted rows")
	st, err := db.Prepare(ctx, "SELECT max(id), max(a), max(b), max(c) FROM t")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	for run := range o.Runs + 1 {
		start := time.Now()
		rows, err := st.Query(ctx)
		if err != nil {
			return nil, err
		}
		n := 0
		for rows.Next() {
			n++
		}
		if err := rows.Close(); err != nil || n != 1 {
			return nil, errors.Join(err, fmt.Errorf("delta: %d rows of one query", n))
		}
		if run > 0 {
			times = append(times, perColumn(time.Since(start)))
		}
	}
	return times, nil
}

// Package segments measures scans of columnar tables whose rows lie in segments: how many values a second they hand
// out, what deleted rows and rows of the delta add, and what bitmaps save. Cases take turns, with one worker, and are
// compared by the processor time that they use.
package segments

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/table"
)

// Options say what is measured; all must be set.
type Options struct {
	// Dir is a folder for the database.
	Dir        string
	Rows, Runs int
	Progress   func(string)
}

// Case is one query, or scan. Times are milliseconds of processor time, one for each run.
type Case struct {
	Name  string
	Times []float64

	run func(ctx context.Context) error
}

// The cases.
const (
	Scan    = "scan of four int4 columns, package table"
	Whole   = "sums of four columns, all rows in segments"
	Holes   = "the same with 1 % of the rows deleted"
	Delta   = "the same with 5 % of the rows in the delta"
	Bits    = "one row in 1,000, not clustered, by bitmaps"
	Looking = "the same by looking at all rows"
	// Uncached precedes the names of cases whose columns are not kept in memory.
	Uncached = "not cached: "
)

// Result is what was measured.
type Result struct {
	Rows, Values, Deleted, DeltaRows int64
	Cases                            []*Case
	// Pages is the share of the pages of a column that equality reads when the data is clustered on it.
	Pages    float64
	Settings []string
}

// Case returns a case by name.
func (r *Result) Case(name string) *Case {
	for _, c := range r.Cases {
		if c.Name == name {
			return c
		}
	}
	return &Case{}
}

// scanned are the columns of the tables whose columns are added up.
var scanned = []int{0, 1, 2, 3}

// bench is an open database with the cases on it.
type bench struct {
	o  *Options
	r  *Result
	db *lamina.DB
	// closers end what cases hold, before the database is closed.
	closers []func() error
}

// uncachedBytes is the memory of a database that keeps nothing of segments: its cache is too small for any column.
const uncachedBytes = 512 << 10

// Run measures everything.
func Run(ctx context.Context, o Options) (r Result, err error) {
	r.Rows, r.Values = int64(o.Rows), int64(o.Rows*len(scanned))
	b := &bench{o: &o, r: &r}
	sums, equals := filepath.Join(o.Dir, "sums"), filepath.Join(o.Dir, "equals")
	for _, step := range []struct {
		dir   string
		first func(context.Context) error
		cases func(context.Context) ([]*Case, error)
	}{
		// Opened again, so that no statement before has decided where in the cache columns lie.
		{sums, b.makeSums, nil}, {sums, nil, b.sumCases}, {sums, nil, b.scanCases}, {equals, b.makeEquals, nil}, {equals, nil, b.equalCases("")},
	} {
		if err := b.with(ctx, step.dir, 0, step.first, step.cases); err != nil {
			return r, err
		}
	}
	r.Settings = []string{fmt.Sprintf("Lamina: tables of %d rows, %d of them deleted in one and %d in the delta of another, 1 worker, columnar tier",
		r.Rows, r.Deleted, r.DeltaRows)}
	return r, b.with(ctx, equals, uncachedBytes, b.readPages, b.equalCases(Uncached))
}

// with opens the database, with some memory for storage or as much as there is, does something, and measures cases.
func (b *bench) with(ctx context.Context, dir string, bytes int64, first func(context.Context) error,
	cases func(context.Context) ([]*Case, error)) (err error) {
	b.db, err = lamina.Open(dir, &lamina.Options{
		Workers: 1, Storage: table.Columnar{Common: table.Common{MemoryBytes: bytes}, DisableCompaction: true},
	})
	if err != nil {
		return err
	}
	defer func() {
		for _, f := range slices.Backward(b.closers) {
			err = errors.Join(err, f())
		}
		b.closers = nil
		err = errors.Join(err, b.db.Close())
	}()
	if first != nil {
		if err := first(ctx); err != nil {
			return err
		}
	}
	if cases == nil {
		return nil
	}
	list, err := cases(ctx)
	if err != nil {
		return err
	}
	b.o.Progress("segments: " + list[0].Name + ", …")
	b.r.Cases = append(b.r.Cases, list...)
	for run := range b.o.Runs + 1 {
		for i := range list {
			c := list[(i+run)%len(list)]
			if err := c.once(ctx, run > 0); err != nil {
				return fmt.Errorf("segments, %s: %w", c.Name, err)
			}
		}
	}
	return nil
}

// repeated is how often a case runs for one figure.
const repeated = 8

// once runs a case and notes the figure, if it counts.
func (c *Case) once(ctx context.Context, counts bool) error {
	var w machine.Stopwatch
	err := w.Time(func() error {
		for range repeated {
			if err := c.run(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if counts {
		c.Times = append(c.Times, w.Processor.Seconds()*1e3/repeated)
	}
	return err
}

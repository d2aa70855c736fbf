package analytic

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/laminadb/lamina/tpch"
)

// Options say what is measured; all must be set.
type Options struct {
	// Dir is a folder for the databases.
	Dir         string
	ScaleFactor float64
	// Runs of every query on every system, after one that is only compared.
	Runs        int
	MemoryBytes int64
	// TimeMax bounds the time after which no further run begins.
	TimeMax  time.Duration
	Progress func(string)
	// ProfileDir, if not empty, is a folder for CPU profiles of Lamina, one for each query.
	ProfileDir string
}

// Query is what became of one query. Times are milliseconds.
type Query struct {
	Number       int
	Rows         int
	Lamina, Duck []float64
	// Problem is why the times do not count: a failure, or answers that differ.
	Problem string
	// Expected: the answer was also compared with PostgreSQL's.
	Expected bool
}

// Result is what was measured.
type Result struct {
	Queries              []*Query
	Settings             []string
	LoadLamina, LoadDuck time.Duration
	Rows                 int64
	// Runs is the number that every query had.
	Runs int
}

// Run measures everything.
func Run(ctx context.Context, o Options) (r Result, err error) {
	g, err := tpch.New(o.ScaleFactor)
	if err != nil {
		return r, err
	}
	for _, t := range tpch.Tables() {
		r.Rows += g.Rows(t)
	}
	threads := runtime.GOMAXPROCS(0)
	d, err := openDuck(ctx, o.Dir, threads, o.MemoryBytes)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	l, err := openLamina(o.Dir, threads, o.MemoryBytes)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, l.db.Close()) }()
	r.Settings = []string{l.gotBack, d.gotBack}
	o.Progress("TPC-H: loading Lamina")
	if r.LoadLamina, err = l.load(ctx, g); err != nil {
		return r, err
	}
	o.Progress("TPC-H: loading DuckDB")
	if r.LoadDuck, err = d.load(ctx, g, o.Dir); err != nil {
		return r, err
	}
	if err := r.measure(ctx, o, l, d); err != nil || o.ProfileDir == "" {
		return r, err
	}
	return r, r.profile(ctx, o, l)
}

func (r *Result) measure(ctx context.Context, o Options, l *laminaDB, d *duckDB) error {
	for _, n := range tpch.Spine() {
		o.Progress(fmt.Sprintf("TPC-H: comparing the answers to query %d", n))
		q := &Query{Number: n}
		if err := q.check(ctx, o.ScaleFactor, l, d); err != nil {
			q.Problem = err.Error()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		r.Queries = append(r.Queries, q)
	}
	start := time.Now()
	for r.Runs < o.Runs && (r.Runs < 3 || time.Since(start) < o.TimeMax) {
		o.Progress(fmt.Sprintf("TPC-H: run %d of %d", r.Runs+1, o.Runs))
		for _, q := range r.Queries {
			if q.Problem == "" {
				if err := q.time(ctx, r.Runs%2 == 0, l, d); err != nil {
					return err
				}
			}
		}
		r.Runs++
	}
	return nil
}

// check runs the query once on each system and compares the answers.
func (q *Query) check(ctx context.Context, sf float64, l *laminaDB, d *duckDB) error {
	peer, _, err := d.run(ctx, tpch.Query(q.Number))
	if err != nil {
		return fmt.Errorf("query on DuckDB: %w", err)
	}
	got, _, err := l.run(ctx, tpch.Query(q.Number))
	if err != nil {
		return fmt.Errorf("query on Lamina: %w", err)
	}
	q.Rows = len(got.Rows)
	if _, q.Expected = tpch.Answer(sf, q.Number); q.Expected {
		if err := tpch.Compare(sf, q.Number, got); err != nil {
			return fmt.Errorf("answer of Lamina: %w", err)
		}
	}
	if err := compare(q.Number, got, peer); err != nil {
		return fmt.Errorf("answers of Lamina and DuckDB differ: %w", err)
	}
	return nil
}

// time runs the query once on each system.
func (q *Query) time(ctx context.Context, laminaFirst bool, l *laminaDB, d *duckDB) error {
	for _, lamina := range []bool{laminaFirst, !laminaFirst} {
		run, times := d.run, &q.Duck
		if lamina {
			run, times = l.run, &q.Lamina
		}
		result, took, err := run(ctx, tpch.Query(q.Number))
		if err != nil {
			return fmt.Errorf("query %d: %w", q.Number, err)
		}
		if len(result.Rows) != q.Rows {
			return fmt.Errorf("query %d: %d rows, before %d", q.Number, len(result.Rows), q.Rows)
		}
		*times = append(*times, float64(took.Microseconds())/1e3)
	}
	return nil
}

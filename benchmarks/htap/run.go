package htap

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/cli/report"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/tpch"
)

// Options say what is measured; all must be set.
type Options struct {
	Dir         string
	ScaleFactor float64
	MemoryBytes int64
	// Runs of every query in each state, Time of each phase of the mix.
	Runs     int
	Time     time.Duration
	Clients  int
	Progress func(string)
}

// Result is what was measured. Times of queries are medians in milliseconds, by number.
type Result struct {
	Options
	// Clean are of tables that are in segments; Mixed of the same rows with some in the delta and some deleted, Busy with compactions
	// beside, too.
	Clean, Mixed, Busy [tpch.NumQueries + 1]float64
	// DeltaRows and DeletedRows are what the queries of Mixed have met; Compactions ran beside those of Busy, and had BusyShare of the
	// time of one core.
	DeltaRows, DeletedRows, Rows int64
	Compactions                  int
	BusyShare                    float64
	// Alone and Beside are transactions without and with the stream of queries; Stream and StreamBeside are the stream.
	Alone, Beside        Transactions
	Stream, StreamBeside Stream
}

// ratio returns the geometric mean of times beside Clean.
func (r *Result) ratio(times *[tpch.NumQueries + 1]float64) float64 {
	return report.Geomean(report.Ratios(times[1:], r.Clean[1:]))
}

// MixedRatio and BusyRatio are how many times longer queries take than on clean tables.
func (r *Result) MixedRatio() float64 { return r.ratio(&r.Mixed) }

// BusyRatio is that with compactions beside.
func (r *Result) BusyRatio() float64 { return r.ratio(&r.Busy) }

type bench struct {
	o  *Options
	g  *tpch.Generator
	db *lamina.DB
	r  *Result
}

// Run measures everything.
func Run(ctx context.Context, o Options) (r *Result, err error) {
	b := &bench{o: &o, r: &Result{Options: o}}
	if b.g, err = tpch.New(o.ScaleFactor); err != nil {
		return nil, err
	}
	b.db, err = lamina.Open(filepath.Join(o.Dir, "htap"), &lamina.Options{
		MemoryBytes: o.MemoryBytes, Workers: runtime.GOMAXPROCS(0), Storage: table.Columnar{},
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.db.Close()) }()
	o.Progress("HTAP: loading")
	if err := b.load(ctx); err != nil {
		return nil, err
	}
	return b.r, b.measure(ctx)
}

func (b *bench) measure(ctx context.Context) error {
	b.met()
	b.o.Progress("HTAP: queries on mixed rows")
	if err := b.queries(ctx, &b.r.Mixed); err != nil {
		return err
	}
	b.o.Progress("HTAP: the same beside compactions")
	c, err := startCompactor(ctx, b.db)
	if err != nil {
		return err
	}
	err = b.queries(ctx, &b.r.Busy)
	b.r.Compactions, b.r.BusyShare, err = c.stop(err)
	if err != nil {
		return err
	}
	b.o.Progress("HTAP: the same on clean rows")
	if err := b.compact(ctx); err != nil {
		return err
	}
	if err := b.queries(ctx, &b.r.Clean); err != nil {
		return err
	}
	return b.mix(ctx)
}

// met notes what queries meet.
func (b *bench) met() {
	b.r.Rows = b.g.Rows(tpch.Orders) + b.g.Rows(tpch.LineItem)
	for _, t := range b.db.Metrics().Tiers {
		if t.Name == "columnar" {
			b.r.DeltaRows, b.r.DeletedRows = t.DeltaRows, t.DeletedRows
		}
	}
}

// queries notes the median of each query; the first run, whose answer is checked where one is known, does not count.
func (b *bench) queries(ctx context.Context, medians *[tpch.NumQueries + 1]float64) error {
	var times [tpch.NumQueries + 1][]float64
	for run := -1; run < b.o.Runs; run++ {
		for n := 1; n <= tpch.NumQueries; n++ {
			start := time.Now()
			result, err := tpchload.Fetch(ctx, b.db, tpch.Query(n))
			took := time.Since(start)
			if err == nil && run < 0 {
				if _, known := tpch.Answer(b.o.ScaleFactor, n); known {
					err = tpch.Compare(b.o.ScaleFactor, n, result)
				}
			}
			if err != nil {
				return fmt.Errorf("htap, Q%d: %w", n, err)
			}
			if run >= 0 {
				times[n] = append(times[n], float64(took.Microseconds())/1e3)
			}
		}
	}
	for n := range times {
		medians[n] = report.Median(times[n])
	}
	return nil
}

package segments

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/tpch"
)

// TPCH is the processor time of the queries of TPC-H in milliseconds, by number: the least of the runs, but of Cold, which
// are the first ones after the database was opened. Delta are of rows in no segment, Segments of the same rows after
// VACUUM FULL, Mixed after one in twenty rows of the two largest tables moved back into the delta.
type TPCH struct {
	ScaleFactor                  float64
	Delta, Cold, Segments, Mixed [tpch.NumQueries + 1]float64
}

// RunTPCH measures TPC-H on one worker.
func RunTPCH(ctx context.Context, o Options, sf float64) (r TPCH, err error) {
	r.ScaleFactor = sf
	dir := filepath.Join(o.Dir, "tpch")
	b := &bench{o: &o}
	err = b.with(ctx, dir, 0, func(ctx context.Context) error {
		g, err := tpch.New(sf)
		if err != nil {
			return err
		}
		o.Progress("segments: TPC-H")
		if _, err := tpchload.Load(ctx, b.db, g, tpchload.Options{Tier: "columnar"}); err != nil {
			return err
		}
		if err := b.queries(ctx, &r.Delta, o.Runs); err != nil {
			return err
		}
		for _, t := range tpch.Tables() {
			if err := b.exec(ctx, fmt.Sprintf("VACUUM FULL %s", t)); err != nil {
				return err
			}
		}
		return nil
	}, nil)
	if err != nil {
		return r, err
	}
	return r, b.with(ctx, dir, 0, func(ctx context.Context) error {
		if err := b.queries(ctx, &r.Cold, 1); err != nil {
			return err
		}
		if err := b.queries(ctx, &r.Segments, o.Runs); err != nil {
			return err
		}
		for _, text := range []string{
			"UPDATE lineitem SET l_comment = l_comment WHERE l_orderkey % 20 = 3",
			"UPDATE orders SET o_comment = o_comment WHERE o_orderkey % 20 = 3",
		} {
			if err := b.exec(ctx, text); err != nil {
				return err
			}
		}
		return b.queries(ctx, &r.Mixed, o.Runs)
	}, nil)
}

// queries runs all queries a number of times, and notes the least time of each.
func (b *bench) queries(ctx context.Context, least *[tpch.NumQueries + 1]float64, runs int) error {
	for run := range runs {
		for n := 1; n <= tpch.NumQueries; n++ {
			var w machine.Stopwatch
			if err := w.Time(func() error { return b.fetch(ctx, tpch.Query(n)) }); err != nil {
				return fmt.Errorf("segments, Q%d: %w", n, err)
			}
			if ms := w.Processor.Seconds() * 1e3; run == 0 || ms < least[n] {
				least[n] = ms
			}
		}
	}
	return nil
}

// fetch runs a query and fetches its rows.
func (b *bench) fetch(ctx context.Context, text string) error {
	rows, err := b.db.Query(ctx, text)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return rows.Close()
}

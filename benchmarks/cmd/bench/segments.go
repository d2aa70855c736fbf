package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/laminadb/lamina/benchmarks/segments"
	"github.com/laminadb/lamina/internal/cli/report"
)

func runSegments(ctx context.Context, p *page, o *options, dir string) error {
	r, err := segments.Run(ctx, segments.Options{Dir: dir, Rows: o.size.segmentRows, Runs: o.size.segmentRuns, Progress: progress})
	if err != nil {
		return err
	}
	p.lines(
		"## Scans of segments",
		"",
		fmt.Sprintf("Processor time of queries on one worker, medians of %d runs after a first one, in turns. Ratios are medians of those of the", o.size.segmentRuns),
		"same run.",
		"",
	)
	p.settings(r.Settings)
	t := &report.Table{Header: []string{"query", "ms", "beside", "ratio"}}
	beside := map[string]string{
		segments.Holes: segments.Whole, segments.Delta: segments.Whole, segments.Looking: segments.Bits,
		segments.Uncached + segments.Looking: segments.Uncached + segments.Bits,
	}
	ratio := func(name string) float64 {
		return report.Median(report.Ratios(r.Case(name).Times, r.Case(beside[name]).Times))
	}
	for _, c := range r.Cases {
		other, figure := beside[c.Name], ""
		if other != "" {
			figure = report.Ratio(ratio(c.Name))
		}
		t.Add(c.Name, fmt.Sprintf("%.3f", report.Median(c.Times)), other, figure)
	}
	p.table(t)
	p.figures.Add("segment-scan", float64(r.Values)/report.Median(r.Case(segments.Scan).Times)*1e3, "")
	p.figures.Add("segment-deleted", ratio(segments.Holes), "")
	p.figures.Add("segment-delta", ratio(segments.Delta), "")
	p.figures.Add("bitmap-pages", 100*r.Pages, "")
	p.figures.Add("bitmap", ratio(segments.Looking), "")
	p.figures.Add("bitmap-uncached", ratio(segments.Uncached+segments.Looking), "")
	return p.segmentQueries(ctx, o, dir)
}

// segmentQueries prints what the places of rows cost the queries of TPC-H.
func (p *page) segmentQueries(ctx context.Context, o *options, dir string) error {
	sf := slices.Min(o.sf)
	r, err := segments.RunTPCH(ctx, segments.Options{Dir: dir, Runs: o.size.segmentQueries, Progress: progress}, sf)
	if err != nil {
		return err
	}
	p.lines(
		fmt.Sprintf("TPC-H at scale factor %v on one worker, processor time: the least of %d runs, but of the first runs after the database", sf, o.size.segmentQueries),
		"was opened. At last one row of twenty in lineitem and orders is deleted in a segment and lies in the delta.",
		"",
	)
	t := &report.Table{Header: []string{"query", "delta, ms", "segments, ms", "beside delta", "first run, ms", "beside segments", "with 5 % in the delta, ms", "beside segments"}}
	var bySegments, byFirst, byMixed []float64
	for n := 1; n < len(r.Segments); n++ {
		s, f, m := r.Segments[n]/r.Delta[n], r.Cold[n]/r.Segments[n], r.Mixed[n]/r.Segments[n]
		bySegments, byFirst, byMixed = append(bySegments, s), append(byFirst, f), append(byMixed, m)
		t.Add(fmt.Sprintf("Q%d", n), millis(r.Delta[n]), millis(r.Segments[n]), report.Ratio(s), millis(r.Cold[n]), report.Ratio(f), millis(r.Mixed[n]), report.Ratio(m))
	}
	t.Add("geometric mean", "", "", report.Ratio(report.Geomean(bySegments)), "", report.Ratio(report.Geomean(byFirst)), "", report.Ratio(report.Geomean(byMixed)))
	p.table(t)
	p.figures.Add("tpch-segments-mixed", report.Geomean(byMixed), fmt.Sprintf("scale factor %v; segments beside delta %s, first runs beside later ones %s",
		sf, report.Ratio(report.Geomean(bySegments)), report.Ratio(report.Geomean(byFirst))))
	return nil
}

package main

import (
	"context"
	"fmt"

	"github.com/laminadb/lamina/benchmarks/report"
	"github.com/laminadb/lamina/benchmarks/segments"
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
	return nil
}

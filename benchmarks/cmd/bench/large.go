package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/laminadb/lamina/benchmarks/peers"
	"github.com/laminadb/lamina/internal/cli/duckpy"
	"github.com/laminadb/lamina/internal/cli/report"
	"github.com/laminadb/lamina/internal/cli/versus"
	"github.com/laminadb/lamina/internal/cli/workload"
	"github.com/laminadb/lamina/tpch"
)

// Memory of each system over the large scale: one that holds what is hot, and one in which joins and groups spill.
const (
	largeMemory = 8 << 30
	smallMemory = 1 << 30
)

// runLarge runs TPC-H at a scale factor whose rows are more than the little memory, with much memory and with little.
func runLarge(ctx context.Context, p *page, o *options, dir string) error {
	w, err := workload.TPCH(o.size.largeScale)
	if err != nil {
		return err
	}
	r, err := p.large(ctx, o, dir, w, largeMemory, o.size.largeRuns)
	if err != nil {
		return err
	}
	at := fmt.Sprintf("scale factor %v", o.size.largeScale)
	if k := r.Position(duckpy.Name); k > 0 {
		p.slow(r, k, 0.8)
		s := r.Summary(k)
		remark := fmt.Sprintf("%s, total %s, slowest %s, %s", at, report.Ratio(s.Total), s.WorstQuery, report.Ratio(s.Worst))
		p.verdict("large-gate", s.Geomean, remark)
		p.verdict("large-goal", s.Geomean, remark)
	}
	if r, err = p.large(ctx, o, dir, w, smallMemory, 1); err != nil {
		return err
	}
	p.figures.Add("large-small", float64(tpch.NumQueries-len(r.Wrong())), at)
	return nil
}

// large runs a workload with so much memory for each system. Databases that an earlier call has filled are used again.
func (p *page) large(ctx context.Context, o *options, dir string, w *versus.Workload, memory int64, runs int) (r *versus.Result, err error) {
	s := versus.Settings{Dir: dir, Threads: runtime.GOMAXPROCS(0), MemoryBytes: memory}
	systems, left, err := peers.Start(ctx, s, duckpy.Name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, peers.End(systems)) }()
	vo := versus.Options{Settings: s, Runs: runs, TimeMax: versusTimeMax, Progress: progress, Loaded: memory == smallMemory}
	if r, err = versus.Run(ctx, w, systems, vo); err != nil {
		return nil, err
	}
	r.Title = fmt.Sprintf("%s in %d GiB of memory", r.Title, memory>>30)
	p.compared(r, left)
	return r, nil
}

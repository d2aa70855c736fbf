package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/benchmarks/peers"
	"github.com/laminadb/lamina/benchmarks/target"
	"github.com/laminadb/lamina/internal/cli/duckpy"
	"github.com/laminadb/lamina/internal/cli/report"
	"github.com/laminadb/lamina/internal/cli/versus"
	"github.com/laminadb/lamina/internal/cli/workload"
)

// versusTimeMax bounds the runs of one workload.
const versusTimeMax = 60 * time.Second

// versus runs a workload beside systems and prints the table. Without a result there is none of the systems.
func (p *page) versus(ctx context.Context, o *options, dir string, w *versus.Workload, runs int, names ...string) (r *versus.Result, err error) {
	dir, err = os.MkdirTemp(dir, w.Name+"-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s := versus.Settings{Dir: dir, Threads: runtime.GOMAXPROCS(0), MemoryBytes: max(machine.MemoryBytes()/4, 1<<30)}
	systems, left, err := peers.Start(ctx, s, names...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, peers.End(systems)) }()
	vo := versus.Options{Settings: s, Runs: runs, TimeMax: versusTimeMax, Progress: progress}
	if o.profile != "" {
		vo.ProfileDir = filepath.Join(o.profile, filepath.Base(dir))
		if err := os.MkdirAll(vo.ProfileDir, 0o755); err != nil {
			return nil, err
		}
	}
	if r, err = versus.Run(ctx, w, systems, vo); err != nil {
		return nil, err
	}
	p.compared(r, left)
	return r, nil
}

// compared prints what a workload has shown.
func (p *page) compared(r *versus.Result, left []string) {
	p.lines(
		"## "+r.Title,
		"",
		fmt.Sprintf("Medians of %d runs after a first and another one, the systems in turns, all rows fetched as Arrow records or as rows of the", r.Runs),
		"driver; the first run is that after the database was opened. A ratio is the median of those of neighbouring runs: below 1 Lamina",
		"takes less time. Answers were compared before times count: \"equal\" are those of all systems, \"as expected\" is Lamina's as",
		"PostgreSQL's to the last digit.",
		"",
	)
	p.draw(r.Workload, r.Chart())
	p.table(r.Table())
	p.settings(append(r.Notes(), left...))
	if reasons := r.Left(); len(reasons) > 0 {
		p.lines("Left out:", "")
		p.settings(reasons)
	}
	if wrong := r.Wrong(); len(wrong) > 0 {
		p.wrong += len(wrong)
		p.lines("Not timed:", "")
		p.settings(wrong)
	}
}

// slow explains the queries whose ratio to a system is above a bound.
func (p *page) slow(r *versus.Result, at int, bound float64) {
	names := r.Above(at, bound)
	if len(names) == 0 {
		return
	}
	p.lines(fmt.Sprintf("Above %v times the time of %s:", bound, r.Systems[at].Name), "")
	for _, name := range names {
		why := target.Queries[r.Workload+" "+name]
		if why == "" {
			why = "no profile has said why"
		}
		p.lines("- " + name + ": " + why)
	}
	p.lines("")
}

// verdict notes a figure that was measured.
func (p *page) verdict(name string, value float64, remark string) {
	if !math.IsNaN(value) && value >= 0 {
		p.figures.Add(name, value, remark)
	}
}

func runTPCH(ctx context.Context, p *page, o *options, dir string) error {
	for _, sf := range o.sf {
		w, err := workload.TPCH(sf)
		if err != nil {
			return err
		}
		r, err := p.versus(ctx, o, dir, w, o.size.tpchRuns, duckpy.Name, peers.DuckDBGo, peers.SQLite)
		if err != nil {
			return err
		}
		at := fmt.Sprintf("scale factor %v", sf)
		for _, m := range r.Queries {
			if m.Name == "Q8" {
				p.verdict("tpch-plan", report.Median(m.Plans), at)
			}
		}
		p.verdict("tpch-gc", 100*r.Spent.GCShare(), at)
		if k := r.Position(peers.DuckDBGo); k > 0 {
			p.verdict("tpch-earlier", r.Summary(k).Geomean, at)
		}
		k := r.Position(duckpy.Name)
		if k < 0 {
			continue
		}
		p.slow(r, k, 0.8)
		s := r.Summary(k)
		worst := at + ", " + s.WorstQuery
		p.verdict("tpch-gate", s.Geomean, at)
		p.verdict("tpch-gate-worst", s.Worst, worst)
		p.verdict("tpch-goal", s.Geomean, at)
		p.verdict("tpch-goal-worst", s.Worst, worst)
		p.verdict("tpch-first", s.Cold, at)
	}
	return nil
}

// workloadSeed is that of rows and parameters that are drawn.
const workloadSeed = 1

func runDisguised(ctx context.Context, p *page, o *options, dir string) error {
	w, err := workload.Disguised(o.size.disguisedScale, workloadSeed)
	return p.besideDuckDB(ctx, o, dir, w, err, 0.8, "disguised-gate", "disguised-goal")
}

func runSSB(ctx context.Context, p *page, o *options, dir string) error {
	w, err := workload.SSB(o.size.ssbScale, workloadSeed)
	return p.besideDuckDB(ctx, o, dir, w, err, 1, "ssb")
}

func runH2O(ctx context.Context, p *page, o *options, dir string) error {
	w, err := workload.GroupBy(o.size.h2oRows, workloadSeed)
	if err := p.besideDuckDB(ctx, o, dir, w, err, 1, "h2o-groupby"); err != nil {
		return err
	}
	w, err = workload.Join(o.size.h2oRows, workloadSeed)
	return p.besideDuckDB(ctx, o, dir, w, err, 1, "h2o-join")
}

// besideDuckDB runs a workload beside DuckDB 2.0.0; slow queries are explained, and the geometric mean is held against targets.
func (p *page) besideDuckDB(
	ctx context.Context, o *options, dir string, w *versus.Workload, err error, slow float64, targets ...string,
) error {
	if err != nil {
		return err
	}
	r, err := p.versus(ctx, o, dir, w, o.size.versusRuns, duckpy.Name)
	if err != nil {
		return err
	}
	k := r.Position(duckpy.Name)
	if k < 0 {
		return nil
	}
	p.slow(r, k, slow)
	s := r.Summary(k)
	for _, name := range targets {
		p.verdict(name, s.Geomean, fmt.Sprintf("total %s, slowest %s, %s", report.Ratio(s.Total), s.WorstQuery, report.Ratio(s.Worst)))
	}
	return nil
}

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	pretty "github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/laminadb/lamina/tpch"
)

// tpchSetting is a run-time setting of the session that runs the queries.
type tpchSetting struct{ name, value string }

// tpchPass is a way to run all queries, and what became of them. Without settings it is the usual way.
type tpchPass struct {
	name     string
	settings []tpchSetting
	queries  []queryReport
	// spilled are bytes that the queries have written to temporary files.
	spilled int64
	// mustSpill says that there must be some.
	mustSpill bool
}

// correct counts the queries whose answer is the expected one.
func (p *tpchPass) correct() (n int) {
	for i := range p.queries {
		if p.queries[i].Status == statusCorrect {
			n++
		}
	}
	return n
}

// verifySmall is the greatest scale factor at which queries also run with vectors of one and three rows, and row by row: that
// takes some hundred times as long.
const verifySmall = 0.01

// verifyWorkers is the greater number of workers.
const verifyWorkers = 4

// verifyPasses are the ways to run queries on each load.
func verifyPasses(sf float64) []tpchPass {
	workers := func(n int) tpchSetting { return tpchSetting{"max_parallel_workers", fmt.Sprint(n)} }
	passes := []tpchPass{
		{name: "1 worker", settings: []tpchSetting{workers(1)}},
		{name: "4 workers", settings: []tpchSetting{workers(verifyWorkers)}},
		{name: "spilling, 1 worker", settings: []tpchSetting{workers(1), {"debug_spill", "on"}}, mustSpill: true},
		{name: "spilling, 4 workers", settings: []tpchSetting{workers(verifyWorkers), {"debug_spill", "on"}}, mustSpill: true},
		{name: "no filters, no runs", settings: []tpchSetting{workers(verifyWorkers), {"debug_join_filters", "off"}, {"debug_run_aggregation", "off"}}},
		{name: "vectors re-encoded", settings: []tpchSetting{workers(verifyWorkers), {"debug_vector_forms", "on"}}},
	}
	if limit := verifyMemory(sf); limit > 0 {
		passes = append(passes, tpchPass{
			name: "of " + bytesText(limit), settings: []tpchSetting{workers(verifyWorkers), {"query_memory", fmt.Sprintf("%dkB", limit>>10)}}, mustSpill: true,
		})
	}
	if sf <= verifySmall {
		passes = append(passes,
			tpchPass{name: "vectors of 1 row", settings: []tpchSetting{workers(1), {"debug_vector_rows", "1"}}},
			tpchPass{name: "vectors of 3 rows", settings: []tpchSetting{workers(verifyWorkers), {"debug_vector_rows", "3"}}},
			tpchPass{name: "row by row", settings: []tpchSetting{workers(verifyWorkers), {"debug_row_evaluator", "on"}}},
		)
	}
	return passes
}

// verifyMemory is a limit of the memory of a query with which some queries do not fit and none fails; 0 if all fit wherever one runs.
func verifyMemory(sf float64) int64 {
	const few, more = 10 << 20, 32 << 20
	switch {
	case sf < 0.1:
		return 0
	case sf < 1:
		return few
	default:
		return int64(sf * more)
	}
}

// verifyTPCH loads each tier in both ways, and runs all queries on each in every way. A tier or a load that is asked for is
// the only one.
func verifyTPCH(c *cobra.Command, dir string, o *tpchFlags) (err error) {
	tiers, loads := []string{"columnar", "memory", "lsm"}, []bool{false, true}
	if c.Flags().Changed("tier") {
		tiers = []string{o.tier}
	}
	if c.Flags().Changed("mixed") {
		loads = []bool{o.mixed}
	}
	if len(o.queries) == 0 {
		o.queries = []string{"all"}
	}
	o.runs = 1
	if o.workers == 0 {
		o.workers = verifyWorkers
	}
	g, queries, err := o.check()
	if dir != "" || o.json || o.corruptRow || c.Flags().Changed("runs") {
		err = errors.Join(err, errors.New("--verify makes its databases, runs queries once and prints a table: no DIR, --runs, --json or --corrupt-row"))
	}
	if err != nil {
		return &exitError{exitUsage, err}
	}
	v := &tpchVerifier{flags: o, g: g, queries: queries, out: c.OutOrStdout(), began: time.Now()}
	for _, tier := range tiers {
		for _, mixed := range loads {
			if err := v.load(c, tier, mixed); err != nil {
				return fmt.Errorf("tier %s, mixed %v: %w", tier, mixed, err)
			}
		}
	}
	return v.finish()
}

// tpchVerifier collects what became of the queries in all ways.
type tpchVerifier struct {
	flags       *tpchFlags
	g           *tpch.Generator
	queries     []int
	out         io.Writer
	began       time.Time
	rows        []pretty.Row
	ran, passed int
	wrong       []string
}

// load makes one database and runs the queries in every way.
func (v *tpchVerifier) load(c *cobra.Command, tier string, mixed bool) (err error) {
	dir, err := os.MkdirTemp("", "lamina-tpch-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	flags := *v.flags
	flags.tier, flags.mixed = tier, mixed
	job := &tpchJob{
		flags: &flags, g: v.g, queries: v.queries, dir: dir, passes: verifyPasses(flags.sf),
		out: v.out, bars: newBars(c.ErrOrStderr(), false),
	}
	if err := job.run(c.Context()); err != nil {
		return err
	}
	load := "plain"
	if mixed {
		load = "mixed"
	}
	for i := range job.passes {
		p := &job.passes[i]
		v.add(tier, load, p)
	}
	if job.met != nil && !job.met.complete() {
		v.wrong = append(v.wrong, fmt.Sprintf("%s, %s: %s", tier, load, job.met))
	}
	return nil
}

func (v *tpchVerifier) add(tier, load string, p *tpchPass) {
	v.ran += len(p.queries)
	v.passed += p.correct()
	ms := 0.0
	for i := range p.queries {
		q := &p.queries[i]
		ms += q.first()
		if q.Status != statusCorrect {
			v.wrong = append(v.wrong, fmt.Sprintf("%s, %s, %s: Q%d: %s: %s %s", tier, load, p.name, q.Query, q.Status, q.SQLState, q.Reason))
		}
	}
	if p.mustSpill && p.spilled == 0 {
		v.wrong = append(v.wrong, fmt.Sprintf("%s, %s, %s: nothing was written to temporary files", tier, load, p.name))
	}
	spilled := ""
	if p.spilled > 0 {
		spilled = bytesText(p.spilled)
	}
	v.rows = append(v.rows, pretty.Row{tier, load, p.name, fmt.Sprintf("%d of %d", p.correct(), len(p.queries)), spilled, millis(ms)})
}

// finish prints the table and what was wrong.
func (v *tpchVerifier) finish() error {
	t := grid(pretty.Row{"tier", "load", "run", "correct", "spilled", "all queries, ms"}, 4, 5, 6)
	t.AppendRows(v.rows)
	if _, err := fmt.Fprintf(v.out, "TPC-H at scale factor %v.\n%s\n", v.flags.sf, t.Render()); err != nil {
		return err
	}
	for _, w := range v.wrong {
		fmt.Fprintln(v.out, w)
	}
	if _, err := fmt.Fprintf(v.out, "%d of %d correct, in %s\n", v.passed, v.ran, seconds3(time.Since(v.began))); err != nil {
		return err
	}
	if len(v.wrong) > 0 || v.passed != v.ran || v.ran == 0 {
		return &exitError{code: exitFailure}
	}
	return nil
}

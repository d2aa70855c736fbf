package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/laminadb/lamina/internal/cli/duckpy"
	"github.com/laminadb/lamina/internal/cli/versus"
	"github.com/laminadb/lamina/internal/cli/workload"
)

type benchFlags struct {
	openFlags
	sf      float64
	runs    int
	vs      []string
	svg     string
	python  string
	dir     string
	profile string
	seed    uint64
}

// benchWorkload is something to run.
type benchWorkload struct {
	name, about string
	make        func(o *benchFlags) (*versus.Workload, error)
}

var benchWorkloads = []benchWorkload{
	{"tpch", "the 22 queries of TPC-H", func(o *benchFlags) (*versus.Workload, error) { return workload.TPCH(o.sf) }},
	{"disguised", "TPC-H with other names, random keys, rows in random order, nullable columns, random parameters",
		func(o *benchFlags) (*versus.Workload, error) { return workload.Disguised(o.sf, o.seed) }},
	{"ssb", "the 13 queries of the Star Schema Benchmark", func(o *benchFlags) (*versus.Workload, error) { return workload.SSB(o.sf, o.seed) }},
	{"groupby", "H2O.ai's 10 grouping questions over 10 million rows times the scale factor",
		func(o *benchFlags) (*versus.Workload, error) { return workload.GroupBy(int(o.sf*1e7), o.seed) }},
	{"join", "H2O.ai's 5 joining questions, likewise",
		func(o *benchFlags) (*versus.Workload, error) { return workload.Join(int(o.sf*1e7), o.seed) }},
}

func newBench() *cobra.Command {
	var o benchFlags
	var names, about []string
	for _, w := range benchWorkloads {
		names, about = append(names, w.name), append(about, fmt.Sprintf("  %-10s %s", w.name, w.about))
	}
	c := &cobra.Command{
		Use:   "bench WORKLOAD",
		Short: "Run a workload on Lamina and on DuckDB, and compare times and answers",
		Long: "Loads the same rows everywhere, compares the answers, and then runs all queries in turns. DuckDB " + duckpy.Version + " runs in a\n" +
			"process of Python, in a virtual environment in the user's cache that the first run makes with python3 and pip\n" +
			"(`lamina bench setup` makes it and nothing else). The exit code is 0 if all answers are right.\n\nWorkloads:\n" + strings.Join(about, "\n"),
		Example: "  lamina bench tpch --sf 1 --vs duckdb --svg tpch.svg",
		Args:    cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs), ValidArgs: names,
		RunE: func(c *cobra.Command, args []string) error { return runBench(c, args[0], &o) },
	}
	f := c.Flags()
	f.Float64Var(&o.sf, "sf", 0.1, "scale factor")
	f.IntVar(&o.runs, "runs", 9, "how often each query runs, after its first run and one more")
	f.StringSliceVar(&o.vs, "vs", []string{"duckdb"}, "with what to compare: duckdb, or none")
	f.StringVar(&o.svg, "svg", "", "file for a chart")
	f.StringVar(&o.python, "python-env", "", "folder of the virtual environment (default one in the user's cache)")
	f.StringVar(&o.dir, "dir", "", "folder for the databases, on a disk (default a temporary one)")
	f.StringVar(&o.profile, "profile", "", "folder for CPU profiles of Lamina, one for each query")
	f.Uint64Var(&o.seed, "seed", 1, "seed of what is random")
	o.add(f)
	c.AddCommand(newBenchSetup())
	return c
}

func newBenchSetup() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: "setup", Short: "Make the virtual environment with DuckDB " + duckpy.Version, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			python, err := duckpy.Prepare(c.Context(), dir)
			if err == nil {
				fmt.Fprintln(c.OutOrStdout(), python)
			}
			return err
		},
	}
	c.Flags().StringVar(&dir, "python-env", "", "folder of the virtual environment (default one in the user's cache)")
	return c
}

func (o *benchFlags) check() error {
	var errs []error
	for _, name := range o.vs {
		if name != "duckdb" && name != "none" {
			errs = append(errs, fmt.Errorf("--vs %s: there are duckdb and none", name))
		}
	}
	if o.runs < 1 || o.runs > 1000 {
		errs = append(errs, fmt.Errorf("--runs %d: 1 to 1000", o.runs))
	}
	return errors.Join(append(errs, o.openFlags.check())...)
}

// benchMemory is the memory of each system unless --memory-limit says otherwise; benchTime is that of the runs.
const (
	benchMemory = 6 << 30
	benchTime   = 10 * time.Minute
)

func (o *benchFlags) settings(dir string) versus.Settings {
	s := versus.Settings{Dir: dir, Threads: o.workers, MemoryBytes: int64(o.memoryLimit)}
	if s.Threads == 0 {
		s.Threads = runtime.GOMAXPROCS(0)
	}
	if s.MemoryBytes == 0 {
		s.MemoryBytes = benchMemory
	}
	return s
}

func runBench(c *cobra.Command, name string, o *benchFlags) (err error) {
	at := slices.IndexFunc(benchWorkloads, func(w benchWorkload) bool { return w.name == name })
	w, werr := benchWorkloads[at].make(o)
	if err := errors.Join(werr, o.check()); err != nil {
		return &exitError{exitUsage, err}
	}
	dir, err := os.MkdirTemp(o.dir, "lamina-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	settings := o.settings(dir)
	peers, err := o.peers(c.Context(), settings)
	if err != nil {
		return err
	}
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o755); err != nil {
			return err
		}
	}
	r, err := versus.Run(c.Context(), w, peers, versus.Options{
		Settings: settings, Runs: o.runs, TimeMax: benchTime, ProfileDir: o.profile,
		Progress: func(what string) { fmt.Fprintln(c.ErrOrStderr(), what) },
	})
	for _, p := range peers {
		err = errors.Join(err, p.End())
	}
	if err != nil {
		return err
	}
	return o.report(c, r)
}

// peers starts the systems to compare with.
func (o *benchFlags) peers(ctx context.Context, s versus.Settings) ([]versus.System, error) {
	if !slices.Contains(o.vs, "duckdb") {
		return nil, nil
	}
	p, err := duckpy.Start(ctx, o.python)
	if err != nil {
		return nil, err
	}
	return []versus.System{versus.NewDuckDB(duckpy.Name, "duckdb.db", p, s)}, nil
}

func (o *benchFlags) report(c *cobra.Command, r *versus.Result) (err error) {
	out := c.OutOrStdout()
	fmt.Fprintf(out, "# %s\n\nMedians of %d warm runs, the systems in turns, and first runs after the database was opened; all rows fetched as Arrow records.\n\n", r.Title, r.Runs)
	if err := r.Table().Write(out); err != nil {
		return err
	}
	for _, line := range slices.Concat(r.Notes(), r.Left()) {
		fmt.Fprintf(out, "- %s\n", line)
	}
	if o.svg != "" {
		f, err := os.Create(o.svg)
		if err != nil {
			return err
		}
		if err := errors.Join(r.Chart().Write(f), f.Close()); err != nil {
			return err
		}
	}
	if wrong := r.Wrong(); len(wrong) > 0 {
		return errors.New("answers are wrong: " + strings.Join(wrong, "; "))
	}
	return nil
}

// Command bench measures Lamina beside SQLite and DuckDB on this machine and writes the figures as
// Markdown:
//
//	cd benchmarks && go run ./cmd/bench
//
// Small transactions and reads by key are measured beside SQLite and beside a bare append and
// fdatasync loop, TPC-H queries beside DuckDB. The peers run in this process through cgo; their
// settings are read back and printed. There are no thresholds: the exit code is 1 only if answers
// differ or something fails.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laminadb/lamina/benchmarks/analytic"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/benchmarks/oltp"
	"github.com/laminadb/lamina/tpch"
)

// Bounds of a run at default flags: a few minutes.
const (
	oltpRows      = 200_000
	oltpRounds    = 5
	oltpRoundTime = 500 * time.Millisecond
	tpchRuns      = 9
	tpchTimeMax   = 60 * time.Second
)

type options struct {
	sf      []float64
	only    []string
	out     string
	dir     string
	profile string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse() (o options, err error) {
	only, sf := "", ""
	flag.StringVar(&sf, "sf", "0.1,1", "scale factors of TPC-H")
	flag.StringVar(&only, "only", "oltp,tpch", "what to measure")
	flag.StringVar(&o.out, "out", "../docs/BENCHMARKS.md", "file for the report, empty for none")
	flag.StringVar(&o.dir, "dir", "", "folder on a disk for the databases (default a temporary one)")
	flag.StringVar(&o.profile, "profile", "", "folder for a CPU profile of Lamina in each TPC-H query, empty for none")
	flag.Parse()
	o.only = strings.Split(only, ",")
	for _, name := range o.only {
		if name != "oltp" && name != "tpch" {
			return o, fmt.Errorf("--only %s: there are oltp and tpch", name)
		}
	}
	if flag.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	for text := range strings.SplitSeq(sf, ",") {
		f, err := strconv.ParseFloat(text, 64)
		if err == nil {
			_, err = tpch.New(f)
		}
		if err != nil {
			return o, fmt.Errorf("--sf %s: %w", text, err)
		}
		o.sf = append(o.sf, f)
	}
	return o, nil
}

func run(ctx context.Context) (err error) {
	o, err := parse()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "lamina-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fileSystem, err := machine.FileSystem(dir)
	if err != nil {
		return err
	}
	p := newPage(fileSystem, os.Args[1:])
	progress := func(what string) { fmt.Fprintf(os.Stderr, "%s\n", what) }
	if slices.Contains(o.only, "oltp") {
		r, err := oltp.Run(ctx, oltp.Options{
			Dir: dir, Rounds: oltpRounds, RoundTime: oltpRoundTime, Rows: oltpRows, Progress: progress,
		})
		if err != nil {
			return err
		}
		p.oltp(&r)
	}
	wrong := 0
	if slices.Contains(o.only, "tpch") {
		for _, sf := range o.sf {
			n, err := p.runTPCH(ctx, o, dir, sf, progress)
			if err != nil {
				return err
			}
			wrong += n
		}
	}
	if err := p.save(o.out); err != nil {
		return err
	}
	if wrong > 0 {
		return fmt.Errorf("%d answers are missing or differ", wrong)
	}
	return nil
}

// runTPCH measures one scale factor; it returns the number of queries without right answers.
func (p *page) runTPCH(ctx context.Context, o options, dir string, sf float64, progress func(string)) (wrong int, err error) {
	dir, err = os.MkdirTemp(dir, "tpch-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ao := analytic.Options{
		Dir: dir, ScaleFactor: sf, Runs: tpchRuns, TimeMax: tpchTimeMax, MemoryBytes: max(machine.MemoryBytes()/4, 1<<30),
		Progress: progress,
	}
	if o.profile != "" {
		ao.ProfileDir = filepath.Join(o.profile, fmt.Sprintf("sf%v", sf))
		if err := os.MkdirAll(ao.ProfileDir, 0o755); err != nil {
			return 0, err
		}
	}
	r, err := analytic.Run(ctx, ao)
	if err != nil {
		return 0, err
	}
	return p.tpch(&r, sf), nil
}

// save prints the page and writes it to a file.
func (p *page) save(name string) error {
	if _, err := os.Stdout.WriteString(p.text.String()); err != nil || name == "" {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(p.text.String()), 0o644)
}

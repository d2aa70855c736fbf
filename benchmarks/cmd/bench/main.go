// Command bench measures Lamina beside SQLite, bbolt and DuckDB on this machine and writes the figures as
// Markdown:
//
//	cd benchmarks && go run ./cmd/bench
//
// Small transactions and reads by key are measured beside SQLite, bbolt and a bare append and fdatasync loop, loads and
// analytical queries beside DuckDB. Peers run through cgo, or in Python; their settings are read back and
// printed. What is killed, or measured as a process, runs in children of this program. The exit code is 1 only if
// answers differ or something fails: figures that miss their targets are listed at the end of the report.
package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"

	"github.com/laminadb/lamina/benchmarks/child"
	"github.com/laminadb/lamina/benchmarks/ingest"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/benchmarks/memory"
	"github.com/laminadb/lamina/benchmarks/peers"
	"github.com/laminadb/lamina/benchmarks/recovery"
	"github.com/laminadb/lamina/internal/cli/versus"
)

func main() {
	parts := map[string]child.Part{
		recovery.Part: recovery.Write, memory.Part: memory.Load,
		ingest.RandomPart: ingest.FillRandom, ingest.SustainedPart: ingest.FillSustained,
	}
	maps.Copy(parts, peers.Parts)
	child.Run(parts)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// part is one section of the report.
type part struct {
	name string
	run  func(ctx context.Context, p *page, o *options, dir string) error
}

// parts are in the order in which they are measured and printed.
var parts = []part{
	{"oltp", runOLTP}, {"mixed", runMixed}, {"delta", runDelta}, {"segments", runSegments}, {"load", runLoad}, {"recovery", runRecovery},
	{"memory", runMemory}, {"random", runRandom}, {"sustained", runSustained}, {"tpch", runTPCH}, {"large", runLarge},
	{"disguised", runDisguised}, {"ssb", runSSB}, {"h2o", runH2O}, {"htap", runHTAP},
}

// queryProfiled are the parts that have a profile for each query.
var queryProfiled = []string{"tpch", "disguised", "ssb", "h2o"}

func run(ctx context.Context) (err error) {
	o, err := parse()
	if err != nil {
		return err
	}
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o755); err != nil {
			return err
		}
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
	for _, part := range parts {
		if slices.Contains(o.only, part.name) {
			if err := part.in(ctx, p, o, dir); err != nil {
				return err
			}
		}
	}
	p.targets()
	if err := p.save(o.out); err != nil {
		return err
	}
	if p.wrong > 0 {
		return fmt.Errorf("%d answers are missing or differ", p.wrong)
	}
	return nil
}

// in runs the part in a folder of its own, which is gone afterwards.
func (t part) in(ctx context.Context, p *page, o *options, dir string) (err error) {
	dir = filepath.Join(dir, t.name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	run := func() error { return t.run(ctx, p, o, dir) }
	if o.profile != "" && !slices.Contains(queryProfiled, t.name) {
		return versus.Profile(filepath.Join(o.profile, t.name+".pprof"), run)
	}
	return run()
}

// progress tells what is done.
func progress(what string) { fmt.Fprintf(os.Stderr, "%s\n", what) }

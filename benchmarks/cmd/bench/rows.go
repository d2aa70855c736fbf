package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/laminadb/lamina/benchmarks/delta"
	"github.com/laminadb/lamina/benchmarks/load"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/benchmarks/memory"
	"github.com/laminadb/lamina/benchmarks/mixed"
	"github.com/laminadb/lamina/benchmarks/recovery"
	"github.com/laminadb/lamina/internal/cli/report"
)

func runMixed(ctx context.Context, p *page, o *options, dir string) error {
	r, err := mixed.Run(ctx, mixed.Options{Dir: dir, Goroutines: mixedGoroutines, Time: o.size.mixedTime, Progress: progress})
	if err != nil {
		return err
	}
	p.lines(
		"## Mixed transactions",
		"",
		fmt.Sprintf("%d goroutines for %.1f s on one database on disk; every transaction is tried until it succeeds, and its time is", r.Goroutines, r.Took.Seconds()),
		"that of all its tries. Commits wait for the disk. No error but those below came; the sums were right afterwards.",
		"",
	)
	t := &report.Table{Header: []string{"transaction", "succeeded", "a second", "p50, ms", "p99, ms", "p99.9, ms"}}
	for _, k := range r.Kinds {
		t.Add(k.Name, fmt.Sprint(k.Done), report.Rate(float64(k.Done)/r.Took.Seconds()), duration(k.P50), duration(k.P99), duration(k.P999))
	}
	p.table(t)
	var retried []string
	total := int64(0)
	for code, n := range r.Retried {
		retried = append(retried, fmt.Sprintf("%d with %s", n, code))
		total += n
	}
	slices.Sort(retried)
	if total == 0 {
		retried = []string{"none"}
	}
	p.lines(fmt.Sprintf("Tries that failed: %s. %d commits in %d groups with %d fsyncs.", strings.Join(retried, ", "), r.Commits, r.Groups, r.Syncs), "")
	p.figures.Add("mixed", 0, fmt.Sprintf("%.0f s, %d transactions, %d tried again, p50 %s ms, p99 %s ms, p99.9 %s ms",
		r.Took.Seconds(), r.All().Done, total, duration(r.All().P50), duration(r.All().P99), duration(r.All().P999)))
	return nil
}

func duration(d time.Duration) string { return fmt.Sprintf("%.3g", float64(d.Microseconds())/1e3) }

func runDelta(ctx context.Context, p *page, o *options, dir string) error {
	r, err := delta.Run(ctx, delta.Options{Dir: dir, Rows: o.size.deltaRows, Runs: o.size.deltaRuns, Threads: runtime.GOMAXPROCS(0), Progress: progress})
	if err != nil {
		return err
	}
	p.lines(
		"## Scans of delta rows",
		"",
		fmt.Sprintf("Milliseconds that all workers together need for every value of one column: medians of %d scans, after a first one.", o.size.deltaRuns),
		"",
	)
	p.settings(r.Settings)
	t := &report.Table{Header: []string{"scan", "ms a column", "ns a value"}}
	for _, c := range []struct {
		name  string
		times []float64
		rows  int64
	}{
		{"all rows, package table", r.Whole, r.Rows},
		{fmt.Sprintf("after %d rows were deleted, package table", r.Deleted), r.Holes, r.Rows - r.Deleted},
		{"the same, SELECT of the largest value of each column", r.Query, r.Rows - r.Deleted},
	} {
		t.Add(c.name, fmt.Sprintf("%.3f", report.Median(c.times)), fmt.Sprintf("%.2f", report.Median(c.times)*1e6/float64(c.rows)))
	}
	p.table(t)
	scale := 1e6 / float64(r.Rows)
	p.figures.Add("delta", report.Median(r.Whole)*scale, fmt.Sprintf("%d cores", runtime.GOMAXPROCS(0)))
	p.figures.Add("delta-deleted", report.Median(r.Holes)*scale, "")
	return nil
}

func runLoad(ctx context.Context, p *page, o *options, dir string) error {
	r, err := load.Run(ctx, load.Options{
		Dir: dir, ScaleFactor: o.size.loadScale, Rounds: o.size.loadRounds, Threads: runtime.GOMAXPROCS(0),
		MemoryBytes: max(machine.MemoryBytes()/2, 1<<30), Progress: progress,
	})
	if err != nil {
		return err
	}
	p.lines(
		"## Load",
		"",
		fmt.Sprintf("The %d rows of lineitem at scale factor %v, one durable commit at the end, each time into a new database: medians of", r.Rows, o.size.loadScale),
		fmt.Sprintf("%d rounds, in turns. The clock runs while rows are appended and while the commit waits; making the rows, and the vectors or", o.size.loadRounds),
		"Go values of them, or the csv file, does not count. Afterwards the sums of all columns were compared.",
		"",
	)
	p.settings(r.Settings)
	t := &report.Table{Header: []string{"system and call", "beside DuckDB", "rows a second", "seconds", "processor time, s"}}
	for _, c := range r.Cases {
		cell := ""
		if duck := r.Case(c.Peer); c.Peer != "" {
			cell = report.Ratio(report.Median(report.Ratios(c.Rates, duck.Rates)))
		}
		rate := report.Median(c.Rates)
		t.Add(c.Name, cell, report.Rate(rate), fmt.Sprintf("%.2f", float64(r.Rows)/rate), fmt.Sprintf("%.2f", report.Median(c.Processor)))
	}
	p.table(t)
	for _, x := range [][2]string{{"load-columns", load.LaminaColumns}, {"load-rows", load.LaminaRows}, {"load-copy", load.LaminaCopy}} {
		c := r.Case(x[1])
		duck := r.Case(c.Peer)
		p.figures.Add(x[0], report.Median(report.Ratios(c.Rates, duck.Rates)), fmt.Sprintf("%s rows a second; %s of the processor time",
			report.Rate(report.Median(c.Rates)), report.Ratio(report.Median(report.Ratios(c.Processor, duck.Processor)))))
	}
	return nil
}

func runRecovery(ctx context.Context, p *page, o *options, dir string) error {
	p.lines(
		"## Recovery after kill -9",
		"",
		"A child writes from 64 goroutines, makes no checkpoint and is killed while it writes. All rows that were acknowledged were",
		"there afterwards, and none of a transaction that was there in part.",
		"",
	)
	t := &report.Table{Header: []string{"transactions", "acknowledged", "rows", "rows found", "log, MiB", "opened in, s", "s a GiB", "processor time, s a GiB"}}
	for _, c := range []struct {
		target, name string
		small        int
		bytes        int64
	}{
		{"recovery", "of one row (60 goroutines) and of 64 rows (4)", 60, o.size.recoveryBytes},
		{"recovery-small", "of one row (64 goroutines)", 64, o.size.recoveryBytes / 8},
	} {
		sub := filepath.Join(dir, c.target)
		if err := os.Mkdir(sub, 0o755); err != nil {
			return err
		}
		r, err := recovery.Run(ctx, recovery.Options{Dir: sub, LogBytes: c.bytes, SmallWriters: c.small, Progress: progress})
		if err != nil {
			return err
		}
		if err := os.RemoveAll(sub); err != nil {
			return err
		}
		t.Add(c.name, fmt.Sprint(r.Transactions), fmt.Sprint(r.Acknowledged), fmt.Sprint(r.Found), fmt.Sprintf("%.0f", float64(r.LogBytes)/(1<<20)),
			fmt.Sprintf("%.2f", r.Took.Seconds()), fmt.Sprintf("%.2f", r.SecondsPerGiB()), fmt.Sprintf("%.2f", r.ProcessorPerGiB()))
		p.figures.Add(c.target, r.SecondsPerGiB(), fmt.Sprintf("%.3g of processor time; %.0f MiB, %d of %d acknowledged rows lost",
			r.ProcessorPerGiB(), float64(r.LogBytes)/(1<<20), max(r.Acknowledged-r.Found, 0), r.Acknowledged))
	}
	p.table(t)
	return nil
}

func runMemory(ctx context.Context, p *page, o *options, dir string) error {
	r, err := memory.Run(ctx, memory.Options{Dir: dir, MemoryBytes: o.size.memoryBytes, More: o.size.memoryMore, Progress: progress})
	if err != nil {
		return err
	}
	p.lines(
		"## Memory",
		"",
		fmt.Sprintf("A child with MemoryBytes of %d MiB was filled by three writers until they were refused or had written twice as much, and for %v more, while others updated,", r.MemoryBytes>>20, o.size.memoryMore),
		fmt.Sprintf("deleted, grouped and sorted. It inserted %d rows and answered %d queries, %d of them when the memory was full; %d writers",
			r.Rows, r.Queries, r.AfterQueries, r.Refused),
		fmt.Sprintf("and %d queries were refused, all with 53200. The process had at most **%d MiB** (VmHWM; %d before the database was opened); 1.1 × MemoryBytes + 64 MiB are %d.",
			r.RefusedQueries, r.PeakBytes>>20, r.BeforeBytes>>20, r.LimitBytes()>>20),
		"",
	)
	p.figures.Add("memory", float64(r.PeakBytes)/float64(r.LimitBytes()), fmt.Sprintf("%d of %d MiB", r.PeakBytes>>20, r.LimitBytes()>>20))
	p.figures.Add("memory-refused", float64(r.Refused+r.RefusedQueries), "none failed otherwise")
	return nil
}

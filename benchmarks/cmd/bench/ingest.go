package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/laminadb/lamina/benchmarks/ingest"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/internal/cli/report"
)

// ingestMemory is the memory of databases of which more is inserted than that. Rows are inserted by so many clients
// beside scans, and so many a commit.
const (
	ingestMemory  = 256 << 20
	randomBatch   = 1000
	randomParts   = 10
	besideBatch   = 100
	besideClients = 4
)

func runRandom(ctx context.Context, p *page, o *options, dir string) error {
	r, err := ingest.Random(ctx, ingest.RandomOptions{
		Dir: dir, MemoryBytes: ingestMemory, Rows: o.size.randomRows, Batch: randomBatch, Parts: randomParts, Progress: progress,
	})
	if err != nil {
		return err
	}
	p.lines(
		"## Inserts with random keys",
		"",
		fmt.Sprintf("%d rows of about 64 bytes with random unique keys, %d a durable commit, one client, MemoryBytes of %d MiB. After half of", r.Rows, r.Batch, r.MemoryBytes>>20),
		"them the process ended, and another one went on. Afterwards the sums of the columns were right. The first part warms up. What was",
		"written and asked counts with the part in which it ended. A filter that was asked in vain had a page of keys read.",
		"",
	)
	t := &report.Table{Header: []string{"rows before", "seconds", "rows a second", "processor time, s",
		"flushed, MiB", "compacted, MiB", "filters asked a row", "asked in vain", "pages read", "segments"}}
	for i, s := range r.Seconds {
		part, w := r.Rows/int64(len(r.Seconds)), &r.Work[i]
		t.Add(fmt.Sprint(int64(i)*part), fmt.Sprintf("%.2f", s), report.Rate(float64(part)/s), fmt.Sprintf("%.2f", r.Processor[i]),
			fmt.Sprint(w.FlushBytes>>20), fmt.Sprint(w.CompactionBytes>>20), fmt.Sprintf("%.2f", float64(w.FilterChecks)/float64(part)),
			fmt.Sprint(w.IndexMisses), fmt.Sprint(w.PagesRead), fmt.Sprint(w.Segments))
	}
	p.table(t)
	lives := &report.Table{Header: []string{"process", "opened in, s", "flushes", "compactions", "waits", "segments", "rows in none", "keys asked of filters", "found absent", "peak, MiB"}}
	for i, l := range r.Lives {
		lives.Add(fmt.Sprint(i+1), fmt.Sprintf("%.2f", l.OpenSeconds), fmt.Sprint(l.Flushes), fmt.Sprint(l.Compactions), fmt.Sprint(l.Stalls), fmt.Sprint(l.Segments),
			fmt.Sprint(l.DeltaRows), fmt.Sprint(l.BloomChecks), fmt.Sprint(l.BloomHits), fmt.Sprint(l.PeakBytes>>20))
	}
	p.table(lives)
	segments, log, checkpoints := r.WriteAmplification()
	p.lines(fmt.Sprintf("For each byte that was inserted %.2f were written to segments by flushes and compactions, %.2f to the log, and %.2f by checkpoints.", segments, log, checkpoints), "")
	last := len(r.Processor) - 1
	p.figures.Add("random", r.Slowdown(), fmt.Sprintf("%s of the processor time; %s rows a second in all; %.2f bytes written for each byte",
		report.Ratio(r.Processor[last]/r.Processor[1]), report.Rate(float64(r.Rows)/r.Total()), segments+log+checkpoints))
	p.figures.Add("random-memory", float64(r.PeakBytes())/float64(machine.LimitBytes(r.MemoryBytes)), memoryRemark(r.PeakBytes(), r.MemoryBytes))
	return nil
}

func memoryRemark(peak, memoryBytes int64) string {
	return fmt.Sprintf("%d of %d MiB", peak>>20, machine.LimitBytes(memoryBytes)>>20)
}

func runSustained(ctx context.Context, p *page, o *options, dir string) error {
	dir = filepath.Join(dir, "beside")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	r, err := ingest.Sustained(ctx, ingest.SustainedOptions{
		Dir: dir, MemoryBytes: ingestMemory, Time: o.size.sustainedTime, Clients: besideClients, Batch: besideBatch, Progress: progress,
	})
	if err != nil {
		return err
	}
	p.lines(
		"## Inserts beside scans",
		"",
		fmt.Sprintf("%d clients inserted for %.1f s, %d rows with random keys a durable commit, MemoryBytes of %d MiB. Transactions read the rows of their", besideClients, r.Seconds, besideBatch, ingestMemory>>20),
		fmt.Sprintf("snapshots over and over, for a second each and one after the other; beside them %d queries grouped the whole table, one after the other.", r.Scans),
		fmt.Sprintf("%d rows were inserted, %s a second, no error came; at most %d rows were in no segment. %d flushes, %d compactions,",
			r.Rows, report.Rate(float64(r.Rows)/r.Seconds), r.DeltaMax, r.Flushes, r.Compactions),
		fmt.Sprintf("%d segments, %d waits of writers. The process had at most %d MiB; 1.1 × MemoryBytes + 64 MiB are %d.", r.Segments, r.Stalls, r.PeakBytes>>20, machine.LimitBytes(ingestMemory)>>20),
		"",
	)
	t := &report.Table{Header: []string{"milliseconds", "p50", "p99", "p99.9", "longest"}}
	for _, x := range []struct {
		name string
		q    [4]int64
	}{{"commits", r.Commit}, {"rows appended and committed, waits included", r.Insert}} {
		cells := []string{x.name}
		for _, v := range x.q {
			cells = append(cells, fmt.Sprintf("%.3g", float64(v)/1e6))
		}
		t.Add(cells...)
	}
	p.table(t)
	p.figures.Add("sustained", float64(r.Commit[2])/1e6, fmt.Sprintf("%.0f s, %d commits, longest %.3g ms", r.Seconds, r.Commits, float64(r.Commit[3])/1e6))
	p.figures.Add("sustained-memory", float64(r.PeakBytes)/float64(machine.LimitBytes(ingestMemory)), memoryRemark(r.PeakBytes, ingestMemory))
	return nil
}

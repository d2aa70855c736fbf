package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/tpch"
)

// columnarReport is what the queries of mixed work on columnar tables have met: the least of all runs, and what was done
// meanwhile.
type columnarReport struct {
	DeltaRows    int64 `json:"delta_rows"`
	DeletionBits int64 `json:"deletion_bits"`
	Segments     int64 `json:"segments"`
	BitmapsRead  int64 `json:"bitmaps_read"`
	PagesRead    int64 `json:"pages_read"`
	Flushes      int64 `json:"flushes"`
	Compactions  int64 `json:"compactions"`
	seen         bool
	first        table.TierMetrics
}

// see takes what there is before a query runs.
func (r *columnarReport) see(m table.Metrics) {
	t := columnarOf(m)
	if !r.seen {
		r.DeltaRows, r.DeletionBits, r.Segments, r.seen = t.DeltaRows, t.DeletedRows, t.Segments, true
	}
	r.DeltaRows, r.DeletionBits = min(r.DeltaRows, t.DeltaRows), min(r.DeletionBits, t.DeletedRows)
	r.Segments = min(r.Segments, t.Segments)
}

// end takes what was done since the first queries.
func (r *columnarReport) end(m table.Metrics) {
	t := columnarOf(m)
	r.BitmapsRead, r.PagesRead = t.BitmapsRead-r.first.BitmapsRead, t.PagesRead-r.first.PagesRead
	r.Flushes, r.Compactions = t.Flushes-r.first.Flushes, t.Compactions-r.first.Compactions
}

// complete reports whether the queries met all that mixed work is for.
func (r *columnarReport) complete() bool {
	return r.DeltaRows > 0 && r.DeletionBits > 0 && r.Segments > 1 && r.Compactions > 0
}

func (r *columnarReport) String() string {
	s := fmt.Sprintf("Every run of a query met at least %s in memory, %s in deletion vectors and %s. Meanwhile\n"+
		"%s and %s finished, %s and %s were read.\n", countOf(r.DeltaRows, "delta row"), countOf(r.DeletionBits, "bit"),
		countOf(r.Segments, "segment"), flushes(r.Flushes), countOf(r.Compactions, "compaction"),
		countOf(r.BitmapsRead, "bitmap"), countOf(r.PagesRead, "page"))
	if !r.complete() {
		s += "INCOMPLETE: delta rows, bits in deletion vectors, several segments, and compactions were to be met.\n"
	}
	return s
}

func flushes(n int64) string {
	if n == 1 {
		return "1 flush"
	}
	return countText(n) + " flushes"
}

func columnarOf(m table.Metrics) (t table.TierMetrics) {
	for _, t = range m.Tiers {
		if t.Name == "columnar" {
			return t
		}
	}
	return table.TierMetrics{}
}

// Bounds of the memtables of mixed work, and the part of the largest table that one has: there are several segments at
// every scale factor.
const (
	mixedDeltaMin, mixedDeltaMax = 2 << 10, 1 << 20
	mixedDeltaPart               = 16
	mixedSegmentDeltas           = 4
)

// options are those that the database is opened with.
func (j *tpchJob) options() *lamina.Options {
	o := j.flags.options()
	if j.flags.mixed && j.flags.tier == "columnar" {
		rows := int(max(mixedDeltaMin, min(mixedDeltaMax, j.g.Rows(tpch.LineItem)/mixedDeltaPart)))
		o.Storage = table.Columnar{DeltaRows: rows, SegmentRows: min(mixedDeltaMax, mixedSegmentDeltas*rows)}
	}
	return o
}

// startCompactor compacts beside the queries until the function that it returns is called.
func (j *tpchJob) startCompactor(ctx context.Context) (stop func() error) {
	if j.flags.tier != "columnar" {
		return func() error { return nil }
	}
	j.met = &columnarReport{first: columnarOf(j.db.Metrics())}
	c := tpchload.StartCompactor(ctx, j.db)
	return func() error {
		err := c.Stop()
		j.met.end(j.db.Metrics())
		return err
	}
}

// mix changes rows while a REPEATABLE READ transaction holds the state from before, and says what
// the queries will meet.
func (j *tpchJob) mix(ctx context.Context) (*tpchload.Snapshot, error) {
	if j.flags.tier == "columnar" {
		if err := tpchload.Compact(ctx, j.db); err != nil {
			return nil, err
		}
	}
	snapshot, err := tpchload.TakeSnapshot(ctx, j.db)
	if err != nil {
		return nil, fmt.Errorf("take a snapshot: %w", err)
	}
	start := time.Now()
	changed, err := tpchload.Churn(ctx, j.db, j.flags.tier)
	took := time.Since(start)
	if err == nil {
		err = snapshot.Check(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, snapshot.Close())
	}
	j.printf("Mixed work: %s transactions of about %d rows beside %s of bulk rows. Then, in %s, %s rows updated\n"+
		"and %s deleted and inserted again, while a REPEATABLE READ transaction holds the state from before.\n",
		countText(j.report.Load.SmallTransactions), tpchload.SmallRows, countText(j.report.Load.BulkTransactions),
		seconds3(took), countText(changed.Updated), countText(changed.Reinserted))
	m := j.db.Metrics()
	j.report.Mixed = mixedOf(m, changed)
	j.printf("The queries meet %s dead row versions; so far %s commits in %s groups and %s log syncs.\n",
		countText(j.report.Mixed.DeadRows), countText(m.Commits), countText(m.Groups), countText(m.LogSyncs))
	return snapshot, nil
}

func mixedOf(m table.Metrics, c tpchload.Changed) *mixedReport {
	r := &mixedReport{
		Updated: c.Updated, Reinserted: c.Reinserted, Commits: m.Commits, Groups: m.Groups, LogSyncs: m.LogSyncs,
	}
	for _, t := range m.Tiers {
		r.DeadRows += t.DeadRows
	}
	return r
}

// mixedWriters is the number of writers beside the queries of mixed work.
const mixedWriters = 2

// runBeside runs the queries, those of mixed work beside writers.
func (j *tpchJob) runBeside(ctx context.Context) error {
	if !j.flags.mixed {
		return j.runQueries(ctx)
	}
	writers := tpchload.StartWriters(ctx, j.db, mixedWriters, j.g.Rows(tpch.Orders))
	compactor := j.startCompactor(ctx)
	err := j.runQueries(ctx)
	err = errors.Join(err, compactor())
	written, werr := writers.Stop()
	if err = errors.Join(err, werr); err != nil {
		return err
	}
	j.report.Mixed.Beside = written.Updated + written.Reinserted
	j.printf("Beside the queries, %d writers changed rows and back in %s transactions, deleted and inserted rows again in\n"+
		"%s, and rolled %s back.\n", mixedWriters, countText(written.Updated), countText(written.Reinserted),
		countText(written.RolledBack))
	if j.met != nil {
		j.report.Mixed.Columnar = j.met
		j.printf("%s", j.met)
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/internal/cli/tpchload"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/tpch"
)

// tpchJob is one run of `lamina tpch`.
type tpchJob struct {
	flags   *tpchFlags
	g       *tpch.Generator
	queries []int
	dir     string
	out     io.Writer
	bars    bars
	db      *lamina.DB
	report  tpchReport
	// passes are how all queries run, one after the other.
	passes []tpchPass
	// met is what the queries of mixed work on columnar tables meet.
	met *columnarReport
}

// run does everything and prints the report. Wrong answers are in the report, not in the error.
func (j *tpchJob) run(ctx context.Context) (err error) {
	j.report = newTPCHReport(j.flags)
	if j.db, err = lamina.Open(j.dir, j.options()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.db.Close()) }()
	if err := j.load(ctx); err != nil {
		return err
	}
	var snapshot *tpchload.Snapshot
	if j.flags.mixed {
		if snapshot, err = j.mix(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, snapshot.Close()) }()
	}
	if err := j.runBeside(ctx); err != nil {
		return err
	}
	if snapshot != nil {
		if err := snapshot.Check(ctx); err != nil {
			return fmt.Errorf("after the queries: %w", err)
		}
	}
	j.report.Memory = memoryOf(j.db.Metrics())
	j.report.finish(j.flags)
	if j.flags.verify {
		return nil
	}
	if j.flags.json {
		return j.report.printJSON(j.out)
	}
	return j.report.printTable(j.out)
}

// printf prints for people only, and not while many ways to run are compared.
func (j *tpchJob) printf(format string, args ...any) {
	if !j.flags.json && !j.flags.verify {
		fmt.Fprintf(j.out, format, args...)
	}
}

func (j *tpchJob) load(ctx context.Context) error {
	var total int64
	for _, t := range tpch.Tables() {
		total += j.g.Rows(t)
	}
	if err := j.checkMemory(); err != nil {
		return err
	}
	report, done := j.bars.begin("load", "rows", total)
	stats, err := tpchload.Load(ctx, j.db, j.g, tpchload.Options{
		Tier: j.flags.tier, Workers: j.flags.workers, Mixed: j.flags.mixed, CorruptRow: j.flags.corruptRow, Progress: report,
	})
	done()
	if err != nil {
		return j.adviseMemory(explainLoad(err, j.flags.sf))
	}
	if stats.Rows != total {
		return fmt.Errorf("load: %d rows were loaded, there are %d", stats.Rows, total)
	}
	seconds := stats.Duration.Seconds()
	j.report.Load = loadReport{
		Rows: stats.Rows, Bytes: stats.Bytes, Seconds: seconds, BulkTransactions: stats.Bulk, SmallTransactions: stats.Small,
		RowsPerSecond: float64(stats.Rows) / seconds, BytesPerSecond: float64(stats.Bytes) / seconds,
	}
	j.printf("Generated and loaded %s rows, %s of values, in %s: %s rows/s, %.1f MB/s.\n", countText(stats.Rows),
		bytesText(stats.Bytes), seconds3(stats.Duration), countText(int64(j.report.Load.RowsPerSecond)),
		j.report.Load.BytesPerSecond/1e6)
	return nil
}

// uniqueFrom is the scale factor from which on, and 0.01, the suppliers of a part that dbgen draws
// always differ.
const uniqueFrom = 0.022

// explainLoad says why a load failed. At tiny scale factors it is no fault of the database.
func explainLoad(err error, sf float64) error {
	if sqlerr.CodeOf(err) == sqlerr.DuplicateTable {
		return sqlerr.From(err).WithHint("The load makes its tables: give a directory without them, or none.")
	}
	if sf < uniqueFrom && sqlerr.CodeOf(err) == sqlerr.UniqueViolation {
		return sqlerr.From(err).WithHint("At this scale factor dbgen's own rows have keys twice. " +
			"Use 0.01 or 0.022 and above.")
	}
	return fmt.Errorf("load: %w", err)
}

// runQueries runs all queries in each pass, and keeps the reports of the last one for the table.
func (j *tpchJob) runQueries(ctx context.Context) error {
	report, done := j.bars.begin("queries", "runs", int64(len(j.passes)*len(j.queries)*j.flags.runs))
	defer done()
	ran := int64(0)
	for i := range j.passes {
		if err := j.runPass(ctx, &j.passes[i], func() { ran++; report(ran) }); err != nil {
			return err
		}
		j.report.Queries = j.passes[i].queries
	}
	return nil
}

// runPass runs all queries in a session with the settings of a pass.
func (j *tpchJob) runPass(ctx context.Context, p *tpchPass, ran func()) (err error) {
	conn, err := j.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	for _, s := range p.settings {
		if _, err := conn.Exec(ctx, "SELECT set_config($1, $2, false)", s.name, s.value); err != nil {
			return err
		}
	}
	spilled := j.db.Metrics().SpilledBytes
	for _, n := range j.queries {
		r := queryReport{Query: n}
		for range j.flags.runs {
			if j.met != nil {
				j.met.see(j.db.Metrics())
			}
			r.run(ctx, conn, j.flags.sf)
			ran()
			if err := ctx.Err(); err != nil {
				return err
			}
			if r.Status == statusFailed {
				break
			}
		}
		p.queries = append(p.queries, r)
	}
	p.spilled = j.db.Metrics().SpilledBytes - spilled
	return nil
}

// seconds3 prints a duration with three digits.
func seconds3(d time.Duration) string {
	switch s := d.Seconds(); {
	case s >= 100:
		return fmt.Sprintf("%.0f s", s)
	case s >= 10:
		return fmt.Sprintf("%.1f s", s)
	case s >= 1:
		return fmt.Sprintf("%.2f s", s)
	case s >= 0.1:
		return fmt.Sprintf("%.0f ms", s*1e3)
	default:
		return fmt.Sprintf("%.3g ms", s*1e3)
	}
}

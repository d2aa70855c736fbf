package main

import (
	"context"
	"fmt"

	"github.com/laminadb/lamina/benchmarks/htap"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/internal/cli/report"
	"github.com/laminadb/lamina/tpch"
)

// htapClients is the number of clients of the transactions beside the stream of queries.
const htapClients = 4

func runHTAP(ctx context.Context, p *page, o *options, dir string) error {
	r, err := htap.Run(ctx, htap.Options{
		Dir: dir, ScaleFactor: o.size.htapScale, MemoryBytes: max(machine.MemoryBytes()/4, 1<<30), Runs: o.size.htapRuns,
		Time: o.size.htapTime, Clients: htapClients, Progress: progress,
	})
	if err != nil {
		return err
	}
	p.mixedQueries(r)
	p.htapMix(r)
	return nil
}

// mixedQueries prints what queries take on rows that are not at rest.
func (p *page) mixedQueries(r *htap.Result) {
	p.lines(
		fmt.Sprintf("## TPC-H on rows that change, at scale factor %v", r.ScaleFactor),
		"",
		fmt.Sprintf("Medians of %d runs, milliseconds. Of the %d rows of orders and lineitem %d are in the delta and %d are deleted in segments. Then", r.Runs, r.Rows, r.DeltaRows, r.DeletedRows),
		fmt.Sprintf("%d compactions of another table ran beside, for %.0f %% of the time; at last all rows were in segments.", r.Compactions, 100*r.BusyShare),
		"",
	)
	t := &report.Table{Header: []string{"query", "clean", "mixed", "beside clean", "mixed, compactions", "beside clean"}}
	for n := 1; n <= tpch.NumQueries; n++ {
		t.Add(fmt.Sprintf("Q%d", n), millis(r.Clean[n]), millis(r.Mixed[n]), report.Ratio(r.Mixed[n]/r.Clean[n]), millis(r.Busy[n]), report.Ratio(r.Busy[n]/r.Clean[n]))
	}
	t.Add("geometric mean", millis(report.Geomean(r.Clean[1:])), millis(report.Geomean(r.Mixed[1:])), report.Ratio(r.MixedRatio()),
		millis(report.Geomean(r.Busy[1:])), report.Ratio(r.BusyRatio()))
	p.table(t)
	p.verdict("htap-mixed", r.BusyRatio(), fmt.Sprintf("scale factor %v, %s without compactions", r.ScaleFactor, report.Ratio(r.MixedRatio())))
}

// htapMix prints transactions and queries, alone and together.
func (p *page) htapMix(r *htap.Result) {
	p.lines(
		"## Transactions beside a stream of queries",
		"",
		fmt.Sprintf("%d clients change one order each by its key, in a durable transaction; the stream runs the queries of TPC-H at scale factor %v one after", r.Clients, r.ScaleFactor),
		fmt.Sprintf("the other, on the same tables, for %v. Beside the transactions it had %.0f %% of the processors.", r.Time, 100*r.StreamShare()),
		"",
	)
	t := &report.Table{Header: []string{"", "transactions a second", "p50, ms", "p99, ms", "queries a second"}}
	t.Add("transactions alone", report.Rate(r.Alone.Rate()), duration(r.Alone.P50), duration(r.Alone.P99), "")
	t.Add("stream alone", "", "", "", fmt.Sprintf("%.1f", r.Stream.Rate()))
	t.Add("both", report.Rate(r.Beside.Rate()), duration(r.Beside.P50), duration(r.Beside.P99), fmt.Sprintf("%.1f", r.StreamBeside.Rate()))
	p.table(t)
	p.verdict("htap-kept", r.Kept(), fmt.Sprintf("%s of %s a second; the stream had %.0f %% of the processors", report.Rate(r.Beside.Rate()), report.Rate(r.Alone.Rate()), 100*r.StreamShare()))
	p.verdict("htap-p99", r.Beside.P99.Seconds()/r.Alone.P99.Seconds(), duration(r.Beside.P99)+" ms beside "+duration(r.Alone.P99))
}

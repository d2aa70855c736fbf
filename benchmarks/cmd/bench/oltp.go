package main

import (
	"context"
	"fmt"

	"github.com/laminadb/lamina/benchmarks/oltp"
	"github.com/laminadb/lamina/internal/cli/report"
)

func runOLTP(ctx context.Context, p *page, o *options, dir string) error {
	r, err := oltp.Run(ctx, oltp.Options{
		Dir: dir, Rounds: o.size.oltpRounds, RoundTime: o.size.oltpRoundTime, Rows: o.size.oltpRows, Progress: progress,
	})
	if err != nil {
		return err
	}
	p.lines(
		"## Small transactions and reads by key",
		"",
		fmt.Sprintf("Rows or reads a second: the median of %d rounds of %v each, all cases in turns.", o.size.oltpRounds, o.size.oltpRoundTime),
		fmt.Sprintf("The table has %d rows of about 100 bytes before. Every commit waits for the disk.", o.size.oltpRows),
		"Ratios are medians of those of the same round. A durable writer beside reads is one client that inserts",
		"one row after the other. bbolt's values are taken apart into the same Go values that a row has.",
		"",
	)
	p.settings(r.Settings)
	p.oltp(&r)
	p.groups(&r)
	p.oltpTargets(&r)
	return nil
}

// oltpPeers are the systems beside which Lamina is shown.
var oltpPeers = []string{oltp.SQLite, oltp.Bolt, oltp.Bare}

// ratio returns how many times a case's rate is that of a peer doing the same: with the same note if there is one.
func ratio(r *oltp.Result, c *oltp.Case, peer string) float64 {
	var found *oltp.Case
	work := c.Work
	switch work {
	case oltp.GetSegments, oltp.GetUncached:
		work = oltp.Get
	case oltp.UpdateSegments:
		work = oltp.Update
	}
	for _, x := range r.Cases {
		same := x.Work == work || x.System == oltp.Bare && (c.Work == oltp.Insert1 || c.Work == oltp.Insert64)
		if x.System != peer || !same {
			continue
		}
		if found == nil || x.Note == c.Note {
			found = x
		}
	}
	if found == nil || found == c || c.System == oltp.Bare {
		return report.Median(nil)
	}
	if peer == oltp.Bolt && found.Note != c.Note {
		return report.Median(nil) // another kind of snapshot
	}
	return report.Median(report.Ratios(c.Rates, found.Rates))
}

func (p *page) oltp(r *oltp.Result) {
	t := &report.Table{Header: []string{"work", "system", "beside SQLite", "beside bbolt", "beside the bare loop", "a second", "how"}}
	for _, c := range r.Cases {
		cells := []string{c.Work, c.System}
		for _, peer := range oltpPeers {
			cell := ""
			if c.System == oltp.Lamina || c.System == oltp.SQLite && peer == oltp.Bare {
				if cell = report.Ratio(ratio(r, c, peer)); cell == "–" {
					cell = ""
				}
			}
			cells = append(cells, cell)
		}
		t.Add(append(cells, report.Rate(report.Median(c.Rates)), c.Note)...)
	}
	p.table(t)
}

// groups prints what Lamina has counted of the durable cases.
func (p *page) groups(r *oltp.Result) {
	p.lines("What Lamina has counted meanwhile (`DB.Metrics`): each group of commits is written to the log at once, and waits", "for the disk once.", "")
	t := &report.Table{Header: []string{"work", "commits", "groups", "fsyncs", "commits a group"}}
	for _, c := range r.Cases {
		if n := c.Counts; n.Commits > 0 {
			t.Add(c.Work, fmt.Sprint(n.Commits), fmt.Sprint(n.Groups), fmt.Sprint(n.Syncs), fmt.Sprintf("%.1f", float64(n.Commits)/float64(n.Groups)))
		}
	}
	p.table(t)
}

func (p *page) oltpTargets(r *oltp.Result) {
	find := func(work, note string) *oltp.Case {
		for _, c := range r.Cases {
			if c.System == oltp.Lamina && c.Work == work && (note == "" || c.Note == note) {
				return c
			}
		}
		panic("no case " + work + ", " + note)
	}
	one, many := find(oltp.Insert1, ""), find(oltp.Insert64, "")
	p.figures.Add("insert-1-bare", ratio(r, one, oltp.Bare), "")
	p.figures.Add("insert-1-sqlite", ratio(r, one, oltp.SQLite), "")
	p.figures.Add("insert-64", report.Median(report.Ratios(many.Rates, one.Rates)), report.Rate(report.Median(many.Rates))+" a second")
	p.figures.Add("get", report.Median(find(oltp.Get, oltp.OneSnapshot).Rates), "")
	fresh := find(oltp.Get, oltp.SnapshotEach)
	p.figures.Add("get-bbolt", ratio(r, fresh, oltp.Bolt), report.Rate(report.Median(fresh.Rates))+" a second; "+
		report.Ratio(ratio(r, find(oltp.Get, oltp.OneSnapshot), oltp.Bolt))+" with one snapshot held")
	p.figures.Add("get-beside", report.Median(find(oltp.GetBeside, oltp.SnapshotEach).Rates), "")
	p.figures.Add("get-sqlite", ratio(r, find(oltp.Get, oltp.PreparedQuery), oltp.SQLite), "")
	p.figures.Add("get-std", ratio(r, find(oltp.Get, oltp.PreparedStd), oltp.SQLite), "")
	p.figures.Add("get-known", 1e6/report.Median(find(oltp.Get, oltp.KnownText).Rates), "")
	p.figures.Add("get-new", 1e6/report.Median(find(oltp.Get, oltp.NewText).Rates), "")
	p.figures.Add("update-sqlite", ratio(r, find(oltp.Update, ""), oltp.SQLite), "")
	for _, c := range r.Cases {
		if c.System == oltp.Pebble {
			lsm := find(oltp.GetLSM, oltp.OneSnapshot)
			p.figures.Add("lsm-pebble", report.Median(report.Ratios(lsm.Rates, c.Rates)), report.Rate(report.Median(lsm.Rates))+" a second")
		}
	}
	p.figures.Add("segments-get", report.Median(find(oltp.GetSegments, oltp.OneSnapshot).Rates), "")
	p.figures.Add("segments-uncached", report.Median(find(oltp.GetUncached, oltp.OneSnapshot).Rates), "")
	p.figures.Add("segments-sqlite", ratio(r, find(oltp.GetSegments, oltp.PreparedQuery), oltp.SQLite), "")
}

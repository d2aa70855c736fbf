package main

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"

	"github.com/laminadb/lamina/benchmarks/analytic"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/benchmarks/oltp"
	"github.com/laminadb/lamina/benchmarks/report"
)

// page is the report.
type page struct{ text strings.Builder }

func newPage(fileSystem string) *page {
	p := &page{}
	p.printf("# Benchmarks\n\nWritten by `cd benchmarks && go run ./cmd/bench`. Absolute figures belong to this machine and drift by "+
		"10–20 %%;\nratios last longer.\n\n- Machine: %s\n- Disk: %s\n- %s, GOMAXPROCS %d\n- %s; load average before the run: %s\n\n", machine.Describe(), fileSystem,
		runtime.Version(), runtime.GOMAXPROCS(0), time.Now().UTC().Format("2006-01-02"), machine.Load())
	return p
}

func (p *page) printf(format string, args ...any) { fmt.Fprintf(&p.text, format, args...) }

func (p *page) table(t *report.Table) { _ = t.Write(&p.text) } // a Builder takes everything

func (p *page) settings(list []string) {
	for _, s := range list {
		p.printf("- %s\n", s)
	}
	p.printf("\n")
}

func (p *page) oltp(r *oltp.Result) {
	p.printf("## Small transactions and reads by key\n\nRows or reads a second: the median of %d rounds of %v each, all cases in "+
		"turns. The table has %d rows of\nabout 100 bytes before. Every commit waits for the disk.\n\n", oltpRounds, oltpRoundTime, oltpRows)
	p.settings(r.Settings)
	peers := map[string]float64{}
	bare := math.NaN()
	for _, c := range r.Cases {
		switch c.System {
		case oltp.SQLite:
			peers[c.Work] = report.Median(c.Rates)
		case oltp.Bare:
			bare = report.Median(c.Rates)
		}
	}
	t := &report.Table{Header: []string{"work", "system", "how", "a second", "beside SQLite", "beside the bare loop"}}
	for _, c := range r.Cases {
		m := report.Median(c.Rates)
		sqlite, loop := "", ""
		if c.System == oltp.Lamina {
			sqlite = report.Ratio(m / peers[c.Work])
		}
		if c.Work == oltp.Insert1 || c.Work == oltp.Insert64 {
			loop = report.Ratio(m / bare)
		}
		t.Add(c.Work, c.System, c.Note, report.Rate(m), sqlite, loop)
	}
	p.table(t)
}

// tpch prints the analytic figures; it returns the number of queries without right answers.
func (p *page) tpch(r *analytic.Result, sf float64) (wrong int) {
	p.printf("## TPC-H at scale factor %v\n\nMilliseconds: the median of %d runs after a first one, the systems in turns, all rows "+
		"fetched. Answers were compared\nbefore times count: \"equal\" are Lamina's and DuckDB's, \"as expected\" Lamina's and PostgreSQL's to the last digit.\n\n",
		sf, r.Runs)
	p.settings(r.Settings)
	p.printf("Load of %d rows: Lamina, from the generator in the same process, with primary keys, durable: %.2f s (%s rows/s); "+
		"DuckDB, from\ntext files, without keys: %.2f s (%s rows/s).\n\n", r.Rows, r.LoadLamina.Seconds(),
		report.Rate(float64(r.Rows)/r.LoadLamina.Seconds()), r.LoadDuck.Seconds(), report.Rate(float64(r.Rows)/r.LoadDuck.Seconds()))
	t := &report.Table{Header: []string{"query", "rows", "Lamina", "DuckDB", "times as fast", "answer"}}
	var laminaSum, duckSum float64
	var laminas, ducks, ratios []float64
	problems := ""
	for _, q := range r.Queries {
		if q.Problem != "" {
			wrong++
			t.Add(fmt.Sprintf("Q%d", q.Number), "", "", "", "", "WRONG")
			problems += fmt.Sprintf("- Q%d: %s\n", q.Number, q.Problem)
			continue
		}
		l, d := report.Median(q.Lamina), report.Median(q.Duck)
		laminaSum, duckSum = laminaSum+l, duckSum+d
		laminas, ducks, ratios = append(laminas, l), append(ducks, d), append(ratios, d/l)
		answer := "equal"
		if q.Expected {
			answer = "equal, as expected"
		}
		t.Add(fmt.Sprintf("Q%d", q.Number), fmt.Sprint(q.Rows), millis(l), millis(d), report.Ratio(d/l), answer)
	}
	t.Add("total", "", millis(laminaSum), millis(duckSum), report.Ratio(duckSum/laminaSum), "")
	t.Add("geometric mean", "", millis(report.Geomean(laminas)), millis(report.Geomean(ducks)), report.Ratio(report.Geomean(ratios)), "")
	p.table(t)
	if problems != "" {
		p.printf("Not timed:\n\n%s\n", problems)
	}
	return wrong
}

func millis(v float64) string { return fmt.Sprintf("%.2f", v) }

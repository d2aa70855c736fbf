package main

import (
	"fmt"
	"math"
	"os/exec"
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
	p.lines(
		"# Benchmarks",
		"",
		"Written by `cd benchmarks && go run ./cmd/bench`. Absolute figures belong to this machine and drift by 10–20 %;",
		"ratios last longer.",
		"",
		"- Machine: "+machine.Describe(),
		"- Disk: "+fileSystem,
		fmt.Sprintf("- %s, GOMAXPROCS %d", runtime.Version(), runtime.GOMAXPROCS(0)),
		"- "+time.Now().UTC().Format(time.DateOnly)+revision()+"; load average before the run: "+machine.Load(),
		"",
	)
	return p
}

// revision names the commit that is measured, if git knows it.
func revision() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return ""
	}
	return ", commit " + strings.TrimSpace(string(out))
}

func (p *page) lines(lines ...string) {
	for _, l := range lines {
		p.text.WriteString(l + "\n")
	}
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
	p.lines(
		"## Small transactions and reads by key",
		"",
		fmt.Sprintf("Rows or reads a second: the median of %d rounds of %v each, all cases in turns.",
			oltpRounds, oltpRoundTime),
		fmt.Sprintf("The table has %d rows of about 100 bytes before. Every commit waits for the disk.", oltpRows),
		"",
	)
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
	p.lines(
		fmt.Sprintf("## TPC-H at scale factor %v", sf),
		"",
		fmt.Sprintf("Milliseconds: the median of %d runs after a first one, the systems in turns, all rows fetched.", r.Runs),
		"Answers were compared before times count: \"equal\" are Lamina's and DuckDB's, \"as expected\" Lamina's and",
		"PostgreSQL's to the last digit.",
		"",
	)
	p.settings(r.Settings)
	p.lines(
		fmt.Sprintf("Load of %d rows:", r.Rows),
		"",
		"- Lamina, from the generator in the same process, with primary keys, durable: "+load(r.Rows, r.LoadLamina),
		"- DuckDB, from text files, without keys: "+load(r.Rows, r.LoadDuck),
		"",
	)
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
	t.Add("geometric mean", "", millis(report.Geomean(laminas)), millis(report.Geomean(ducks)),
		report.Ratio(report.Geomean(ratios)), "")
	p.table(t)
	if problems != "" {
		p.printf("Not timed:\n\n%s\n", problems)
	}
	return wrong
}

func load(rows int64, took time.Duration) string {
	return fmt.Sprintf("%.2f s (%s rows/s)", took.Seconds(), report.Rate(float64(rows)/took.Seconds()))
}

func millis(v float64) string { return fmt.Sprintf("%.2f", v) }

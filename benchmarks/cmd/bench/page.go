package main

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/laminadb/lamina/benchmarks/analytic"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/benchmarks/target"
	"github.com/laminadb/lamina/internal/cli/report"
)

// page is the report.
type page struct {
	text    strings.Builder
	figures target.List
	// wrong counts the queries without right answers.
	wrong int
}

func newPage(fileSystem string, args []string) *page {
	p := &page{}
	command := strings.Join(append([]string{"go run ./cmd/bench"}, args...), " ")
	p.lines(
		"# Benchmarks",
		"",
		"Written by `cd benchmarks && "+command+"`, which needs cgo for the peers. The systems take turns in one",
		"process, so ratios hold; absolute figures belong to this machine and to what else ran on it.",
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

// targets prints how the figures stand to what they ought to be.
func (p *page) targets() {
	p.lines("## Targets", "")
	p.table(p.figures.Table())
}

// tpch prints the analytic figures.
func (p *page) tpch(r *analytic.Result, sf float64) {
	p.lines(
		fmt.Sprintf("## TPC-H at scale factor %v", sf),
		"",
		fmt.Sprintf("Medians of %d runs after a first one, the systems in turns, all rows fetched. The ratio is the median of", r.Runs),
		"those of neighbouring runs: below 1 Lamina takes less time. Answers were compared before times count: \"equal\"",
		"are Lamina's and DuckDB's, \"as expected\" Lamina's and PostgreSQL's to the last digit.",
		"",
	)
	p.settings(r.Settings)
	p.lines(
		fmt.Sprintf("Load of %d rows:", r.Rows),
		"",
		"- Lamina, from the generator in the same process, with primary keys, durable: "+loadTime(r.Rows, r.LoadLamina),
		"- DuckDB, from text files, without keys: "+loadTime(r.Rows, r.LoadDuck),
		"",
	)
	t := &report.Table{Header: []string{"query", "Lamina / DuckDB", "Lamina, ms", "DuckDB, ms", "rows", "answer"}}
	var laminaSum, duckSum float64
	var laminas, ducks, ratios []float64
	problems := ""
	for _, q := range r.Queries {
		if q.Problem != "" {
			p.wrong++
			t.Add(fmt.Sprintf("Q%d", q.Number), "", "", "", "", "WRONG")
			problems += fmt.Sprintf("- Q%d: %s\n", q.Number, q.Problem)
			continue
		}
		l, d := report.Median(q.Lamina), report.Median(q.Duck)
		ratio := report.Median(report.Ratios(q.Lamina, q.Duck))
		laminaSum, duckSum = laminaSum+l, duckSum+d
		laminas, ducks, ratios = append(laminas, l), append(ducks, d), append(ratios, ratio)
		answer := "equal"
		if q.Expected {
			answer = "equal, as expected"
		}
		t.Add(fmt.Sprintf("Q%d", q.Number), report.Ratio(ratio), millis(l), millis(d), fmt.Sprint(q.Rows), answer)
	}
	t.Add("total", report.Ratio(laminaSum/duckSum), millis(laminaSum), millis(duckSum), "", "")
	t.Add("geometric mean", report.Ratio(report.Geomean(ratios)), millis(report.Geomean(laminas)), millis(report.Geomean(ducks)), "", "")
	p.table(t)
	p.figures.Add("tpch", report.Geomean(ratios), fmt.Sprintf("scale factor %v", sf))
	if problems != "" {
		p.printf("Not timed:\n\n%s\n", problems)
	}
}

func loadTime(rows int64, took time.Duration) string {
	return fmt.Sprintf("%.2f s (%s rows/s)", took.Seconds(), report.Rate(float64(rows)/took.Seconds()))
}

func millis(v float64) string { return fmt.Sprintf("%.2f", v) }

package main

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"

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

func millis(v float64) string { return fmt.Sprintf("%.2f", v) }

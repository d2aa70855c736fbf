package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/benchmarks/target"
	"github.com/laminadb/lamina/internal/cli/chart"
	"github.com/laminadb/lamina/internal/cli/report"
)

// page is the report.
type page struct {
	text    strings.Builder
	figures target.List
	// wrong counts the queries without right answers.
	wrong int
	// charts are drawn into files beside the page, by their names.
	charts map[string]*chart.Bars
}

func newPage(fileSystem string, args []string) *page {
	p := &page{charts: map[string]*chart.Bars{}}
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

// draw puts a chart on the page.
func (p *page) draw(name string, b *chart.Bars) {
	file := name + ".svg"
	for n := 2; p.charts[file] != nil; n++ {
		file = fmt.Sprintf("%s-%d.svg", name, n)
	}
	p.charts[file] = b
	p.lines("!["+b.Title+"]("+chartFolder+"/"+file+")", "")
}

// chartFolder is beside the page.
const chartFolder = "charts"

// save prints the page and writes it and its charts to files.
func (p *page) save(name string) error {
	if _, err := os.Stdout.WriteString(p.text.String()); err != nil || name == "" {
		return err
	}
	folder := filepath.Join(filepath.Dir(name), chartFolder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for file, b := range p.charts {
		var text bytes.Buffer
		if err := errors.Join(b.Write(&text), os.WriteFile(filepath.Join(folder, file), text.Bytes(), 0o644)); err != nil {
			return err
		}
	}
	return os.WriteFile(name, []byte(p.text.String()), 0o644)
}

// targets prints how the figures stand to what they ought to be.
func (p *page) targets() {
	p.lines("## Targets", "")
	p.table(p.figures.Table())
}

func millis(v float64) string { return fmt.Sprintf("%.2f", v) }

package report_test

import (
	"math"
	"strings"
	"testing"

	"github.com/laminadb/lamina/internal/cli/report"
)

func TestFigures(t *testing.T) {
	if m := report.Median([]float64{3, 1, 2}); m != 2 {
		t.Errorf("median of three: %v", m)
	}
	if m := report.Median([]float64{4, 1, 2, 3}); m != 2.5 {
		t.Errorf("median of four: %v", m)
	}
	if m := report.Median(nil); !math.IsNaN(m) {
		t.Errorf("median of none: %v", m)
	}
	if g := report.Geomean([]float64{1, 4}); math.Abs(g-2) > 1e-12 {
		t.Errorf("geometric mean: %v", g)
	}
	for v, want := range map[float64]string{12: "12", 12345: "12.3 k", 1.5e6: "1.5 M"} {
		if got := report.Rate(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	table := report.Table{Header: []string{"work", "a second"}}
	table.Add("grün", "1")
	var b strings.Builder
	if err := table.Write(&b); err != nil {
		t.Fatal(err)
	}
	want := "| work | a second |\n|------|---------:|\n| grün |        1 |\n\n"
	if b.String() != want {
		t.Errorf("got\n%s, want\n%s", b.String(), want)
	}
}

func TestRatios(t *testing.T) {
	got := report.Ratios([]float64{1, 6, 9}, []float64{2, 3})
	if len(got) != 2 || got[0] != 0.5 || got[1] != 2 {
		t.Errorf("ratios of neighbours: %v", got)
	}
	if m := report.Median(report.Ratios([]float64{1}, nil)); !math.IsNaN(m) {
		t.Errorf("without a peer: %v", m)
	}
}

package versus

import (
	"fmt"
	"math"
	"slices"

	"github.com/laminadb/lamina/internal/cli/chart"
	"github.com/laminadb/lamina/internal/cli/report"
)

// Summary holds Lamina against one other system.
type Summary struct {
	// Geomean is that of the ratios of all queries, Total the ratio of the sums of medians, Worst the largest ratio, of WorstQuery.
	Geomean, Total, Worst float64
	WorstQuery            string
	// Cold is the geometric mean of the ratios of first runs.
	Cold float64
	// Queries that both have answered.
	Queries int
}

// Ratio returns how many times the time of another system the query needs: the median of those of neighbouring runs; NaN if one
// of the two has no times.
func (m *Measured) Ratio(at int) float64 { return report.Median(report.Ratios(m.Warm[0], m.Warm[at])) }

// Summary sums up against the system at a position of Systems, which is not 0.
func (r *Result) Summary(at int) (s Summary) {
	s.Worst = math.NaN()
	var ratios, cold []float64
	var sum, peer float64
	for _, m := range r.Queries {
		ratio := m.Ratio(at)
		if math.IsNaN(ratio) {
			continue
		}
		ratios, cold = append(ratios, ratio), append(cold, m.Cold[0]/m.Cold[at])
		sum, peer = sum+report.Median(m.Warm[0]), peer+report.Median(m.Warm[at])
		if !(ratio <= s.Worst) {
			s.Worst, s.WorstQuery = ratio, m.Name
		}
	}
	s.Geomean, s.Cold, s.Total, s.Queries = report.Geomean(ratios), report.Geomean(cold), sum/peer, len(ratios)
	return s
}

// Above returns the names of the queries whose ratio is above a bound.
func (r *Result) Above(at int, bound float64) (names []string) {
	for _, m := range r.Queries {
		if m.Ratio(at) > bound {
			names = append(names, m.Name)
		}
	}
	return names
}

// Wrong returns what is wrong with answers.
func (r *Result) Wrong() (problems []string) {
	for _, m := range r.Queries {
		if m.Problem != "" {
			problems = append(problems, m.Name+": "+m.Problem)
		}
	}
	return problems
}

// Left returns which queries other systems have left out, and why.
func (r *Result) Left() (reasons []string) {
	for _, m := range r.Queries {
		for at := range r.Systems {
			if m.Left[at] != "" {
				reasons = append(reasons, fmt.Sprintf("%s on %s: %s", m.Name, r.Systems[at].Name, m.Left[at]))
			}
		}
	}
	return reasons
}

// Position returns where a system stands in Systems, -1 if it is not there.
func (r *Result) Position(name string) int {
	return slices.IndexFunc(r.Systems, func(s SystemResult) bool { return s.Name == name })
}

// Table prints the times of all queries: medians, and first runs.
func (r *Result) Table() *report.Table {
	t := &report.Table{Header: []string{"query"}}
	for _, s := range r.Systems[1:] {
		t.Header = append(t.Header, "Lamina / "+s.Name)
	}
	for _, s := range r.Systems {
		t.Header = append(t.Header, s.Name+", ms")
	}
	for _, s := range r.Systems {
		t.Header = append(t.Header, "first, "+s.Name+", ms")
	}
	t.Header = append(t.Header, "rows", "answer")
	for _, m := range r.Queries {
		t.Add(r.row(m)...)
	}
	r.foot(t)
	return t
}

func (r *Result) row(m *Measured) []string {
	cells := []string{m.Name}
	for at := range r.Systems[1:] {
		cells = append(cells, report.Ratio(m.Ratio(at+1)))
	}
	for at := range r.Systems {
		cells = append(cells, milliText(report.Median(m.Warm[at])))
	}
	for at := range r.Systems {
		first := math.NaN()
		if m.Problem == "" && m.Left[at] == "" {
			first = m.Cold[at]
		}
		cells = append(cells, milliText(first))
	}
	answer := "equal"
	switch {
	case m.Problem != "":
		answer = "WRONG"
	case m.Expected && len(r.Systems) > 1:
		answer = "equal, as expected"
	case m.Expected:
		answer = "as expected"
	case len(r.Systems) == 1:
		answer = "not compared"
	}
	return append(cells, fmt.Sprint(m.Rows), answer)
}

// foot adds sums and means of the queries that each system has answered.
func (r *Result) foot(t *report.Table) {
	total, mean := []string{"total"}, []string{"geometric mean"}
	for at := range r.Systems[1:] {
		s := r.Summary(at + 1)
		total, mean = append(total, report.Ratio(s.Total)), append(mean, report.Ratio(s.Geomean))
	}
	columns := make([][]float64, 2*len(r.Systems))
	for _, m := range r.Queries {
		for at := range r.Systems {
			if len(m.Warm[at]) > 0 {
				columns[at] = append(columns[at], report.Median(m.Warm[at]))
				columns[len(r.Systems)+at] = append(columns[len(r.Systems)+at], m.Cold[at])
			}
		}
	}
	for _, c := range columns {
		sum := 0.0
		for _, v := range c {
			sum += v
		}
		total, mean = append(total, milliText(sum)), append(mean, milliText(report.Geomean(c)))
	}
	t.Add(append(total, "", "")...)
	t.Add(append(mean, "", "")...)
}

func milliText(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return fmt.Sprintf("%.2f", v)
}

// Notes says in sentences what the table does not: settings, load, memory, and what Lamina's runs have cost.
func (r *Result) Notes() (lines []string) {
	for _, s := range r.Systems {
		line := s.Settings
		if s.LoadSeconds > 0 {
			line += fmt.Sprintf("; loaded in %.2f s", s.LoadSeconds)
		}
		if s.PeakBytes > 0 {
			line += fmt.Sprintf("; at most %d MiB during the runs (VmHWM)", s.PeakBytes>>20)
		}
		lines = append(lines, line)
	}
	for at, s := range r.Systems[1:] {
		sum := r.Summary(at + 1)
		lines = append(lines, fmt.Sprintf("Beside %s: geometric mean %s, total %s, first runs %s, at most %s (%s), of %d queries",
			s.Name, report.Ratio(sum.Geomean), report.Ratio(sum.Total), report.Ratio(sum.Cold), report.Ratio(sum.Worst), sum.WorstQuery, sum.Queries))
	}
	if sum, worst := r.planning(); worst != nil {
		lines = append(lines, fmt.Sprintf("Lamina's plans, from the text (EXPLAIN, medians of %d): %.2f ms for all queries, at most %.2f ms (%s)",
			r.Runs, sum, report.Median(worst.Plans), worst.Name))
	}
	n := max(r.Spent.Runs, 1)
	return append(lines, fmt.Sprintf("Garbage collection had %.2f %% of Lamina's processor time in %d runs, which allocated %d objects and %d KiB each on average",
		100*r.Spent.GCShare(), r.Spent.Runs, int64(r.Spent.Objects)/n, int64(r.Spent.Bytes)/n>>10))
}

// planning returns how many milliseconds all plans take, and the query whose plan takes longest.
func (r *Result) planning() (sum float64, worst *Measured) {
	for _, m := range r.Queries {
		if len(m.Plans) == 0 {
			continue
		}
		ms := report.Median(m.Plans)
		sum += ms
		if worst == nil || ms > report.Median(worst.Plans) {
			worst = m
		}
	}
	return sum, worst
}

// Chart draws the medians of the systems that have answered all queries that count; notes are the ratios to the first other one.
func (r *Result) Chart() *chart.Bars {
	b := &chart.Bars{Title: r.Title, Unit: "ms"}
	var drawn []int
	for at, s := range r.Systems {
		if at == 0 || !slices.ContainsFunc(r.Queries, func(m *Measured) bool { return m.Left[at] != "" }) {
			b.Series, drawn = append(b.Series, s.Name), append(drawn, at)
		}
	}
	if len(drawn) > 1 {
		s := r.Summary(drawn[1])
		b.Subtitle = fmt.Sprintf("medians of %d warm runs in turns; Lamina / %s on the right, geometric mean %s", r.Runs, b.Series[1], report.Ratio(s.Geomean))
	}
	for _, m := range r.Queries {
		g := chart.Group{Name: m.Name}
		for _, at := range drawn {
			g.Values = append(g.Values, report.Median(m.Warm[at]))
		}
		if len(drawn) > 1 {
			g.Note = report.Ratio(m.Ratio(drawn[1]))
		}
		b.Groups = append(b.Groups, g)
	}
	return b
}

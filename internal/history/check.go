package history

import (
	"fmt"
	"slices"
	"strings"
)

// Finding is an anomaly of a history.
type Finding struct {
	Anomaly Anomaly
	// Txs are the transactions that take part, by their place in the history.
	Txs []int
	// Text says what was seen; for a cycle, edge by edge, with the transactions as lines.
	Text string
}

// Stats counts what a check has looked at.
type Stats struct {
	Txs, Committed, Aborted, Unknown int
	Appends, Reads, Edges            int
	// Longest is the length of the longest list.
	Longest int
}

// Result is what Check found.
type Result struct {
	Findings []Finding
	Stats    Stats
}

// Check looks for all anomalies in a history.
func Check(h *History) *Result {
	a := &analysis{h: h}
	a.writers()
	a.orders()
	a.compare()
	a.lost()
	a.updates()
	a.monotonic()
	a.cycles()
	return &Result{Findings: a.found, Stats: a.stats()}
}

func (a *analysis) stats() Stats {
	s := Stats{Txs: len(a.h.Txs), Reads: len(a.reads)}
	for i := range a.h.Txs {
		switch {
		case a.committed[i]:
			s.Committed++
		case a.h.Txs[i].Outcome == Aborted:
			s.Aborted++
		default:
			s.Unknown++
		}
	}
	s.Appends = len(a.writer)
	for _, l := range a.lists {
		s.Longest = max(s.Longest, len(l.order))
	}
	for _, list := range a.dependencies().edges {
		for _, e := range list {
			if e.kind&(ww|wr|rw) != 0 {
				s.Edges++
			}
		}
	}
	return s
}

// Has reports whether an anomaly was found, with a suffix or without.
func (r *Result) Has(a Anomaly) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Anomaly.base() == a })
}

// Against returns an error that describes the findings that a level forbids, nil if there are none.
func (r *Result) Against(l Level) error {
	var texts []string
	for _, f := range r.Findings {
		if l.Forbids(f.Anomaly) {
			texts = append(texts, f.String())
		}
	}
	if texts == nil {
		return nil
	}
	return fmt.Errorf("%v forbids %d of the anomalies found:\n%s", l, len(texts), strings.Join(texts, "\n"))
}

// String describes the finding.
func (f *Finding) String() string { return string(f.Anomaly) + ": " + f.Text }

// finding makes a finding whose text ends with the transactions.
func (a *analysis) finding(kind Anomaly, txs []int, text string) Finding {
	lines := []string{text}
	var shown []int
	for _, tx := range txs {
		if !slices.Contains(shown, tx) {
			shown = append(shown, tx)
			lines = append(lines, "  "+a.h.line(tx))
		}
	}
	return Finding{Anomaly: kind, Txs: shown, Text: strings.Join(lines, "\n")}
}

func (a *analysis) reportCycle(kind Anomaly, cycle []edge) {
	a.describe(kind, cycle, func(node int) (int, string) { return node, name(node) })
}

// reportUnfolded describes a cycle of commits and reads.
func (a *analysis) reportUnfolded(kind Anomaly, cycle []edge) {
	n := len(a.h.Txs)
	a.describe(kind, cycle, func(node int) (int, string) {
		if node < n {
			return node, name(node)
		}
		r := a.reads[node-n]
		return r.tx, fmt.Sprintf("%s (operation %d)", name(r.tx), r.op+1)
	})
}

func (a *analysis) describe(kind Anomaly, cycle []edge, who func(node int) (tx int, name string)) {
	var txs []int
	text := "a cycle:"
	for i := range cycle {
		e := &cycle[i]
		tx, from := who(e.from)
		other, to := who(e.to)
		txs = append(txs, tx)
		why := e.explain(from, to)
		if e.kind == process && tx == other {
			why = "done in this order by " + name(tx)
		}
		text += fmt.Sprintf("\n  %s -%v-> %s: %s", from, e.kind, to, why)
	}
	a.found = append(a.found, a.finding(kind, txs, text))
}

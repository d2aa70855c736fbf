// Package target holds measured figures against what they ought to be.
//
// The explanations of figures that miss their targets stand in explanations.go, and nowhere else.
package target

import (
	"fmt"

	"github.com/laminadb/lamina/internal/cli/report"
)

// Target is one figure that ought to be at least, or at most, a bound.
type Target struct {
	// Name identifies the target in Explanations, Text says it in words.
	Name, Text string
	// Bound is what the figure is to be at least, or, with AtMost, at most.
	Bound  float64
	AtMost bool
	// Unit follows the figures.
	Unit string
}

// Figure is a target with what was measured.
type Figure struct {
	Target
	Value float64
	// Remark says more of the measurement.
	Remark string
}

// Met reports whether the figure is within its bound.
func (f *Figure) Met() bool {
	if f.AtMost {
		return f.Value <= f.Bound
	}
	return f.Value >= f.Bound
}

// List is what was measured.
type List []Figure

// Add notes a figure of a target by its name, which must be in Targets.
func (l *List) Add(name string, value float64, remark string) {
	for _, t := range Targets {
		if t.Name == name {
			*l = append(*l, Figure{t, value, remark})
			return
		}
	}
	panic("no target " + name)
}

// Table prints the list: target, measured, met or missed and why.
func (l List) Table() *report.Table {
	t := &report.Table{Header: []string{"target", "measured", "met"}, LeftAligned: true}
	for i := range l {
		f := &l[i]
		sign := "≥"
		if f.AtMost {
			sign = "≤"
		}
		verdict := "met"
		if !f.Met() {
			why := Explanations[f.Name]
			if why == "" {
				why = "no profile has said why"
			}
			verdict = "missed: " + why
		}
		measured := figure(f.Value, f.Unit)
		if f.Remark != "" {
			measured += " (" + f.Remark + ")"
		}
		t.Add(fmt.Sprintf("%s %s %s", f.Text, sign, figure(f.Bound, f.Unit)), measured, verdict)
	}
	return t
}

func figure(v float64, unit string) string {
	switch unit {
	case "a second":
		return report.Rate(v) + " a second"
	case "×":
		return report.Ratio(v)
	case "errors", "statements", "queries":
		return fmt.Sprintf("%.0f %s", v, unit)
	}
	return fmt.Sprintf("%.3g %s", v, unit)
}

// Package report collects the rounds of measurements and prints them as Markdown.
package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Median returns the middle value, NaN without values.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	v := slices.Sorted(slices.Values(values))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// Ratios returns a[i]/b[i]: what was measured side by side is compared side by side.
func Ratios(a, b []float64) []float64 {
	out := make([]float64, min(len(a), len(b)))
	for i := range out {
		out[i] = a[i] / b[i]
	}
	return out
}

// Geomean returns the geometric mean, NaN without values.
func Geomean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values)))
}

// Table is a Markdown table. Columns after the first are aligned to the right, unless LeftAligned says otherwise.
type Table struct {
	Header      []string
	Rows        [][]string
	LeftAligned bool
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Write prints the table with padded cells, so that it reads well as plain text too.
func (t *Table) Write(w io.Writer) error {
	widths := make([]int, len(t.Header))
	for _, row := range append([][]string{t.Header}, t.Rows...) {
		for i, c := range row {
			widths[i] = max(widths[i], len([]rune(c)), 3)
		}
	}
	var b strings.Builder
	line := func(row []string) {
		for i, c := range row {
			fill := strings.Repeat(" ", widths[i]-len([]rune(c)))
			if i == 0 {
				b.WriteString("|")
			}
			if i == 0 || t.LeftAligned {
				b.WriteString(" " + c + fill + " |")
			} else {
				b.WriteString(" " + fill + c + " |")
			}
		}
		b.WriteString("\n")
	}
	line(t.Header)
	for i, n := range widths {
		if i == 0 {
			b.WriteString("|")
		}
		if i == 0 || t.LeftAligned {
			b.WriteString(strings.Repeat("-", n+2) + "|")
		} else {
			b.WriteString(strings.Repeat("-", n+1) + ":|")
		}
	}
	b.WriteString("\n")
	for _, row := range t.Rows {
		line(row)
	}
	_, err := io.WriteString(w, b.String()+"\n")
	return err
}

// Rate prints a number of things a second with three digits.
func Rate(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case v >= 1e6:
		return fmt.Sprintf("%.3g M", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%.3g k", v/1e3)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}

// Ratio prints how many times one figure is another.
func Ratio(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	return fmt.Sprintf("%.3g×", v)
}

// Package chart draws bar charts as SVG, without any library.
package chart

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
)

// Bars is a chart of groups of horizontal bars: one bar of each group belongs to each series.
type Bars struct {
	Title, Subtitle string
	// Unit follows the values.
	Unit   string
	Series []string
	Groups []Group
}

// Group is a name and a value of each series; NaN draws no bar. Note stands to the right.
type Group struct {
	Name, Note string
	Values     []float64
}

// Measures of the drawing, in pixels.
const (
	width               = 960
	left, right         = 130, 120 // of the bars
	top, bottom         = 92, 40
	barHeight, groupGap = 11, 9
)

// colors are those of the series: told apart by those who do not see red and green, too.
var colors = []string{"#1b6ca8", "#e0a030", "#7a7a7a", "#b05a8c"}

// Write draws the chart.
func (b *Bars) Write(w io.Writer) error {
	group := len(b.Series)*barHeight + groupGap
	height := top + len(b.Groups)*group + bottom
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		width, height, width, height)
	fmt.Fprintf(&s, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	text(&s, 20, 26, "start", 17, "#222222", b.Title)
	text(&s, 20, 46, "start", 12, "#555555", b.Subtitle)
	x := 20
	for i, name := range b.Series {
		fmt.Fprintf(&s, `<rect x="%d" y="58" width="12" height="12" fill="%s"/>`+"\n", x, colors[i%len(colors)])
		text(&s, x+17, 68, "start", 12, "#222222", name)
		x += 17 + 8*len(name) + 24
	}
	scale := b.axis(&s, height)
	for i, g := range b.Groups {
		b.group(&s, g, top+i*group, scale)
	}
	s.WriteString("</svg>\n")
	_, err := io.WriteString(w, s.String())
	return err
}

// axis draws lines at round values, and returns the pixels of one unit.
func (b *Bars) axis(s *strings.Builder, height int) (scale float64) {
	largest := 0.0
	for _, g := range b.Groups {
		for _, v := range g.Values {
			if !math.IsNaN(v) {
				largest = max(largest, v)
			}
		}
	}
	if largest == 0 {
		largest = 1
	}
	scale = (width - left - right) / largest
	step := roundStep(largest)
	for i := 0; float64(i)*step <= largest; i++ {
		v := float64(i) * step
		x := left + v*scale
		fmt.Fprintf(s, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#dddddd"/>`+"\n", x, top-6, x, height-bottom+4)
		label := fmt.Sprintf("%.4g", v)
		if i == 0 {
			label += " " + b.Unit
		}
		text(s, int(x), height-bottom+20, "middle", 11, "#555555", label)
	}
	return scale
}

// roundStep returns 1, 2 or 5 times a power of ten, of which the largest value has four to ten.
func roundStep(largest float64) float64 {
	step := math.Pow(10, math.Floor(math.Log10(largest))-1)
	for _, f := range []float64{1, 2, 5, 10} {
		if largest/(step*f) <= 8 {
			return step * f
		}
	}
	return step * 20
}

func (b *Bars) group(s *strings.Builder, g Group, y int, scale float64) {
	middle := y + len(b.Series)*barHeight/2 + 4
	text(s, left-8, middle, "end", 12, "#222222", g.Name)
	for i, v := range g.Values {
		if !math.IsNaN(v) {
			fmt.Fprintf(s, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"><title>%s, %s: %.2f %s</title></rect>`+"\n",
				left, y+i*barHeight, max(v*scale, 1), barHeight-1, colors[i%len(colors)],
				html.EscapeString(g.Name), html.EscapeString(b.Series[i]), v, html.EscapeString(b.Unit))
		}
	}
	text(s, width-16, middle, "end", 12, "#222222", g.Note)
}

func text(s *strings.Builder, x, y int, anchor string, size int, color, value string) {
	fmt.Fprintf(s, `<text x="%d" y="%d" text-anchor="%s" font-size="%d" fill="%s">%s</text>`+"\n", x, y, anchor, size, color, html.EscapeString(value))
}

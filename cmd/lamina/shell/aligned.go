package shell

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// alignedRowsMax is the number of rows that are kept to find the widths of columns. Beyond it the
// widths are those of the rows so far, and wider values stick out.
const alignedRowsMax = 10_000

// aligned prints a table as psql does.
type aligned struct {
	w      *bufio.Writer
	cols   []column
	widths []int // nil until the header is printed
	held   [][]cell
	rows   int64
}

func newAligned(w *bufio.Writer, cols []column) *aligned { return &aligned{w: w, cols: cols} }

func (p *aligned) row(cells []cell) error {
	p.rows++
	if p.widths != nil {
		return p.print(cells)
	}
	p.held = append(p.held, append([]cell(nil), cells...))
	if len(p.held) >= alignedRowsMax {
		return p.flush()
	}
	return nil
}

func (p *aligned) end() error {
	if p.widths == nil {
		if err := p.flush(); err != nil {
			return err
		}
	}
	unit := "rows"
	if p.rows == 1 {
		unit = "row"
	}
	_, err := fmt.Fprintf(p.w, "(%d %s)\n\n", p.rows, unit)
	return err
}

// flush prints the header and the rows held.
func (p *aligned) flush() error {
	p.widths = make([]int, len(p.cols))
	for i, c := range p.cols {
		p.widths[i] = columnsOf(c.name)
	}
	for _, r := range p.held {
		for i, c := range r {
			for line := range strings.SplitSeq(c.text, "\n") {
				p.widths[i] = max(p.widths[i], columnsOf(line))
			}
		}
	}
	p.header()
	for _, r := range p.held {
		if err := p.print(r); err != nil {
			return err
		}
	}
	p.held = nil
	return nil
}

// header prints the names, centred, and a line. Errors of the writer stay with it until the next
// flush.
func (p *aligned) header() {
	if len(p.cols) == 0 {
		fmt.Fprintln(p.w, "--")
		return
	}
	for i, c := range p.cols {
		if i > 0 {
			p.w.WriteByte('|')
		}
		free := p.widths[i] - columnsOf(c.name)
		p.w.WriteString(" " + blanks(free/2) + visible(c.name) + blanks(free-free/2) + " ")
	}
	p.w.WriteByte('\n')
	for i := range p.cols {
		if i > 0 {
			p.w.WriteByte('+')
		}
		p.w.WriteString(strings.Repeat("-", p.widths[i]+2))
	}
	p.w.WriteByte('\n')
}

// print prints one row; values of several lines continue below, with a + at the end of each line
// but the last.
func (p *aligned) print(cells []cell) error {
	if len(p.cols) == 0 {
		return nil
	}
	lines := make([][]string, len(cells))
	height := 1
	for i, c := range cells {
		lines[i] = strings.Split(c.text, "\n")
		height = max(height, len(lines[i]))
	}
	for k := range height {
		for i := range cells {
			if i > 0 {
				p.w.WriteByte('|')
			}
			p.cellLine(lines[i], k, i)
		}
		if err := p.w.WriteByte('\n'); err != nil {
			return err
		}
	}
	return nil
}

func (p *aligned) cellLine(lines []string, k, col int) {
	s, more := "", k+1 < len(lines)
	if k < len(lines) {
		s = lines[k]
	}
	free := max(0, p.widths[col]-columnsOf(s))
	last := col == len(p.cols)-1
	p.w.WriteByte(' ')
	switch {
	case numeric(p.cols[col].typ):
		p.w.WriteString(blanks(free) + visible(s))
	case last && !more:
		p.w.WriteString(visible(s))
	default:
		p.w.WriteString(visible(s) + blanks(free))
	}
	switch {
	case more:
		p.w.WriteByte('+')
	case !last:
		p.w.WriteByte(' ')
	}
}

// visible shows control characters as escapes, so that data cannot steer the terminal.
func visible(s string) string {
	if strings.IndexFunc(s, control) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !control(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02X`, r)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	return b.String()
}

func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

func columnsOf(s string) int { return text.StringWidthWithoutEscSequences(visible(s)) }

func blanks(n int) string { return strings.Repeat(" ", n) }

package shell

import (
	"bufio"
	"strings"
)

// csvPrinter prints comma-separated values with a header line.
type csvPrinter struct{ w *bufio.Writer }

func newCSV(w *bufio.Writer, cols []column) *csvPrinter {
	for i, c := range cols {
		if i > 0 {
			w.WriteByte(',')
		}
		writeField(w, c.name)
	}
	w.WriteByte('\n')
	return &csvPrinter{w}
}

func (p *csvPrinter) row(cells []cell) error {
	for i, c := range cells {
		if i > 0 {
			p.w.WriteByte(',')
		}
		if !c.null {
			writeField(p.w, c.text)
		}
	}
	return p.w.WriteByte('\n')
}

func (p *csvPrinter) end() error { return nil }

// writeField quotes where it must. Quotes around the empty string tell it from NULL.
func writeField(w *bufio.Writer, s string) {
	if s != "" && s != `\.` && !strings.ContainsAny(s, ",\"\r\n") {
		w.WriteString(s)
		return
	}
	w.WriteString(`"` + strings.ReplaceAll(s, `"`, `""`) + `"`)
}

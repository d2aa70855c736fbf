package shell

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/laminadb/lamina/types"
)

// jsonPrinter prints an array of objects, one row a line.
type jsonPrinter struct {
	w    *bufio.Writer
	keys [][]byte // each with its colon
	cols []column
	rows int64
}

func newJSON(w *bufio.Writer, cols []column) *jsonPrinter {
	p := &jsonPrinter{w: w, cols: cols}
	seen := map[string]bool{}
	for _, c := range cols {
		name := c.name
		for i := 2; seen[name]; i++ { // a second column of the same name would hide the first
			name = fmt.Sprintf("%s_%d", c.name, i)
		}
		seen[name] = true
		p.keys = append(p.keys, append(quoted(name), ':'))
	}
	w.WriteByte('[')
	return p
}

func (p *jsonPrinter) row(cells []cell) error {
	if p.rows > 0 {
		p.w.WriteString(",\n ")
	}
	p.rows++
	p.w.WriteByte('{')
	for i, c := range cells {
		if i > 0 {
			p.w.WriteByte(',')
		}
		p.w.Write(p.keys[i])
		p.w.Write(jsonValue(c, p.cols[i].typ))
	}
	return p.w.WriteByte('}')
}

func (p *jsonPrinter) end() error {
	_, err := p.w.WriteString("]\n")
	return err
}

// jsonValue keeps all digits of numbers; what JSON has no number for (NaN, infinity) is a string.
func jsonValue(c cell, t types.Type) []byte {
	switch {
	case c.null:
		return []byte("null")
	case t.Kind == types.Bool:
		if c.text == "t" {
			return []byte("true")
		}
		return []byte("false")
	case numeric(t) && strings.IndexFunc(c.text, notOfNumber) < 0:
		return []byte(c.text)
	}
	return quoted(c.text)
}

func notOfNumber(r rune) bool { return !strings.ContainsRune("0123456789+-.e", r) }

func quoted(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil { // a string always encodes
		return []byte(`""`)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

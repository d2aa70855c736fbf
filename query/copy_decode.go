package query

import (
	"bytes"
	"io"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// copyLineMax bounds one line of COPY input, so that input without line ends cannot take all memory.
const copyLineMax = 256 << 20

// copyFormat is how COPY lays out rows in text, as PostgreSQL's text and csv formats.
type copyFormat struct {
	csv           bool
	delimiter     byte
	null          string
	header        bool
	headerMatch   bool
	quote, escape byte
	// trailingDelimiter drops an empty last field: the .tbl files of TPC-H end each line with one.
	trailingDelimiter bool
	// quoteAll and quoteColumns say which values COPY TO always quotes.
	quoteAll     bool
	quoteColumns []string
}

func defaultCopyFormat(csv bool) copyFormat {
	if csv {
		return copyFormat{csv: true, delimiter: ',', quote: '"', escape: '"'}
	}
	return copyFormat{delimiter: '\t', null: `\N`}
}

// copyField is one field of a line; b is valid until the next line is read.
type copyField struct {
	b    []byte
	null bool
}

// copyDecoder splits COPY input into fields.
type copyDecoder struct {
	r    io.Reader
	f    copyFormat
	buf  []byte
	at   int // start of what is unread in buf
	eof  bool
	line int    // number of the line last returned, from 1
	raw  []byte // that line
	// scratch holds unescaped fields of the current line.
	scratch []byte
	fields  []copyField
	done    bool
}

func newCopyDecoder(r io.Reader, f copyFormat) *copyDecoder {
	return &copyDecoder{r: r, f: f, buf: make([]byte, 0, 64<<10)}
}

// next returns the fields of the next line, or io.EOF.
func (d *copyDecoder) next() ([]copyField, error) {
	for {
		if d.done {
			return nil, io.EOF
		}
		raw, err := d.readLine()
		if err == io.EOF {
			return nil, err
		}
		d.line++ // errors are about the line that would have come
		d.raw = raw
		if err != nil {
			return nil, err
		}
		if !d.f.csv && string(raw) == `\.` || d.f.csv && d.eof && string(raw) == `\.` {
			d.done = true
			continue
		}
		if err := types.CheckUTF8(raw); err != nil {
			d.raw = nil // not to be shown
			return nil, err
		}
		d.fields, d.scratch = d.fields[:0], d.scratch[:0]
		if d.f.csv {
			err = d.splitCSV(raw)
		} else {
			err = d.splitText(raw)
		}
		if err != nil {
			return nil, err
		}
		if n := len(d.fields); d.f.trailingDelimiter && n > 1 && len(d.fields[n-1].b) == 0 {
			d.fields = d.fields[:n-1]
		}
		return d.fields, nil
	}
}

// readLine returns the next line without its end. A csv line goes on past line ends inside quotes.
func (d *copyDecoder) readLine() ([]byte, error) {
	scan, quoted := d.at, false
	for {
		rest := d.buf[scan:]
		end := -1
		if d.f.csv {
			end, quoted = d.csvLineEnd(rest, quoted)
		} else {
			end = bytes.IndexByte(rest, '\n')
		}
		if end >= 0 {
			raw := d.buf[d.at : scan+end]
			d.at = scan + end + 1
			return trimCR(raw), nil
		}
		scan = len(d.buf)
		if d.eof {
			if quoted {
				return nil, sqlerr.New(sqlerr.BadCopyFileFormat, "unterminated CSV quoted field")
			}
			if d.at == len(d.buf) {
				return nil, io.EOF
			}
			raw := d.buf[d.at:]
			d.at = len(d.buf)
			return trimCR(raw), nil
		}
		moved, err := d.fill()
		if err != nil {
			return nil, err
		}
		scan -= moved
	}
}

func trimCR(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\r' {
		return b[:n-1]
	}
	return b
}

// csvLineEnd finds a line end outside quotes; it returns whether rest ends inside quotes.
func (d *copyDecoder) csvLineEnd(rest []byte, quoted bool) (int, bool) {
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case quoted && c == d.f.escape && d.f.escape != d.f.quote && i+1 < len(rest):
			i++
		case c == d.f.quote:
			quoted = !quoted
		case c == '\n' && !quoted:
			return i, false
		}
	}
	return -1, quoted
}

// fill reads more input, first moving what is unread to the front; it returns by how much it moved.
func (d *copyDecoder) fill() (moved int, err error) {
	if d.at > 0 && (d.at == len(d.buf) || len(d.buf) == cap(d.buf)) {
		moved = d.at
		n := copy(d.buf, d.buf[d.at:])
		d.buf, d.at = d.buf[:n], 0
	}
	if len(d.buf) == cap(d.buf) {
		if cap(d.buf) >= copyLineMax {
			return moved, sqlerr.Newf(sqlerr.ProgramLimitExceeded, "COPY line %d is longer than %d bytes", d.line+1, copyLineMax)
		}
		d.buf = append(make([]byte, 0, 2*cap(d.buf)), d.buf...)
	}
	for range 100 { // as bufio: a reader that keeps returning nothing is broken
		n, err := d.r.Read(d.buf[len(d.buf):cap(d.buf)])
		d.buf = d.buf[:len(d.buf)+n]
		if err == io.EOF {
			d.eof = true
			return moved, nil
		}
		if err != nil || n > 0 {
			return moved, err
		}
	}
	return moved, io.ErrNoProgress
}

// splitText splits a line of the text format and takes out backslash escapes.
func (d *copyDecoder) splitText(raw []byte) error {
	for {
		end := bytes.IndexByte(raw, d.f.delimiter)
		field := raw
		if bytes.IndexByte(raw, '\\') >= 0 {
			end = textFieldEnd(raw, d.f.delimiter)
		}
		if end >= 0 {
			field = raw[:end]
		}
		d.fields = append(d.fields, d.textField(field))
		if end < 0 {
			return nil
		}
		raw = raw[end+1:]
	}
}

// textFieldEnd finds the next delimiter that no backslash precedes, or -1.
func textFieldEnd(raw []byte, delimiter byte) int {
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' {
			i++
		} else if raw[i] == delimiter {
			return i
		}
	}
	return -1
}

func (d *copyDecoder) textField(b []byte) copyField {
	if string(b) == d.f.null {
		return copyField{null: true}
	}
	if bytes.IndexByte(b, '\\') < 0 {
		return copyField{b: b}
	}
	from := len(d.scratch)
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			d.scratch = append(d.scratch, b[i])
			continue
		}
		i++
		c, used := unescape(b[i:])
		d.scratch = append(d.scratch, c)
		i += used - 1
	}
	return copyField{b: d.scratch[from:len(d.scratch):len(d.scratch)]}
}

// unescape decodes what follows a backslash and says how many bytes that took.
func unescape(b []byte) (c byte, used int) {
	switch c = b[0]; c {
	case 'b':
		return '\b', 1
	case 'f':
		return '\f', 1
	case 'n':
		return '\n', 1
	case 'r':
		return '\r', 1
	case 't':
		return '\t', 1
	case 'v':
		return '\v', 1
	case 'x':
		v, n := 0, 1
		for ; n < len(b) && n < 3; n++ {
			h := bytes.IndexByte([]byte("0123456789abcdef"), b[n]|0x20)
			if h < 0 {
				break
			}
			v = v<<4 | h
		}
		if n > 1 {
			return byte(v), n
		}
		return 'x', 1
	case '0', '1', '2', '3', '4', '5', '6', '7':
		v, n := 0, 0
		for ; n < len(b) && n < 3 && b[n] >= '0' && b[n] <= '7'; n++ {
			v = v<<3 | int(b[n]-'0')
		}
		return byte(v), n
	}
	return c, 1
}

// splitCSV splits a csv line and takes quotes out. An unquoted field equal to the null string is NULL.
func (d *copyDecoder) splitCSV(raw []byte) error {
	for {
		if len(raw) == 0 || raw[0] != d.f.quote {
			end := bytes.IndexByte(raw, d.f.delimiter)
			field := raw
			if end >= 0 {
				field = raw[:end]
			}
			if bytes.IndexByte(field, d.f.quote) < 0 {
				d.fields = append(d.fields, copyField{b: field, null: string(field) == d.f.null})
				if end < 0 {
					return nil
				}
				raw = raw[end+1:]
				continue
			}
		}
		rest, more, err := d.quotedField(raw)
		if err != nil || !more {
			return err
		}
		raw = rest
	}
}

// quotedField reads a field that has a quote in it; more says that a delimiter followed.
func (d *copyDecoder) quotedField(raw []byte) (rest []byte, more bool, err error) {
	from, quoted := len(d.scratch), false
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case quoted && c == d.f.escape && i+1 < len(raw) && (raw[i+1] == d.f.quote || raw[i+1] == d.f.escape):
			i++
			d.scratch = append(d.scratch, raw[i])
		case c == d.f.quote:
			quoted = !quoted
		case c == d.f.delimiter && !quoted:
			d.fields = append(d.fields, copyField{b: d.scratch[from:len(d.scratch):len(d.scratch)]})
			return raw[i+1:], true, nil
		default:
			d.scratch = append(d.scratch, c)
		}
	}
	if quoted {
		return nil, false, sqlerr.New(sqlerr.BadCopyFileFormat, "unterminated CSV quoted field")
	}
	d.fields = append(d.fields, copyField{b: d.scratch[from:len(d.scratch):len(d.scratch)]})
	return nil, false, nil
}

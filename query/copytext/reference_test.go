package copytext

import (
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// reference reads input byte by byte, as PostgreSQL's functions do, without any of the package's ways to be quick.
type reference struct {
	o    *Options
	in   []byte
	end  lineEnd
	line int64
	rows [][]types.Datum
}

// read returns the error that ends the input.
func (r *reference) read() error {
	for first := true; ; first = false {
		text, more, err := r.nextLine()
		if err != nil {
			return r.error(err, "")
		}
		if !more || r.o.Format.EndMarker && r.o.Format.CSV && len(r.in) == 0 && string(text) == `\.` {
			return nil
		}
		if first && r.o.Format.Header {
			continue
		}
		if err := r.row(text); err != nil {
			return err
		}
	}
}

func (r *reference) error(err error, what string) error {
	return (&lineError{err: err, line: r.line, what: what}).inContext(r.o.Table)
}

func (r *reference) peek(i int) byte {
	if i < len(r.in) {
		return r.in[i]
	}
	return 0
}

// nextLine returns the next line without its end.
func (r *reference) nextLine() (text []byte, more bool, err error) {
	csv, in, escaped := r.o.Format.CSV, false, false
	quote, escape := r.o.Format.Quote, int(r.o.Format.Escape)
	if quote == r.o.Format.Escape {
		escape = -1
	}
	bad := func(text, hint string) ([]byte, bool, error) {
		return nil, false, sqlerr.New(sqlerr.BadCopyFileFormat, text).WithHint("%s", hint)
	}
	r.line++
	invalid := len(r.in)
	if at, err := types.FirstInvalidUTF8(r.in); err != nil {
		invalid = at
	}
	for i := 0; ; i++ {
		// A carriage return is looked at together with what is behind it.
		look := csv || r.end == endUnknown || r.end == endCRNL
		if i >= invalid && invalid < len(r.in) || look && i+1 == invalid && invalid < len(r.in) && r.in[i] == '\r' {
			return nil, false, types.CheckUTF8(r.in[invalid:])
		}
		if i >= len(r.in) {
			text, r.in = r.in, nil
			return text, len(text) > 0, nil
		}
		c := r.in[i]
		if csv {
			if in && int(c) == escape {
				escaped = !escaped
			}
			if c == quote && !escaped {
				in = !in
			}
			if int(c) != escape {
				escaped = false
			}
			if in && (r.end == endNL && c == '\n' || r.end != endNL && c == '\r') {
				r.line++
			}
		}
		free := !csv || !in
		kind := "literal"
		hints := [2]string{`Use "\r" to represent carriage return.`, `Use "\n" to represent newline.`}
		if csv {
			kind = "unquoted"
			hints = [2]string{"Use quoted CSV field to represent carriage return.", "Use quoted CSV field to represent newline."}
		}
		switch {
		case c == '\r' && free:
			size := 1
			switch {
			case r.end == endNL, r.end == endCRNL && r.peek(i+1) != '\n':
				return bad(kind+" carriage return found in data", hints[0])
			case r.end == endCR:
			case r.peek(i+1) == '\n':
				r.end, size = endCRNL, 2
			default:
				r.end = endCR
			}
			text, r.in = r.in[:i], r.in[i+size:]
			return text, true, nil
		case c == '\n' && free:
			if r.end == endCR || r.end == endCRNL {
				return bad(kind+" newline found in data", hints[1])
			}
			r.end = endNL
			text, r.in = r.in[:i], r.in[i+1:]
			return text, true, nil
		case c == '\\' && !csv:
			if i+1 < len(r.in) && r.in[i+1] == '.' {
				return nil, false, r.marker(i)
			}
			i++
		}
	}
}

// marker is what PostgreSQL says of \. at i.
func (r *reference) marker(i int) error {
	alone := sqlerr.New(sqlerr.BadCopyFileFormat, "end-of-copy marker is not alone on its line")
	other := sqlerr.New(sqlerr.BadCopyFileFormat, "end-of-copy marker does not match previous newline style")
	at := i + 2
	if r.end == endCRNL {
		if r.peek(at) == '\n' {
			return other
		} else if r.peek(at) != '\r' {
			return alone
		}
		at++
	}
	c := r.peek(at)
	switch {
	case c != '\r' && c != '\n':
		return alone
	case r.end == endNL && c != '\n', r.end == endCRNL && c != '\n', r.end == endCR && c != '\r':
		return other
	case i > 0:
		return alone
	}
	return nil
}

// row converts a line.
func (r *reference) row(text []byte) error {
	var fields [][]byte
	var err error
	if r.o.Format.CSV {
		fields, err = r.csv(text)
	} else {
		fields, err = r.text(text)
	}
	whole := ": " + shown(text)
	if err != nil {
		return r.error(err, whole)
	}
	if n := len(fields); r.o.Format.TrailingDelimiter && n > 1 && fields[n-1] != nil && len(fields[n-1]) == 0 {
		fields = fields[:n-1]
	}
	if len(fields) > len(r.o.Types) {
		return r.error(sqlerr.New(sqlerr.BadCopyFileFormat, "extra data after last expected column"), whole)
	}
	var row []types.Datum
	for i, b := range fields {
		d := types.NullOf(r.o.Types[i].Kind)
		if b != nil {
			if d, err = types.ParseBytesWith(r.o.Types[i], b, r.o.Parse); err != nil {
				return r.error(err, ", column "+r.o.Names[i]+": "+shown(b))
			}
		}
		row = append(row, d)
	}
	if n := len(fields); n < len(r.o.Types) {
		return r.error(sqlerr.Newf(sqlerr.BadCopyFileFormat, "missing data for column \"%s\"", r.o.Names[n]), whole)
	}
	r.rows = append(r.rows, row)
	return nil
}

// csv returns the fields of a line, nil for NULL.
func (r *reference) csv(text []byte) (fields [][]byte, err error) {
	f := &r.o.Format
	for at := 0; ; {
		field, in, saw, more, start := []byte{}, false, false, false, at
		stop := at
		for {
			stop = at
			if at == len(text) {
				break
			}
			c := text[at]
			at++
			if !in && c == f.Delimiter {
				more = true
				break
			}
			if in && c == f.Escape && at < len(text) && (text[at] == f.Escape || text[at] == f.Quote) {
				field = append(field, text[at])
				at++
			} else if c == f.Quote {
				in, saw = !in, true
			} else {
				field = append(field, c)
			}
		}
		if in {
			return nil, sqlerr.New(sqlerr.BadCopyFileFormat, "unterminated CSV quoted field")
		}
		if !saw && string(text[start:stop]) == f.Null {
			field = nil
		}
		fields = append(fields, field)
		if !more {
			return fields, nil
		}
	}
}

// text returns the fields of a line of the format text, nil for NULL.
func (r *reference) text(text []byte) (fields [][]byte, err error) {
	f := &r.o.Format
	for at := 0; ; {
		field, more, start, stop := []byte{}, false, at, at
		for {
			stop = at
			if at == len(text) {
				break
			}
			c := text[at]
			at++
			if c == f.Delimiter {
				more = true
				break
			}
			if c == '\\' {
				if at == len(text) {
					stop = at
					break
				}
				c2, used := unescape(text[at:])
				c, at = c2, at+used
			}
			field = append(field, c)
		}
		if string(text[start:stop]) == f.Null {
			field = nil
		} else if err := types.CheckUTF8(field); err != nil {
			return nil, err
		}
		fields = append(fields, field)
		if !more {
			return fields, nil
		}
	}
}

package copytext

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// blockRows is the number of records whose fields are found before their columns are converted: few enough that text and
// fields stay in the cache.
const blockRows = 256

// field is the place of one field. In n are flags: kernels take only lengths without.
type field struct{ off, n uint32 }

const (
	isNull    = 1 << 31 // there are no bytes
	isScratch = 1 << 30 // the bytes are in the scratch of the chunk
	// isDefault is all of n for a field that stands for the default of its column: until that is known it is NULL.
	isDefault = isNull | 1
)

// bytes returns the bytes of a field that is not NULL.
func (c *chunk) bytesOf(f field) []byte {
	if f.n&isScratch != 0 {
		n := f.n &^ isScratch
		return c.scratch[f.off : f.off+n : f.off+n]
	}
	return c.buf[f.off : f.off+f.n : f.off+f.n]
}

// fields finds the fields of records. Those of one column are side by side.
type fields struct {
	o    *Options
	c    *chunk
	list []field // blockRows for each column
	row  int     // of the block
	n    int     // fields of the record so far
	// delimiters is the delimiter in each byte.
	delimiters uint64
	// plainNull is what is NULL in records without quotes and backslashes, if anything is.
	plainNull string
	hasNull   bool
	// force says that there are columns in which NULL is found in another way.
	force bool
}

func newFields(o *Options) *fields {
	const ones = 0x0101010101010101
	f := &fields{o: o, list: make([]field, blockRows*len(o.Types)), delimiters: ones * uint64(o.Format.Delimiter), plainNull: o.Format.Null}
	special := byte('\\')
	if o.Format.CSV {
		special = o.Format.Quote
	}
	f.hasNull = bytes.IndexByte([]byte(f.plainNull), special) < 0
	f.force = o.ForceNull != nil || o.ForceNotNull != nil
	return f
}

// put adds a field; those beyond the last column are only counted.
func (f *fields) put(x field) {
	if f.n < len(f.o.Types) {
		f.list[f.n*blockRows+f.row] = x
	}
	f.n++
}

// split finds the fields of a record; f.n is their number afterwards.
func (f *fields) split(c *chunk, record, row int) error {
	err := f.find(c, record, row)
	if f.force && err == nil {
		f.forceNulls()
	}
	return err
}

// forceNulls looks again at what is NULL.
func (f *fields) forceNulls() {
	null := f.o.Format.Null
	for k := range min(f.n, len(f.o.Types)) {
		x := &f.list[k*blockRows+f.row]
		switch {
		case x.n == isNull:
			if f.o.ForceNotNull != nil && f.o.ForceNotNull[k] {
				x.n = uint32(len(null))
			}
		case x.n != isDefault && f.o.ForceNull != nil && f.o.ForceNull[k] && string(f.c.bytesOf(*x)) == null:
			x.n = isNull
		}
	}
}

func (f *fields) find(c *chunk, record, row int) error {
	f.c, f.row, f.n = c, row, 0
	start, end, special := c.bounds(record)
	switch {
	case len(f.o.Types) == 0:
		if end > start {
			f.n = 1
		}
		return nil
	case !special:
		f.plain(start, end)
		return nil
	case f.o.Format.CSV:
		return f.csv(start, end)
	}
	return f.text(start, end)
}

// plain finds the fields of a record without quotes and backslashes, eight bytes at a time.
func (f *fields) plain(start, end int) {
	const low = 0x7f7f7f7f7f7f7f7f
	buf := f.c.buf
	if f.o.Format.TrailingDelimiter && end > start && buf[end-1] == f.o.Format.Delimiter {
		end--
	}
	text := buf[: len(buf)+slackBytes : cap(buf)]
	begin, list, n := start, f.list[f.row:], 0
	for at := start; at < end; at += 8 {
		x := binary.LittleEndian.Uint64(text[at:]) ^ f.delimiters
		for found := ^((x&low + low) | x | low); found != 0; found &= found - 1 {
			i := at + bits.TrailingZeros64(found)>>3
			if i >= end {
				break
			}
			if k := n * blockRows; k < len(list) {
				list[k] = f.found(text, begin, i)
			}
			n, begin = n+1, i+1
		}
	}
	if k := n * blockRows; k < len(list) {
		list[k] = f.found(text, begin, end)
	}
	f.n = n + 1
}

// found is the field of text between two places.
func (f *fields) found(text []byte, begin, end int) field {
	if f.hasNull && end-begin == len(f.plainNull) && string(text[begin:end]) == f.plainNull {
		return field{uint32(begin), isNull}
	}
	if f.o.Default != nil && string(text[begin:end]) == *f.o.Default {
		return field{uint32(begin), isDefault}
	}
	return field{uint32(begin), uint32(end - begin)}
}

// csv finds the fields of a csv record with quotes.
func (f *fields) csv(start, end int) error {
	fm, text := &f.o.Format, f.c.buf
	quote := start + bytes.IndexByte(text[start:end], fm.Quote)
	for at := start; ; {
		if quote < at {
			quote = end
			if i := bytes.IndexByte(text[at:end], fm.Quote); i >= 0 {
				quote = at + i
			}
		}
		stop := end
		if i := bytes.IndexByte(text[at:end], fm.Delimiter); i >= 0 {
			stop = at + i
		}
		if quote > stop || quote == end {
			f.put(f.unquoted(text, at, stop))
		} else {
			x, after, err := f.quoted(at, end)
			if err != nil {
				return err
			}
			f.put(x)
			stop = after
		}
		if stop == end {
			return nil
		}
		at = stop + 1
	}
}

// unquoted is found for the records that have quotes elsewhere.
func (f *fields) unquoted(text []byte, begin, end int) field {
	if string(text[begin:end]) == f.o.Format.Null {
		return field{uint32(begin), isNull}
	}
	if f.o.Default != nil && string(text[begin:end]) == *f.o.Default {
		return field{uint32(begin), isDefault}
	}
	return field{uint32(begin), uint32(end - begin)}
}

// quoted reads a csv field that has a quote in it, and returns where it ends.
func (f *fields) quoted(start, end int) (x field, stop int, err error) {
	fm, text := &f.o.Format, f.c.buf
	if text[start] == fm.Quote {
		// Nearly every field is between two quotes and has no escapes.
		if i := bytes.IndexByte(text[start+1:end], fm.Quote); i >= 0 {
			stop = start + i + 2
			if stop == end || text[stop] == fm.Delimiter && (fm.Delimiter != fm.Escape) {
				if fm.Escape == fm.Quote || bytes.IndexByte(text[start+1:stop-1], fm.Escape) < 0 {
					return field{uint32(start + 1), uint32(i)}, stop, nil
				}
			}
		}
	}
	from, in := len(f.c.scratch), false
	for i := start; i < end; i++ {
		ch := text[i]
		switch {
		case in && ch == fm.Escape && i+1 < end && (text[i+1] == fm.Quote || text[i+1] == fm.Escape):
			i++
			f.c.scratch = append(f.c.scratch, text[i])
		case ch == fm.Quote:
			in = !in
		case ch == fm.Delimiter && !in:
			return f.scratched(from), i, nil
		default:
			f.c.scratch = append(f.c.scratch, ch)
		}
	}
	if in {
		return x, 0, sqlerr.New(sqlerr.BadCopyFileFormat, "unterminated CSV quoted field")
	}
	return f.scratched(from), end, nil
}

// scratched is the field whose bytes were appended to the scratch.
func (f *fields) scratched(from int) field {
	return field{uint32(from), uint32(len(f.c.scratch)-from) | isScratch}
}

// text finds the fields of a record of the format text with backslashes.
func (f *fields) text(start, end int) error {
	fm, text := &f.o.Format, f.c.buf
	for at := start; ; {
		stop := textFieldEnd(text[:end], at, fm.Delimiter)
		if stop == end && at == end && f.n > 0 && fm.TrailingDelimiter {
			return nil
		}
		x, err := f.textField(text, at, stop)
		if err != nil {
			return err
		}
		f.put(x)
		if stop == end {
			return nil
		}
		at = stop + 1
	}
}

// textFieldEnd finds the next delimiter that no backslash precedes, or the end of the text.
func textFieldEnd(text []byte, at int, delimiter byte) int {
	for ; at < len(text); at++ {
		if text[at] == '\\' {
			at++
		} else if text[at] == delimiter {
			return at
		}
	}
	return len(text)
}

// textField takes out the backslashes of a field.
func (f *fields) textField(text []byte, begin, end int) (field, error) {
	b := text[begin:end]
	if string(b) == f.o.Format.Null {
		return field{uint32(begin), isNull}, nil
	}
	if f.o.Default != nil && string(b) == *f.o.Default {
		return field{uint32(begin), isDefault}, nil
	}
	if bytes.IndexByte(b, '\\') < 0 {
		return field{uint32(begin), uint32(len(b))}, nil
	}
	s, from, check := f.c.scratch, len(f.c.scratch), false
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			s = append(s, b[i])
			continue
		}
		if i++; i == len(b) {
			break
		}
		c, used := unescape(b[i:])
		check = check || used > 1 && (c == 0 || c >= 0x80) || used == 1 && c == 0
		s = append(s, c)
		i += used - 1
	}
	f.c.scratch = s
	if check {
		if err := types.CheckUTF8(s[from:]); err != nil {
			return field{}, err
		}
	}
	return f.scratched(from), nil
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
			if h < 0 || b[n] < '0' {
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

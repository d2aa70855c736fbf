package copytext

import (
	"bytes"
	"io"
	"unicode/utf8"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

const (
	// recordBytesMax bounds one record, so that input without line ends cannot take all memory.
	recordBytesMax = 256 << 20
	// readBytes is how much is read at a time.
	readBytes = 64 << 10
)

// splitter cuts input into chunks.
type splitter struct {
	in  io.Reader
	f   *Format
	eof bool
	// rowsMax and bytesMax end a chunk.
	rowsMax, bytesMax int
	// rest is what was read beyond the last chunk, in whose buffer it is.
	rest  []byte
	end   lineEnd
	lines int64

	// Of the chunk that is being filled:
	c       *chunk
	begin   int // where the record begins
	at      int // where the search goes on
	q       quotes
	special bool // the record has quotes or backslashes
	// Where the next of these bytes are, from at on; len(c.buf) if they are not in the buffer.
	newline, cr, mark spot
}

// spot remembers where a byte comes next.
type spot struct {
	ch  byte
	pos int
}

// from returns where the byte comes next in b, at or behind at; len(b) if it does not.
func (s *spot) from(b []byte, at int) int {
	if s.pos < at {
		s.pos = len(b)
		if i := bytes.IndexByte(b[at:], s.ch); i >= 0 {
			s.pos = at + i
		}
	}
	return s.pos
}

// grown says that b was as long as old before: what was not found may be in the rest.
func (s *spot) grown(old int) {
	if s.pos >= old {
		s.pos = -1
	}
}

func newSplitter(in io.Reader, f *Format) *splitter {
	s := &splitter{in: in, f: f, rowsMax: chunkRows, bytesMax: chunkBytes}
	s.newline.ch, s.cr.ch, s.mark.ch = '\n', '\r', '\\'
	if f.CSV {
		s.mark.ch = f.Quote
	}
	return s
}

// next fills c with records. c.last says that there are no more; an error of the input comes after them.
func (s *splitter) next(c *chunk) {
	if need := len(s.rest) + slackBytes; cap(c.buf) < need {
		c.buf = make([]byte, 0, max(need, 4*readBytes))
	}
	c.buf = append(c.buf[:0], s.rest...)
	c.ends, c.first, c.rows = c.ends[:0], 0, 0
	c.last, c.err, c.lines, c.end = false, nil, s.lines, s.end
	s.c, s.rest = c, nil
	s.begin, s.at, s.q, s.special = 0, 0, quotes{}, false
	s.newline.pos, s.cr.pos, s.mark.pos = -1, -1, -1
	for len(c.ends) < s.rowsMax && s.begin < s.bytesMax && !c.last {
		if more, err := s.record(); err != nil {
			c.last, c.err = true, err
		} else if !more {
			c.last = true
		}
	}
	c.endAfter = s.end
	s.rest = c.buf[s.begin:]
	s.c = nil
}

// record finds the end of one record, or returns false at the end of the input.
func (s *splitter) record() (bool, error) {
	for {
		end, size, err := s.search()
		if err != nil {
			return false, s.failed(err)
		}
		if size > 0 {
			return s.take(end, size)
		}
		if !s.eof {
			if err := s.fill(); err != nil {
				return false, err
			}
			continue
		}
		if s.begin == len(s.c.buf) {
			return false, nil
		}
		s.take(len(s.c.buf), 0) //nolint:errcheck // no error without a line end
		return false, nil
	}
}

// errEnd is returned by search at an end marker.
var errEnd = sqlerr.New(sqlerr.InternalError, "end of the input")

// failed gives an error of a record its line number.
func (s *splitter) failed(err error) error {
	if err == errEnd {
		s.begin = len(s.c.buf)
		return nil
	}
	text := s.c.buf[s.begin:s.at]
	if at, uerr := types.FirstInvalidUTF8(text); uerr != nil {
		err, text = uerr, readBefore(text, at)
	}
	return &lineError{err: err, line: s.lines + 1 + quotedLines(text, s.f, s.end)}
}

// take ends the record; its line end has size bytes.
func (s *splitter) take(end, size int) (bool, error) {
	ends := s.c.ends
	text := s.c.buf[s.begin:end]
	s.lines++
	bit := uint32(0)
	if s.special {
		bit = 1
		if s.f.CSV {
			s.lines += quotedLines(text, s.f, s.endBefore())
		}
	}
	s.c.ends = append(ends, uint32(end)<<1|bit)
	marker := s.f.CSV && s.f.EndMarker && string(text) == `\.`
	s.begin = end + size
	s.at, s.special, s.q = s.begin, false, quotes{}
	if !marker {
		return true, nil
	}
	for s.begin == len(s.c.buf) && !s.eof {
		if err := s.fill(); err != nil {
			return false, err
		}
	}
	if s.begin == len(s.c.buf) {
		s.c.ends = ends
		return false, nil
	}
	return true, nil
}

// endBefore returns the line end as it was known while the record was read.
func (s *splitter) endBefore() lineEnd {
	if len(s.c.ends) == 0 {
		return s.c.end
	}
	return s.end
}

// search finds where the record ends and how many bytes its line end has: 0 if that is not in the buffer.
func (s *splitter) search() (end, size int, err error) {
	for {
		b := s.c.buf
		if s.q.in {
			if !s.quoted(b) {
				return 0, 0, nil
			}
			continue
		}
		nl, cr, mark := s.newline.from(b, s.at), s.cr.from(b, s.at), s.mark.from(b, s.at)
		s.at = min(nl, cr, mark)
		switch s.at {
		case len(b):
			return 0, 0, nil
		case nl:
			if s.end == endCR || s.end == endCRNL {
				return 0, 0, s.literal("newline", "n")
			}
			s.end = endNL
			return nl, 1, nil
		case cr:
			size, err := s.carriageReturn(b)
			return cr, size, err
		}
		s.special = true
		if s.f.CSV {
			s.q.in = true
			s.at++
			continue
		}
		if more, err := s.backslash(b); !more || err != nil {
			return 0, 0, err
		}
	}
}

// quoted goes on behind the closing quote; false if it is not in the buffer.
func (s *splitter) quoted(b []byte) bool {
	if s.f.Escape == s.f.Quote {
		i := bytes.IndexByte(b[s.at:], s.f.Quote)
		if i < 0 {
			s.at = len(b)
			return false
		}
		s.at += i + 1
		s.q.in = false
		return true
	}
	for s.at < len(b) {
		s.q.next(b[s.at], s.f)
		s.at++
		if !s.q.in {
			return true
		}
	}
	return false
}

// carriageReturn returns the size of the line end that begins with a carriage return at s.at.
func (s *splitter) carriageReturn(b []byte) (size int, err error) {
	behind := b[s.at+1:]
	if s.f.CSV || s.end == endUnknown || s.end == endCRNL { // it is looked at with the character behind it
		if !s.eof && (len(behind) == 0 || !utf8.FullRune(behind)) {
			return 0, nil
		}
		if at, err := types.FirstInvalidUTF8(behind[:min(len(behind), utf8.UTFMax)]); err != nil && at == 0 {
			_, err = types.FirstInvalidUTF8(behind)
			return 0, err
		}
	}
	switch {
	case s.end == endNL, s.end == endCRNL && (len(behind) == 0 || behind[0] != '\n'):
		return 0, s.literal("carriage return", "r")
	case s.end == endUnknown && len(behind) > 0 && behind[0] == '\n', s.end == endCRNL:
		s.end = endCRNL
		return 2, nil
	}
	s.end = endCR
	return 1, nil
}

// literal is the error of a line end of another kind than the first one.
func (s *splitter) literal(name, escape string) error {
	if s.f.CSV {
		return sqlerr.Newf(sqlerr.BadCopyFileFormat, "unquoted %s found in data", name).
			WithHint("Use quoted CSV field to represent %s.", name)
	}
	return sqlerr.Newf(sqlerr.BadCopyFileFormat, "literal %s found in data", name).
		WithHint("Use \"\\%s\" to represent %s.", escape, name)
}

// backslash passes over the backslash at s.at of the format text and the byte behind it; false if that is not in the
// buffer.
func (s *splitter) backslash(b []byte) (bool, error) {
	if s.at+1 == len(b) {
		return false, nil // at the end of the input the record ends here
	}
	if b[s.at+1] != '.' {
		s.at += 2
		return true, nil
	}
	tail := b[s.at+2:]
	if len(tail) < s.end.bytes() && !s.eof {
		return false, nil
	}
	return false, s.marker(tail)
}

// marker looks at what is behind \. and returns errEnd if it is the end of the input.
func (s *splitter) marker(tail []byte) error {
	alone := sqlerr.New(sqlerr.BadCopyFileFormat, "end-of-copy marker is not alone on its line")
	other := sqlerr.New(sqlerr.BadCopyFileFormat, "end-of-copy marker does not match previous newline style")
	next := func() (c byte) {
		if len(tail) > 0 {
			c, tail = tail[0], tail[1:]
		}
		return c
	}
	if s.end == endCRNL {
		switch next() {
		case '\n':
			return other
		case '\r':
		default:
			return alone
		}
	}
	c := next()
	switch {
	case c != '\r' && c != '\n':
		return alone
	case (s.end == endNL || s.end == endCRNL) && c != '\n', s.end == endCR && c != '\r':
		return other
	case s.at > s.begin:
		return alone
	}
	return errEnd
}

// fill reads more input into the chunk's buffer.
func (s *splitter) fill() error {
	b := s.c.buf
	if len(b)-s.begin >= recordBytesMax {
		err := sqlerr.Newf(sqlerr.ProgramLimitExceeded, "COPY line %d is longer than %d bytes", s.lines+1, recordBytesMax)
		return &lineError{err: err, line: s.lines + 1}
	}
	if cap(b)-len(b) < readBytes+slackBytes {
		b = append(make([]byte, 0, max(2*cap(b), len(b)+readBytes+slackBytes)), b...)
	}
	old := len(b)
	for range 100 { // as bufio: a reader that keeps returning nothing is broken
		n, err := s.in.Read(b[len(b) : cap(b)-slackBytes])
		b = b[:len(b)+n]
		if err == io.EOF {
			s.eof = true
		} else if err != nil {
			s.c.buf = b
			return &lineError{err: err, line: s.lines + 1}
		}
		if n > 0 || s.eof {
			s.c.buf = b
			s.newline.grown(old)
			s.cr.grown(old)
			s.mark.grown(old)
			return nil
		}
	}
	return &lineError{err: io.ErrNoProgress, line: s.lines + 1}
}

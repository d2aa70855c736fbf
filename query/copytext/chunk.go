package copytext

import (
	"bytes"
	"sync/atomic"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

const (
	// chunkRows is the number of records of a chunk: they make one batch.
	chunkRows = vec.Size
	// chunkBytes closes a chunk of fewer records.
	chunkBytes = 1 << 20
	// slackBytes are readable behind the text of a chunk, so that kernels may load whole words.
	slackBytes = 16
)

// lineEnd is how lines end; the first one decides for all.
type lineEnd uint8

const (
	endUnknown lineEnd = iota
	endNL
	endCR
	endCRNL
)

// bytes returns the length of a line end.
func (e lineEnd) bytes() int {
	if e == endCRNL {
		return 2
	}
	return 1
}

// chunk is a run of whole records, and then the columns made of them.
type chunk struct {
	buf []byte // text of the records, and what was read beyond
	// ends has for each record where its text ends, shifted left by one, and in the lowest bit whether there are quotes or
	// backslashes in it. The next record begins behind the line end.
	ends  []uint32
	first int // the first record that is a row
	// lines and end are the line number and the line end before the first record, endAfter is the line end from then on.
	lines         int64
	end, endAfter lineEnd
	last          bool  // the input ends here, with err if it is set
	err           error // comes after the records

	cols []column
	rows int
	// kept are the records that become rows; nil: all from first on. skips are the others.
	kept  []int32
	skips []skipped
	// defaults are the places where the input says that a column has its default.
	defaults []Place
	done     chan struct{} // has an element once the columns are made
	// dropped says that nobody waits for the columns any more.
	dropped atomic.Bool
	// panicked is what a worker panicked with.
	panicked any
	vectors  []vec.Vector
	scratch  []byte // strings that are not in buf as they are
}

// skipped is a row that is left out, with what follows its line's number in a context.
type skipped struct {
	Skip
	what string
}

// recordOf returns the number of the record that a row is made of.
func (c *chunk) recordOf(row int) int {
	if c.kept != nil {
		return int(c.kept[row])
	}
	return c.first + row
}

// record returns the text of record i.
func (c *chunk) record(i int) (text []byte, special bool) {
	start, end, special := c.bounds(i)
	return c.buf[start:end:end], special
}

func (c *chunk) bounds(i int) (start, end int, special bool) {
	if i > 0 {
		start = int(c.ends[i-1]>>1) + c.endAfter.bytes()
	}
	return start, int(c.ends[i] >> 1), c.ends[i]&1 != 0
}

// lineOf returns the line number that PostgreSQL counts at record i: line ends inside quotes count as well.
func (c *chunk) lineOf(i int, f *Format) int64 {
	n, end := c.lines, c.end
	for k := range i + 1 {
		text, special := c.record(k)
		n++
		if special && f.CSV {
			n += quotedLines(text, f, end)
		}
		end = c.endAfter
	}
	return n
}

// notUTF8 is the error of record i that is not UTF-8 at a place; its line is to be added to the record's: line ends behind
// the place do not count.
func (c *chunk) notUTF8(i, at int, f *Format) *lineError {
	start, _, special := c.bounds(i)
	e := &lineError{}
	_, e.err = types.FirstInvalidUTF8(c.buf[start+at:]) // names bytes behind the record, too
	if special && f.CSV {
		end := c.end
		if i > 0 {
			end = c.endAfter
		}
		text, _ := c.record(i)
		e.line = quotedLines(readBefore(text, at), f, end) - quotedLines(text, f, end)
	}
	return e
}

// readBefore is what was read of a csv record when the error at a place was found: a carriage return is looked at together
// with what is behind it.
func readBefore(text []byte, at int) []byte {
	if at > 0 && text[at-1] == '\r' {
		at--
	}
	return text[:at]
}

// quotedLines counts the line ends inside the quotes of a record, as PostgreSQL does: the first byte of a line end, and of
// one that is not known yet the carriage return.
func quotedLines(text []byte, f *Format, end lineEnd) (n int64) {
	ch := byte('\r')
	if end == endNL {
		ch = '\n'
	}
	if bytes.IndexByte(text, ch) < 0 {
		return 0
	}
	var q quotes
	for _, c := range text {
		q.next(c, f)
		if q.in && c == ch {
			n++
		}
	}
	return n
}

// quotes follows where quotes begin and end.
type quotes struct{ in, escaped bool }

func (q *quotes) next(c byte, f *Format) {
	own := f.Escape != f.Quote
	if q.in && own && c == f.Escape {
		q.escaped = !q.escaped
	}
	if c == f.Quote && !q.escaped {
		q.in = !q.in
	}
	if !own || c != f.Escape {
		q.escaped = false
	}
}

// bytes bounds the memory that the chunk's text takes, and the scratch, which is no longer.
func (c *chunk) bytes() int { return 2 * cap(c.buf) }

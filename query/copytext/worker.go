package copytext

import (
	"bytes"
	"unicode/utf8"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// worker makes columns of chunks, one after the other.
type worker struct {
	o      *Options
	fields *fields
	ints   []int64 // of a block

	c    *chunk
	text []byte // of the chunk, with its slack
	at   int    // the row of the block's first record
	// again says that a column has taken another form, so that the chunk has to be converted anew.
	again bool
}

func newWorker(o *Options) *worker {
	return &worker{o: o, fields: newFields(o), ints: make([]int64, blockRows)}
}

// convert makes the columns of a chunk. At the first error the rows before it are left, and c.err is the error.
func (w *worker) convert(c *chunk) {
	w.c, w.text = c, c.buf[:len(c.buf)+slackBytes:cap(c.buf)]
	c.kept, c.skips, c.defaults = nil, c.skips[:0], c.defaults[:0]
	records := len(c.ends) - c.first
	valid := w.valid()
	for {
		bad, ok := w.rows(records, valid)
		if ok {
			c.rows = records
			return
		}
		if w.again {
			w.again = false
			continue
		}
		if w.o.Skipped != nil && c.kept == nil {
			w.sift(records)
			records, valid = len(c.kept), true
			continue
		}
		n, err := w.firstError(bad, records)
		c.last, c.err, records, valid = true, err, n, true
	}
}

// sift finds the records whose values can be read, up to one with another error.
func (w *worker) sift(records int) {
	c := w.c
	c.kept = make([]int32, 0, records)
	for record := c.first; record < c.first+records; record++ {
		err := w.rowError(record)
		if err == nil {
			c.kept = append(c.kept, int32(record))
			continue
		}
		err.line += c.lineOf(record, &w.o.Format)
		if err.column == "" {
			c.last, c.err = true, err
			return
		}
		c.skips = append(c.skips, skipped{Skip{err.line, err.column, err.value}, err.what})
	}
}

// valid reports whether all records are text.
func (w *worker) valid() bool {
	c := w.c
	if len(c.ends) == 0 {
		return true
	}
	b := c.buf[:c.ends[len(c.ends)-1]>>1]
	return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0
}

// rows converts the first n rows, or returns the first one of a block with an error.
func (w *worker) rows(n int, valid bool) (bad int, ok bool) {
	c := w.c
	c.scratch, c.defaults = c.scratch[:0], c.defaults[:0]
	for i := range c.cols {
		c.cols[i].reset()
	}
	for w.at = 0; w.at < n; w.at += blockRows {
		if !valid || !w.block(min(blockRows, n-w.at)) {
			return w.at, false
		}
	}
	return 0, true
}

// block converts n rows from w.at on.
func (w *worker) block(n int) bool {
	c, f := w.c, w.fields
	for row := range n {
		if f.split(c, c.recordOf(w.at+row), row) != nil || f.n != len(c.cols) || w.o.Default != nil && !w.noteDefaults(row) {
			return false
		}
	}
	for k := range c.cols {
		col, list := &c.cols[k], f.list[k*blockRows:k*blockRows+n]
		switch {
		case col.b != nil:
			if !w.built(k, list) {
				return false
			}
			continue
		case col.class == types.ClassString:
			if !w.strings(k, list) {
				return false
			}
			continue
		case col.fast == nil:
			if !w.others(k, list) {
				return false
			}
		case !col.fast(w, k, list):
			return false
		}
		col.store(w.at, w.ints[:n])
	}
	return true
}

// noteDefaults notes which fields of a row stand for defaults; it fails if a column has none.
func (w *worker) noteDefaults(row int) bool {
	for k := range w.c.cols {
		if w.fields.list[k*blockRows+row].n != isDefault {
			continue
		}
		if !w.o.HasDefault[k] {
			return false
		}
		w.c.defaults = append(w.c.defaults, Place{w.at + row, k})
	}
	return true
}

// general gives a column of numerics the form that takes every value, and has the chunk converted anew.
func (w *worker) general(col int) {
	w.c.cols[col] = generalColumn(w.o.Types[col])
	w.again = true
}

// firstError goes through the rows from one on and returns the first that has an error, with it.
func (w *worker) firstError(from, n int) (int, error) {
	for row := from; row < n; row++ {
		record := w.c.recordOf(row)
		if err := w.rowError(record); err != nil {
			err.line += w.c.lineOf(record, &w.o.Format)
			return row, err
		}
	}
	invariants.Assert(false, "a block of COPY input has no error after all")
	return from, sqlerr.New(sqlerr.InternalError, "a block of COPY input could not be read")
}

// rowError returns the first error of a record, if there is one.
func (w *worker) rowError(record int) *lineError {
	c, f := w.c, w.fields
	text, _ := c.record(record)
	if at, err := types.FirstInvalidUTF8(text); err != nil {
		return c.notUTF8(record, at, &w.o.Format)
	}
	whole := func(err error) *lineError { return &lineError{err: err, what: ": " + shown(text)} }
	if err := f.split(c, record, 0); err != nil {
		return whole(err)
	}
	for k := range min(f.n, len(c.cols)) {
		if f.list[k*blockRows].n == isDefault && !w.o.HasDefault[k] {
			return whole(sqlerr.New(sqlerr.BadCopyFileFormat, "unexpected default marker in COPY data").
				WithDetail("Column \"%s\" has no default value.", w.o.Names[k]))
		}
	}
	if f.n > len(c.cols) {
		return whole(sqlerr.New(sqlerr.BadCopyFileFormat, "extra data after last expected column"))
	}
	for k := range f.n {
		x := f.list[k*blockRows]
		if x.n&isNull != 0 {
			continue
		}
		if _, err := w.parse(k, x); err != nil {
			name, value := w.o.Names[k], shown(c.bytesOf(x))
			return &lineError{err: err, what: ", column " + name + ": " + value, column: name, value: value}
		}
	}
	if f.n < len(c.cols) {
		return whole(sqlerr.Newf(sqlerr.BadCopyFileFormat, "missing data for column \"%s\"", w.o.Names[f.n]))
	}
	return nil
}

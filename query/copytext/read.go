package copytext

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Options say what the input is.
type Options struct {
	// Table is the name that errors give.
	Table  string
	Format Format
	// Names and Types are those of the columns that the input has, in its order.
	Names []string
	Types []types.Type
	// Parse has what the text of values depends on.
	Parse *types.ParseOptions
	// Workers is the number of goroutines that convert; below 2 the caller's does. With more than one, Parse is used by
	// several goroutines at once.
	Workers int
	// ForceNull and ForceNotNull name fields of csv in which what stands for NULL is NULL even in quotes, or never. nil: none.
	ForceNull, ForceNotNull []bool
	// Default is what stands for the default of a column; nil: nothing does. HasDefault names the columns that have one.
	Default    *string
	HasDefault []bool
	// FillDefaults replaces what vectors have at the places of defaults, in the order of the input; they hold NULL there.
	FillDefaults func(cols []vec.Vector, rows int, at []Place) error
	// Skipped, if it is set, is told of the rows that have a value which cannot be read, and which are left out. Its error ends the
	// input.
	Skipped func(Skip) error
}

// Place is a field of the rows that are handed on together.
type Place struct{ Row, Col int }

// Skip is a row that is left out: Value is the text, as errors show it, that cannot be a value of Column.
type Skip struct {
	Line          int64
	Column, Value string
}

// RowError makes an error of emit one of a row of those that it was given: it names the line.
func RowError(row int, err error) error { return &rowError{err, row} }

type rowError struct {
	error
	row int
}

func (e *rowError) Unwrap() error { return e.error }

// chunksEach is the number of chunks on their way for each worker; chunksBytesMax bounds their text together, unless it is
// only one.
const (
	chunksEach     = 2
	chunksBytesMax = 64 << 20
)

// Read reads all input and calls emit with its rows, in their order: up to vec.Size of them, as one vector for each column,
// borrowed until emit returns. At the first error, of the input or of emit, it returns that error.
func Read(ctx context.Context, in io.Reader, o Options, emit func(cols []vec.Vector, rows int) error) error {
	return newReader(in, &o).read(ctx, emit)
}

func newReader(in io.Reader, o *Options) *reader {
	return &reader{o: o, split: newSplitter(in, &o.Format), own: newWorker(o)}
}

func (r *reader) read(ctx context.Context, emit func(cols []vec.Vector, rows int) error) error {
	defer r.stop()
	err := r.run(ctx, emit)
	if at, ok := errors.AsType[*lineError](err); ok {
		err = at.inContext(r.o.Table)
	}
	return err
}

// reader is one Read.
type reader struct {
	o       *Options
	split   *splitter
	own     *worker
	blocks  [2][]byte
	free    []*chunk
	pending []*chunk // being converted, in the order of the input
	ended   bool     // all input was read

	work chan *chunk // nil: the workers were not started
	wg   sync.WaitGroup
}

func (r *reader) run(ctx context.Context, emit func(cols []vec.Vector, rows int) error) error {
	if err := r.header(); err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.readAhead()
		if len(r.pending) == 0 {
			return nil
		}
		c := r.pending[0]
		r.pending = r.pending[:copy(r.pending, r.pending[1:])]
		<-c.done
		if c.panicked != nil {
			panic(c.panicked)
		}
		if err := r.emit(c, emit); err != nil {
			return err
		}
		if c.err != nil {
			return c.err
		}
		r.free = append(r.free, c)
	}
}

// emit hands the rows of a chunk on.
func (r *reader) emit(c *chunk, emit func(cols []vec.Vector, rows int) error) error {
	for _, x := range c.skips {
		if err := r.o.Skipped(x.Skip); err != nil {
			return &lineError{err: err, line: x.Line, what: x.what}
		}
	}
	if c.rows == 0 {
		return nil
	}
	cols := r.vectors(c)
	if len(c.defaults) > 0 {
		if err := r.o.FillDefaults(cols, c.rows, c.defaults); err != nil {
			return err
		}
	}
	err := emit(cols, c.rows)
	if at, ok := errors.AsType[*rowError](err); ok {
		record := c.recordOf(at.row)
		text, _ := c.record(record)
		return &lineError{err: at.error, line: c.lineOf(record, &r.o.Format), what: ": " + shown(text)}
	}
	return err
}

// readAhead reads chunks and has them converted, as many as may be on their way.
func (r *reader) readAhead() {
	for !r.ended && len(r.pending) < max(chunksEach*r.o.Workers, 1) {
		bytes := 0
		for _, c := range r.pending {
			bytes += c.bytes()
		}
		if bytes > chunksBytesMax {
			return
		}
		c := r.chunk()
		r.split.next(c)
		r.send(c)
	}
}

// send has a chunk converted: by a worker unless it is the only one.
func (r *reader) send(c *chunk) {
	r.pending = append(r.pending, c)
	r.ended = c.last
	if r.work == nil && (c.last || r.o.Workers < 2) {
		r.own.run(c)
		return
	}
	r.start()
	r.work <- c
}

// chunk returns an empty chunk.
func (r *reader) chunk() *chunk {
	if n := len(r.free); n > 0 {
		c := r.free[n-1]
		r.free = r.free[:n-1]
		return c
	}
	c := &chunk{done: make(chan struct{}, 1), cols: make([]column, len(r.o.Types)), vectors: make([]vec.Vector, len(r.o.Types))}
	for i, t := range r.o.Types {
		c.cols[i] = newColumn(t)
	}
	return c
}

// start starts the workers.
func (r *reader) start() {
	if r.work != nil {
		return
	}
	r.work = make(chan *chunk, chunksEach*r.o.Workers)
	for range r.o.Workers {
		r.wg.Go(func() {
			w := newWorker(r.o)
			for c := range r.work {
				w.run(c)
			}
		})
	}
}

// stop waits for the workers.
func (r *reader) stop() {
	if r.work == nil {
		return
	}
	for _, c := range r.pending {
		c.dropped.Store(true)
	}
	close(r.work)
	r.wg.Wait()
}

// run converts a chunk and says so.
func (w *worker) run(c *chunk) {
	defer func() {
		c.panicked = recover()
		c.done <- struct{}{}
	}()
	if !c.dropped.Load() {
		w.convert(c)
	}
}

// vectors returns the columns of a converted chunk.
func (r *reader) vectors(c *chunk) []vec.Vector {
	r.blocks = [2][]byte{c.buf, c.scratch}
	for i := range c.cols {
		c.vectors[i] = c.cols[i].vector(c.rows, r.blocks[:])
	}
	return c.vectors
}

// header reads the first chunk if the first line has names, and checks them.
func (r *reader) header() error {
	if !r.o.Format.Header {
		return nil
	}
	c := r.chunk()
	r.split.next(c)
	if len(c.ends) == 0 {
		r.ended = true
		return c.err
	}
	if err := r.checkHeader(c); err != nil {
		return err
	}
	c.first = 1
	r.send(c)
	return nil
}

func (r *reader) checkHeader(c *chunk) error {
	line := c.lineOf(0, &r.o.Format)
	text, _ := c.record(0)
	if at, err := types.FirstInvalidUTF8(text); err != nil {
		e := c.notUTF8(0, at, &r.o.Format)
		e.line += line
		return e
	}
	if !r.o.Format.HeaderMatch {
		return nil
	}
	failed := func(err error) error { return &lineError{err: err, line: line, what: ": " + shown(text)} }
	f := r.own.fields
	if err := f.split(c, 0, 0); err != nil {
		return failed(err)
	}
	if f.n != len(r.o.Names) {
		return failed(sqlerr.Newf(sqlerr.BadCopyFileFormat, "wrong number of fields in header line: got %d, expected %d", f.n, len(r.o.Names)))
	}
	for i, want := range r.o.Names {
		x := f.list[i*blockRows]
		if x.n&isNull != 0 {
			return failed(sqlerr.Newf(sqlerr.BadCopyFileFormat, "column name mismatch in header line field %d: got null value (\"%s\"), expected \"%s\"",
				i+1, r.o.Format.Null, want))
		}
		if got := c.bytesOf(x); string(got) != want {
			return failed(sqlerr.Newf(sqlerr.BadCopyFileFormat, "column name mismatch in header line field %d: got \"%s\", expected \"%s\"", i+1, got, want))
		}
	}
	return nil
}

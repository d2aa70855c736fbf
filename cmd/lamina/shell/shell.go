package shell

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// ErrStatement is returned when a statement failed; the error has been printed.
var ErrStatement = errors.New("a statement failed")

// Options configure a Shell.
type Options struct {
	Format Format
	// Continue goes on after a statement that failed.
	Continue bool
	// Settings are those of the session, by name.
	Settings map[string]string
	// Out takes rows and command tags, Err notices and errors.
	Out, Err io.Writer
	// In has the rows of COPY FROM STDIN.
	In *bufio.Reader
}

// Shell is one session and where its output goes. One goroutine uses it, except Cancel.
type Shell struct {
	o      Options
	s      *query.Session
	out    *bufio.Writer
	timing bool
}

// New opens a session on an engine.
func New(e *query.Engine, o Options) (*Shell, error) {
	if o.Format == "" {
		o.Format = Aligned
	}
	sh := &Shell{o: o, out: bufio.NewWriter(o.Out)}
	s, err := e.NewSession(query.SessionOptions{
		Settings: o.Settings,
		Notice:   func(n query.Notice) { printMessage(o.Err, n.Severity, n.Err.Message, n.Err, "") },
	})
	if err != nil {
		return nil, err
	}
	sh.s = s
	return sh, nil
}

// Close rolls an open transaction back and ends the session.
func (sh *Shell) Close() error { return errors.Join(sh.out.Flush(), sh.s.Close()) }

// Cancel ends the running statement. Any goroutine may call it.
func (sh *Shell) Cancel() { sh.s.Cancel() }

// Run runs the statements of a text as one implicit transaction and prints their results. It
// returns nil, ErrStatement, or an error of the output.
func (sh *Shell) Run(ctx context.Context, sql string) error {
	start := time.Now()
	err := sh.statements(ctx, sql)
	if ferr := sh.s.Finish(ctx, err); err == nil {
		err = ferr
	}
	if oerr, ok := errors.AsType[*outputError](err); ok {
		return oerr.err
	}
	if ferr := sh.out.Flush(); ferr != nil {
		return ferr
	}
	if err != nil {
		PrintError(sh.o.Err, err, sql)
		err = ErrStatement
	}
	if sh.timing {
		fmt.Fprintf(sh.o.Out, "Time: %.3f ms\n", float64(time.Since(start).Microseconds())/1000)
	}
	return err
}

// outputError is a failure to print, which ends the shell.
type outputError struct{ err error }

func (e *outputError) Error() string { return e.err.Error() }

func (sh *Shell) statements(ctx context.Context, sql string) error {
	list, err := sh.s.Parse(ctx, sql)
	if err != nil {
		return err
	}
	for i := range list {
		p, err := sh.s.Prepare(ctx, &list[i], nil)
		if err != nil {
			return err
		}
		r, err := sh.s.Run(ctx, p, nil)
		if err != nil {
			return err
		}
		if err := sh.result(ctx, r); err != nil {
			return errors.Join(err, r.Close())
		}
		// The tag of the last statement says that it is committed.
		if i == len(list)-1 {
			if err := sh.s.Finish(ctx, nil); err != nil {
				return err
			}
		}
		if err := sh.tag(r); err != nil {
			return err
		}
	}
	return nil
}

// result prints the rows of a result, or takes its COPY input.
func (sh *Shell) result(ctx context.Context, r *query.Result) error {
	if r.Copy != nil {
		in := &copyInput{in: sh.o.In}
		err := r.CopyFrom(ctx, in)
		if _, derr := io.Copy(io.Discard, in); err == nil { // its rest is not to be taken for statements
			err = derr
		}
		return err
	}
	if r.CopyOut != nil && !r.Ended() {
		return r.CopyTo(ctx, sh.out)
	}
	var p printer
	if r.Columns != nil {
		p = sh.printer(r)
	}
	cells := make([]cell, len(r.Columns))
	text := sh.s.TextOptions()
	for {
		b, err := r.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := printBatch(p, r, b, cells, text); err != nil {
			return &outputError{err}
		}
	}
	if p != nil {
		if err := p.end(); err != nil {
			return &outputError{err}
		}
	}
	return nil
}

func printBatch(p printer, r *query.Result, b *vec.Batch, cells []cell, text *types.TextOptions) error {
	if p == nil {
		return nil
	}
	for i := range b.N {
		for k := range cells {
			d := b.BatchDatum(k, i)
			cells[k] = cell{null: !d.Valid}
			if d.Valid {
				cells[k].text = string(types.AppendText(nil, d, r.Columns[k].Type, text))
			}
		}
		if err := p.row(cells); err != nil {
			return err
		}
	}
	return nil
}

func (sh *Shell) printer(r *query.Result) printer {
	cols := make([]column, len(r.Columns))
	for i, c := range r.Columns {
		cols[i] = column{c.Name, c.Type}
	}
	switch sh.o.Format {
	case CSV:
		return newCSV(sh.out, cols)
	case JSON:
		return newJSON(sh.out, cols)
	}
	return newAligned(sh.out, cols)
}

// tag prints a command tag, unless rows were the answer or the output is for programs.
func (sh *Shell) tag(r *query.Result) error {
	tag := r.Tag()
	if sh.o.Format != Aligned || tag == "" || r.Columns != nil && isQueryTag(tag) {
		return nil
	}
	if _, err := fmt.Fprintln(sh.out, tag); err != nil {
		return &outputError{err}
	}
	return nil
}

// isQueryTag reports whether a command tag says no more than the rows printed above it.
func isQueryTag(tag string) bool {
	for _, verb := range []string{"SELECT", "SHOW", "EXPLAIN"} {
		if tag == verb || len(tag) > len(verb) && tag[:len(verb)+1] == verb+" " {
			return true
		}
	}
	return false
}

// stop reports whether err ends the input.
func (sh *Shell) stop(err error) bool {
	return err != nil && (!errors.Is(err, ErrStatement) || !sh.o.Continue)
}

var errTooLong = sqlerr.Newf(sqlerr.ProgramLimitExceeded, "a statement is longer than %d bytes", textBytesMax)

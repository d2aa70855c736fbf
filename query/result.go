package query

import (
	"context"
	"io"
	"strconv"

	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Result is what a statement answers: rows, or only a command tag. Close it before the session runs on,
// unless the statement only reads and stands in a transaction: such results may overlap.
type Result struct {
	// Columns describes the rows; nil if the statement returns none.
	Columns []plan.OutColumn
	// Copy is set by COPY FROM STDIN: the front end feeds it (see CopyIn).
	Copy *CopyIn
	// CopyOut is set by COPY TO STDOUT: the front end writes the result's rows as it lays them out.
	CopyOut *CopyOut

	s      *Session
	plan   *plan.Query // nil: there is none
	verb   string      // command tag without count
	counts bool        // the tag ends with the number of rows
	rows   int64
	stmt   table.Statement
	query  rowSource
	// held are rows made beforehand (RETURNING, SHOW, EXPLAIN, EXECUTE …), in batches.
	held []*vec.Batch
	at   int
	// row, if not nil, is that of a short query, not yet handed out.
	row    types.Row
	short  *exec.Short
	err    error
	done   bool
	cancel context.CancelFunc
	// ctx is the statement's context, below parent, the one it was run with.
	ctx, parent context.Context
	onEnd       []func()
}

// Next returns the next batch, borrowed until the following call, or io.EOF. After another error the
// statement has failed.
func (r *Result) Next(ctx context.Context) (*vec.Batch, error) {
	b, _, err := r.read(ctx, nil)
	return b, err
}

// NextMade returns what m makes of the next rows, or io.EOF. After another error the statement has failed. A result is read by
// it alone, or by Next alone.
func (r *Result) NextMade(ctx context.Context, m exec.Maker) (exec.Made, error) {
	_, made, err := r.read(ctx, m)
	return made, err
}

// read is Next if m is nil, else NextMade.
func (r *Result) read(ctx context.Context, m exec.Maker) (b *vec.Batch, made exec.Made, err error) {
	defer r.s.recovered(&err)
	if r.err != nil {
		return nil, made, r.err
	}
	if r.done {
		return nil, made, io.EOF
	}
	if m == nil {
		b, err = r.next(ctx)
	} else {
		made, err = r.nextMade(ctx, m)
	}
	if err == io.EOF {
		if err := r.finish(); err != nil {
			return nil, made, err
		}
		return nil, made, io.EOF
	}
	if err != nil {
		return nil, made, r.fail(err)
	}
	if r.query != nil {
		r.rows += int64(made.Rows)
		if b != nil {
			r.rows += int64(b.N)
		}
	}
	return b, made, nil
}

// Row returns the row of a query that needed no batches, once; it is valid until the statement runs again.
// All other rows come from Next.
func (r *Result) Row() (types.Row, bool) {
	if r.row == nil || r.done {
		return nil, false
	}
	row := r.row
	r.row = nil
	r.rows++
	return row, true
}

func (r *Result) next(ctx context.Context) (*vec.Batch, error) {
	if r.query != nil {
		stop, err := r.follow(ctx)
		if err != nil {
			return nil, err
		}
		defer stop()
		b, err := r.query.Next(r.ctx)
		return b, r.asCancelled(err)
	}
	if row, ok := r.Row(); ok {
		return r.short.Batch(row)
	}
	if r.at < len(r.held) {
		r.at++
		return r.held[r.at-1], nil
	}
	return nil, io.EOF
}

// nextMade is next for results that m makes.
func (r *Result) nextMade(ctx context.Context, m exec.Maker) (made exec.Made, err error) {
	if r.query == nil {
		b, err := r.next(ctx)
		if err != nil {
			return made, err
		}
		return m.Make(0, b)
	}
	stop, err := r.follow(ctx)
	if err != nil {
		return made, err
	}
	defer stop()
	made, err = r.query.NextMade(r.ctx, m)
	return made, r.asCancelled(err)
}

func nothing() bool { return false }

// follow has the statement canceled if ctx, which it is read with, ends before stop is called.
func (r *Result) follow(ctx context.Context) (stop func() bool, err error) {
	if err := r.ctx.Err(); err != nil {
		return nil, r.s.cancelled(r.ctx, err)
	}
	if ctx == r.parent { // the one that it was run with
		return nothing, nil
	}
	return context.AfterFunc(ctx, r.cancel), nil
}

// asCancelled returns an error of reading as what a client is told.
func (r *Result) asCancelled(err error) error {
	if err != nil && err != io.EOF && r.ctx.Err() != nil {
		return r.s.cancelled(r.ctx, err)
	}
	return err
}

// fail ends the statement with an error, which the transaction sees too.
func (r *Result) fail(err error) error {
	r.done = true
	err = r.end(err)
	r.err = err
	r.s.countError(err)
	r.s.failed(err)
	return err
}

// end releases what the statement holds. It returns err, or the error of ending it.
func (r *Result) end(err error) error {
	if r.query != nil {
		if cerr := r.query.Close(); err == nil {
			err = cerr
		}
		r.query = nil
	}
	if r.stmt != nil {
		if cerr := r.stmt.Close(err); err == nil {
			err = cerr
		}
		r.stmt = nil
	}
	if r.cancel != nil {
		r.cancel()
		r.cancel = nil
	}
	for _, f := range r.onEnd {
		f()
	}
	r.onEnd = nil
	r.s.closed(r)
	return err
}

// Ended reports whether the statement has ended: its batches are no longer valid.
func (r *Result) Ended() bool { return r.done }

// Close ends the statement; rows that were not read are dropped. Closing twice does nothing.
func (r *Result) Close() error {
	if r.Copy != nil && !r.done {
		return r.fail(sqlerr.New(sqlerr.QueryCanceled, "COPY from stdin failed: the input was not ended"))
	}
	if r.done {
		return nil
	}
	return r.finish()
}

// finish ends the statement without an error of its own: what is checked at its end may fail it yet.
func (r *Result) finish() error {
	r.done = true
	err := r.end(nil)
	if err != nil {
		r.err = err
		r.s.countError(err)
		r.s.failed(err)
	}
	return err
}

// Rows returns the number of rows that the statement wrote, or that were read from it so far.
func (r *Result) Rows() int64 { return r.rows }

// Tag returns the command tag, as PostgreSQL's ("SELECT 5", "INSERT 0 1"), complete once all rows are
// read.
func (r *Result) Tag() string { return r.TagOf(r.rows) }

// TagOf returns the command tag with another number of rows.
func (r *Result) TagOf(rows int64) string {
	s := Summary{verb: r.verb, counts: r.counts, Rows: rows}
	return s.Tag()
}

// Summary is what there is to know of a result that has ended.
type Summary struct {
	// Columns describes the rows; nil if the statement returned none.
	Columns []plan.OutColumn
	// Rows is the number of rows that were written, or read.
	Rows   int64
	plan   *plan.Query
	verb   string
	counts bool
}

// Summary returns it as of now.
func (r *Result) Summary() Summary {
	return Summary{Columns: r.Columns, Rows: r.rows, plan: r.plan, verb: r.verb, counts: r.counts}
}

// Tag returns the command tag.
func (s *Summary) Tag() string {
	if !s.counts {
		return s.verb
	}
	if s.Rows == 1 { // most
		switch s.verb {
		case "INSERT 0":
			return "INSERT 0 1"
		case "UPDATE":
			return "UPDATE 1"
		case "DELETE":
			return "DELETE 1"
		case "SELECT":
			return "SELECT 1"
		}
	}
	return s.verb + " " + strconv.FormatInt(s.Rows, 10)
}

// Err returns the error that ended the statement, or that the end of its transaction means to a reader.
func (r *Result) Err() error { return r.err }

// AfterCancel calls f, in a goroutine of its own, when the statement is canceled; stop prevents it.
func (r *Result) AfterCancel(f func()) (stop func() bool) { return context.AfterFunc(r.ctx, f) }

// Canceled reports whether the statement was canceled, or has ended.
func (r *Result) Canceled() bool { return r.ctx.Err() != nil }

// textRows makes a result of rows of text columns.
func (s *Session) textRows(verb string, names []string, rows [][]string) (*Result, error) {
	r := &Result{s: s, verb: verb, done: false}
	for _, n := range names {
		r.Columns = append(r.Columns, plan.OutColumn{Name: n, Type: types.T(types.Text)})
	}
	var datums []types.Row
	for _, row := range rows {
		d := make(types.Row, len(row))
		for i, v := range row {
			d[i] = types.NewString(types.Text, v)
		}
		datums = append(datums, d)
	}
	var err error
	r.held, err = batchesOf(r.Columns, datums)
	return r, err
}

// batchesOf turns rows into batches.
func batchesOf(cols []plan.OutColumn, rows []types.Row) ([]*vec.Batch, error) {
	var ts []types.Type
	for _, c := range cols {
		ts = append(ts, c.Type)
	}
	var out []*vec.Batch
	for len(rows) > 0 {
		n := min(len(rows), vec.Size)
		bb := vec.NewBatchBuilder(ts, n, nil)
		for _, row := range rows[:n] {
			if err := bb.AppendRow(row); err != nil {
				return nil, err
			}
		}
		out = append(out, bb.Batch())
		rows = rows[n:]
	}
	return out, nil
}

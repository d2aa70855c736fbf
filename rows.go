package lamina

import (
	"context"
	"errors"
	"io"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Column describes a column of a result.
type Column struct {
	Name string
	Type types.Type
	// NotNull: no value of it is NULL. It is known of NOT NULL columns of tables that no outer join is in the way of.
	NotNull bool
}

// Rows are the rows of a query. Close them; reading to the end closes them too.
type Rows struct {
	// run is nil once the rows are done. Whoever runs one statement after the other uses it, and its room, again: only what
	// stays of the rows then is in memory of their own.
	run     *rowsRun
	row     types.Row
	err     error
	receipt table.Receipt
	ended   query.Summary
}

// rowsRun is a statement whose rows are not done.
type rowsRun struct {
	s     *query.Session
	r     *query.Result
	room  *query.Room     // what r and the arguments may be in
	ctx   context.Context //nolint:containedctx // the context of Query covers the reading, as in database/sql
	text  *types.TextOptions
	batch *vec.Batch
	at    int       // next row of batch
	buf   types.Row // memory of a row of it
	// implicit is the number of the transaction that ends with the rows, 0 inside of a block.
	implicit uint64
	db       *DB     // that the session goes back to
	conn     *Conn   // that has run the statement,
	stmt     *Stmt   // or this
	handle   *handle // nil: there is nothing that DB.Close would wait for
}

// ownRows are rows with space of their own.
type ownRows struct {
	rows Rows
	run  rowsRun
	room query.Room
}

func newOwnRows() *Rows { return new(ownRows).begin() }

// begin returns rows without a statement yet.
func (o *ownRows) begin() *Rows {
	o.rows, o.run = Rows{run: &o.run}, rowsRun{room: &o.room}
	return &o.rows
}

// roomRows returns rows in the room of a session.
func roomRows(s *query.Session) *Rows {
	room := s.Room()
	run, _ := room.Client.(*rowsRun)
	if run == nil {
		run = &rowsRun{}
		room.Client = run
	}
	*run = rowsRun{room: room}
	return &Rows{run: run}
}

// summary returns what there is to know of the result.
func (r *Rows) summary() query.Summary {
	if r.run != nil {
		return r.run.r.Summary()
	}
	return r.ended
}

// columnsNeed says whether a statement must return rows.
type columnsNeed bool

const (
	anyColumns  columnsNeed = false
	someColumns columnsNeed = true
)

// queryOn runs one statement; closing the rows finishes an implicit transaction. Others of the session may run before the
// rows are done.
func queryOn(ctx context.Context, s *query.Session, sql string, args []any, need columnsNeed) (*Rows, error) {
	return queryIn(ctx, s, sql, args, need, newOwnRows())
}

// queryAlone is queryOn where the session runs nothing else before the rows are done.
func queryAlone(ctx context.Context, s *query.Session, sql string, args []any, need columnsNeed) (*Rows, error) {
	return queryIn(ctx, s, sql, args, need, roomRows(s))
}

// queryIn is queryOn with memory for the rows.
func queryIn(ctx context.Context, s *query.Session, sql string, args []any, need columnsNeed, rows *Rows) (*Rows, error) {
	p, err := s.PrepareOnce(ctx, sql, len(args))
	if err == nil && need == someColumns && p.Columns == nil {
		err = sqlerr.New(sqlerr.InvalidCursorState, "the statement returns no rows")
		s.Fail(err)
	}
	if err != nil {
		_ = s.Finish(ctx, err) // rolls back; err is what went wrong
		return nil, err
	}
	return runIn(ctx, s, p, args, rows)
}

// runIn runs a prepared statement, with memory for the rows.
func runIn(ctx context.Context, s *query.Session, p *query.Prepared, args []any, rows *Rows) (*Rows, error) {
	run := rows.run
	run.s, run.ctx, run.text = s, ctx, s.TextOptions()
	params, err := paramsOf(run.room.Params[:0], s, p, args)
	if err == nil {
		run.r, err = s.RunIn(ctx, p, params, &run.room.Result)
	}
	if err == nil && run.r.CopyOut != nil && !run.r.Ended() {
		err = errors.Join(run.r.Close(), sqlerr.Unsupported("COPY TO STDOUT here"))
	}
	if err == nil && run.r.Copy != nil {
		err = errors.Join(run.r.Close(), sqlerr.Unsupported("COPY FROM STDIN here"))
	}
	if err != nil {
		*run = rowsRun{}
		s.Fail(err)
		_ = s.Finish(ctx, err) // rolls back; err is what went wrong
		return nil, err
	}
	run.implicit = s.ImplicitTx()
	return rows, nil
}

func newRows(ctx context.Context, s *query.Session, r *query.Result) *Rows {
	return &Rows{run: &rowsRun{s: s, r: r, ctx: ctx, text: s.TextOptions(), implicit: s.ImplicitTx()}}
}

// Columns describes the rows; nil if the statement returns none.
func (r *Rows) Columns() []Column {
	sum := r.summary()
	if sum.Columns == nil {
		return nil
	}
	cols := make([]Column, len(sum.Columns))
	for i, c := range sum.Columns {
		cols[i] = Column{Name: c.Name, Type: c.Type, NotNull: sum.NotNull(i)}
	}
	return cols
}

// Next moves to the next row; false at the end or on an error, see Err.
func (r *Rows) Next() bool {
	run := r.run
	if run == nil {
		return false
	}
	if row, ok := run.r.Row(); ok {
		r.row = row
		return true
	}
	for run.batch == nil || run.at >= run.batch.N || run.r.Ended() {
		if _, ok := r.NextBatch(); !ok {
			return false
		}
	}
	if run.buf == nil {
		run.buf = make(types.Row, 0, len(run.r.Columns))
	}
	r.row = run.batch.Row(run.at, run.buf[:0])
	run.buf = r.row
	run.at++
	return true
}

// NextBatch returns the next rows as a batch, which is borrowed until the following call; false at the end
// or on an error. Rows that Next has not yet reached in the batch before are passed over.
func (r *Rows) NextBatch() (*vec.Batch, bool) {
	run := r.run
	if run == nil {
		return nil, false
	}
	b, err := run.r.Next(run.ctx)
	if err != nil {
		if err != io.EOF {
			r.err = err
		}
		r.finish()
		return nil, false
	}
	run.batch, run.at = b, 0
	return b, true
}

// nextMade returns what m makes of the next rows; false at the end or on an error.
func (r *Rows) nextMade(m exec.Maker) (exec.Made, bool) {
	run := r.run
	if run == nil {
		return exec.Made{}, false
	}
	made, err := run.r.NextMade(run.ctx, m)
	if err == nil {
		return made, true
	}
	if err != io.EOF {
		r.err = err
	}
	r.finish()
	return exec.Made{}, false
}

// Row returns the current row, nil before the first and after the last. The slice is valid until the next call of
// Next, its values beyond.
func (r *Rows) Row() types.Row { return r.row }

// Text returns the current row as PostgreSQL prints it; NULLs are given as ok false.
func (r *Rows) Text(col int) (text string, ok bool) {
	if col < 0 || col >= len(r.row) || !r.row[col].Valid {
		return "", false
	}
	d := r.row[col]
	return string(types.AppendText(nil, d, r.run.r.Columns[col].Type, r.run.text)), true
}

// Value returns a column of the current row as database/sql's drivers do: int64, float64, bool, []byte, string,
// time.Time, or nil for NULL.
func (r *Rows) Value(col int) any {
	if col < 0 || col >= len(r.row) {
		return nil
	}
	return goValue(r.row[col], r.run.r.Columns[col].Type, r.run.text)
}

// Scan copies the current row into pointers: to Go's integers, floats, bool, string, []byte, time.Time, any,
// types.Datum, pointers to these for NULL, or anything with a Scan(any) error method.
func (r *Rows) Scan(dest ...any) error {
	if r.row == nil {
		return sqlerr.New(sqlerr.InvalidCursorState, "Scan without a row: call Next before, and only if it returned true")
	}
	if len(dest) != len(r.row) {
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "%d destinations for %d columns", len(dest), len(r.row))
	}
	for i, d := range dest {
		if err := assign(d, r.row[i], r.run.r.Columns[i].Type, r.run.text); err != nil {
			return sqlerr.Newf(sqlerr.CodeOf(err), "column %d (%s): %w", i, r.run.r.Columns[i].Name, err)
		}
	}
	return nil
}

// Err returns the error that ended the rows, if any.
func (r *Rows) Err() error { return r.err }

// RowsAffected returns the number of rows written, or read so far.
func (r *Rows) RowsAffected() int64 { return r.summary().Rows }

// Tag returns the command tag, complete once all rows are read.
func (r *Rows) Tag() string {
	sum := r.summary()
	return sum.Tag()
}

// Close ends the statement and, outside a transaction, commits. Closing again does nothing.
func (r *Rows) Close() error {
	r.finish()
	return r.err
}

// fail ends the statement with an error, which undoes what it wrote.
func (r *Rows) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	if r.run != nil {
		r.run.s.Fail(err)
	}
	_ = r.Close() // returns r.err
}

// drain reads the rows to their end.
func (r *Rows) drain() (Result, error) {
	for {
		if _, ok := r.NextBatch(); !ok {
			break
		}
	}
	if err := r.Close(); err != nil {
		return Result{}, err
	}
	return Result{RowsAffected: r.RowsAffected(), Tag: r.Tag(), Receipt: r.receipt}, nil
}

func (r *Rows) finish() {
	run := r.run
	if run == nil {
		return
	}
	note := func(err error) {
		if r.err == nil {
			r.err = err
		}
	}
	note(run.r.Close())
	note(r.finishTx())
	r.row, r.ended = nil, run.r.Summary()
	r.run = nil
	handle := run.handle
	run.r, run.ctx, run.batch, run.buf, run.handle = nil, nil, nil, nil, nil // who uses it next may do so at any time
	switch {
	case run.conn != nil:
		run.conn.db.open.poke()
	case run.stmt != nil:
		run.stmt.db.open.remove(handle)
	case run.db != nil:
		db := run.db
		note(db.giveBack(run.s)) // and with it the room
		db.open.remove(handle)
	}
}

// finishTx ends the implicit transaction of the rows, unless others are read in it; not what another statement of the
// session has begun since.
func (r *Rows) finishTx() error {
	run := r.run
	if invariants.Mutant("lamina-finish-others") {
		return run.s.Finish(run.ctx, r.err)
	}
	if run.implicit == 0 || run.implicit != run.s.ImplicitTx() || r.err == nil && run.s.Reading() {
		return nil
	}
	run.implicit = 0
	run.s.TakeReceipt()
	err := run.s.Finish(run.ctx, r.err)
	r.receipt = run.s.TakeReceipt()
	return err
}

// short reports whether the statement had ended before the first row was asked for.
func (r *Rows) short() bool {
	return r.run != nil && r.run.room != nil && r.run.r == &r.run.room.Result
}

package query

import (
	"context"
	"io"

	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// shortRun is a statement that reads at most one row by primary key, or none: it needs no pipelines. It
// belongs to one Prepared, which is used by one session at a time.
type shortRun struct {
	q    *plan.Query // the plan it is made of
	x    *exec.Short // nil: the plan is not short
	last *Result     // has the row of the last run
	// scratch, modifier and source are memory for a data change.
	scratch  modifyScratch
	modifier modifier
	source   shortSource
}

// short returns the short form of the statement's plan, nil if it has none.
func (s *Session) short(p *Prepared) (*exec.Short, error) {
	if h := s.settings.hot(); p.q == nil || h.vectorForms || h.noShort {
		return nil, nil
	}
	if p.run.q != p.q {
		x, err := exec.ShortOf(p.q)
		if err != nil {
			return nil, err
		}
		p.run = shortRun{q: p.q, x: x}
	}
	return p.run.x, nil
}

// runShort runs a query of at most one row to its end; nil if the statement is none, if its plan is out of
// date, or if the table is locked: then it must be run so that it can be cancelled.
func (s *Session) runShort(ctx context.Context, p *Prepared, params []types.Datum, space *Result) (*Result, error) {
	if p.q == nil || p.q.Modify != nil || len(params) != len(p.Params) {
		return nil, nil
	}
	x, err := s.short(p)
	if x == nil || err != nil {
		return nil, err
	}
	s.run.Lock()
	cause := s.run.cause
	s.run.Unlock()
	if cause == nil && ctx.Err() != nil {
		cause = s.cancelled(ctx, ctx.Err())
	}
	if cause != nil {
		return nil, cause
	}
	tx, err := s.storageTx(ctx)
	if err != nil {
		return nil, err
	}
	if p.version != tx.Schema().Version() || p.path != s.planPath() {
		return nil, nil
	}
	def := x.Table()
	if def != nil && tx.LockTable(ctx, def.ID, table.AccessShare, table.NoWait) != nil {
		return nil, nil
	}
	if p.run.last != nil && !p.run.last.done {
		x.Detach()
	}
	row, ok, err := s.shortRow(ctx, tx, x, def, params)
	if err != nil || !ok {
		return nil, err
	}
	*space = Result{s: s, Columns: p.q.Root.Columns(), verb: "SELECT", counts: true, short: x, row: row}
	p.run.last = space
	return space, nil
}

// shortRow reads the row; false if the table is no longer that of the plan.
func (s *Session) shortRow(ctx context.Context, tx table.Tx, x *exec.Short, def *table.TableDef, params []types.Datum,
) (row types.Row, ok bool, err error) {
	stmt, err := tx.Statement(ctx)
	if err != nil {
		return nil, false, err
	}
	s.tx.queries++
	var r table.Reader
	if ok = true; def != nil {
		if r, err = stmt.Reader(ctx, def.ID); err == nil {
			ok = r.Def().Version == def.Version
		} else if sqlerr.CodeOf(err) == sqlerr.UndefinedTable {
			ok, err = false, nil
		}
	}
	if ok && err == nil {
		s.fillContext(x.Context(), params)
		row, err = x.Row(ctx, r)
	}
	err = stmt.Close(err)
	recycle(stmt)
	return row, ok, err
}

// recycle gives the memory of a statement, which is closed and was nobody else's, to the next one.
func recycle(stmt table.Statement) {
	if r, ok := stmt.(table.Recycler); ok {
		r.Recycle()
	}
}

// rowSource makes the rows of a result, or those that a data change reads.
type rowSource interface {
	// Next returns the next batch, or io.EOF.
	Next(ctx context.Context) (*vec.Batch, error)
	// NextMade returns what m makes of the next batch, or io.EOF.
	NextMade(ctx context.Context, m exec.Maker) (exec.Made, error)
	Close() error
}

// shortSource is the read pipeline of a data change of at most one row.
type shortSource struct {
	x    *exec.Short
	stmt table.Statement
	rd   table.Reader // of a table that the plan reads; nil: none was opened
	done bool
	ec   *expr.Context
	// more are values for the parameters, row after row; nil: those of ec, for one row.
	more []types.Datum
}

// NextMade makes a result of the next batch.
func (r *shortSource) NextMade(ctx context.Context, m exec.Maker) (exec.Made, error) {
	return exec.MakeNext(ctx, r, m)
}

// Next returns the row as a batch that stays valid, then io.EOF.
func (r *shortSource) Next(ctx context.Context) (*vec.Batch, error) {
	if r.done {
		return nil, io.EOF
	}
	r.done = true
	if r.more != nil {
		return r.rows(ctx)
	}
	rd := r.rd
	if def := r.x.Table(); def != nil && (rd == nil || rd.Def().ID != def.ID) {
		var err error
		if rd, err = r.stmt.Reader(ctx, def.ID); err != nil {
			return nil, err
		}
	}
	row, err := r.x.Row(ctx, rd)
	if err != nil {
		return nil, err
	}
	if row == nil {
		return nil, io.EOF
	}
	return r.x.Batch(row)
}

// rows computes the rows of VALUES that there are values for.
func (r *shortSource) rows(ctx context.Context) (*vec.Batch, error) {
	width := len(r.ec.Params)
	bb := r.x.Builder(len(r.more) / width)
	for values := r.more; len(values) > 0; values = values[width:] {
		r.ec.Params = values[:width]
		row, err := r.x.Row(ctx, nil)
		if err != nil {
			return nil, err
		}
		if err := bb.AppendRow(row); err != nil {
			return nil, err
		}
	}
	return bb.Batch(), nil
}

// Close does nothing.
func (r *shortSource) Close() error { return nil }

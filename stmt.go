package lamina

import (
	"context"
	"errors"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

var (
	errStmtClosed = sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "the prepared statement is closed")
	errStmtBusy   = sqlerr.New(sqlerr.ObjectInUse, "the rows of the prepared statement's last run are not closed")
)

// Stmt is a prepared statement of a DB. Each run is a transaction of its own. One goroutine at a time uses it; it is
// planned anew when tables have changed.
type Stmt struct {
	db   *DB
	s    *query.Session
	p    *query.Prepared
	rows *Rows // of the last run
	own  Rows  // of Exec, which hands none out
	done bool
	// last and room are what the rows of one run after the other use until they are done.
	last rowsRun
	room query.Room
}

// Prepare plans one statement. Close the Stmt when it is no longer needed.
func (db *DB) Prepare(ctx context.Context, sql string) (*Stmt, error) {
	s, err := db.session()
	if err != nil {
		return nil, err
	}
	p, err := prepareOn(ctx, s, sql)
	if err != nil {
		return nil, errors.Join(err, db.put(s))
	}
	db.open.leave()
	return &Stmt{db: db, s: s, p: p}, nil
}

func prepareOn(ctx context.Context, s *query.Session, sql string) (*query.Prepared, error) {
	if err := canceled(ctx); err != nil {
		return nil, err
	}
	p, err := s.PrepareText(ctx, sql, nil)
	if s.Reading() { // rows are open in the same implicit transaction
		return p, err
	}
	if ferr := s.Finish(ctx, err); err == nil {
		err = ferr
	}
	return p, err
}

// Exec runs the statement and drops rows.
func (st *Stmt) Exec(ctx context.Context, args ...any) (Result, error) {
	rows, err := st.run(ctx, args, &st.own)
	if err != nil {
		return Result{}, err
	}
	return rows.drain()
}

// Query runs the statement. Close the rows before the next run.
func (st *Stmt) Query(ctx context.Context, args ...any) (*Rows, error) {
	return st.run(ctx, args, nil)
}

// run runs the statement; own is where its rows are, nil: they are new.
func (st *Stmt) run(ctx context.Context, args []any, own *Rows) (rows *Rows, err error) {
	if st.done {
		return nil, errStmtClosed
	}
	if st.rows != nil && st.rows.run != nil {
		return nil, errStmtBusy
	}
	if err := st.db.open.enter(); err != nil {
		return nil, err
	}
	defer st.db.open.leave()
	if own == nil {
		own = &Rows{}
	}
	*own, st.last = Rows{run: &st.last}, rowsRun{room: &st.room}
	st.rows = nil
	rows, err = runIn(ctx, st.s, st.p, args, own)
	if err != nil {
		return nil, err
	}
	if rows.short() {
		if err := rows.finishTx(); err != nil {
			return nil, err
		}
	} else {
		rows.run.stmt, rows.run.handle = st, st.db.open.add("rows of a prepared statement", nil)
	}
	st.rows = rows
	return rows, nil
}

// Params returns the types of the parameters.
func (st *Stmt) Params() []types.Type { return st.p.Params }

// Close releases the statement and ends rows of it that are open. A second call does nothing.
func (st *Stmt) Close() error {
	if st.done {
		return nil
	}
	st.done = true
	var err error
	if st.rows != nil {
		err = st.rows.Close()
	}
	return errors.Join(err, st.db.giveBack(st.s))
}

// ConnStmt is a prepared statement of a Conn: it runs in the session's transaction.
type ConnStmt struct {
	c   *Conn
	p   *query.Prepared
	own ownRows // of Exec, which hands none out
}

// Prepare plans one statement in the session.
func (c *Conn) Prepare(ctx context.Context, sql string) (st *ConnStmt, err error) {
	err = c.db.call(func() error {
		p, err := prepareOn(ctx, c.s, sql)
		st = &ConnStmt{c: c, p: p}
		return err
	})
	if err != nil {
		return nil, err
	}
	return st, nil
}

// Exec runs the statement in the session and drops rows.
func (st *ConnStmt) Exec(ctx context.Context, args ...any) (Result, error) {
	rows, err := st.run(ctx, args, st.own.begin())
	if err != nil {
		return Result{}, err
	}
	return rows.drain()
}

// Query runs the statement in the session.
func (st *ConnStmt) Query(ctx context.Context, args ...any) (*Rows, error) {
	return st.run(ctx, args, newOwnRows())
}

func (st *ConnStmt) run(ctx context.Context, args []any, own *Rows) (rows *Rows, err error) {
	if err := st.c.db.open.enter(); err != nil {
		return nil, err
	}
	defer st.c.db.open.leave()
	if rows, err = runIn(ctx, st.c.s, st.p, args, own); err != nil {
		return nil, err
	}
	rows.run.conn = st.c
	return rows, nil
}

// Params returns the types of the parameters.
func (st *ConnStmt) Params() []types.Type { return st.p.Params }

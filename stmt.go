package lamina

import (
	"context"
	"errors"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/types"
)

// Stmt is a prepared statement of a DB. Each run is a transaction of its own.
type Stmt struct {
	db *DB
	s  *query.Session
	p  *query.Prepared
}

// Prepare plans one statement. Close the Stmt when it is no longer needed.
func (db *DB) Prepare(ctx context.Context, sql string) (*Stmt, error) {
	s, err := db.session()
	if err != nil {
		return nil, err
	}
	p, err := s.PrepareText(ctx, sql, nil)
	if ferr := s.Finish(ctx, err); err == nil {
		err = ferr
	}
	if err != nil {
		return nil, errors.Join(err, db.put(s))
	}
	return &Stmt{db: db, s: s, p: p}, nil
}

// Exec runs the statement and drops rows.
func (st *Stmt) Exec(ctx context.Context, args ...any) (Result, error) {
	rows, err := st.Query(ctx, args...)
	if err != nil {
		return Result{}, err
	}
	for rows.Next() {
	}
	err = rows.Close()
	if rows.Err() != nil {
		err = rows.Err()
	}
	return Result{RowsAffected: rows.RowsAffected(), Tag: rows.Tag(), Receipt: st.s.LastReceipt()}, err
}

// Query runs the statement. Close the rows before the next run.
func (st *Stmt) Query(ctx context.Context, args ...any) (*Rows, error) {
	rows, err := runOn(ctx, st.s, st.p, args)
	if err != nil {
		_ = st.s.Finish(ctx, err) // rolls back; err is what went wrong
		return nil, err
	}
	return rows, nil
}

// Params returns the types of the parameters.
func (st *Stmt) Params() []types.Type { return st.p.Params }

// Close releases the statement.
func (st *Stmt) Close() error { return st.db.put(st.s) }

// runOn runs a prepared statement with parameter values as the caller gave them.
func runOn(ctx context.Context, s *query.Session, p *query.Prepared, args []any) (*Rows, error) {
	rows := &Rows{s: s, ctx: ctx, text: s.TextOptions()}
	params, err := datumsOf(rows.args[:0], args)
	if err != nil {
		return nil, err
	}
	for i := range params {
		if i >= len(p.Params) {
			break
		}
		if params[i].Valid && params[i].K == p.Params[i].Kind && p.Params[i].Mod < 0 {
			continue
		}
		d, err := query.ConvertParam(params[i], p.Params[i])
		if err != nil {
			return nil, err
		}
		params[i] = d
	}
	if rows.r, err = s.RunIn(ctx, p, params, &rows.own); err != nil {
		return nil, err
	}
	return rows, nil
}

// ConnStmt is a prepared statement of a Conn: it runs in the session's transaction.
type ConnStmt struct {
	s *query.Session
	p *query.Prepared
}

// Prepare plans one statement in the session.
func (c *Conn) Prepare(ctx context.Context, sql string) (*ConnStmt, error) {
	p, err := c.s.PrepareText(ctx, sql, nil)
	if ferr := c.s.Finish(ctx, err); err == nil {
		err = ferr
	}
	if err != nil {
		return nil, err
	}
	return &ConnStmt{s: c.s, p: p}, nil
}

// Query runs the statement in the session.
func (st *ConnStmt) Query(ctx context.Context, args ...any) (*Rows, error) {
	rows, err := runOn(ctx, st.s, st.p, args)
	if err != nil {
		_ = st.s.Finish(ctx, err) // rolls back; err is what went wrong
		return nil, err
	}
	return rows, nil
}

// Params returns the types of the parameters.
func (st *ConnStmt) Params() []types.Type { return st.p.Params }

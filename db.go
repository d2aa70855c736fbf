package lamina

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/table"
)

// Result is the outcome of a statement without rows.
type Result struct {
	// RowsAffected is the number of rows that the last statement wrote, or returned.
	RowsAffected int64
	// Tag is the command tag, as "INSERT 0 1".
	Tag string
	// Receipt is that of the commit, if the statement was a transaction of its own and wrote something.
	Receipt table.Receipt
}

// Querier is what DB, Conn and Tx have in common.
type Querier interface {
	// Exec runs the statements of a text (one, if there are args). Parameters are $1, $2, ….
	Exec(ctx context.Context, sql string, args ...any) (Result, error)
	// Query runs one statement and returns its rows.
	Query(ctx context.Context, sql string, args ...any) (*Rows, error)
	// QueryArrow runs one statement and returns its rows as Arrow record batches.
	QueryArrow(ctx context.Context, sql string, args ...any) (array.RecordReader, error)
}

var (
	_ Querier = (*DB)(nil)
	_ Querier = (*Conn)(nil)
	_ Querier = (*Tx)(nil)
)

// session begins a call and takes an idle session for it, or opens one.
func (db *DB) session() (*query.Session, error) {
	if err := db.open.enter(); err != nil {
		return nil, err
	}
	for {
		s := db.idle()
		if s == nil {
			break
		}
		if s.Pristine() {
			return s, nil
		}
		_ = s.Close() // it is idle; the defaults of settings have changed since it was opened
	}
	s, err := db.engine.NewSession(query.SessionOptions{})
	if err != nil {
		db.open.leave()
	}
	return s, err
}

// idle takes an idle session, nil if there is none.
func (db *DB) idle() *query.Session {
	db.open.Lock()
	defer db.open.Unlock()
	n := len(db.open.sessions)
	if n == 0 {
		return nil
	}
	s := db.open.sessions[n-1]
	db.open.sessions = db.open.sessions[:n-1]
	return s
}

// put ends the call that took a session.
func (db *DB) put(s *query.Session) error {
	err := db.giveBack(s)
	db.open.leave()
	return err
}

// giveBack makes a session idle. One whose state a statement changed (SET, PREPARE) is not reused.
func (db *DB) giveBack(s *query.Session) error {
	if s.Pristine() {
		db.open.Lock()
		if !db.open.closed && len(db.open.sessions) < idleSessionsMax {
			db.open.sessions = append(db.open.sessions, s)
			db.open.Unlock()
			return nil
		}
		db.open.Unlock()
	}
	return s.Close()
}

// Exec runs the statements of sql in one transaction, unless sql says BEGIN itself, and drops rows. With args
// there may be one statement only. A transaction that sql leaves open is rolled back.
func (db *DB) Exec(ctx context.Context, sql string, args ...any) (Result, error) {
	s, err := db.session()
	if err != nil {
		return Result{}, err
	}
	r, err := execOn(ctx, s, sql, args)
	if perr := db.put(s); err == nil {
		err = perr
	}
	return r, err
}

func execOn(ctx context.Context, s *query.Session, sql string, args []any) (Result, error) {
	s.TakeReceipt() // of an earlier statement
	if len(args) > 0 {
		rows, err := queryAlone(ctx, s, sql, args, anyColumns)
		if err != nil {
			return Result{}, err
		}
		return rows.drain()
	}
	r, err := s.Exec(ctx, sql)
	if err != nil {
		return Result{}, err
	}
	return Result{RowsAffected: r.Rows(), Tag: r.Tag(), Receipt: s.TakeReceipt()}, nil
}

// Query runs one statement in a transaction of its own, which Rows.Close ends.
func (db *DB) Query(ctx context.Context, sql string, args ...any) (*Rows, error) {
	return db.rows("rows", func(s *query.Session) (*Rows, error) { return queryAlone(ctx, s, sql, args, anyColumns) })
}

// rows opens rows in a session of their own.
func (db *DB) rows(what string, open func(*query.Session) (*Rows, error)) (*Rows, error) {
	s, err := db.session()
	if err != nil {
		return nil, err
	}
	rows, err := open(s)
	if err != nil {
		return nil, errors.Join(err, db.put(s))
	}
	if rows.short() {
		if err := rows.finishTx(); err != nil {
			return nil, errors.Join(err, db.put(s))
		}
	} else {
		rows.run.handle = db.open.add(what, nil)
	}
	rows.run.db = db
	db.open.leave()
	return rows, nil
}

// QueryArrow runs one statement and returns its rows as Arrow record batches of up to 2048 rows. Release the
// reader when done: that ends the statement. Retained batches outlive the reader, and the DB. A statement without
// rows is an error (24000) and does nothing.
func (db *DB) QueryArrow(ctx context.Context, sql string, args ...any) (array.RecordReader, error) {
	rows, err := db.rows("record reader", func(s *query.Session) (*Rows, error) { return queryAlone(ctx, s, sql, args, someColumns) })
	if err != nil {
		return nil, err
	}
	return newArrowReader(rows, db.o.Allocator)
}

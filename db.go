package lamina

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

var errClosed = sqlerr.New(sqlerr.AdminShutdown, "the database is closed")

// Result is the outcome of a statement without rows.
type Result struct {
	// RowsAffected is the number of rows that the last statement wrote.
	RowsAffected int64
	// Tag is the command tag, as "INSERT 0 1".
	Tag string
	// Receipt is that of the commit, if the statement was a transaction of its own.
	Receipt table.Receipt
}

// Querier is what DB, Conn and Tx have in common.
type Querier interface {
	// Exec runs the statements of a text (one, if there are args). Parameters are $1, $2, ….
	Exec(ctx context.Context, sql string, args ...any) (Result, error)
	// Query runs one statement and returns its rows.
	Query(ctx context.Context, sql string, args ...any) (*Rows, error)
}

// session takes an idle session or opens one.
func (db *DB) session() (*query.Session, error) {
	db.idle.Lock()
	if db.idle.closed {
		db.idle.Unlock()
		return nil, errClosed
	}
	if n := len(db.idle.sessions); n > 0 {
		s := db.idle.sessions[n-1]
		db.idle.sessions = db.idle.sessions[:n-1]
		db.idle.Unlock()
		return s, nil
	}
	db.idle.Unlock()
	return db.engine.NewSession(query.SessionOptions{})
}

// put gives a session back. One whose state a statement changed (SET, PREPARE) is not reused.
func (db *DB) put(s *query.Session) error {
	if s.Pristine() {
		db.idle.Lock()
		if !db.idle.closed && len(db.idle.sessions) < idleSessionsMax {
			db.idle.sessions = append(db.idle.sessions, s)
			db.idle.Unlock()
			return nil
		}
		db.idle.Unlock()
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
	params, err := datumsOf(nil, args)
	if err != nil {
		return Result{}, err
	}
	r, err := s.Exec(ctx, sql, params...)
	if err != nil {
		return Result{}, err
	}
	return Result{RowsAffected: r.Rows(), Tag: r.Tag(), Receipt: s.LastReceipt()}, nil
}

// Query runs one statement in a transaction of its own, which Rows.Close ends.
func (db *DB) Query(ctx context.Context, sql string, args ...any) (*Rows, error) {
	s, err := db.session()
	if err != nil {
		return nil, err
	}
	rows, err := queryOn(ctx, s, sql, args)
	if err != nil {
		return nil, errors.Join(err, db.put(s))
	}
	rows.after = func() error { return db.put(s) }
	return rows, nil
}

// queryOn runs one statement; closing the rows finishes an implicit transaction.
func queryOn(ctx context.Context, s *query.Session, sql string, args []any) (*Rows, error) {
	p, err := s.PrepareText(ctx, sql, nil)
	if err == nil {
		var rows *Rows
		if rows, err = runOn(ctx, s, p, args); err == nil {
			return rows, nil
		}
	}
	_ = s.Finish(ctx, err) // rolls back; err is what went wrong
	return nil, err
}

// Conn is a session of its own: transactions by BEGIN, SET and PREPARE last.
type Conn struct{ s *query.Session }

// Conn opens a session.
func (db *DB) Conn(context.Context) (*Conn, error) {
	db.idle.Lock()
	closed := db.idle.closed
	db.idle.Unlock()
	if closed {
		return nil, errClosed
	}
	s, err := db.engine.NewSession(query.SessionOptions{})
	if err != nil {
		return nil, err
	}
	return &Conn{s: s}, nil
}

// Exec runs the statements of sql in the session.
func (c *Conn) Exec(ctx context.Context, sql string, args ...any) (Result, error) {
	return execOn(ctx, c.s, sql, args)
}

// Query runs one statement in the session.
func (c *Conn) Query(ctx context.Context, sql string, args ...any) (*Rows, error) {
	return queryOn(ctx, c.s, sql, args)
}

// Status returns 'I' outside a transaction block, 'T' in one and 'E' in one that has failed.
func (c *Conn) Status() byte { return c.s.Status() }

// Cancel ends what the session runs now, with 57014. Any goroutine may call it.
func (c *Conn) Cancel() { c.s.Cancel() }

// Close rolls an open transaction back and ends the session.
func (c *Conn) Close() error { return c.s.Close() }

// Tx is a transaction.
type Tx struct {
	db   *DB
	s    *query.Session
	done bool
}

// Begin begins a transaction. Of the options, AsOf and Freshness need a backend that has them.
func (db *DB) Begin(ctx context.Context, o table.TxOptions) (*Tx, error) {
	s, err := db.session()
	if err != nil {
		return nil, err
	}
	if err := s.Begin(ctx, o); err != nil {
		return nil, errors.Join(err, db.put(s))
	}
	return &Tx{db: db, s: s}, nil
}

// Exec runs the statements of sql in the transaction.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (Result, error) {
	if tx.done {
		return Result{}, errTxDone
	}
	return execOn(ctx, tx.s, sql, args)
}

// Query runs one statement in the transaction.
func (tx *Tx) Query(ctx context.Context, sql string, args ...any) (*Rows, error) {
	if tx.done {
		return nil, errTxDone
	}
	return queryOn(ctx, tx.s, sql, args)
}

var errTxDone = sqlerr.New(sqlerr.NoActiveSQLTransaction, "the transaction has ended")

// Commit ends the transaction. One in which a statement failed is rolled back: 25P02.
func (tx *Tx) Commit(ctx context.Context) (table.Receipt, error) {
	if tx.done {
		return table.Receipt{}, errTxDone
	}
	tx.done = true
	failed := tx.s.Status() == 'E'
	_, err := tx.s.Exec(ctx, "COMMIT")
	if err == nil && failed {
		err = sqlerr.New(sqlerr.InFailedSQLTransaction, "the transaction was rolled back: a statement in it had failed")
	}
	receipt := tx.s.LastReceipt()
	if perr := tx.db.put(tx.s); err == nil {
		err = perr
	}
	return receipt, err
}

// Rollback ends the transaction; after Commit or Rollback it does nothing.
func (tx *Tx) Rollback() error {
	if tx.done {
		return nil
	}
	tx.done = true
	_, err := tx.s.Exec(context.Background(), "ROLLBACK")
	if perr := tx.db.put(tx.s); err == nil {
		err = perr
	}
	return err
}

// Limits of RunTx: how often a transaction is tried, and the pauses between tries.
const (
	runTxTries    = 50
	runTxPauseMin = 100 * time.Microsecond
	runTxPauseMax = 50 * time.Millisecond
)

// RunTx runs f in a transaction and commits it. On 40001 (serialization failure) and 40P01 (deadlock) it rolls
// back and runs f again, after a pause that grows; f must have no effects outside the transaction.
func (db *DB) RunTx(ctx context.Context, o table.TxOptions, f func(*Tx) error) error {
	pause := runTxPauseMin
	for try := 1; ; try++ {
		err := db.runTxOnce(ctx, o, f)
		code := sqlerr.CodeOf(err)
		if err == nil || try == runTxTries || code != sqlerr.SerializationFailure && code != sqlerr.DeadlockDetected {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, runTxPauseMax)
	}
}

func (db *DB) runTxOnce(ctx context.Context, o table.TxOptions, f func(*Tx) error) error {
	tx, err := db.Begin(ctx, o)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing; after an error of f that error counts
	if err := f(tx); err != nil {
		return err
	}
	_, err = tx.Commit(ctx)
	return err
}

// Storage returns the backend, for work without SQL.
func (db *DB) Storage() table.TableStorage { return db.storage }

// Engine returns the SQL engine, for front ends that speak a protocol of their own.
func (db *DB) Engine() *query.Engine { return db.engine }

// Checkpoint makes everything durable without the log, which can then shrink.
func (db *DB) Checkpoint(ctx context.Context) error { return db.storage.Checkpoint(ctx) }

// Compact compacts a table now.
func (db *DB) Compact(ctx context.Context, id table.ObjectID) error {
	return db.storage.Compact(ctx, id)
}

// Verify checks every checksum and cross-reference of the storage; report returns false to stop.
func (db *DB) Verify(ctx context.Context, report func(table.Damage) bool) error {
	return db.storage.Verify(ctx, report)
}

// Metrics returns the storage's counters.
func (db *DB) Metrics() table.Metrics { return db.storage.Metrics() }

// Close ends all sessions and closes the database; a second call is an error.
func (db *DB) Close() error {
	db.idle.Lock()
	if db.idle.closed {
		db.idle.Unlock()
		return errClosed
	}
	db.idle.closed = true
	idle := db.idle.sessions
	db.idle.sessions = nil
	db.idle.Unlock()
	var errs []error
	for _, s := range idle {
		errs = append(errs, s.Close())
	}
	errs = append(errs, db.engine.Close())
	if db.owned {
		errs = append(errs, db.storage.Close())
	}
	return errors.Join(errs...)
}

// Pristine reports whether the session is idle and has no settings or prepared statements of its own.
func (c *Conn) Pristine() bool { return c.s.Pristine() }

package lamina

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

var (
	errTxDone  = sqlerr.New(sqlerr.NoActiveSQLTransaction, "the transaction has ended")
	errTxEnded = errTxDone.WithHint("A statement in it was COMMIT or ROLLBACK: use the methods Commit and Rollback.")
	errTxRows  = sqlerr.New(sqlerr.InFailedSQLTransaction, "the transaction was rolled back: a statement in it had failed")
)

// Tx is a transaction. End it with Commit or Rollback.
type Tx struct {
	db     *DB
	s      *query.Session
	done   bool
	handle *handle
}

// Begin begins a transaction. Of the options, AsOf and Freshness need a backend that has them.
func (db *DB) Begin(ctx context.Context, o table.TxOptions) (*Tx, error) {
	s, err := db.session()
	if err != nil {
		return nil, err
	}
	if err = canceled(ctx); err == nil {
		err = s.Begin(ctx, o)
	}
	if err != nil {
		return nil, errors.Join(err, db.put(s))
	}
	tx := &Tx{db: db, s: s, handle: db.open.add("transaction", nil)}
	db.open.leave()
	return tx, nil
}

// usable refuses work in a transaction that has ended.
func (tx *Tx) usable() error {
	switch {
	case tx.done:
		return errTxDone
	case tx.s.Status() == 'I':
		return errTxEnded
	}
	return nil
}

// call runs f if the transaction and the database are open.
func (tx *Tx) call(f func() error) error {
	if err := tx.usable(); err != nil {
		return err
	}
	return tx.db.call(f)
}

// Exec runs the statements of sql in the transaction.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (r Result, err error) {
	err = tx.call(func() error {
		r, err = execOn(ctx, tx.s, sql, args)
		return err
	})
	return r, err
}

// Query runs one statement in the transaction. Rows of several that only read may be open at once; they end with
// the transaction.
func (tx *Tx) Query(ctx context.Context, sql string, args ...any) (*Rows, error) {
	return tx.rows("", func(s *query.Session) (*Rows, error) { return queryOn(ctx, s, sql, args, anyColumns) })
}

// rows opens rows in the transaction.
func (tx *Tx) rows(_ string, open func(*query.Session) (*Rows, error)) (rows *Rows, err error) {
	err = tx.call(func() error {
		rows, err = open(tx.s)
		return err
	})
	return rows, err
}

// QueryArrow runs one statement in the transaction: see DB.QueryArrow.
func (tx *Tx) QueryArrow(ctx context.Context, sql string, args ...any) (array.RecordReader, error) {
	rows, err := tx.rows("", func(s *query.Session) (*Rows, error) { return queryOn(ctx, s, sql, args, someColumns) })
	if err != nil {
		return nil, err
	}
	return newArrowReader(rows, tx.db.o.Allocator)
}

// Commit ends the transaction. One in which a statement failed is rolled back: 25P02.
func (tx *Tx) Commit(ctx context.Context) (table.Receipt, error) {
	if err := tx.usable(); err != nil {
		return table.Receipt{}, errors.Join(err, tx.Rollback())
	}
	if err := tx.db.open.enter(); err != nil {
		return table.Receipt{}, errors.Join(err, tx.Rollback())
	}
	defer tx.db.open.leave()
	failed := tx.s.Status() == 'E'
	tx.s.TakeReceipt()
	_, err := tx.s.Exec(ctx, "COMMIT")
	if err == nil && failed {
		err = errTxRows
	}
	receipt := tx.s.TakeReceipt()
	if rerr := tx.Rollback(); err == nil {
		err = rerr
	}
	return receipt, err
}

// Rollback ends the transaction; after Commit or Rollback it does nothing.
func (tx *Tx) Rollback() error {
	if tx.done {
		return nil
	}
	tx.done = true
	err := tx.s.Rollback()
	if gerr := tx.db.giveBack(tx.s); err == nil {
		err = gerr
	}
	tx.db.open.remove(tx.handle)
	return err
}

// Limits of RunTx: how often a transaction is tried, and the pauses between tries.
const (
	runTxTries    = 50
	runTxPauseMin = 100 * time.Microsecond
	runTxPauseMax = 50 * time.Millisecond
)

// RunTx runs f in a transaction and commits it. On 40001 (serialization failure) and 40P01 (deadlock) it rolls
// back and runs f again, after a pause that grows, up to 50 times; f must have no effects outside the transaction.
func (db *DB) RunTx(ctx context.Context, o table.TxOptions, f func(*Tx) error) error {
	return retry(ctx, func() error { return db.runTxOnce(ctx, o, f) })
}

// retry runs f again as long as it fails with 40001 or 40P01.
func retry(ctx context.Context, f func() error) error {
	pause := runTxPauseMin
	for try := 1; ; try++ {
		err := f()
		code := sqlerr.CodeOf(err)
		if err == nil || try == runTxTries || code != sqlerr.SerializationFailure && code != sqlerr.DeadlockDetected {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(canceled(ctx), err)
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

// canceled returns 57014 if ctx has ended.
func canceled(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return sqlerr.Canceled(ctx)
}

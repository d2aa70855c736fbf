package tpchload

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// Writers commit and roll back small transactions for as long as they run. Each leaves the tables as
// they were, so that queries beside them have the same answers at any moment; what they write in
// between must never be seen.
type Writers struct {
	stop   context.CancelFunc
	wg     sync.WaitGroup
	first  sync.WaitGroup // the first round of each
	errs   []error
	counts struct{ updated, reinserted, rolledBack atomic.Int64 }
}

// Written counts the transactions of Writers.
type Written struct {
	// Updated changed an order and a line and changed them back, Reinserted deleted an order and
	// inserted it again, RolledBack changed and deleted what a rollback brought back.
	Updated, Reinserted, RolledBack int64
}

// StartWriters starts n of them over tables with the given number of orders, and returns when each has
// made its first round of transactions.
func StartWriters(ctx context.Context, db *lamina.DB, n int, orders int64) *Writers {
	ctx, stop := context.WithCancel(ctx)
	w := &Writers{stop: stop, errs: make([]error, n)}
	w.first.Add(n)
	for i := range n {
		w.wg.Go(func() { w.errs[i] = w.run(ctx, db, i, n, orders) })
	}
	w.first.Wait()
	return w
}

// Stop ends the writers and returns what they did.
func (w *Writers) Stop() (Written, error) {
	w.stop()
	w.wg.Wait()
	return Written{
		Updated: w.counts.updated.Load(), Reinserted: w.counts.reinserted.Load(), RolledBack: w.counts.rolledBack.Load(),
	}, errors.Join(w.errs...)
}

// run is the i-th of n writers, which share no order.
func (w *Writers) run(ctx context.Context, db *lamina.DB, i, n int, orders int64) error {
	began := sync.OnceFunc(w.first.Done)
	defer began()
	for at := int64(i); ; at = (at + 997*int64(n)) % (orders - orders%int64(n)) {
		for _, round := range []struct {
			count *atomic.Int64
			do    func(context.Context, *lamina.DB, int64) error
		}{
			{&w.counts.updated, changeAndBack}, {&w.counts.reinserted, deleteAndInsert}, {&w.counts.rolledBack, rollBack},
		} {
			// A transaction is never interrupted: the error would hide what it should show.
			if err := round.do(context.WithoutCancel(ctx), db, orderKey(at)); err != nil {
				return fmt.Errorf("writer beside the queries, order %d: %w", orderKey(at), err)
			}
			round.count.Add(1)
		}
		began()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// orderKey returns the key of the i-th order from 0: of 32 keys the first eight are used, and 0 is not.
func orderKey(i int64) int64 { return (i+1)/8*32 + (i+1)%8 }

// The statements by which writers change one row, there and back.
const (
	raisePrice    = "UPDATE orders SET o_totalprice = o_totalprice + 1000000 WHERE o_orderkey = $1"
	lowerPrice    = "UPDATE orders SET o_totalprice = o_totalprice - 1000000 WHERE o_orderkey = $1"
	raiseQuantity = "UPDATE lineitem SET l_quantity = l_quantity + 1000 WHERE l_orderkey = $1 AND l_linenumber = 1"
	lowerQuantity = "UPDATE lineitem SET l_quantity = l_quantity - 1000 WHERE l_orderkey = $1 AND l_linenumber = 1"
	readOrder     = "SELECT * FROM orders WHERE o_orderkey = $1"
	deleteOrder   = "DELETE FROM orders WHERE o_orderkey = $1"
	insertOrder   = "INSERT INTO orders VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
)

func changeAndBack(ctx context.Context, db *lamina.DB, key int64) error {
	return db.RunTx(ctx, table.TxOptions{}, func(tx *lamina.Tx) error {
		return writeOne(ctx, tx, key, raisePrice, raiseQuantity, lowerPrice, lowerQuantity)
	})
}

func deleteAndInsert(ctx context.Context, db *lamina.DB, key int64) error {
	return db.RunTx(ctx, table.TxOptions{}, func(tx *lamina.Tx) error {
		rows, err := tx.Query(ctx, readOrder, key)
		if err != nil {
			return err
		}
		var values []any
		for rows.Next() {
			for i := range rows.Columns() {
				text, _ := rows.Text(i)
				values = append(values, text)
			}
		}
		if err := rows.Close(); err != nil {
			return err
		}
		if err := writeOne(ctx, tx, key, deleteOrder); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, insertOrder, values...)
		return err
	})
}

func rollBack(ctx context.Context, db *lamina.DB, key int64) error {
	tx, err := db.Begin(ctx, table.TxOptions{})
	if err != nil {
		return err
	}
	return errors.Join(writeOne(ctx, tx, key, raisePrice, raiseQuantity, deleteOrder), tx.Rollback())
}

// writeOne executes statements, each of which changes one row.
func writeOne(ctx context.Context, tx *lamina.Tx, key int64, statements ...string) error {
	for _, sql := range statements {
		r, err := tx.Exec(ctx, sql, key)
		if err != nil {
			return err
		}
		if r.RowsAffected != 1 {
			return fmt.Errorf("%s: %d rows changed", sql, r.RowsAffected)
		}
	}
	return nil
}

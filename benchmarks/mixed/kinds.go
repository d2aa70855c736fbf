package mixed

import (
	"context"
	"errors"
	"fmt"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/table"
)

// kinds returns the kinds of transactions; their weights are percents.
func kinds() []*Kind {
	kept := func(c *client) { c.l.kept.Add(1) }
	return []*Kind{
		{Name: "read of a row by key", weight: 35, run: func(ctx context.Context, c *client, _ *lamina.Tx) error { return c.read(ctx) }},
		{Name: "transfer, READ COMMITTED", weight: 30, withTransaction: true, committed: kept, run: transfer},
		{Name: "transfer, SERIALIZABLE", weight: 15, withTransaction: true, committed: kept, run: transferAfterLook,
			options: table.TxOptions{Isolation: table.Serializable}},
		{Name: "sum of all accounts, REPEATABLE READ", weight: 5, withTransaction: true, run: sum,
			options: table.TxOptions{Isolation: table.RepeatableRead, ReadOnly: true}},
		{Name: "upsert, READ COMMITTED", weight: 10, withTransaction: true, run: upsert},
		{Name: "delete of history", weight: 5, withTransaction: true, run: forget,
			committed: func(c *client) { c.l.kept.Add(-c.deleted) }},
	}
}

func (c *client) account() int64 { return 1 + c.rng.Int64N(accounts) }

// pair returns two accounts.
func (c *client) pair() (from, to int64) {
	from = c.account()
	for to = from; to == from; {
		to = c.account()
	}
	return from, to
}

func (c *client) read(ctx context.Context) error {
	rows, err := c.balance.Query(ctx, c.account())
	if err != nil {
		return err
	}
	n := 0
	for rows.Next() {
		n++
	}
	if err := rows.Close(); err != nil {
		return err
	}
	if n != 1 {
		return fmt.Errorf("%d accounts with one number", n)
	}
	return nil
}

// transfer moves money in any order of accounts, so that two may wait for each other.
func transfer(ctx context.Context, c *client, tx *lamina.Tx) error {
	from, to := c.pair()
	return c.move(ctx, tx, from, to)
}

func (c *client) move(ctx context.Context, tx *lamina.Tx, from, to int64) error {
	amount := c.rng.Int64N(100)
	if err := changed(tx.Exec(ctx, "UPDATE account SET balance = balance - $2 WHERE id = $1", from, amount)); err != nil {
		return err
	}
	if err := changed(tx.Exec(ctx, "UPDATE account SET balance = balance + $2 WHERE id = $1", to, amount)); err != nil {
		return err
	}
	return changed(tx.Exec(ctx, "INSERT INTO history VALUES ($1, $2, $3, 'a transfer')", c.l.last.Add(1), from, to))
}

// changed demands one row.
func changed(r lamina.Result, err error) error {
	if err == nil && r.RowsAffected != 1 {
		err = fmt.Errorf("%d rows were changed, want 1", r.RowsAffected)
	}
	return err
}

// transferAfterLook moves money after it has read what there is.
func transferAfterLook(ctx context.Context, c *client, tx *lamina.Tx) error {
	from, to := c.pair()
	if _, err := one(tx.Query(ctx, "SELECT balance FROM account WHERE id = $1", from)); err != nil {
		return err
	}
	return c.move(ctx, tx, from, to)
}

// sum adds all balances up: they are always the same.
func sum(ctx context.Context, _ *client, tx *lamina.Tx) error {
	n, err := one(tx.Query(ctx, "SELECT sum(balance)::int8 FROM account"))
	if err == nil && n != accounts*balanceFirst {
		err = fmt.Errorf("the accounts have %d, want %d", n, accounts*balanceFirst)
	}
	return err
}

// upsert writes an account by INSERT and leaves its balance.
func upsert(ctx context.Context, c *client, tx *lamina.Tx) error {
	return changed(tx.Exec(ctx, "INSERT INTO account VALUES ($1, 0) ON CONFLICT (id) DO UPDATE SET balance = account.balance", c.account()))
}

// forget deletes some rows of the history.
func forget(ctx context.Context, c *client, tx *lamina.Tx) error {
	from := c.rng.Int64N(c.l.last.Load() + 1)
	r, err := tx.Exec(ctx, "DELETE FROM history WHERE id BETWEEN $1 AND $2", from, from+3)
	c.deleted = r.RowsAffected
	return err
}

// one reads the only value of a query.
func one(rows *lamina.Rows, err error) (n int64, _ error) {
	if err != nil {
		return 0, err
	}
	found := 0
	for rows.Next() {
		found++
		if err := rows.Scan(&n); err != nil {
			return 0, errors.Join(err, rows.Close())
		}
	}
	if err := rows.Close(); err != nil {
		return 0, err
	}
	if found != 1 {
		return 0, fmt.Errorf("%d rows, want 1", found)
	}
	return n, nil
}

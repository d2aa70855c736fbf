// Package mixed runs transactions of several kinds from many goroutines on one database on disk, and measures how
// long they take: half, 99 of 100 and 999 of 1000 within which time.
//
// Money moves between accounts, so that the sum stays; every movement leaves a row in a history, some of which are
// deleted again. Transactions that fail because of others (40001, 40P01) are tried again and counted by SQLSTATE; any
// other error ends the run. At the end the sums must be right.
package mixed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/benchmarks/machine"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Options say what is measured; all must be set.
type Options struct {
	// Dir is an empty folder on a disk.
	Dir        string
	Goroutines int
	Time       time.Duration
	Progress   func(string)
}

// The accounts, and what each has at first.
const (
	accounts     = 10_000
	balanceFirst = 1000
)

// Kind is one kind of transaction.
type Kind struct {
	Name string
	// Done is the number of transactions that succeeded; P50, P99 and P999 are their times.
	Done            int64
	P50, P99, P999  time.Duration
	weight          int
	options         table.TxOptions
	run             func(ctx context.Context, c *client, tx *lamina.Tx) error
	committed       func(c *client)
	withTransaction bool
	times           []time.Duration
}

// Result is what was measured.
type Result struct {
	Goroutines int
	Took       time.Duration
	// Kinds are the kinds of transactions, the last is all together.
	Kinds []*Kind
	// Retried counts the attempts that failed by SQLSTATE.
	Retried map[sqlerr.Code]int64
	// Commits, Groups and Syncs are the database's own counts.
	Commits, Groups, Syncs int64
}

// All is the last of Kinds.
func (r *Result) All() *Kind { return r.Kinds[len(r.Kinds)-1] }

// retryable are the errors that only mean that others were at work.
var retryable = []sqlerr.Code{sqlerr.SerializationFailure, sqlerr.DeadlockDetected}

// Run measures everything.
func Run(ctx context.Context, o Options) (r Result, err error) {
	if _, err := machine.FileSystem(o.Dir); err != nil {
		return r, err
	}
	db, err := lamina.Open(filepath.Join(o.Dir, "mixed"), nil)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := fill(ctx, db); err != nil {
		return r, err
	}
	o.Progress(fmt.Sprintf("mixed: %d goroutines for %v", o.Goroutines, o.Time))
	l := &load{db: db}
	clients, err := l.run(ctx, o)
	if err != nil {
		return r, err
	}
	r.Goroutines, r.Took = o.Goroutines, l.took
	r.gather(clients)
	m := db.Metrics()
	r.Commits, r.Groups, r.Syncs = m.Commits, m.Groups, m.LogSyncs
	for _, k := range r.Kinds {
		if k.Done == 0 {
			return r, fmt.Errorf("mixed: no transaction of kind %q succeeded", k.Name)
		}
	}
	return r, l.check(ctx)
}

func fill(ctx context.Context, db *lamina.DB) error {
	for _, sql := range []string{
		"CREATE TABLE account (id int8 PRIMARY KEY, balance int8 NOT NULL)",
		"CREATE TABLE history (id int8 PRIMARY KEY, source int8, target int8, note text)",
		fmt.Sprintf("INSERT INTO account SELECT i, %d FROM generate_series(1, %d) AS s(i)", balanceFirst, accounts),
	} {
		if _, err := db.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// load is what the clients share.
type load struct {
	db   *lamina.DB
	last atomic.Int64 // key of the history
	kept atomic.Int64 // rows of the history
	took time.Duration
}

// client is one goroutine.
type client struct {
	l       *load
	balance *lamina.Stmt
	rng     *rand.Rand
	kinds   []*Kind
	retried map[sqlerr.Code]int64
	deleted int64 // by the transaction in progress
}

func (l *load) run(ctx context.Context, o Options) (clients []*client, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for i := range o.Goroutines {
		c := &client{l: l, rng: rand.New(rand.NewPCG(1, uint64(i))), kinds: kinds(), retried: map[sqlerr.Code]int64{}}
		if c.balance, err = l.db.Prepare(ctx, "SELECT balance FROM account WHERE id = $1"); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, c.balance.Close()) }()
		clients = append(clients, c)
	}
	var wg sync.WaitGroup
	start := time.Now()
	for _, c := range clients {
		wg.Go(func() {
			for time.Since(start) < o.Time && ctx.Err() == nil {
				if err := c.one(ctx); err != nil {
					stop(err)
				}
			}
		})
	}
	wg.Wait()
	l.took = time.Since(start)
	return clients, context.Cause(ctx)
}

// one runs one transaction until it succeeds.
func (c *client) one(ctx context.Context) error {
	k := c.pick()
	start := time.Now()
	for {
		err := c.attempt(ctx, k)
		if err == nil {
			k.times = append(k.times, time.Since(start))
			return nil
		}
		code := sqlerr.CodeOf(err)
		if !slices.Contains(retryable, code) {
			return fmt.Errorf("mixed, %s: %w", k.Name, err)
		}
		c.retried[code]++
	}
}

func (c *client) pick() *Kind {
	n := c.rng.IntN(100)
	for _, k := range c.kinds {
		if n -= k.weight; n < 0 {
			return k
		}
	}
	return c.kinds[0]
}

func (c *client) attempt(ctx context.Context, k *Kind) error {
	if !k.withTransaction {
		return k.run(ctx, c, nil)
	}
	tx, err := c.l.db.Begin(ctx, k.options)
	if err != nil {
		return err
	}
	c.deleted = 0
	if err := k.run(ctx, c, tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if _, err := tx.Commit(ctx); err != nil {
		return err
	}
	if k.committed != nil {
		k.committed(c)
	}
	return nil
}

// check holds the sums against what they must be.
func (l *load) check(ctx context.Context) error {
	rows, err := l.db.Query(ctx, "SELECT (SELECT sum(balance)::int8 FROM account), (SELECT count(*) FROM account), (SELECT count(*) FROM history)")
	if err != nil {
		return err
	}
	var sum, n, history int64
	for rows.Next() {
		err = errors.Join(err, rows.Scan(&sum, &n, &history))
	}
	if err = errors.Join(err, rows.Close()); err != nil {
		return err
	}
	if n != accounts || sum != accounts*balanceFirst || history != l.kept.Load() {
		return fmt.Errorf("mixed: %d accounts with %d, %d rows of history, want %d, %d, %d", n, sum, history,
			accounts, accounts*balanceFirst, l.kept.Load())
	}
	return nil
}

// gather puts the figures of the clients together.
func (r *Result) gather(clients []*client) {
	r.Retried = map[sqlerr.Code]int64{}
	r.Kinds = append(kinds(), &Kind{Name: "all"})
	for _, c := range clients {
		for i, k := range c.kinds {
			r.Kinds[i].times = append(r.Kinds[i].times, k.times...)
			r.All().times = append(r.All().times, k.times...)
		}
		for code, n := range c.retried {
			r.Retried[code] += n
		}
	}
	for _, k := range r.Kinds {
		slices.Sort(k.times)
		k.Done = int64(len(k.times))
		k.P50, k.P99, k.P999 = quantile(k.times, 0.5), quantile(k.times, 0.99), quantile(k.times, 0.999)
	}
}

// quantile returns the time within which a part of sorted times lies.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

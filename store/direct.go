package store

import (
	"context"
	"sync"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
	"github.com/laminadb/lamina/wal"
)

// committer orders commits, applies them and makes them visible. It is a txn.Pipeline, or direct for
// a database without a log.
type committer interface {
	// Commit returns once the request is visible and, unless it is asynchronous, durable.
	Commit(ctx context.Context, r *txn.Request) (table.LSN, error)
	// Appended returns the newest LSN and timestamp that was given out.
	Appended() (table.LSN, int64)
	// Settle waits until everything that has an LSN is visible.
	Settle(ctx context.Context) error
	Close()
}

var (
	_ committer = (*txn.Pipeline)(nil)
	_ committer = (*direct)(nil)
)

// direct is the commit queue of a database in memory: nothing is written, so a commit applies and
// publishes itself under one mutex.
type direct struct {
	mu struct {
		sync.Mutex
		lsn    table.LSN
		time   int64
		err    error // of an apply, final
		closed bool
	}
	apply   func(*txn.Request) error
	publish func(table.LSN, wal.Position)
}

// Commit validates, applies and publishes a request.
func (d *direct) Commit(ctx context.Context, r *txn.Request) (table.LSN, error) {
	if err := ctx.Err(); err != nil {
		return 0, sqlerr.Canceled(ctx)
	}
	if err := d.commit(r); err != nil {
		return 0, err
	}
	if r.OnDone != nil {
		r.OnDone(nil)
	}
	return r.LSN, nil
}

func (d *direct) commit(r *txn.Request) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.closed {
		return wal.ErrClosed
	}
	if d.mu.err != nil {
		return sqlerr.Newf(sqlerr.IOError, "the store failed: %w", d.mu.err)
	}
	lsn, now := d.mu.lsn+1, max(d.mu.time+1, wal.Now())
	if r.Validate != nil {
		if err := r.Validate(lsn, now); err != nil {
			return err
		}
	}
	r.LSN, r.Time = lsn, now
	d.mu.lsn, d.mu.time = lsn, now
	if err := d.apply(r); err != nil {
		d.mu.err = err
		return &txn.UnknownError{LSN: lsn, Time: now, Err: err}
	}
	d.publish(lsn, 0)
	return nil
}

// Appended returns the newest LSN and timestamp.
func (d *direct) Appended() (table.LSN, int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.lsn, d.mu.time
}

// Settle has nothing to wait for: what has an LSN is visible before the next one gets one.
func (d *direct) Settle(context.Context) error { return nil }

// Close refuses further commits.
func (d *direct) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.closed = true
}

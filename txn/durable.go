package txn

import (
	"context"
	"errors"
	"time"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

// EnsureDurable waits until every commit up to lsn is on disk. It does not wait for apply, so it
// may be called by what apply waits for.
func (p *Pipeline) EnsureDurable(ctx context.Context, lsn table.LSN) error {
	if p.Durable() >= lsn {
		return nil
	}
	return p.Sync(ctx)
}

// Sync waits until everything appended so far is on disk. It does not wait for apply.
func (p *Pipeline) Sync(ctx context.Context) error {
	r := &Request{Kind: wal.Mark, noRecord: true, noApply: true}
	p.mu.Lock()
	if p.mu.closed {
		p.mu.Unlock()
		return wal.ErrClosed
	}
	p.joinLocked(r, true)
	return p.settle(ctx, r)
}

// Settle waits until everything appended so far is visible.
func (p *Pipeline) Settle(ctx context.Context) error {
	r := &Request{Kind: wal.Mark, noRecord: true}
	p.mu.Lock()
	switch {
	case p.mu.closed:
		p.mu.Unlock()
		return wal.ErrClosed
	case p.Published() >= p.mu.lsn:
		p.mu.Unlock()
		return nil
	}
	p.joinLocked(r, false)
	err := p.settle(ctx, r)
	if unknown, ok := errors.AsType[*UnknownError](err); ok {
		err = unknown.Err // nothing of its own was appended
	}
	return err
}

// Mark syncs the log and then appends an empty record, which proves that what is before it was
// durable: without it, damage to the last group could be taken for a torn write.
func (p *Pipeline) Mark(ctx context.Context) error {
	if err := p.Sync(ctx); err != nil {
		return err
	}
	return p.appendOnly(ctx, wal.Entry{Kind: wal.Mark}, nil, true)
}

// appendOnly appends a record that nobody applies: a mark, or a chunk of a stream.
func (p *Pipeline) appendOnly(ctx context.Context, e wal.Entry, s *wal.Stream, sync bool) error {
	r := &Request{Kind: e.Kind, noApply: true}
	p.mu.Lock()
	if err := p.admitLocked(ctx, len(e.Payload), s == nil); err != nil {
		p.mu.Unlock()
		return err
	}
	if s != nil {
		r.Pos, r.End = s.Chunk(e.Payload, e.Sum)
	} else {
		r.Pos, r.End = p.log.Append(&e)
	}
	p.joinLocked(r, sync)
	return p.settle(ctx, r)
}

func (p *Pipeline) wakeTender() {
	select {
	case p.tend <- struct{}{}:
	default:
	}
}

// tendLoop syncs what asynchronous commits left unsynced and marks the end of an idle log. It is
// the Pipeline's only goroutine, and ends in Close.
func (p *Pipeline) tendLoop() {
	defer close(p.tended)
	if p.o.SyncDelay < 0 && p.o.MarkDelay < 0 {
		return
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	sleep := func(d time.Duration) bool {
		timer.Reset(d)
		select {
		case <-timer.C:
			return true
		case <-p.stop:
			return false
		}
	}
	var marked wal.Position
	for {
		select {
		case <-p.tend:
		case <-p.stop:
			return
		}
		if p.log.End() == marked {
			continue // its own mark
		}
		if p.o.SyncDelay >= 0 && !(sleep(p.o.SyncDelay) && p.tendSync()) {
			return
		}
		for p.o.MarkDelay >= 0 {
			end := p.log.End()
			if !sleep(p.o.MarkDelay) {
				return
			}
			if p.log.End() == end {
				if p.Mark(context.Background()) != nil {
					return
				}
				marked = p.log.End()
				break
			}
			if p.o.SyncDelay >= 0 && !p.tendSync() {
				return
			}
		}
	}
}

// tendSync syncs if something is unsynced. It reports false when the log has failed or is closed.
func (p *Pipeline) tendSync() bool {
	return p.log.End() == p.log.Durable() || p.Sync(context.Background()) == nil
}

// Close syncs the log and ends the pipeline; the log stays open. The caller has ended all other
// use, but EnsureDurable still answers; Close waits for commits that were cancelled after the
// append. A failure of the sync has poisoned the log, whose Close returns it.
func (p *Pipeline) Close() {
	p.abandoned.Wait()
	_ = p.Sync(context.Background())
	p.mu.Lock()
	closed := p.mu.closed
	p.mu.closed = true
	p.mu.Unlock()
	if !closed {
		close(p.stop)
	}
	<-p.tended
}

package lsm

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
)

// pressure says when Pebble has more to do than it should: Pebble itself would then make whoever writes wait, under locks
// and without a limit.
type pressure struct {
	since atomic.Int64 // bytes written since the last look
	high  atomic.Bool
	// charged is what the tracker was charged: what Pebble said when it was asked last, and what was written since.
	charged atomic.Int64
	// unflushed are the bytes written since memtables were flushed for want of memory.
	unflushed atomic.Int64
	// waited counts the statements that had to wait.
	waited atomic.Int64
	// held counts the waits within a record.
	held atomic.Int64
	// applied are the bytes of the entries that were added since the tier was opened.
	applied atomic.Int64
}

// endedPart is the part of the memory from which on a statement that writes looks whether ended versions can go.
const endedPart = 32

// admitEvery is how often a statement that waits looks again.
const admitEvery = 2 * time.Millisecond

// levelZeroMax is the number of sublevels of level 0, in multiples of that which starts a compaction, from which
// on writers wait.
const levelZeroMax = 5

// wrote is told of each batch.
func (p *pressure) wrote(t *Tier, bytes int64) {
	t.charge(p.charged.Load() + bytes)
	p.unflushed.Add(bytes)
	if p.since.Add(bytes) < t.o.MemtableBytes/4 {
		return
	}
	p.since.Store(0)
	p.high.Store(t.pressed(t.db.Load()))
}

// charge sets what the tracker was charged.
func (t *Tier) charge(bytes int64) {
	if n := bytes - t.counts.charged.Swap(bytes); n >= 0 {
		t.o.Tracker.Force(n)
	} else {
		t.o.Tracker.Release(-n)
	}
}

// pressed asks Pebble.
func (t *Tier) pressed(db *pebble.DB) bool {
	var m *pebble.Metrics
	if t.guard(func() error {
		m = db.Metrics()
		return nil
	}) != nil {
		return false // what follows fails anyhow
	}
	t.charge(int64(m.MemTable.Size) + m.BlockCache.Size)
	return m.MemTable.Count > int64(t.o.MemtablesMax) ||
		!t.o.DisableCompaction && int(m.Levels[0].Sublevels) > levelZeroMax*t.o.CompactionThreshold
}

// applyMemtables is the number of memtables, in multiples of those from which on statements wait, from which on a record
// that is being applied waits: it may be of any size.
const applyMemtables = 2

// letFlush waits until there is room for more of a large record. What it waits for needs the log, but nobody that applies.
func (t *Tier) letFlush() error {
	if !t.counts.high.Load() || invariants.Mutant("lsm-apply-without-bound") {
		return nil
	}
	limit := int64(applyMemtables * t.o.MemtablesMax)
	if t.memtables() <= limit {
		return nil
	}
	t.counts.held.Add(1)
	tick := time.NewTicker(admitEvery)
	defer tick.Stop()
	for t.memtables() > limit {
		select {
		case <-tick.C:
		case <-t.failed.ended:
			return t.failed.writeError()
		}
	}
	return nil
}

// memtables returns how many Pebble has.
func (t *Tier) memtables() (n int64) {
	db := t.db.Load()
	_ = t.guard(func() error { // what follows fails anyhow
		n = db.Metrics().MemTable.Count
		return nil
	})
	return n
}

// Admit waits until Pebble has caught up, before a statement that writes takes any lock. It forgets what nobody sees any
// more.
func (t *Tier) Admit(ctx context.Context) error {
	if t.ended.bytes.Load() > t.o.MemoryBytes/endedPart {
		// Nothing is retired while nothing is committed, and nothing is while this leaves no memory.
		t.ended.forget(t.pins.oldest())
	}
	if !t.counts.high.Load() {
		return nil
	}
	t.counts.waited.Add(1)
	tick := time.NewTicker(admitEvery)
	defer tick.Stop()
	for t.pressed(t.db.Load()) {
		select {
		case <-tick.C:
		case <-t.failed.ended:
			return t.failed.writeError()
		case <-ctx.Done():
			return sqlerr.Canceled(ctx)
		}
	}
	t.counts.high.Store(false)
	return nil
}

// Relieve makes memory free, and reports whether there is reason to look again how much is in use: what was written is
// flushed if it is worth it.
func (t *Tier) Relieve(ctx context.Context) (bool, error) {
	written := &t.counts.unflushed
	if t.db.Load() == nil || written.Load() < t.o.MemtableBytes/relievePart {
		return false, nil
	}
	written.Store(0)
	var flushed <-chan struct{}
	err := t.guard(func() (err error) {
		flushed, err = t.db.Load().AsyncFlush()
		return err
	})
	if err != nil {
		return false, pebbleError("flush", err)
	}
	t.counts.waited.Add(1)
	select {
	case <-flushed:
		t.pressed(t.db.Load())
		return true, nil
	case <-t.failed.ended:
		return false, t.failed.writeError()
	case <-ctx.Done():
		return false, sqlerr.Canceled(ctx)
	}
}

// relievePart: memtables are flushed for want of memory if at least such a part of one was written.
const relievePart = 4

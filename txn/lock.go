package txn

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

const (
	lockShards = 128
	// lockEntriesDefault bounds the locks of a manager: about 100 bytes each.
	lockEntriesDefault = 16 << 20
	// freeEntriesMax bounds what a shard keeps for reuse.
	freeEntriesMax = 4096
	// bargesMax is how many row locks may be granted past a waiter with which they conflict.
	bargesMax = 64
	// heldKeepMax is the capacity up to which an owner keeps its list of locks for reuse.
	heldKeepMax = 1 << 14
)

// Errors of the lock manager.
var (
	ErrLockTimeout = sqlerr.New(sqlerr.LockNotAvailable, "canceling statement due to lock timeout")
	ErrDeadlock    = sqlerr.New(sqlerr.DeadlockDetected, "deadlock detected")
	ErrTooMany     = sqlerr.New(sqlerr.OutOfMemory, "out of shared memory").
			WithHint("The limit on the number of locks was reached.")
)

// LockOptions configure a LockManager. The zero value works.
type LockOptions struct {
	// EntriesMax bounds the number of things locked at once. Default 16 Mi. Beyond it: 53200.
	EntriesMax int
	// Describe names a target in the detail of a deadlock error. Default Target.String.
	Describe func(Target) string
}

// LockManager holds the locks on tables, rows and unique keys. It is safe for concurrent use; each
// Owner is used by one goroutine at a time.
type LockManager struct {
	describe func(Target) string
	shardMax int
	// detector is held by whoever resolves a deadlock, so that a cycle has one victim.
	detector sync.Mutex
	waiters  atomic.Int64
	stats    struct {
		waits, deadlocks, timeouts atomic.Int64
		times                      table.Histogram
	}
	shards [lockShards]lockShard
}

// lockShard is one part of the hash table.
type lockShard struct {
	sync.Mutex
	buckets []*lockEntry
	count   int
	free    *lockEntry
	numFree int
	_       [16]byte
}

// lockEntry is something that is locked or waited for. Most have one holder and no waiter.
type lockEntry struct {
	next   *lockEntry
	hash   uint64
	object uint64
	word   uint64
	long   string
	space  Space
	short  uint8
	barges uint8
	modes  modeSet // of owner
	owner  *Owner
	more   *sharing // kept when the entry is reused
}

// sharing is what only contended entries have.
type sharing struct {
	holders []holder // besides the entry's owner
	waiters []*waiter
}

type holder struct {
	owner *Owner
	modes modeSet
}

// waiter is an owner's wait; an owner has at most one. While Owner.waiting is set it is guarded by
// the entry's shard.
type waiter struct {
	owner   *Owner
	entry   *lockEntry
	mode    Mode
	granted bool
	ready   chan struct{}
}

// Owner holds locks on behalf of one transaction.
type Owner struct {
	id      uint64
	held    []heldLock // in the order of acquisition
	wait    waiter
	waiting atomic.Bool // in a queue; changes under the lock of the shard
}

// heldLock is one acquisition: the modes that it added.
type heldLock struct {
	entry *lockEntry
	modes modeSet
}

// NewOwner returns an owner without locks. The ID names it in Waits and in errors.
func NewOwner(id uint64) *Owner {
	o := &Owner{id: id}
	o.wait.owner = o
	return o
}

// ID returns the owner's ID.
func (o *Owner) ID() uint64 { return o.id }

// Reset gives an owner without locks another ID, for reuse.
func (o *Owner) Reset(id uint64) {
	invariants.Assert(len(o.held) == 0, "owner %d reset while it holds locks", o.id)
	o.id = id
}

// Len returns the number of acquisitions that ReleaseAll would give back.
func (o *Owner) Len() int { return len(o.held) }

// Mark returns a savepoint for ReleaseTo.
func (o *Owner) Mark() int { return len(o.held) }

// NewLockManager returns a manager without locks.
func NewLockManager(o LockOptions) *LockManager {
	if o.EntriesMax <= 0 {
		o.EntriesMax = lockEntriesDefault
	}
	if o.Describe == nil {
		o.Describe = Target.String
	}
	return &LockManager{describe: o.Describe, shardMax: max(1, o.EntriesMax/lockShards)}
}

// LockWait says how long Lock waits.
type LockWait struct {
	// Timeout is the lock timeout; 0 waits without limit.
	Timeout time.Duration
	// DeadlockAfter delays the search for a deadlock; 0 searches as soon as the wait begins. The
	// owner whose search finds a cycle is its victim.
	DeadlockAfter time.Duration
}

// Lock takes key in the given mode for o, waiting for owners of conflicting locks. What o holds
// already never conflicts. The error is 57014 if ctx ends, 55P03 after the timeout, 40P01 in a
// deadlock, 53200 beyond the limit; the locks held before stay held.
func (m *LockManager) Lock(ctx context.Context, o *Owner, key Key, mode Mode, wait LockWait) error {
	granted, err := m.acquire(o, &key, mode, true)
	if granted || err != nil {
		return err
	}
	return m.await(ctx, o, wait)
}

// TryLock is Lock without waiting: it reports false where Lock would wait.
func (m *LockManager) TryLock(o *Owner, key Key, mode Mode) (bool, error) {
	return m.acquire(o, &key, mode, false)
}

func (m *LockManager) shard(hash uint64) *lockShard { return &m.shards[hash%lockShards] }

// acquire takes the lock if it is free, and otherwise joins the queue if asked to.
func (m *LockManager) acquire(o *Owner, key *Key, mode Mode, wait bool) (granted bool, err error) {
	invariants.Assert((key.space == TableSpace) == (mode >= modesRow), "%v of %v", mode, key.space)
	sh := m.shard(key.hash)
	sh.Lock()
	defer sh.Unlock()
	e := sh.find(key)
	if e == nil {
		if sh.count >= m.shardMax {
			return false, ErrTooMany
		}
		e = sh.insert(key)
		e.owner, e.modes = o, mode.bit()
		o.held = append(o.held, heldLock{e, mode.bit()})
		return true, nil
	}
	own := e.modesOf(o)
	if own&coveredBy[mode] != 0 {
		return true, nil
	}
	at, free := e.place(o, own, mode)
	if free {
		e.grant(o, mode.bit())
		o.held = append(o.held, heldLock{e, mode.bit()})
		return true, nil
	}
	if wait {
		m.enqueue(o, e, mode, at)
	}
	return false, nil
}

// place finds where a request belongs in the queue, and whether it can be granted at once. An owner
// that already holds a lock goes before those who wait for it. A newcomer waits behind those with
// whom it conflicts, except for row locks, which as in PostgreSQL are granted if the present
// holders permit: then at most bargesMax times.
func (e *lockEntry) place(o *Owner, own modeSet, mode Mode) (at int, free bool) {
	free = e.othersHold(o)&conflicts[mode] == 0
	if e.more == nil {
		return 0, free
	}
	passed := false
	for at < len(e.more.waiters) {
		w := e.more.waiters[at]
		if own != 0 && conflicts[w.mode]&own != 0 {
			break
		}
		passed = passed || conflicts[w.mode]&mode.bit() != 0
		at++
	}
	if !passed || !free {
		return at, free && !passed
	}
	if e.space != RowSpace || e.barges >= bargesMax {
		return at, false
	}
	e.barges++
	return at, true
}

func (m *LockManager) enqueue(o *Owner, e *lockEntry, mode Mode, at int) {
	w := &o.wait
	if w.ready == nil {
		w.ready = make(chan struct{}, 1)
	}
	w.entry, w.mode, w.granted = e, mode, false
	if e.more == nil {
		e.more = &sharing{}
	}
	e.more.waiters = slices.Insert(e.more.waiters, at, w)
	o.waiting.Store(true)
	m.waiters.Add(1)
	m.stats.waits.Add(1)
}

// await waits until the owner's request is granted.
func (m *LockManager) await(ctx context.Context, o *Owner, wait LockWait) error {
	defer m.stats.times.Since(time.Now())
	w := &o.wait
	var timeout, search <-chan time.Time
	if wait.Timeout > 0 {
		t := time.NewTimer(wait.Timeout)
		defer t.Stop()
		timeout = t.C
	}
	if wait.DeadlockAfter > 0 {
		t := time.NewTimer(wait.DeadlockAfter)
		defer t.Stop()
		search = t.C
	} else if err := m.resolve(o); err != nil {
		return err
	}
	for {
		select {
		case <-w.ready:
			o.took(w)
			return nil
		case <-ctx.Done():
			if m.leave(o) {
				return sqlerr.Canceled(ctx)
			}
			<-w.ready
			o.took(w) // granted meanwhile: it stays held
			return sqlerr.Canceled(ctx)
		case <-timeout:
			if m.leave(o) {
				m.stats.timeouts.Add(1)
				return ErrLockTimeout
			}
			timeout = nil // granted meanwhile
		case <-search:
			if err := m.resolve(o); err != nil {
				return err
			}
		}
	}
}

// took notes a lock that was granted while the owner waited.
func (o *Owner) took(w *waiter) {
	o.held = append(o.held, heldLock{w.entry, w.mode.bit()})
}

// leave takes the owner out of its queue. It reports false if the lock was granted meanwhile.
func (m *LockManager) leave(o *Owner) bool {
	w := &o.wait
	sh := m.shard(w.entry.hash)
	sh.Lock()
	defer sh.Unlock()
	return m.leaveLocked(sh, w)
}

func (m *LockManager) leaveLocked(sh *lockShard, w *waiter) bool {
	if w.granted {
		return false
	}
	e := w.entry
	i := slices.Index(e.more.waiters, w)
	e.more.waiters = slices.Delete(e.more.waiters, i, i+1)
	w.owner.waiting.Store(false)
	m.waiters.Add(-1)
	m.wake(sh, e)
	return true
}

// ReleaseAll gives back all locks of o.
func (m *LockManager) ReleaseAll(o *Owner) {
	m.ReleaseTo(o, 0)
	if cap(o.held) > heldKeepMax {
		o.held = nil
	}
}

// ReleaseTo gives back the locks that o took since the mark.
func (m *LockManager) ReleaseTo(o *Owner, mark int) {
	for i := len(o.held) - 1; i >= mark; i-- {
		h := o.held[i]
		sh := m.shard(h.entry.hash)
		sh.Lock()
		h.entry.revoke(o, h.modes)
		m.wake(sh, h.entry)
		sh.Unlock()
	}
	clear(o.held[mark:])
	o.held = o.held[:mark]
}

// wake grants the waiters whose turn has come, and frees the entry if nobody is left.
func (m *LockManager) wake(sh *lockShard, e *lockEntry) {
	if e.more != nil && len(e.more.waiters) > 0 {
		var ahead modeSet
		kept := e.more.waiters[:0]
		for _, w := range e.more.waiters {
			if conflicts[w.mode]&(ahead|e.othersHold(w.owner)) != 0 {
				ahead |= w.mode.bit()
				kept = append(kept, w)
				continue
			}
			m.grantWaiter(e, w)
		}
		clear(e.more.waiters[len(kept):])
		e.more.waiters = kept
	}
	if e.owner == nil && (e.more == nil || len(e.more.waiters) == 0) {
		sh.remove(e)
	}
}

func (m *LockManager) grantWaiter(e *lockEntry, w *waiter) {
	e.grant(w.owner, w.mode.bit())
	e.barges = 0
	w.granted = true
	w.owner.waiting.Store(false)
	m.waiters.Add(-1)
	w.ready <- struct{}{}
}

// LockStats counts what a manager has done, and says how many owners wait.
type LockStats struct {
	Entries, Waiting           int64
	Waits, Deadlocks, Timeouts int64
	WaitTimes                  table.Distribution // of waits that have ended, however they did
}

// Stats returns counters and gauges.
func (m *LockManager) Stats() LockStats {
	s := LockStats{
		WaitTimes: m.stats.times.Distribution(),
		Waiting:   m.waiters.Load(), Waits: m.stats.waits.Load(), Deadlocks: m.stats.deadlocks.Load(),
		Timeouts: m.stats.timeouts.Load(),
	}
	for i := range m.shards {
		sh := &m.shards[i]
		sh.Lock()
		s.Entries += int64(sh.count)
		sh.Unlock()
	}
	return s
}

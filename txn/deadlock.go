package txn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/laminadb/lamina/internal/invariants"
)

// The wait-for graph: an owner that waits has an edge to every owner that holds a conflicting lock
// on the same entry (hard), and to every owner that waits there before it for a conflicting mode
// (soft). Edges towards waiting owners appear only when an owner begins to wait, so the last one to
// do so finds every cycle. A cycle with a soft edge may be opened by changing the order of a
// queue, which is tried before an owner becomes the victim.

// edge is a step of the wait-for graph.
type edge struct {
	from *waiter
	to   *Owner
	// ahead is the waiter that from waits behind, for a soft edge.
	ahead *waiter
}

// resolve looks for a cycle through o, which waits. If there is one that no change of a queue
// opens, o leaves its queue and the error says so.
func (m *LockManager) resolve(o *Owner) error {
	if invariants.Mutant("txn-forget-deadlock") || !m.maybeCycle(o) {
		return nil
	}
	m.detector.Lock()
	defer m.detector.Unlock()
	m.lockAll()
	defer m.unlockAll()
	if !o.waiting.Load() {
		return nil
	}
	cycle := findCycle(o)
	if cycle == nil || m.reorder(o, cycle) {
		return nil
	}
	detail := m.explain(cycle)
	m.leaveLocked(m.shard(o.wait.entry.hash), &o.wait)
	m.stats.deadlocks.Add(1)
	return ErrDeadlock.WithDetail("%s", detail).WithHint("See server log for query details.")
}

// maybeCycle is a cheap test that is never wrong when it says no: a cycle leaves the queue that o
// waits in through a holder that waits itself, or through o if it holds a lock there.
func (m *LockManager) maybeCycle(o *Owner) bool {
	w := &o.wait
	sh := m.shard(w.entry.hash)
	sh.Lock()
	defer sh.Unlock()
	if !o.waiting.Load() {
		return false
	}
	e := w.entry
	if e.owner != nil && e.owner.waiting.Load() {
		return true
	}
	return slices.ContainsFunc(e.more.holders, func(h holder) bool { return h.owner.waiting.Load() })
}

func (m *LockManager) lockAll() {
	for i := range m.shards {
		m.shards[i].Lock()
	}
}

func (m *LockManager) unlockAll() {
	for i := range m.shards {
		m.shards[i].Unlock()
	}
}

// edges calls f for each edge from a waiter until f returns false.
func (w *waiter) edges(f func(edge) bool) {
	e := w.entry
	mine := conflicts[w.mode]
	if e.owner != nil && e.owner != w.owner && e.modes&mine != 0 && !f(edge{w, e.owner, nil}) {
		return
	}
	for i := range e.more.holders {
		if h := &e.more.holders[i]; h.owner != w.owner && h.modes&mine != 0 && !f(edge{w, h.owner, nil}) {
			return
		}
	}
	for _, a := range e.more.waiters {
		if a == w {
			return
		}
		if mine&a.mode.bit() != 0 && !f(edge{w, a.owner, a}) {
			return
		}
	}
}

// findCycle returns the edges of a cycle through o, or nil. All shards are locked.
func findCycle(o *Owner) []edge {
	var path []edge
	seen := map[*Owner]bool{}
	var visit func(*Owner) bool
	visit = func(at *Owner) (found bool) {
		if !at.waiting.Load() || seen[at] {
			return false
		}
		seen[at] = true
		at.wait.edges(func(e edge) bool {
			path = append(path, e)
			if e.to == o || visit(e.to) {
				found = true
				return false
			}
			path = path[:len(path)-1]
			return true
		})
		return found
	}
	if !visit(o) {
		return nil
	}
	return path
}

// reorder tries to open the cycle by letting one waiter of it pass the one it waits behind. All
// shards are locked.
func (m *LockManager) reorder(o *Owner, cycle []edge) bool {
	for _, c := range cycle {
		if c.ahead == nil {
			continue
		}
		e := c.from.entry
		before := slices.Clone(e.more.waiters)
		i := slices.Index(e.more.waiters, c.from)
		e.more.waiters = slices.Delete(e.more.waiters, i, i+1)
		e.more.waiters = slices.Insert(e.more.waiters, slices.Index(e.more.waiters, c.ahead), c.from)
		if findCycle(o) == nil && findCycle(c.ahead.owner) == nil {
			m.wake(m.shard(e.hash), e)
			return true
		}
		e.more.waiters = before
	}
	return false
}

// explain describes a cycle as PostgreSQL does.
func (m *LockManager) explain(cycle []edge) string {
	lines := make([]string, len(cycle))
	for i, c := range cycle {
		lines[i] = fmt.Sprintf("Process %d waits for %v on %s; blocked by process %d.",
			c.from.owner.id, c.from.mode, m.describe(c.from.entry.target()), c.to.id)
	}
	return strings.Join(lines, "\n")
}

// Wait describes an owner that waits for a lock.
type Wait struct {
	Owner  uint64
	Target Target
	Mode   Mode
	// BlockedBy are the owners it waits for: holders of conflicting locks, then those who wait
	// before it for a conflicting mode.
	BlockedBy []uint64
}

// Waits returns the wait graph: every owner that waits, in the order of their IDs.
func (m *LockManager) Waits() []Wait {
	if m.waiters.Load() == 0 {
		return nil
	}
	m.lockAll()
	defer m.unlockAll()
	var out []Wait
	for i := range m.shards {
		for _, e := range m.shards[i].buckets {
			for ; e != nil; e = e.next {
				out = e.appendWaits(out)
			}
		}
	}
	slices.SortFunc(out, func(a, b Wait) int {
		if a.Owner < b.Owner {
			return -1
		}
		return 1
	})
	return out
}

func (e *lockEntry) appendWaits(out []Wait) []Wait {
	if e.more == nil {
		return out
	}
	for _, w := range e.more.waiters {
		r := Wait{Owner: w.owner.id, Target: e.target(), Mode: w.mode}
		w.edges(func(c edge) bool {
			if !slices.Contains(r.BlockedBy, c.to.id) {
				r.BlockedBy = append(r.BlockedBy, c.to.id)
			}
			return true
		})
		out = append(out, r)
	}
	return out
}

// BlockedBy returns the owners that the owner with the given ID waits for, if it waits.
func (m *LockManager) BlockedBy(id uint64) []uint64 {
	for _, w := range m.Waits() {
		if w.Owner == id {
			return w.BlockedBy
		}
	}
	return nil
}

// Package mem is Lamina's off-heap memory and the tree of trackers that bounds it.
//
// Rows, indexes and operator state live in slabs outside the Go heap, so that the garbage collector
// of the host program neither scans nor sizes itself by them. Every byte is charged to a Tracker
// before it is taken; trackers form a tree (query below database) and each may have a limit, whose
// breach is SQLSTATE 53200. Allocators keep no Go pointers in their memory.
//
// SetOnHeap makes every allocator use the Go heap instead, which lets the race detector see the
// memory (it cannot see mappings).
package mem

import (
	"math"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
)

// Tracker accounts for bytes. Its methods may be called from any goroutine.
type Tracker struct {
	name   string
	parent *Tracker
	// obliged: what is charged is not refused. kept is what its parent is charged at least.
	obliged bool
	kept    int64
	// relief makes memory free when a charge would go beyond the limit, but for a charge of a spare one.
	relief func(bytes int64) bool
	spare  bool
	// handed are bytes that its parent is charged already, and that Force takes first.
	handed atomic.Int64
	limit  atomic.Int64 // 0: none of its own
	used   atomic.Int64
	peak   atomic.Int64
}

// NewTracker returns a root tracker; limitBytes 0 means no limit.
func NewTracker(name string, limitBytes int64) *Tracker {
	t := &Tracker{name: name}
	t.limit.Store(limitBytes)
	return t
}

// Child returns a tracker whose bytes also count for t; limitBytes 0 means no limit of its own.
func (t *Tracker) Child(name string, limitBytes int64) *Tracker {
	c := NewTracker(name, limitBytes)
	c.parent = t
	return c
}

// Obliged returns a child for work that makes memory free in the end: limits do not stop it. It must be bounded by itself.
func (t *Tracker) Obliged(name string) *Tracker {
	c := t.Child(name, 0)
	c.obliged = true
	return c
}

// Spare returns a child for what others may have when they need it: nobody makes memory free for it.
func (t *Tracker) Spare(name string) *Tracker {
	c := t.Child(name, 0)
	c.spare = true
	return c
}

// Relieve has f called when a charge would go, or has gone, beyond the limit of t. It makes so many bytes free, or as many as
// it can, and reports whether those were any. Whoever charges may hold any lock, but none that f takes: what f frees must be
// charged to a Spare child. Relieve is called before t is used.
func (t *Tracker) Relieve(f func(bytes int64) bool) { t.relief = f }

// Keep reserves memory for an obliged tracker: its parent is charged that many bytes from now on, and more only beyond
// them. Nothing may be charged meanwhile.
func (t *Tracker) Keep(bytes int64) {
	n := max(bytes, t.Used()) - max(t.kept, t.Used())
	t.kept = bytes
	if n >= 0 {
		t.parent.Force(n)
	} else {
		t.parent.Release(-n)
	}
}

// beyond returns by how much the charge of the parent grows when that of an obliged tracker has grown by n to used.
func (t *Tracker) beyond(used, n int64) int64 { return max(t.kept, used) - max(t.kept, used-n) }

// Reserve charges n bytes to t and its ancestors, or charges nothing and returns a 53200 error.
// A nil tracker accepts everything.
func (t *Tracker) Reserve(n int64) error {
	if t != nil && t.obliged {
		t.Force(n)
		return nil
	}
	for a := t; a != nil; a = a.parent {
		used := a.used.Add(n)
		if limit := a.limit.Load(); limit > 0 && used > limit && n > 0 {
			a.used.Add(-n)
			for b := t; b != a; b = b.parent {
				b.used.Add(-n)
			}
			if a.relief != nil && !t.spare && !invariants.Mutant("mem-never-relieve") && n <= limit && a.relief(used-limit) {
				return t.Reserve(n)
			}
			return sqlerr.New(sqlerr.OutOfMemory, "out of memory").
				WithDetail("%s needs %d more bytes; %d of its limit of %d bytes are in use", a.name, n, used-n, limit)
		}
	}
	if n > 0 { // only what was granted counts
		for a := t; a != nil; a = a.parent {
			a.notePeak(a.used.Load())
		}
	}
	return nil
}

// Fits reports whether n more bytes would stay within a share of every limit: num of den parts of it.
func (t *Tracker) Fits(n, num, den int64) bool {
	for a := t; a != nil; a = a.parent {
		if limit := a.limit.Load(); limit > 0 && a.used.Load()+n > limit/den*num {
			return false
		}
	}
	return true
}

// Least returns the smallest limit of t and its ancestors, math.MaxInt64 if there is none.
func (t *Tracker) Least() int64 {
	least := int64(math.MaxInt64)
	for a := t; a != nil; a = a.parent {
		if limit := a.limit.Load(); limit > 0 {
			least = min(least, limit)
		}
	}
	return least
}

// Force charges n bytes even beyond the limits: for what must not fail, such as applying a
// committed transaction. It reports whether every limit still holds.
func (t *Tracker) Force(n int64) bool {
	ok := true
	for a := t; a != nil; a = a.parent {
		used := a.used.Add(n)
		if limit := a.limit.Load(); limit > 0 && used > limit && (a.relief == nil || !a.relief(used-limit) || a.used.Load() > limit) {
			ok = false
		}
		a.notePeak(used)
		if a.obliged {
			n = a.beyond(used, n)
		}
		n -= a.takeHanded(n)
	}
	return ok
}

// Hand gives bytes that t was charged to another child of its parent: what that is charged by Force comes out of them until
// they are used up, or taken back.
func (t *Tracker) Hand(to *Tracker, n int64) {
	t.used.Add(-n)
	to.handed.Add(n)
}

// TakeBack releases what is left of bytes that were handed to t.
func (t *Tracker) TakeBack() {
	if n := t.handed.Swap(0); n > 0 {
		t.parent.Release(n)
	}
}

// takeHanded takes at most n of the bytes that were handed to t.
func (t *Tracker) takeHanded(n int64) int64 {
	for {
		have := t.handed.Load()
		take := min(have, n)
		if take <= 0 {
			return 0
		}
		if t.handed.CompareAndSwap(have, have-take) {
			return take
		}
	}
}

func (t *Tracker) notePeak(used int64) {
	for {
		p := t.peak.Load()
		if used <= p || t.peak.CompareAndSwap(p, used) {
			return
		}
	}
}

// Release gives n bytes back.
func (t *Tracker) Release(n int64) {
	for a := t; a != nil; a = a.parent {
		used := a.used.Add(-n)
		if a.obliged {
			n = -a.beyond(used, -n)
		}
	}
}

// Name says what the tracked bytes are for.
func (t *Tracker) Name() string { return t.name }

// Used returns the bytes charged now.
func (t *Tracker) Used() int64 { return t.used.Load() }

// Peak returns the most bytes that were ever charged at once.
func (t *Tracker) Peak() int64 { return t.peak.Load() }

// Limit returns the tracker's own limit in bytes; 0 means none.
func (t *Tracker) Limit() int64 { return t.limit.Load() }

// SetLimit changes the tracker's own limit; bytes in use beyond it stay.
func (t *Tracker) SetLimit(bytes int64) { t.limit.Store(bytes) }

package txn

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

// View is the immutable state of the database at an LSN. It is held by references: whoever acquired
// it releases it once. T is what the store hangs on it (catalog version, snapshots of the tiers).
type View[T any] struct {
	// State must not be changed.
	State T

	lsn  table.LSN
	pos  wal.Position
	born time.Time
	set  *ViewSet[T]
	// refs is written by every reader and sits on a cache line of its own, so that acquiring a View
	// does not slow those who read its state.
	_    [64]byte
	refs atomic.Int64
	_    [56]byte
}

// LSN returns the newest LSN that the View shows.
func (v *View[T]) LSN() table.LSN { return v.lsn }

// Position returns the position in the log after the newest record that the View shows, node-local
// records included: replay from here leads from this View to the present.
func (v *View[T]) Position() wal.Position { return v.pos }

// Release gives up one reference. The View must not be used afterwards.
func (v *View[T]) Release() {
	n := v.refs.Add(-1)
	invariants.Assert(n >= 0, "view at LSN %d released too often", v.lsn)
	if n == 0 {
		v.set.drop(v)
	}
}

// Retain adds a reference to a View that is held.
func (v *View[T]) Retain() *View[T] {
	n := v.refs.Add(1)
	invariants.Assert(n > 1, "view at LSN %d retained after its release", v.lsn)
	return v
}

// ViewSet holds the published View and knows the older ones that are still in use. Any goroutine
// may acquire; one at a time publishes. Views are never pooled: a reader that is about to acquire one
// that has been dropped finds no references and takes the newer one.
type ViewSet[T any] struct {
	current atomic.Pointer[View[T]]
	_       [56]byte
	// watermark is the LSN of the oldest View in use; it only grows.
	watermark atomic.Uint64
	release   func(T)
	now       func() time.Time

	mu struct {
		sync.Mutex
		live  []*View[T] // oldest first; some may have been released
		limit int        // length of live at which it is compacted
	}
}

const viewsCompactMin = 64

// NewViewSet returns a set whose published View is at lsn and pos. release is called once for the
// state of each View when its last reference is gone, by the goroutine that gave it up: it must
// not block, and hands work that may to others. It may be nil.
func NewViewSet[T any](state T, lsn table.LSN, pos wal.Position, release func(T)) *ViewSet[T] {
	s := &ViewSet[T]{release: release, now: time.Now}
	s.mu.limit = viewsCompactMin
	v := s.newView(state, lsn, pos)
	s.current.Store(v)
	s.mu.live = append(s.mu.live, v)
	s.watermark.Store(uint64(lsn))
	return s
}

func (s *ViewSet[T]) newView(state T, lsn table.LSN, pos wal.Position) *View[T] {
	v := &View[T]{State: state, lsn: lsn, pos: pos, born: s.now(), set: s}
	v.refs.Store(1) // the set's own, until the next View is published
	return v
}

// Acquire returns the published View with a reference for the caller. It never blocks.
func (s *ViewSet[T]) Acquire() *View[T] {
	for {
		v := s.current.Load()
		for n := v.refs.Load(); n != 0; n = v.refs.Load() {
			if v.refs.CompareAndSwap(n, n+1) {
				return v
			}
		}
	}
}

// LSN returns the LSN of the published View.
func (s *ViewSet[T]) LSN() table.LSN { return s.current.Load().lsn }

// Publish makes a View of the state at lsn the current one. It takes over the caller's hold on
// the state.
func (s *ViewSet[T]) Publish(state T, lsn table.LSN, pos wal.Position) {
	v := s.newView(state, lsn, pos)
	s.mu.Lock()
	s.mu.live = append(s.mu.live, v)
	old := s.current.Swap(v)
	invariants.Assert(old.lsn <= lsn && old.pos <= pos, "view at %d/%v published after %d/%v", lsn, pos, old.lsn, old.pos)
	s.mu.Unlock()
	old.Release()
	s.Advance()
}

// Advance recomputes the watermark and returns it. Publish does so too; it is called without a new
// View when readers have gone.
func (s *ViewSet[T]) Advance() table.LSN {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := 0
	for s.mu.live[i].refs.Load() == 0 { // ends at the published View
		i++
	}
	s.mu.live = slices.Delete(s.mu.live, 0, i)
	if len(s.mu.live) > s.mu.limit {
		s.mu.live = slices.DeleteFunc(s.mu.live, func(v *View[T]) bool { return v.refs.Load() == 0 })
		s.mu.limit = max(viewsCompactMin, 2*len(s.mu.live))
	}
	w := s.mu.live[0].lsn
	if invariants.Mutant("txn-ignore-watermark") {
		w = s.mu.live[len(s.mu.live)-1].lsn
	}
	s.watermark.Store(uint64(w))
	return w
}

// Watermark returns the LSN of the oldest View in use, as of the last Publish or Advance: no
// reader will ask for a state before it.
func (s *ViewSet[T]) Watermark() table.LSN { return table.LSN(s.watermark.Load()) }

// PinnedView describes a View that is in use.
type PinnedView struct {
	LSN        table.LSN
	Position   wal.Position
	Age        time.Duration
	References int64
	Weight     int64 // of its state
}

// Pinned lists the Views in use, oldest first; the last one is the published View, whose references
// count the set's own.
func (s *ViewSet[T]) Pinned() []PinnedView { return s.PinnedBy(nil) }

// PinnedBy is Pinned with the weights of the Views' states; nil: without.
func (s *ViewSet[T]) PinnedBy(weight func(T) int64) []PinnedView {
	var held []*View[T]
	defer func() {
		for _, v := range held {
			v.Release()
		}
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var out []PinnedView
	for _, v := range s.mu.live {
		for n := v.refs.Load(); n != 0; n = v.refs.Load() {
			p := PinnedView{LSN: v.lsn, Position: v.pos, Age: now.Sub(v.born), References: n}
			if weight != nil {
				if !v.refs.CompareAndSwap(n, n+1) {
					continue
				}
				held = append(held, v) // released once the lock is
				p.Weight = weight(v.State)
			}
			out = append(out, p)
			break
		}
	}
	return out
}

// Close gives up the set's own reference. It reports how many other references are left; nothing
// may be acquired or published afterwards.
func (s *ViewSet[T]) Close() (held int64) {
	s.current.Load().Release()
	for _, p := range s.Pinned() {
		held += p.References
	}
	return held
}

// drop runs when the last reference to a View is gone.
func (s *ViewSet[T]) drop(v *View[T]) {
	state := v.State
	if invariants.Enabled {
		var zero T
		v.State = zero // whoever still reads it will notice
	}
	if s.release != nil {
		s.release(state)
	}
}

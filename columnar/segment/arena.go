package segment

import (
	"math/bits"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
)

// arena hands out pieces of slabs outside the Go heap, by the buddy system: a piece is a power of two of units, and two
// neighbours that are free become one again. It is used under the lock of its cache.
type arena struct {
	tracker *mem.Tracker
	bytes   int                     // of a slab
	limit   int                     // slabs of its own
	lends   func(bytes int64) bool  // whether there may be so many bytes more than those; nil: never
	slabs   []arenaSlab             // those that were freed are zero
	count   int                     // those that were not
	free    [arenaOrders]arenaPlace // first free piece of each order, in a list
}

const (
	arenaUnit    = 1 << 10
	arenaOrders  = 13                             // pieces of 1 KiB up to 4 MiB
	arenaSlabMax = arenaUnit << (arenaOrders - 1) //
	arenaSlabMin = 4 << 10                        //
	poisonByte   = 0xdb
)

// arenaPlace is where a piece lies: number of the slab and unit in it, both plus one; the zero place is none.
type arenaPlace struct{ slab, unit uint32 }

// arenaSlab is a slab with what is known of its units.
type arenaSlab struct {
	slab       mem.Slab
	order      []uint8 // of a free piece that begins at the unit, plus one; 0 where none begins
	next, prev []arenaPlace
}

// newArena returns an arena of at most limit bytes, and those beyond them that it is lent.
func newArena(t *mem.Tracker, limit int64, lends func(bytes int64) bool) arena {
	a := arena{tracker: t, bytes: arenaSlabMin, lends: lends}
	for a.bytes < arenaSlabMax && int64(a.bytes)*16 <= limit {
		a.bytes *= 2
	}
	a.limit = int(limit / int64(a.bytes))
	return a
}

// orderOf returns the order of the smallest piece of n bytes.
func orderOf(n int) int { return bits.Len(uint((max(n, 1) - 1) / arenaUnit)) }

// alloc returns a piece of at least n bytes, or none if there is no room.
func (a *arena) alloc(n int) (p arenaPlace, ok bool) {
	want := orderOf(n)
	if arenaUnit<<want > a.bytes {
		return arenaPlace{}, false
	}
	order := want
	for order < arenaOrders && a.free[order] == (arenaPlace{}) {
		order++
	}
	if order == arenaOrders {
		if !a.addSlab() {
			return arenaPlace{}, false
		}
		order = orderOf(a.bytes)
	}
	p = a.free[order]
	a.unlink(p, order)
	for ; order > want; order-- {
		a.link(arenaPlace{p.slab, p.unit + 1<<(order-1)}, order-1)
	}
	return p, true
}

// addSlab adds a slab that is free.
func (a *arena) addSlab() bool {
	if a.count >= a.limit && !a.mayBorrow(a.bytes) {
		return false
	}
	s, err := mem.AllocUnset(a.tracker, a.bytes)
	if err != nil {
		return false // there is no memory: the cache makes do with what it has
	}
	n := a.bytes / arenaUnit
	added := arenaSlab{slab: s, order: make([]uint8, n), next: make([]arenaPlace, n), prev: make([]arenaPlace, n)}
	a.count++
	for i := range a.slabs {
		if a.slabs[i].slab.B == nil {
			a.slabs[i] = added
			a.link(arenaPlace{uint32(i + 1), 1}, orderOf(a.bytes))
			return true
		}
	}
	a.slabs = append(a.slabs, added)
	a.link(arenaPlace{uint32(len(a.slabs)), 1}, orderOf(a.bytes))
	return true
}

// mayBorrow reports whether there may be so many bytes beyond its own. It needs no lock.
func (a *arena) mayBorrow(bytes int) bool { return a.lends != nil && a.lends(int64(bytes)) }

// lent returns the bytes beyond its own.
func (a *arena) lent() int64 { return int64(max(0, a.count-a.limit)) * int64(a.bytes) }

// given returns the bytes that are gone since there were so many slabs.
func (a *arena) given(before int) int64 { return int64(before-a.count) * int64(a.bytes) }

// trim frees the slabs that nothing is in.
func (a *arena) trim() {
	whole := orderOf(a.bytes)
	for a.free[whole] != (arenaPlace{}) {
		p := a.free[whole]
		a.unlink(p, whole)
		s := &a.slabs[p.slab-1]
		s.slab.Free()
		*s = arenaSlab{}
		a.count--
	}
}

func (a *arena) link(p arenaPlace, order int) {
	s := &a.slabs[p.slab-1]
	s.order[p.unit-1] = uint8(order + 1)
	head := a.free[order]
	s.next[p.unit-1], s.prev[p.unit-1] = head, arenaPlace{}
	if head != (arenaPlace{}) {
		a.slabs[head.slab-1].prev[head.unit-1] = p
	}
	a.free[order] = p
}

func (a *arena) unlink(p arenaPlace, order int) {
	s := &a.slabs[p.slab-1]
	s.order[p.unit-1] = 0
	next, prev := s.next[p.unit-1], s.prev[p.unit-1]
	if prev == (arenaPlace{}) {
		a.free[order] = next
	} else {
		a.slabs[prev.slab-1].next[prev.unit-1] = next
	}
	if next != (arenaPlace{}) {
		a.slabs[next.slab-1].prev[next.unit-1] = prev
	}
}

// release gives a piece of n bytes back.
func (a *arena) release(p arenaPlace, n int) {
	if invariants.Enabled { // whoever still reads it shall notice
		b := a.at(p, arenaUnit<<orderOf(n))
		for i := range b {
			b[i] = poisonByte
		}
	}
	s := &a.slabs[p.slab-1]
	order, unit := orderOf(n), p.unit-1
	for ; arenaUnit<<order < a.bytes; order++ {
		buddy := unit ^ 1<<order
		if s.order[buddy] != uint8(order+1) {
			break
		}
		a.unlink(arenaPlace{p.slab, buddy + 1}, order)
		unit &^= 1 << order
	}
	a.link(arenaPlace{p.slab, unit + 1}, order)
}

// at returns the first n bytes of a piece.
func (a *arena) at(p arenaPlace, n int) []byte {
	off := int(p.unit-1) * arenaUnit
	return a.slabs[p.slab-1].slab.B[off : off+n : off+n]
}

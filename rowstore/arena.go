package rowstore

import (
	"math/bits"
	"sync/atomic"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
)

// arena hands out pointer-free memory in blocks whose sizes are powers of two, cut from slabs that grow with the
// table. It belongs to the content of one table and is used by the writer alone; all of it goes back at once when the
// content is dropped. Blocks are not zeroed: whoever takes one sets what it reads.
type arena struct {
	tracker *mem.Tracker
	spares  *spares // pre-faulted slabs; nil: none
	slabs   []mem.Slab
	rest    []byte // of the last slab
	free    [blockShiftMax + 1][]unsafe.Pointer
	// charged is what the slabs occupy, used what is handed out.
	charged, used atomic.Int64
}

const (
	blockShiftMin = 6
	blockShiftMax = 22
	slabBytesMin  = 16 << 10
	slabBytesMax  = 1 << blockShiftMax
)

// blockShift returns the class of blocks that hold n bytes; more than blockShiftMax means a slab of its own.
func blockShift(n int) int {
	if n <= 1<<blockShiftMin {
		return blockShiftMin
	}
	return bits.Len(uint(n - 1))
}

// alloc returns n bytes that start at a multiple of 64. It passes over memory limits: what is applied was admitted.
func (a *arena) alloc(n int) []byte {
	shift := blockShift(n)
	if shift > blockShiftMax {
		s := mem.MustAlloc(a.tracker, n)
		a.slabs = append(a.slabs, s)
		a.charged.Add(int64(s.Bytes()))
		a.used.Add(int64(s.Bytes()))
		return s.B[:n]
	}
	a.used.Add(1 << shift)
	p := a.take(shift)
	return unsafe.Slice((*byte)(p), 1<<shift)[:n]
}

// take returns a block: a free one, a part of a larger free one, or a new one.
func (a *arena) take(shift int) unsafe.Pointer {
	for s := shift; s <= blockShiftMax; s++ {
		n := len(a.free[s])
		if n == 0 {
			continue
		}
		p := a.free[s][n-1]
		a.free[s] = a.free[s][:n-1]
		for s > shift { // the upper half stays free
			s--
			a.free[s] = append(a.free[s], unsafe.Add(p, 1<<s))
		}
		return p
	}
	if len(a.rest) < 1<<shift {
		a.grow(1 << shift)
	}
	p := unsafe.Pointer(unsafe.SliceData(a.rest))
	a.rest = a.rest[1<<shift:]
	return p
}

// grow takes a new slab, after what is left of the last one has become free blocks.
func (a *arena) grow(n int) {
	for len(a.rest) >= 1<<blockShiftMin {
		s := bits.Len(uint(len(a.rest))) - 1
		a.free[s] = append(a.free[s], unsafe.Pointer(unsafe.SliceData(a.rest)))
		a.rest = a.rest[1<<s:]
	}
	size := slabBytesMin
	for size < slabBytesMax && (size < n || int64(size) < a.charged.Load()/2) {
		size *= 2
	}
	var s mem.Slab
	if size == slabBytesMax && a.spares != nil {
		s = a.spares.take(a.tracker)
	} else {
		s = mem.MustAlloc(a.tracker, size)
	}
	a.slabs = append(a.slabs, s)
	a.charged.Add(int64(s.Bytes()))
	a.rest = s.B[:size]
}

// release makes a block free again. Nobody may read it any more.
func (a *arena) release(b []byte) {
	b = b[:cap(b)]
	if len(b) > 1<<blockShiftMax {
		a.releaseSlab(b)
		return
	}
	poison(b)
	shift := blockShift(len(b))
	invariants.Assert(len(b) == 1<<shift, "a block of %d bytes is released", len(b))
	a.used.Add(-1 << shift)
	a.free[shift] = append(a.free[shift], unsafe.Pointer(unsafe.SliceData(b)))
}

func (a *arena) releaseSlab(b []byte) {
	for i := range a.slabs {
		if s := &a.slabs[i]; unsafe.SliceData(s.B) == unsafe.SliceData(b) {
			n := int64(s.Bytes())
			s.Free()
			a.charged.Add(-n)
			a.used.Add(-n)
			a.slabs[i] = a.slabs[len(a.slabs)-1]
			a.slabs = a.slabs[:len(a.slabs)-1]
			return
		}
	}
}

// destroy gives everything back.
func (a *arena) destroy() {
	for i := range a.slabs {
		poison(a.slabs[i].B)
		a.slabs[i].Free()
	}
	a.charged.Store(0)
	a.used.Store(0)
	a.slabs, a.rest = nil, nil
	a.free = [blockShiftMax + 1][]unsafe.Pointer{}
}

// poison overwrites released memory in invariants builds, so that who still reads it is found out.
func poison(b []byte) {
	if !invariants.Enabled {
		return
	}
	for i := range b {
		b[i] = 0xdb
	}
}

// allocOf returns n values of a pointer-free type.
func allocOf[T any](a *arena, n int) []T {
	var z T
	b := a.alloc(n * int(unsafe.Sizeof(z)))
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

package mem

import (
	"sync/atomic"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
)

// Sizes of slabs: a request is rounded up to a power of two between slabMin and slabMax; larger
// requests get a mapping of their own, rounded to whole pages.
const (
	slabMinShift = 12
	slabMaxShift = 25
	pageBytes    = 4096
	// freedByte fills freed slabs in invariants builds.
	freedByte = 0xdb
)

var onHeap atomic.Bool

// SetOnHeap makes later allocations come from the Go heap (true) or from mappings (false).
func SetOnHeap(on bool) { onHeap.Store(on) }

// Slab is one allocation. Its bytes start at a multiple of 64 and belong to the holder until Free.
// Fresh slabs are zero.
type Slab struct {
	B       []byte
	tracker *Tracker
	raw     []byte // whole mapping; nil if on the heap
	shift   uint8  // size class, 0: own mapping
}

// Alloc returns a zeroed slab of at least n bytes (cap rounded up to its size class; len is n),
// charged to t at its real size. It fails with 53200 when a limit of t is met.
func Alloc(t *Tracker, n int) (Slab, error) { return alloc(t, n, true) }

// AllocUnset is Alloc for who overwrites every byte before reading it: the slab has anything in it.
func AllocUnset(t *Tracker, n int) (Slab, error) { return alloc(t, n, false) }

func alloc(t *Tracker, n int, zero bool) (Slab, error) {
	size, shift := classOf(n)
	if t != nil {
		if err := t.Reserve(int64(size)); err != nil {
			return Slab{}, err
		}
	}
	s, err := take(n, size, shift, zero)
	if err != nil {
		if t != nil {
			t.Release(int64(size))
		}
		return Slab{}, err
	}
	s.tracker = t
	return s, nil
}

// MustAlloc is Alloc for memory that must not be refused: limits are passed over (see
// Tracker.Force). It panics only if the operating system has no memory.
func MustAlloc(t *Tracker, n int) Slab {
	size, shift := classOf(n)
	if t != nil {
		t.Force(int64(size))
	}
	s, err := take(n, size, shift, true)
	if err != nil {
		panic(err)
	}
	s.tracker = t
	return s
}

// SlabSize returns the bytes that Alloc charges for n.
func SlabSize(n int) int64 {
	size, _ := classOf(n)
	return int64(size)
}

func classOf(n int) (size int, shift uint8) {
	for shift = slabMinShift; shift <= slabMaxShift; shift++ {
		if n <= 1<<shift {
			return 1 << shift, shift
		}
	}
	return (n + pageBytes - 1) &^ (pageBytes - 1), 0
}

func take(n, size int, shift uint8, zero bool) (Slab, error) {
	if onHeap.Load() {
		b := make([]uint64, size/8)
		return Slab{B: unsafe.Slice((*byte)(unsafe.Pointer(&b[0])), size)[:n], shift: shift}, nil
	}
	raw, fresh, unfit := reuse(int64(size), shift)
	unmapAll(unfit)
	if raw != nil {
		if zero && !fresh {
			clear(raw)
		}
		return Slab{B: raw[:n], raw: raw, shift: shift}, nil
	}
	raw, err := mapSlab(size, shift)
	if err != nil {
		unused(int64(size))
		return Slab{}, sqlerr.Newf(sqlerr.OutOfMemory, "map %d bytes: %w", size, err)
	}
	return Slab{B: raw[:n], raw: raw, shift: shift}, nil
}

// Free gives the slab back. The holder must not touch its bytes afterwards. Freeing the zero Slab
// does nothing.
func (s *Slab) Free() {
	if s.B == nil {
		return
	}
	if s.tracker != nil {
		s.tracker.Release(int64(cap(s.B)))
	}
	if invariants.Enabled { // whoever still reads it shall notice
		b := s.B[:cap(s.B)]
		for i := range b {
			b[i] = freedByte
		}
	}
	raw, shift := s.raw, s.shift
	*s = Slab{}
	if raw == nil {
		return
	}
	unmapAll(keep(raw, shift))
}

// Bytes returns the size that the slab is charged for.
func (s *Slab) Bytes() int { return cap(s.B) }

// Of views the slab's bytes as n values of a pointer-free type T, starting at its first byte.
func Of[T any](s *Slab, n int) []T {
	var z T
	if n == 0 {
		return nil
	}
	if uintptr(n)*unsafe.Sizeof(z) > uintptr(cap(s.B)) {
		panic("mem: view larger than its slab")
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(s.B))), n)
}

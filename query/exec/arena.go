package exec

import (
	"unsafe"

	"github.com/laminadb/lamina/internal/mem"
)

// arena hands out memory that lives until the arena is freed. It is used by one goroutine.
type arena struct {
	tracker *mem.Tracker
	slabs   []mem.Slab
	rest    []byte // of the current small slab
}

// smallBytes is the size from which an allocation gets a slab of its own.
const (
	smallBytes = 16 << 10
	arenaBytes = 64 << 10
)

// bytes returns n zeroed bytes, aligned to 64.
func (a *arena) bytes(n int) ([]byte, error) {
	if n > smallBytes {
		s, err := mem.Alloc(a.tracker, n)
		if err != nil {
			return nil, err
		}
		a.slabs = append(a.slabs, s)
		return s.B, nil
	}
	n = (n + 63) &^ 63
	if n > len(a.rest) {
		s, err := mem.Alloc(a.tracker, arenaBytes)
		if err != nil {
			return nil, err
		}
		a.slabs = append(a.slabs, s)
		a.rest = s.B
	}
	b := a.rest[:n:n]
	a.rest = a.rest[n:]
	return b, nil
}

func (a *arena) free() {
	for i := range a.slabs {
		a.slabs[i].Free()
	}
	a.slabs, a.rest = nil, nil
}

// makeSlice returns n zero values of a pointer-free type.
func makeSlice[T any](a *arena, n int) ([]T, error) {
	if n == 0 {
		return nil, nil
	}
	var z T
	b, err := a.bytes(n * int(unsafe.Sizeof(z)))
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n), nil
}

// column is a growing array of a pointer-free type.
type column[T any] struct {
	slab mem.Slab
	v    []T // whole capacity
}

// grow makes room for n values, keeping those there are. New values are zero.
func (c *column[T]) grow(t *mem.Tracker, n int) error {
	if n <= len(c.v) {
		return nil
	}
	var z T
	size := int(unsafe.Sizeof(z))
	n = max(n, len(c.v)+len(c.v)/2)
	s, err := mem.Alloc(t, n*size)
	if err != nil {
		return err
	}
	v := mem.Of[T](&s, s.Bytes()/size)
	copy(v, c.v)
	c.slab.Free()
	c.slab, c.v = s, v
	return nil
}

func (c *column[T]) free() {
	c.slab.Free()
	c.v = nil
}

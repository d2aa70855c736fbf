package rowstore

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
)

// keyArena holds the key records of a tree whose keys are not exact: 8 bytes row, 2 bytes length, then the key, each
// at a multiple of 8 bytes. A reference counts such multiples; its upper part is the slab. Records that were unlinked
// are reused once the watermark has passed.
type keyArena struct {
	tree    *tree
	slabs   atomic.Pointer[[][]byte]
	off     int // in the last slab
	retired retireQueue
	free    [keyClasses][]uint64 // by the size in words, rounded as classWords does
}

const (
	// KeyBytesMax is the longest key that an index takes.
	KeyBytesMax = 8 << 10

	keyHead          = 10
	keySlabShift     = 20
	keySlabBytes     = 1 << keySlabShift
	keySlabBytesMin  = 4 << 10
	keySlabWordShift = keySlabShift - 3
	keyWordsFine     = 32 // records of up to so many words have a class each
	keyClasses       = keyWordsFine + 1 + 6
)

// classWords rounds the size of a record up to its class.
func classWords(words int) (class, size int) {
	if words <= keyWordsFine {
		return words, words
	}
	for class, size = keyWordsFine+1, 2*keyWordsFine; size < words; class++ {
		size *= 2
	}
	return class, size
}

// add stores a key and returns its reference.
func (a *keyArena) add(key []byte, row uint64) uint64 {
	invariants.Assert(len(key) <= KeyBytesMax, "index key of %d bytes", len(key))
	for range 2 { // at most two per record added: the queue shrinks as it is used
		ref, ok := a.retired.pop(a.tree.clock)
		if !ok {
			break
		}
		class, size := classWords((keyHead + len(a.at(ref)) + 7) / 8)
		poison(a.slab(ref, size*8))
		a.free[class] = append(a.free[class], ref)
	}
	class, size := classWords((keyHead + len(key) + 7) / 8)
	ref := a.take(class, size*8)
	b := a.slab(ref, size*8)
	*(*uint64)(unsafe.Pointer(unsafe.SliceData(b))) = row
	binary.LittleEndian.PutUint16(b[8:], uint16(len(key)))
	copy(b[keyHead:], key)
	return ref
}

// take returns the reference of an unused record.
func (a *keyArena) take(class, size int) uint64 {
	if n := len(a.free[class]); n > 0 {
		ref := a.free[class][n-1]
		a.free[class] = a.free[class][:n-1]
		return ref
	}
	var slabs [][]byte
	if p := a.slabs.Load(); p != nil {
		slabs = *p
	}
	if len(slabs) == 0 || a.off+size > len(slabs[len(slabs)-1]) {
		n := keySlabBytes
		if len(slabs) < 4 { // small tables have small slabs
			n = max(keySlabBytesMin<<(2*len(slabs)), 2*size)
		}
		more := append(slabs, a.tree.arena.alloc(n)) // readers hold shorter slices of the same array
		a.slabs.Store(&more)
		slabs, a.off = more, 0
	}
	ref := uint64(len(slabs)-1)<<keySlabWordShift | uint64(a.off/8)
	a.off += size
	return ref
}

// slab returns n bytes from a reference on.
func (a *keyArena) slab(ref uint64, n int) []byte {
	off := int(ref&(1<<keySlabWordShift-1)) * 8
	return (*a.slabs.Load())[ref>>keySlabWordShift][off : off+n]
}

// at returns the key of a record.
func (a *keyArena) at(ref uint64) []byte {
	b := (*a.slabs.Load())[ref>>keySlabWordShift][int(ref&(1<<keySlabWordShift-1))*8:]
	return b[keyHead : keyHead+int(binary.LittleEndian.Uint16(b[8:]))]
}

// row returns the address of a record's row, which is read and written atomically.
func (a *keyArena) row(ref uint64) *uint64 {
	b := (*a.slabs.Load())[ref>>keySlabWordShift]
	return (*uint64)(unsafe.Pointer(&b[int(ref&(1<<keySlabWordShift-1))*8]))
}

func (a *keyArena) retire(ref uint64) { a.retired.push(ref, a.tree.clock) }

// retireQueue holds what was unlinked until nobody can reach it, in the order of unlinking.
type retireQueue struct {
	items []retiredItem
	head  int
}

type retiredItem struct {
	ref uint64
	lsn table.LSN
}

func (q *retireQueue) push(ref uint64, c *clock) {
	q.items = append(q.items, retiredItem{ref, c.applied})
}

// pop returns the oldest item if the watermark has passed it.
func (q *retireQueue) pop(c *clock) (uint64, bool) {
	if q.head == len(q.items) || !c.passed(q.items[q.head].lsn) {
		return 0, false
	}
	ref := q.items[q.head].ref
	q.head++
	if q.head > 1024 && q.head*2 > len(q.items) {
		q.items = append(q.items[:0], q.items[q.head:]...)
		q.head = 0
	}
	return ref, true
}

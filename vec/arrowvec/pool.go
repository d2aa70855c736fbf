package arrowvec

import (
	"math/bits"
	"sync"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/laminadb/lamina/internal/invariants"
)

// Pooled is the allocator of record batches for who names no other: Go's memory, in which a buffer that everybody has
// released becomes the next one. It is neither cleared nor found anew then, which is most of what a buffer costs, and
// the garbage collector has less to do. What nobody releases is the collector's, as are buffers that wait for their next
// use when it comes by. Its buffers are not cleared. Any goroutine may use it.
//
// Buffers of some sizes only are kept, four from each power of two to the next, and their capacity says which: a
// buffer of such a capacity is a whole one of the pool.
var Pooled memory.Allocator = &pooled{}

// Buffers of other sizes are as the garbage collector has them.
const (
	pooledBytesMin = 1 << 10
	pooledBytesMax = 4 << 20
	pooledSteps    = 4 // from one power of two to the next
)

type pooled struct {
	sizes [pooledSteps*12 + 1]sync.Pool // of *byte: the first of a buffer
}

// pooledSize returns the least size of the pool that n bytes fit into, and its number.
func pooledSize(n int) (size, class int) {
	shift := bits.Len(uint(n-1)) - 1 // 1<<shift < n <= 2<<shift
	step := 1 << shift / pooledSteps
	steps := (n - 1<<shift + step - 1) / step
	return 1<<shift + steps*step, (shift-bits.Len(pooledBytesMin)+1)*pooledSteps + steps
}

func (p *pooled) Allocate(n int) []byte {
	if n < pooledBytesMin || n > pooledBytesMax {
		return memory.DefaultAllocator.Allocate(n)
	}
	size, class := pooledSize(n)
	if first, ok := p.sizes[class].Get().(*byte); ok {
		return unsafe.Slice(first, size)[:n]
	}
	return make([]byte, n, size) // of these sizes Go's memory is aligned to 64 bytes, as Arrow likes it
}

func (p *pooled) Reallocate(n int, b []byte) []byte {
	if n <= cap(b) {
		return b[:n]
	}
	next := p.Allocate(n)
	copy(next, b)
	p.Free(b)
	if invariants.Mutant("arrowvec-release-twice") {
		p.Free(b)
	}
	return next
}

func (p *pooled) Free(b []byte) {
	if cap(b) < pooledBytesMin || cap(b) > pooledBytesMax {
		return
	}
	size, class := pooledSize(cap(b))
	if size != cap(b) {
		return
	}
	b = b[:size]
	if invariants.Enabled { // who reads what it has released shall notice
		for i := range b {
			b[i] = 0xDB
		}
	}
	p.sizes[class].Put(&b[0])
}

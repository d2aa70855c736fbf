package mem

import (
	"runtime/metrics"
	"sync"

	"github.com/laminadb/lamina/internal/invariants"
)

// poolBytesMax bounds the bytes of idle slabs that stay mapped for reuse.
const poolBytesMax = 256 << 20

// pool keeps slabs that were freed, for the next that asks for one of the same class: mapping memory and touching it
// first costs more than most of what is put there. Idle slabs are charged to nobody; they stay below what trackers
// allow all the same, because a slab is only mapped beside them while used and idle ones together, and the Go heap, are
// fewer bytes than were once in use at the same time, or than a part of what the open databases may use (Expect). Beyond
// that, idle ones are unmapped.
var pool struct {
	sync.Mutex
	free [slabMaxShift + 1][][]byte
	// rest is what nobody has had yet of the block that was mapped last: zero, and counted as idle.
	rest []byte
	// idle are the bytes of free, used those of all mappings that somebody holds, heap those of the Go heap when it was
	// looked at last, and peak is the most that used and heap were since the last Trim: idle + used <= room().
	idle, used, heap, peak int64
	// unseen are the bytes that were taken and freed since heap was looked at.
	unseen int64
	// expected are the bytes that open databases may use; claimed become idle in a moment.
	expected, claimed int64
}

// expectedPart is the part of what the open databases may use up to which slabs stay mapped: one in so many. The first
// queries after an opening then do not unmap what the next ones map again.
const expectedPart = 4

// Expect adds to what open databases may use; less than nothing when one is closed.
func Expect(bytes int64) {
	pool.Lock()
	pool.expected += bytes
	pool.Unlock()
}

// room returns how many bytes may be mapped for slabs beside the Go heap, under the pool's lock.
func room() int64 { return max(pool.peak, pool.expected/expectedPart) - pool.heap }

// heapEvery is after how many bytes of slabs the size of the Go heap is looked at again.
const heapEvery = 4 << 20

// heapSamples are the parts of the Go heap that are mapped; used under the pool's lock.
var heapSamples = []metrics.Sample{
	{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
}

// heapBytes returns what the Go heap occupies.
var heapBytes = func() (n int64) {
	metrics.Read(heapSamples)
	for i := range heapSamples {
		n += int64(heapSamples[i].Value.Uint64())
	}
	return n
}

// seen counts bytes of slabs, and looks at the Go heap now and then.
func seen(size int64) {
	if pool.unseen += size; pool.unseen >= heapEvery {
		pool.unseen, pool.heap = 0, heapBytes()
	}
	pool.peak = max(pool.peak, pool.used+pool.heap)
}

// surplus takes idle slabs out of the pool until what is mapped fits; the caller unmaps them.
func surplus() (out [][]byte) {
	for pool.idle > 0 && pool.idle+pool.used > room() && !invariants.Mutant("mem-keep-idle") {
		b := pool.rest
		if pool.rest = nil; b == nil {
			b = popIdle(largestIdle())
		}
		pool.idle -= int64(len(b))
		out = append(out, b)
	}
	return out
}

// reuse counts a slab of a class (0: a mapping of its own) as used and returns an idle one, which is zero if it is fresh, or nil:
// then the caller maps one, after it has unmapped what does not fit beside it.
func reuse(size int64, shift uint8) (raw []byte, fresh bool, unfit [][]byte) {
	pool.Lock()
	defer pool.Unlock()
	pool.used += size
	if len(pool.free[shift]) > 0 {
		raw, fresh = popIdle(shift), invariants.Mutant("mem-used-is-fresh")
	} else if inBlocks(shift) && int64(len(pool.rest)) >= size {
		raw, fresh = cutRest(int(size)), true
	}
	pool.idle -= int64(len(raw))
	seen(size)
	return raw, fresh, surplus()
}

// keep counts a mapping as no longer used and puts it into the pool, unless it is too large. The caller unmaps what does
// not fit.
func keep(raw []byte, shift uint8) (unfit [][]byte) {
	size := int64(len(raw))
	pool.Lock()
	defer pool.Unlock()
	pool.used -= size
	if shift == 0 || pool.idle+size > poolBytesMax {
		return [][]byte{raw}
	}
	pool.free[shift] = append(pool.free[shift], raw)
	pool.idle += size
	seen(size)
	return surplus()
}

// unused takes back what reuse counted for a mapping that the system refused.
func unused(size int64) {
	pool.Lock()
	pool.used -= size
	pool.Unlock()
}

// Trim unmaps all idle slabs.
func Trim() {
	pool.Lock()
	idle, rest := pool.free, pool.rest
	clear(pool.free[:])
	pool.rest = nil
	pool.heap, pool.unseen = heapBytes(), 0
	pool.idle, pool.peak = 0, pool.used+pool.heap
	pool.Unlock()
	for _, l := range idle {
		unmapAll(l)
	}
	if rest != nil {
		unmapBytes(rest)
	}
}

func popIdle(shift uint8) []byte {
	l := pool.free[shift]
	raw := l[len(l)-1]
	l[len(l)-1] = nil
	pool.free[shift] = l[:len(l)-1]
	return raw
}

// largestIdle returns the class with the most idle bytes, which is the least likely to miss one.
func largestIdle() uint8 {
	most := 0
	for shift := range pool.free {
		if len(pool.free[shift])<<shift > len(pool.free[most])<<most {
			most = shift
		}
	}
	return uint8(most)
}

func unmapAll(l [][]byte) {
	for _, raw := range l {
		unmapBytes(raw)
	}
}

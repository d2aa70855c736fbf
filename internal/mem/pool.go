package mem

import (
	"sync"

	"github.com/laminadb/lamina/internal/invariants"
)

// poolBytesMax bounds the bytes of idle slabs that stay mapped for reuse.
const poolBytesMax = 256 << 20

// pool keeps slabs that were freed, for the next that asks for one of the same class: mapping memory and touching it
// first costs more than most of what is put there. Idle slabs are charged to nobody; they stay below what trackers
// allow all the same, because a slab is only mapped beside them while used and idle ones together are fewer than were
// once in use at the same time. Beyond that, idle ones of other classes are unmapped first.
var pool struct {
	sync.Mutex
	free [slabMaxShift + 1][][]byte
	// idle are the bytes of free, used those of all mappings that somebody holds, and peak is the most that used was
	// since the last Trim: idle + used <= peak.
	idle, used, peak int64
}

// reuse counts a slab of a class (0: a mapping of its own) as used and returns an idle one, or nil: then the caller
// maps one, after it has unmapped surplus.
func reuse(size int64, shift uint8) (raw []byte, surplus [][]byte) {
	pool.Lock()
	defer pool.Unlock()
	pool.used += size
	pool.peak = max(pool.peak, pool.used)
	if l := len(pool.free[shift]); l > 0 {
		pool.idle -= size
		return popIdle(shift), nil
	}
	for pool.idle > 0 && pool.idle+pool.used > pool.peak && !invariants.Mutant("mem-keep-idle") {
		b := popIdle(largestIdle())
		pool.idle -= int64(len(b))
		surplus = append(surplus, b)
	}
	return nil, surplus
}

// keep counts a mapping as no longer used, and reports whether it stays in the pool; otherwise the caller unmaps it.
func keep(raw []byte, shift uint8) bool {
	size := int64(len(raw))
	pool.Lock()
	defer pool.Unlock()
	pool.used -= size
	if shift == 0 || pool.idle+size > poolBytesMax {
		return false
	}
	pool.free[shift] = append(pool.free[shift], raw)
	pool.idle += size
	return true
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
	idle := pool.free
	clear(pool.free[:])
	pool.idle, pool.peak = 0, pool.used
	pool.Unlock()
	for _, l := range idle {
		unmapAll(l)
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

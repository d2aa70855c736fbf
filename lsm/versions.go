package lsm

import (
	"bytes"
	"sync"
	"sync/atomic"

	"github.com/zeebo/xxh3"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
)

// versions remembers the versions that ended above the watermark: their keys by reference, and the end of each key, which
// says of a deleted row who deleted it. They are outside the Go heap, since a View that is held keeps many of them.
type versions struct {
	sync.RWMutex
	// queue has all of them in the order of their ends. Its memory is charged: whoever writes finds none left, in the end.
	queue mem.Queue
	bytes atomic.Int64
}

// The hashes of a version.
const (
	hashOfRef = iota
	hashOfKey
)

type endedVersion struct {
	inc, ref           uint64
	written, born, end table.LSN
	key                []byte
}

// endedBytes is the size of an ended version besides its key.
const endedBytes = 5 * 8

// decodeEnded reads a version, whose key is that of the bytes.
func decodeEnded(b []byte) endedVersion {
	at := func(i int) uint64 { return le.Uint64(b[8*i:]) }
	return endedVersion{at(0), at(1), table.LSN(at(2)), table.LSN(at(3)), table.LSN(at(4)), b[endedBytes:]}
}

func (v *versions) init(tracker *mem.Tracker) {
	if invariants.Mutant("lsm-ended-for-nothing") {
		tracker = nil
	}
	v.queue = mem.NewQueue(tracker, 2)
}

// refHash spreads references, which follow each other.
func refHash(ref uint64) uint64 {
	ref *= 0x9e3779b97f4a7c15
	return ref ^ ref>>32
}

// add notes the end of a version.
func (v *versions) add(old *version, end table.LSN) {
	var head [endedBytes]byte
	for i, x := range [...]uint64{old.inc, old.ref, uint64(old.written), uint64(old.born), uint64(end)} {
		le.PutUint64(head[8*i:], x)
	}
	v.Lock()
	defer v.Unlock()
	v.queue.Push([]uint64{hashOfRef: refHash(old.ref), hashOfKey: xxh3.HashSeed(old.key, old.inc)}, head[:], old.key)
	v.bytes.Store(v.queue.Bytes())
}

// ref finds an ended version by its reference.
func (v *versions) ref(ref uint64) (e endedVersion, found bool) {
	return v.find(hashOfRef, refHash(ref), func(e *endedVersion) bool { return e.ref == ref })
}

// last finds the version of a key that ended last.
func (v *versions) last(inc uint64, key []byte) (e endedVersion, found bool) {
	return v.find(hashOfKey, xxh3.HashSeed(key, inc), func(e *endedVersion) bool { return e.inc == inc && bytes.Equal(e.key, key) })
}

func (v *versions) find(i int, hash uint64, is func(*endedVersion) bool) (e endedVersion, found bool) {
	if v.bytes.Load() == 0 {
		return e, false
	}
	v.RLock()
	defer v.RUnlock()
	v.queue.Find(i, hash, func(payload []byte) bool {
		e = decodeEnded(payload)
		found = is(&e)
		return found
	})
	if !found {
		return endedVersion{}, false
	}
	e.key = bytes.Clone(e.key)
	return e, true
}

// bornBefore returns since when the row with a key that is written at lsn has had it: a version that the same record has
// ended was replaced, not deleted.
func (v *versions) bornBefore(inc uint64, key []byte, lsn table.LSN) table.LSN {
	if e, found := v.last(inc, key); found && e.end == lsn {
		return e.born
	}
	return lsn
}

// forget drops what no View sees any more.
func (v *versions) forget(watermark table.LSN) {
	if v.bytes.Load() == 0 {
		return
	}
	v.Lock()
	defer v.Unlock()
	for v.queue.Len() > 0 && decodeEnded(v.queue.Oldest()).end <= watermark {
		v.queue.Drop()
	}
	v.bytes.Store(v.queue.Bytes())
}

func (v *versions) len() int {
	v.RLock()
	defer v.RUnlock()
	return v.queue.Len()
}

// versionCache keeps versions that were read lately, by reference. They do not change, so that it is right for every
// snapshot.
type versionCache struct {
	slots   [cacheSlots]atomic.Pointer[version]
	bytes   atomic.Int64
	tracker *mem.Tracker
}

const (
	cacheSlots = 4096
	// cacheRowMax is the size up to which a version is kept.
	cacheRowMax = 1024
)

// versionBytes is the memory of a version besides its key and columns.
const versionBytes = 96

func (v *version) bytes() int64 { return versionBytes + int64(len(v.row)+len(v.key)) }

func (c *versionCache) get(inc, ref uint64) *version {
	if v := c.slots[ref%cacheSlots].Load(); v != nil && v.ref == ref && v.inc == inc {
		return v
	}
	return nil
}

func (c *versionCache) put(v *version) {
	if len(v.row)+len(v.key) <= cacheRowMax {
		c.set(v.ref%cacheSlots, v)
	}
}

func (c *versionCache) set(slot uint64, v *version) {
	n := int64(0)
	if v != nil {
		n = v.bytes()
	}
	if old := c.slots[slot].Swap(v); old != nil {
		n -= old.bytes()
	}
	if c.bytes.Add(n); n > 0 {
		c.tracker.Force(n)
	} else {
		c.tracker.Release(-n)
	}
}

func (c *versionCache) clear() {
	for i := range uint64(cacheSlots) {
		c.set(i, nil)
	}
}

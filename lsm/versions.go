package lsm

import (
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
)

// versions remembers the versions that ended above the watermark: their keys by reference, and the end of each key, which
// says of a deleted row who deleted it.
type versions struct {
	sync.RWMutex
	byRef map[uint64]*endedVersion
	byKey map[endedKey]*endedVersion
	// queue has all of them in the order of their ends.
	queue   []*endedVersion
	bytes   atomic.Int64
	tracker *mem.Tracker // is charged for them: whoever writes finds no memory left, in the end
}

type endedKey struct {
	inc uint64
	key string
}

type endedVersion struct {
	endedKey
	ref                uint64
	written, born, end table.LSN
}

// endedBytes is the memory of an ended version besides its key.
const endedBytes = 200

func (e *endedVersion) bytes() int64 { return endedBytes + int64(len(e.key)) }

// add notes the end of a version.
func (v *versions) add(old *version, end table.LSN) {
	e := &endedVersion{endedKey{old.inc, string(old.key)}, old.ref, old.written, old.born, end}
	v.Lock()
	defer v.Unlock()
	if v.byRef == nil {
		v.byRef, v.byKey = make(map[uint64]*endedVersion), make(map[endedKey]*endedVersion)
	}
	v.byRef[e.ref], v.byKey[e.endedKey] = e, e
	v.queue = append(v.queue, e)
	v.charge(e.bytes())
}

func (v *versions) charge(bytes int64) {
	if invariants.Mutant("lsm-ended-for-nothing") {
		return
	}
	v.bytes.Add(bytes)
	if bytes > 0 {
		v.tracker.Force(bytes)
	} else {
		v.tracker.Release(-bytes)
	}
}

// ref finds an ended version by its reference.
func (v *versions) ref(ref uint64) *endedVersion {
	v.RLock()
	defer v.RUnlock()
	return v.byRef[ref]
}

// last finds the version of a key that ended last.
func (v *versions) last(inc uint64, key []byte) *endedVersion {
	v.RLock()
	defer v.RUnlock()
	return v.byKey[endedKey{inc, string(key)}]
}

// bornBefore returns since when the row with a key that is written at lsn has had it: a version that the same record has
// ended was replaced, not deleted.
func (v *versions) bornBefore(inc uint64, key []byte, lsn table.LSN) table.LSN {
	if e := v.last(inc, key); e != nil && e.end == lsn {
		return e.born
	}
	return lsn
}

// forget drops what no View sees any more.
func (v *versions) forget(watermark table.LSN) {
	v.Lock()
	defer v.Unlock()
	n, bytes := 0, int64(0)
	for ; n < len(v.queue) && v.queue[n].end <= watermark; n++ {
		e := v.queue[n]
		delete(v.byRef, e.ref)
		if v.byKey[e.endedKey] == e {
			delete(v.byKey, e.endedKey)
		}
		bytes += e.bytes()
		v.queue[n] = nil
	}
	v.charge(-bytes)
	if v.queue = v.queue[n:]; len(v.queue) == 0 {
		v.queue = nil // with its memory
	}
}

func (v *versions) len() int {
	v.RLock()
	defer v.RUnlock()
	return len(v.queue)
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

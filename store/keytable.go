package store

import (
	"bytes"
	"hash/maphash"
	"sort"

	"github.com/laminadb/lamina/internal/invariants"
)

// keyTable maps the encoded keys of a transaction's own rows to those rows. Several rows may have had
// the same key one after the other; they form a chain, newest first. Entries are removed only in the
// reverse order of their addition, which open addressing without tombstones permits.
//
// A load whose keys ascend needs no slots: a key above the last one is new, and another is found by
// halving. They are made when the first key comes that does not ascend, or when others were often sought.
type keyTable struct {
	slots   []int32 // entry + 1; 0 is free
	entries []keyEntry
	data    []byte // the keys, one after the other
	// ascending: every key is above the one before it, and there are no slots.
	ascending bool
	// halvings counts the keys that were sought by halving.
	halvings int
}

type keyEntry struct {
	hash uint32
	from uint32 // in data; the key ends where the next one begins
	row  int32
	prev int32 // entry + 1 of an older row with the same key
}

// Bounds of ascending tables.
const (
	// ascendingMin is the number of entries from which on a table may do without slots.
	ascendingMin = 4096
	// halvingsMax is how many keys are sought in one before it gets slots.
	halvingsMax = 1024
)

var keySeed = maphash.MakeSeed()

func hashOf(key []byte) uint32 { return uint32(maphash.Bytes(keySeed, key)) }

func (t *keyTable) key(i int32) []byte {
	end := len(t.data)
	if int(i)+1 < len(t.entries) {
		end = int(t.entries[i+1].from)
	}
	return t.data[t.entries[i].from:end]
}

// slot returns the place of a key: where it is, or where it would be.
func (t *keyTable) slot(hash uint32, key []byte) int {
	mask := len(t.slots) - 1
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		e := t.slots[i]
		if e == 0 || t.entries[e-1].hash == hash && bytes.Equal(t.key(e-1), key) {
			return i
		}
	}
}

// find returns the newest entry of a key, or -1.
func (t *keyTable) find(key []byte) int32 {
	if t.ascending {
		if t.above(key) {
			return -1
		}
		if t.halvings++; t.halvings <= halvingsMax {
			return t.halve(key)
		}
		t.makeSlots()
	}
	if len(t.slots) == 0 {
		return -1
	}
	return t.slots[t.slot(hashOf(key), key)] - 1
}

// above reports whether a key is above all others of an ascending table.
func (t *keyTable) above(key []byte) bool {
	last := int32(len(t.entries) - 1)
	return last < 0 || bytes.Compare(t.key(last), key) < 0
}

// halve finds a key in an ascending table.
func (t *keyTable) halve(key []byte) int32 {
	i, found := sort.Find(len(t.entries), func(i int) int { return bytes.Compare(key, t.key(int32(i))) })
	if !found {
		return -1
	}
	return int32(i)
}

// older returns the entry before e with the same key, or -1.
func (t *keyTable) older(e int32) int32 { return t.entries[e].prev - 1 }

// add makes row the newest one with a key, which is copied.
func (t *keyTable) add(key []byte, row int32) {
	if t.ascending && !t.above(key) && !invariants.Mutant("store-trust-ascending") {
		t.makeSlots()
	}
	if !t.ascending && 4*(len(t.entries)+1) > 3*len(t.slots) {
		t.grow(key)
	}
	e := keyEntry{from: uint32(len(t.data)), row: row}
	if !t.ascending {
		e.hash = hashOf(key)
		i := t.slot(e.hash, key)
		e.prev = t.slots[i]
		t.slots[i] = int32(len(t.entries) + 1)
	}
	t.entries = append(t.entries, e)
	t.data = append(t.data, key...)
}

// pop removes the newest entry.
func (t *keyTable) pop() {
	last := int32(len(t.entries) - 1)
	e := &t.entries[last]
	if !t.ascending {
		t.slots[t.slot(e.hash, t.key(last))] = e.prev
	}
	t.data = t.data[:e.from]
	t.entries = t.entries[:last]
}

// grow doubles the slots, or does away with them if all keys ascend, that which is to be added next included.
func (t *keyTable) grow(next []byte) {
	if len(t.entries) >= ascendingMin && t.above(next) && t.ascends() {
		t.slots, t.ascending, t.halvings = nil, true, 0
		return
	}
	t.place(max(8, 2*len(t.slots)))
}

// ascends reports whether every key is above the one before it.
func (t *keyTable) ascends() bool {
	for e := 1; e < len(t.entries); e++ {
		if bytes.Compare(t.key(int32(e-1)), t.key(int32(e))) >= 0 {
			return false
		}
	}
	return true
}

// makeSlots gives an ascending table its slots, with room for one entry more.
func (t *keyTable) makeSlots() {
	n := 8
	for 3*n < 4*(len(t.entries)+1) {
		n *= 2
	}
	for e := range t.entries {
		t.entries[e].hash = hashOf(t.key(int32(e)))
	}
	t.ascending = false
	t.place(n)
}

// place makes n slots. Entries are placed in the order of their addition, as if the table had always
// had this size.
func (t *keyTable) place(n int) {
	t.slots = make([]int32, n)
	mask := len(t.slots) - 1
	for e := range t.entries {
		x := &t.entries[e]
		if x.prev != 0 {
			i := t.slot(x.hash, t.key(int32(e)))
			t.slots[i] = int32(e + 1)
			continue
		}
		i := int(x.hash) & mask
		for t.slots[i] != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = int32(e + 1)
	}
}

// bytes returns the memory in use.
func (t *keyTable) bytes() int64 {
	return int64(4*cap(t.slots) + 16*cap(t.entries) + cap(t.data))
}

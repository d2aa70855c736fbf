package store

import (
	"bytes"
	"hash/maphash"
)

// keyTable maps the encoded keys of a transaction's own rows to those rows. Several rows may have had
// the same key one after the other; they form a chain, newest first. Entries are removed only in the
// reverse order of their addition, which open addressing without tombstones permits.
type keyTable struct {
	slots   []int32 // entry + 1; 0 is free
	entries []keyEntry
	data    []byte // the keys, one after the other
}

type keyEntry struct {
	hash uint32
	from uint32 // in data; the key ends where the next one begins
	row  int32
	prev int32 // entry + 1 of an older row with the same key
}

var keySeed = maphash.MakeSeed()

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
	if len(t.slots) == 0 {
		return -1
	}
	return t.slots[t.slot(uint32(maphash.Bytes(keySeed, key)), key)] - 1
}

// older returns the entry before e with the same key, or -1.
func (t *keyTable) older(e int32) int32 { return t.entries[e].prev - 1 }

// add makes row the newest one with a key, which is copied.
func (t *keyTable) add(key []byte, row int32) {
	if 4*(len(t.entries)+1) > 3*len(t.slots) {
		t.grow()
	}
	hash := uint32(maphash.Bytes(keySeed, key))
	i := t.slot(hash, key)
	t.entries = append(t.entries, keyEntry{hash, uint32(len(t.data)), row, t.slots[i]})
	t.data = append(t.data, key...)
	t.slots[i] = int32(len(t.entries))
}

// pop removes the newest entry.
func (t *keyTable) pop() {
	last := int32(len(t.entries) - 1)
	e := &t.entries[last]
	t.slots[t.slot(e.hash, t.key(last))] = e.prev
	t.data = t.data[:e.from]
	t.entries = t.entries[:last]
}

// grow doubles the slots. Entries are placed in the order of their addition, as if the table had
// always had this size.
func (t *keyTable) grow() {
	t.slots = make([]int32, max(8, 2*len(t.slots)))
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

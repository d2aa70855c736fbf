package txn

import (
	"hash/maphash"
	"strconv"

	"github.com/laminadb/lamina/table"
)

// Mode is a lock mode: one of the four of rows and unique keys, or one of the eight of tables.
type Mode uint8

const (
	modesRow = 4
	modesAll = modesRow + 8
)

// RowMode returns the mode of a row or unique-key lock.
func RowMode(m table.RowLock) Mode { return Mode(m) }

// TableMode returns the mode of a table lock.
func TableMode(m table.TableLock) Mode { return Mode(m) - Mode(table.AccessShare) + modesRow }

var modeNames = [modesAll]string{
	"ForKeyShare", "ForShare", "ForNoKeyUpdate", "ForUpdate",
	"AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
	"ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
}

// String returns the mode's name in PostgreSQL's spelling.
func (m Mode) String() string { return modeNames[m] }

// modeSet is a set of modes.
type modeSet uint16

func (m Mode) bit() modeSet { return 1 << m }

// conflicts holds for each mode those that another owner must not hold.
var conflicts = func() (c [modesAll]modeSet) {
	set := func(base int, s string) (out modeSet) { // s has an x for each conflicting mode
		for i, ch := range s {
			if ch == 'x' {
				out |= 1 << (base + i)
			}
		}
		return out
	}
	for i, s := range []string{"---x", "--xx", "-xxx", "xxxx"} {
		c[i] = set(0, s)
	}
	for i, s := range []string{
		"-------x", // access share
		"------xx", // row share
		"----xxxx", // row exclusive
		"---xxxxx", // share update exclusive
		"--xx-xxx", // share
		"--xxxxxx", // share row exclusive
		"-xxxxxxx", // exclusive
		"xxxxxxxx", // access exclusive
	} {
		c[modesRow+i] = set(modesRow, s)
	}
	return c
}()

// coveredBy holds for each mode those that exclude at least the same others: whoever holds one of
// them needs nothing more.
var coveredBy = func() (c [modesAll]modeSet) {
	for m := range Mode(modesAll) {
		for h := range Mode(modesAll) {
			if (m < modesRow) == (h < modesRow) && conflicts[m]&^conflicts[h] == 0 {
				c[m] |= h.bit()
			}
		}
	}
	return c
}()

// Space is the kind of thing that a lock protects.
type Space uint8

// The spaces. Tables take table modes, rows and unique keys take row modes.
const (
	TableSpace Space = iota
	RowSpace
	UniqueSpace
)

// Key names what is locked.
type Key struct {
	space  Space
	short  uint8 // length of a key that fits into word, or longKey
	object uint64
	word   uint64
	hash   uint64
	bytes  []byte // of a long key; borrowed
}

const longKey = 0xff

// TableKey names a table.
func TableKey(id table.ObjectID) Key { return shortKey(TableSpace, id, 0, 0) }

// RowKey names a row by the encoded key of its table. It borrows key: use it before key changes.
func RowKey(id table.ObjectID, key []byte) Key { return makeKey(RowSpace, id, key) }

// UniqueKey names a value of a unique index. It borrows key: use it before key changes.
func UniqueKey(index table.ObjectID, key []byte) Key { return makeKey(UniqueSpace, index, key) }

func makeKey(space Space, id table.ObjectID, key []byte) Key {
	if len(key) <= 8 {
		var word uint64
		for i, c := range key {
			word |= uint64(c) << (8 * i)
		}
		return shortKey(space, id, uint8(len(key)), word)
	}
	h := maphash.Bytes(hashSeed, key) ^ mix(uint64(id)<<8|uint64(space))
	return Key{space: space, short: longKey, object: uint64(id), hash: h, bytes: key}
}

func shortKey(space Space, id table.ObjectID, n uint8, word uint64) Key {
	h := mix(word ^ mix(uint64(id)<<16|uint64(space)<<8|uint64(n)))
	return Key{space: space, short: n, object: uint64(id), word: word, hash: h}
}

var hashSeed = maphash.MakeSeed()

// mix spreads the bits of x over the whole word.
func mix(x uint64) uint64 {
	x = (x ^ x>>32) * 0xd6e8feb86659fd93
	x = (x ^ x>>32) * 0xd6e8feb86659fd93
	return x ^ x>>32
}

// Target says what a lock protects.
type Target struct {
	Space  Space
	Object table.ObjectID
	// Key is the encoded key of a row or a unique value.
	Key []byte
}

// String describes the target by numbers.
func (t Target) String() string {
	id := strconv.FormatUint(uint64(t.Object), 10)
	switch t.Space {
	case RowSpace:
		return "row of relation " + id
	case UniqueSpace:
		return "unique key of index " + id
	}
	return "relation " + id
}

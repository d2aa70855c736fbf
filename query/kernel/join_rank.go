package kernel

import "math/bits"

// RankTable finds rows by words of a bounded range, of which few occur: a word's place among those that occur
// is the number of bits before its own in a bitmap. Words that are looked up in their order read it in order.
type RankTable struct {
	Lo     uint64
	Bits   []uint64 // bit w - Lo for each word w that occurs
	Before []uint32 // bits set before each of Bits
	Heads  []uint32 // first row of each word that occurs, by its place; Heads[0] is 0
}

// CountBits fills Before and returns the number of bits.
func (t *RankTable) CountBits() int {
	n := 0
	before := t.Before[:len(t.Bits)]
	for i, w := range t.Bits {
		before[i] = uint32(n)
		n += bits.OnesCount64(w)
	}
	return n
}

// place returns the index into Heads of the word Lo + u: 0 if it does not occur. u lies in the range.
func (t *RankTable) place(u uint64) uint32 {
	w, s := t.Bits[u>>6], u&63
	return (t.Before[u>>6] + uint32(bits.OnesCount64(w&(1<<s-1))) + 1) & -uint32(w>>s&1)
}

// InsertRank inserts the rows from … to-1, last first, whose word lies in [first, last]; all occur. next links
// rows of one word. It reports whether there were such.
func InsertRank(t *RankTable, words []uint64, next []uint32, from, to uint32, first, last uint64, skip []uint64) bool {
	dup := false
	span := last - first
	for id := to; id > from; {
		id--
		if skip != nil && skip[id>>6]>>(id&63)&1 != 0 {
			continue
		}
		w := words[id]
		if w-first > span {
			continue
		}
		p := &t.Heads[t.place(w-t.Lo)]
		if *p != 0 {
			dup = true
			next[id] = *p
		}
		*p = id
	}
	return dup
}

// ProbeRank sets ids[i] to the first row with word words[i], or 0.
func ProbeRank(t *RankTable, words []uint64, ids []uint32) {
	set, before, heads, lo := t.Bits, t.Before[:len(t.Bits)], t.Heads, t.Lo
	ids = ids[:len(words)]
	for i, w := range words {
		var id uint32
		if u := w - lo; u>>6 < uint64(len(set)) {
			b, s := set[u>>6], u&63
			id = heads[(before[u>>6]+uint32(bits.OnesCount64(b&(1<<s-1)))+1)&-uint32(b>>s&1)]
		}
		ids[i] = id
	}
}

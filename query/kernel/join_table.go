package kernel

// An entry of a hash table has the low half of the key's hash above a row id; 0 is empty.
func hashEntry(h uint64, id uint32) uint64 { return h<<32 | uint64(id) }

// HashTable is an open-addressing table from key words to row ids. A probe starts at the high bits of
// the hash and wraps inside its partition (the bits of Wrap), so that builders of different
// partitions share nothing.
type HashTable struct {
	Slots []uint64 // a power of two
	Shift uint     // 64 - log2(len(Slots))
	Wrap  uint64   // slots of a partition - 1
	Words []uint64 // key word of each row id
	Next  []uint32 // next row id with the same word; nil if all words differ
}

// hashAhead is how many rows are looked at ahead: their slots are loaded beside each other, before anything
// depends on one of them.
const hashAhead = 64

// hashBatch has rows that are to be inserted, with their hashes.
type hashBatch struct {
	n      int
	ids    [hashAhead]uint32
	hashes [hashAhead]uint64
	first  [hashAhead]uint64
}

// InsertHash inserts the rows from … to-1, last first, whose hash's top bits (hash >> partShift) lie in
// [partFrom, partTo), and reports whether a word occurred twice. skip, if not nil, has a bit for each row
// that is left out.
func InsertHash(t *HashTable, from, to uint32, partShift uint, partFrom, partTo uint64, skip []uint64) bool {
	var b hashBatch
	words := t.Words
	dup := false
	for id := to; id > from; {
		n, least := 0, max(id-min(id, hashAhead), from)
		for ; id > least; id-- {
			h := Hash(words[id-1])
			b.ids[n&(hashAhead-1)], b.hashes[n&(hashAhead-1)] = id-1, h
			in := partShift >= 64 || h>>(partShift&63)-partFrom < partTo-partFrom
			if skip != nil {
				in = in && skip[(id-1)>>6]>>((id-1)&63)&1 == 0
			}
			n += oneIf(in)
		}
		if b.n = n; n > 0 && t.insert(&b) {
			dup = true
		}
	}
	return dup
}

// insert inserts the rows of a batch.
func (t *HashTable) insert(b *hashBatch) (dup bool) {
	slots, wrap, words := t.Slots, t.Wrap, t.Words
	shift, mask := t.Shift&63, uint64(len(t.Slots)-1)
	for i, h := range b.hashes[:b.n] {
		b.first[i&(hashAhead-1)] = slots[h>>shift&mask] // only so that it is near
	}
	for i, h := range b.hashes[:b.n] {
		id := b.ids[i]
		w := words[id]
		p := h >> shift
		for {
			e := slots[p&mask]
			if e == 0 {
				slots[p&mask] = hashEntry(h, id)
				break
			}
			if e>>32 == h&0xffffffff && words[uint32(e)] == w {
				dup = true
				t.Next[id] = uint32(e)
				slots[p&mask] = hashEntry(h, id)
				break
			}
			p = p&^wrap | (p+1)&wrap
		}
	}
	return dup
}

// ProbeHash sets ids[i] to the first row with word words[i], or 0.
func ProbeHash(t *HashTable, words []uint64, ids []uint32) {
	slots, wrap, tw := t.Slots, t.Wrap, t.Words
	shift := t.Shift & 63
	mask := uint64(len(slots) - 1)
	ids = ids[:len(words)]
	for i, w := range words {
		h := Hash(w)
		p := h >> shift
		var id uint32
		for {
			e := slots[p&mask]
			if e == 0 {
				break
			}
			if e>>32 == h&0xffffffff && tw[uint32(e)] == w {
				id = uint32(e)
				break
			}
			p = p&^wrap | (p+1)&wrap
		}
		ids[i] = id
	}
}

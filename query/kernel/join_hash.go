package kernel

import "math/bits"

// Hash mixes a key word for the hash tables of joins and aggregations: Fibonacci hashing, whose high bits
// are the good ones.
func Hash(x uint64) uint64 { return (x ^ x>>32) * 0x9E3779B97F4A7C15 }

// InsertDense inserts the rows from … to-1, last first, into an array of row ids indexed by word - lo,
// for words in [wordFrom, wordTo] only. next links rows of one word. It reports whether there were such.
func InsertDense(head []uint32, lo uint64, words []uint64, next []uint32, from, to uint32, first, last uint64, skip []uint64) bool {
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
		p := &head[w-lo]
		if *p != 0 {
			dup = true
			next[id] = *p
		}
		*p = id
	}
	return dup
}

// ProbeDense sets ids[i] to the first row with word words[i], or 0.
func ProbeDense(head []uint32, lo uint64, words []uint64, ids []uint32) {
	ids = ids[:len(words)]
	for i, w := range words {
		var id uint32
		if u := w - lo; u < uint64(len(head)) {
			id = head[u]
		}
		ids[i] = id
	}
}

// ProbeDenseSel is ProbeDense that keeps only matches: ordinals in pos, rows in ids; it returns their
// number. pos and ids have one entry of room more than words.
func ProbeDenseSel(head []uint32, lo uint64, words []uint64, pos []uint16, ids []uint32) int {
	k := 0
	for i, w := range words {
		var id uint32
		if u := w - lo; u < uint64(len(head)) {
			id = head[u]
		}
		pos[k], ids[k] = uint16(i), id
		k += oneIf(id != 0)
	}
	return k
}

// CompactMatches moves the matches among ids to the front, their ordinals into pos, and returns their
// number. pos has one entry of room more than ids.
func CompactMatches(ids []uint32, pos []uint16) int {
	k := 0
	for i, id := range ids {
		pos[k] = uint16(i)
		ids[k] = id
		k += oneIf(id != 0)
	}
	return k
}

// SelectMatched writes the ordinals of the ids that are not 0 (want true) or are (want false), and
// returns their number. pos has one entry of room more than ids.
func SelectMatched(ids []uint32, want bool, pos []uint16) int {
	k := 0
	for i, id := range ids {
		pos[k] = uint16(i)
		k += oneIf((id != 0) == want)
	}
	return k
}

// DropInvalid sets ids[i] to 0 where bit i of valid is not set.
func DropInvalid(ids []uint32, valid []uint64) {
	for i := range ids {
		if valid[i>>6]>>(i&63)&1 == 0 {
			ids[i] = 0
		}
	}
}

// WordRange returns the least and greatest of the words from … to-1, those of skip left out; ok is
// false if there is none. Words compare as signed integers.
func WordRange(words []uint64, from, to uint32, skip []uint64) (lo, hi int64, ok bool) {
	lo, hi = 1<<63-1, -1<<63
	if skip == nil {
		for _, w := range words[from:to] {
			lo, hi = min(lo, int64(w)), max(hi, int64(w))
		}
		return lo, hi, from < to
	}
	for id := from; id < to; id++ {
		if skip[id>>6]>>(id&63)&1 != 0 {
			continue
		}
		lo, hi, ok = min(lo, int64(words[id])), max(hi, int64(words[id])), true
	}
	return lo, hi, ok
}

// SetWordBits sets bit words[id]-lo of set for the rows from … to-1, those of skip left out, for words of
// set's own part only: set is the words first … first+len(set)-1 of the whole bitmap.
func SetWordBits(set []uint64, first uint64, lo uint64, words []uint64, from, to uint32, skip []uint64) {
	for id := from; id < to; id++ {
		if skip != nil && skip[id>>6]>>(id&63)&1 != 0 {
			continue
		}
		u := words[id] - lo
		if w := u>>6 - first; w < uint64(len(set)) {
			set[w] |= 1 << (u & 63)
		}
	}
}

// TableBits returns log2 of the slots of a hash table for n rows: at most half full.
func TableBits(n int) int { return max(bits.Len(uint(max(n, 1))), 3) + 1 }

// oneIf is 1 for true: it compiles without a branch.
func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

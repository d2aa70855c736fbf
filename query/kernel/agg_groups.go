package kernel

// GroupIndex is an open-addressing table from key words to group ids. An entry has the low half of the
// word's hash above the group id plus one; 0 is empty.
type GroupIndex struct {
	Slots []uint64 // a power of two
	Shift uint     // 64 - log2(len(Slots))
}

// FindGroups sets codes[i] to the group of word in[i], making new groups from id n on in order of first
// appearance. words has the word of each group, with room for one more group a row. It returns the new
// number of groups and in fresh the ordinals of the rows that made them. The index must have room: at
// most half of its slots may be in use after len(in) new groups.
func FindGroups(x *GroupIndex, words []uint64, n int, in []uint64, codes []uint32, fresh []uint16) (int, []uint16) {
	slots := x.Slots
	mask := uint64(len(slots) - 1)
	shift := x.Shift & 63
	fresh = fresh[:0]
	codes = codes[:len(in)]
	for i, w := range in {
		h := Hash(w)
		p := h >> shift
		for {
			e := slots[p&mask]
			if e == 0 {
				words[n] = w
				codes[i] = uint32(n)
				n++
				slots[p&mask] = hashEntry(h, uint32(n))
				fresh = append(fresh, uint16(i))
				break
			}
			if e>>32 == h&0xffffffff {
				if id := uint32(e) - 1; words[id] == w {
					codes[i] = id
					break
				}
			}
			p++
		}
	}
	return n, fresh
}

// InsertGroup adds a group that is not in the index, or not by its own key.
func InsertGroup(x *GroupIndex, w uint64, id uint32) {
	mask := uint64(len(x.Slots) - 1)
	h := Hash(w)
	p := h >> (x.Shift & 63)
	for x.Slots[p&mask] != 0 {
		p++
	}
	x.Slots[p&mask] = hashEntry(h, id+1)
}

// NextGroup returns the next group with word w from the probe position on (start with -1), and its
// position; ok is false at the end of the probe.
func NextGroup(x *GroupIndex, words []uint64, w uint64, at int) (id uint32, pos int, ok bool) {
	mask := uint64(len(x.Slots) - 1)
	h := Hash(w)
	p := h >> (x.Shift & 63)
	if at >= 0 {
		p = uint64(at) + 1
	}
	for {
		e := x.Slots[p&mask]
		if e == 0 {
			return 0, 0, false
		}
		if e>>32 == h&0xffffffff {
			if id := uint32(e) - 1; words[id] == w {
				return id, int(p & mask), true
			}
		}
		p++
	}
}

// FindGroupsDense is FindGroups over an array of group ids plus one, indexed by the word.
func FindGroupsDense(index []uint32, words []uint64, n int, in []uint64, codes []uint32, fresh []uint16) (int, []uint16) {
	fresh = fresh[:0]
	codes = codes[:len(in)]
	for i, w := range in {
		id := index[w]
		if id == 0 {
			words[n] = w
			n++
			id = uint32(n)
			index[w] = id
			fresh = append(fresh, uint16(i))
		}
		codes[i] = id - 1
	}
	return n, fresh
}

// RunGroups is FindGroups for words whose equal ones are neighbours: a new group begins wherever the word
// changes. open says that group n-1 is the run of the row before.
func RunGroups(words []uint64, n int, open bool, in []uint64, codes []uint32, fresh []uint16) (int, []uint16) {
	fresh = fresh[:0]
	codes = codes[:len(in)]
	if len(in) == 0 {
		return n, fresh
	}
	c := n - 1
	var prev uint64
	if open {
		prev = words[c]
	} else {
		prev = ^in[0]
	}
	// Every row writes its word to the place of its group and its ordinal to the place after the last
	// new one, so that the loop has no branch.
	fresh = fresh[:cap(fresh)]
	k := 0
	for i, w := range in {
		d := oneIf(w != prev)
		c += d
		prev = w
		codes[i] = uint32(c)
		words[c] = w
		fresh[k] = uint16(i)
		k += d
	}
	return c + 1, fresh[:k]
}

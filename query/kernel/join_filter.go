package kernel

import "github.com/laminadb/lamina/table"

// Width is the element type of integer vectors of each width.
type Width interface {
	uint8 | uint16 | uint32 | uint64
}

// SelectBits appends to out the positions i (of sel, or of all of v) for which bit v[i]+offset of set is
// set; values beyond set are not. It returns their number; out has one entry of room more than the input.
func SelectBits[T Width](v []T, offset uint64, set []uint64, sel []uint16, all bool, out []uint16) int {
	k := 0
	if all {
		for i, x := range v {
			out[k] = uint16(i)
			u := uint64(x) + offset
			if w := u >> 6; w < uint64(len(set)) {
				k += int(set[w] >> (u & 63) & 1)
			}
		}
		return k
	}
	for _, i := range sel {
		out[k] = i
		u := uint64(v[i]) + offset
		if w := u >> 6; w < uint64(len(set)) {
			k += int(set[w] >> (u & 63) & 1)
		}
	}
	return k
}

// SelectHashed is SelectBits for a hashed filter: bit Hash64(v[i]+base) >> shift of set.
func SelectHashed[T Width](v []T, base uint64, set []uint64, shift uint, sel []uint16, all bool, out []uint16) int {
	if shift < 32 {
		return selectHashedFar(v, base, set, shift, sel, all, out)
	}
	shift &= 63
	k := 0
	if all {
		for i, x := range v {
			out[k] = uint16(i)
			h := (uint64(x) + base) * table.HashFactor >> shift // the rest of Hash64 changes lower bits
			if w := h >> 6; w < uint64(len(set)) {
				k += int(set[w] >> (h & 63) & 1)
			}
		}
		return k
	}
	for _, i := range sel {
		out[k] = i
		h := (uint64(v[i]) + base) * table.HashFactor >> shift
		if w := h >> 6; w < uint64(len(set)) {
			k += int(set[w] >> (h & 63) & 1)
		}
	}
	return k
}

// selectHashedFar is SelectHashed for filters of more than 2^32 bits.
func selectHashedFar[T Width](v []T, base uint64, set []uint64, shift uint, sel []uint16, all bool, out []uint16) int {
	k := 0
	one := func(i uint16) {
		out[k] = i
		h := table.Hash64(int64(uint64(v[i])+base)) >> (shift & 63)
		if w := h >> 6; w < uint64(len(set)) {
			k += int(set[w] >> (h & 63) & 1)
		}
	}
	if all {
		for i := range v {
			one(uint16(i))
		}
		return k
	}
	for _, i := range sel {
		one(i)
	}
	return k
}

// SetHashed sets the bits of a hashed filter for the words from … to-1, those of skip left out.
func SetHashed(set []uint64, shift uint, words []uint64, from, to uint32, skip []uint64) {
	for id := from; id < to; id++ {
		if skip != nil && skip[id>>6]>>(id&63)&1 != 0 {
			continue
		}
		h := table.Hash64(int64(words[id])) >> (shift & 63)
		set[h>>6] |= 1 << (h & 63)
	}
}

// SelectValid writes the positions (of sel, or 0 … n-1) whose bit in valid is set, and returns their
// number; out has one entry of room more than the input.
func SelectValid(valid []uint64, n int, sel []uint16, out []uint16) int {
	k := 0
	if sel == nil {
		for i := range n {
			out[k] = uint16(i)
			k += int(valid[i>>6] >> (i & 63) & 1)
		}
		return k
	}
	for _, i := range sel {
		out[k] = i
		k += int(valid[i>>6] >> (i & 63) & 1)
	}
	return k
}

// AllValid reports whether the first n bits of valid are set.
func AllValid(valid []uint64, n int) bool {
	all := ^uint64(0)
	for _, w := range valid[:n>>6] {
		all &= w
	}
	if r := n & 63; r != 0 {
		all &= valid[n>>6] | ^uint64(0)<<r
	}
	return all == ^uint64(0)
}

package kernel

import "github.com/laminadb/lamina/vec"

// FindViews sets numbers[i] to the id of views[i], whose hash is hashes[i], among the strings of an index, which has them
// by their hashes; to -1 if it is not there. It returns how many are not.
func FindViews(numbers []int64, x *GroupIndex, strings []vec.StrView, blocks [][]byte,
	hashes []uint64, views []vec.StrView, viewBlocks [][]byte) int {
	numbers, hashes = numbers[:len(views)], hashes[:len(views)]
	slots := x.Slots
	if len(slots) == 0 {
		for i := range numbers {
			numbers[i] = -1
		}
		return len(numbers)
	}
	mask, shift, missing := uint64(len(slots)-1), x.Shift&63, 0
	for i := range views {
		h := Hash(hashes[i])
		e := slots[h>>shift&mask]
		// Most strings are in their first place, and short.
		if e>>32 == h&0xffffffff && e != 0 {
			id := uint32(e) - 1
			lo, hi := viewWords(&views[i])
			a, b := viewWords(&strings[id])
			if lo == a && hi == b && uint32(lo) <= vec.InlineMax {
				numbers[i] = int64(id)
				continue
			}
		}
		id := FindView(x, strings, blocks, hashes[i], &views[i], viewBlocks)
		numbers[i] = id
		missing += oneIf(id < 0)
	}
	return missing
}

// FindView is FindViews for one string.
func FindView(x *GroupIndex, strings []vec.StrView, blocks [][]byte, hash uint64, view *vec.StrView, viewBlocks [][]byte) int64 {
	if len(x.Slots) == 0 {
		return -1
	}
	mask := uint64(len(x.Slots) - 1)
	h := Hash(hash)
	for p := h >> (x.Shift & 63); ; p++ {
		e := x.Slots[p&mask]
		if e == 0 {
			return -1
		}
		if e>>32 != h&0xffffffff {
			continue
		}
		if id := uint32(e) - 1; EqualViews(&strings[id], blocks, view, viewBlocks) {
			return int64(id)
		}
	}
}

// AnyNegative reports whether one of the values is less than 0.
func AnyNegative(x []int64) bool {
	or := int64(0)
	for _, y := range x {
		or |= y
	}
	return or < 0
}

// RepackColumn moves a column's codes from words of one packing to words of another: those at bit from under mask go to bit
// to, plus move; code 0 stays if nulls. With more they are mixed in.
func RepackColumn(dst, src []uint64, from uint, mask, move uint64, to uint, nulls, more bool) {
	dst = dst[:len(src)]
	from, to = from&63, to&63
	keep := uint64(0)
	if more {
		keep = ^uint64(0)
	}
	if nulls {
		for i, w := range src {
			u := w >> from & mask
			u = (u + move) & -uint64(oneIf(u != 0))
			dst[i] = dst[i]&keep | u<<to
		}
		return
	}
	for i, w := range src {
		dst[i] = dst[i]&keep | (w>>from&mask+move)<<to
	}
}

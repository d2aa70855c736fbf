package kernel

// SelectRange writes the positions i of v with lo <= v[i] <= lo+span, computed modulo the width of T, and
// returns their number. A span that wraps around selects the complement of a range.
func SelectRange[T Width](v []T, lo, span T, out []uint16) int {
	out = out[:len(v)+1]
	k, done := selectBlocks(v, lo, span, out)
	for i, x := range v[done:] {
		out[k] = uint16(done + i)
		k += oneIf(x-lo <= span)
	}
	return k
}

// SelectRangeSel is SelectRange over the positions in sel. out may be sel itself.
func SelectRangeSel[T Width](v []T, lo, span T, sel, out []uint16) int {
	k := 0
	for _, i := range sel {
		out[k] = i
		k += oneIf(v[i]-lo <= span)
	}
	return k
}

// SelectTable writes the positions whose code has a nonzero entry in table.
func SelectTable[T uint8 | uint16 | uint32](v []T, table []uint8, out []uint16) int {
	k := 0
	for i, x := range v {
		out[k] = uint16(i)
		k += int(table[x])
	}
	return k
}

// SelectTableSel is SelectTable over the positions in sel; table holds 0 and 1. out may be sel itself.
func SelectTableSel[T uint8 | uint16 | uint32](v []T, table []uint8, sel, out []uint16) int {
	k := 0
	for _, i := range sel {
		out[k] = i
		k += int(table[v[i]])
	}
	return k
}

// SelectLess writes the positions i with a[i]+d < b[i] in 64 bits.
func SelectLess[T, U Width](a []T, b []U, d int64, out []uint16) int {
	b = b[:len(a)]
	k := 0
	for i, x := range a {
		out[k] = uint16(i)
		k += oneIf(int64(x)+d < int64(b[i]))
	}
	return k
}

// SelectLessSel is SelectLess over the positions in sel. out may be sel itself.
func SelectLessSel[T, U Width](a []T, b []U, d int64, sel, out []uint16) int {
	b = b[:len(a)]
	k := 0
	for _, i := range sel {
		out[k] = i
		k += oneIf(int64(a[i])+d < int64(b[i]))
	}
	return k
}

// SelectEqual writes the positions i with a[i]+d == b[i] in 64 bits, or all others if negated.
func SelectEqual[T, U Width](a []T, b []U, d int64, negated bool, out []uint16) int {
	b = b[:len(a)]
	k, flip := 0, oneIf(negated)
	for i, x := range a {
		out[k] = uint16(i)
		k += oneIf(int64(x)+d == int64(b[i])) ^ flip
	}
	return k
}

// SelectEqualSel is SelectEqual over the positions in sel. out may be sel itself.
func SelectEqualSel[T, U Width](a []T, b []U, d int64, negated bool, sel, out []uint16) int {
	b = b[:len(a)]
	k, flip := 0, oneIf(negated)
	for _, i := range sel {
		out[k] = i
		k += oneIf(int64(a[i])+d == int64(b[i])) ^ flip
	}
	return k
}

// SelectMask writes the positions 0 … n-1 whose bit is set.
func SelectMask(mask []uint64, n int, out []uint16) int {
	k := 0
	for w := 0; w<<6 < n; w++ {
		x := mask[w]
		if r := n - w<<6; r < 64 {
			x &= 1<<r - 1
		}
		base := uint16(w << 6)
		if x == ^uint64(0) {
			full := out[k : k+64]
			for j := range full {
				full[j] = base + uint16(j)
			}
			k += 64
			continue
		}
		for x != 0 {
			out[k] = base + uint16(trailing(x))
			k++
			x &= x - 1
		}
	}
	return k
}

// SelectMaskSel keeps the entries sel[j] for which bit j of mask is set. out may be sel itself.
func SelectMaskSel(mask []uint64, sel, out []uint16) int {
	k := 0
	for j, i := range sel {
		out[k] = i
		k += int(mask[j>>6] >> (j & 63) & 1)
	}
	return k
}

// Identity writes 0 … n-1.
func Identity(n int, out []uint16) {
	out = out[:n]
	for i := range out {
		out[i] = uint16(i)
	}
}

// SelectAround writes the first n numbers that are not among holes, which ascend.
func SelectAround(holes []uint16, n int, out []uint16) {
	out = out[:n]
	next, k := uint16(0), 0
	for _, h := range holes {
		for ; next < h && k < n; next++ {
			out[k] = next
			k++
		}
		next = h + 1
	}
	for ; k < n; k++ {
		out[k] = next
		next++
	}
}

// denseRun is how many entries of a selection there are to a hole, at least, for what lies between holes to be moved as a whole.
const denseRun = 8

// DropHoles removes the entries of sel that are among holes, and returns how many are left. Both ascend. bits is scratch, with a
// bit for each position.
func DropHoles(sel, holes []uint16, bits []uint64) int {
	n := len(sel)
	if n == 0 || len(holes) == 0 {
		return n
	}
	// Steps back of the loop below, to all holes together, are positions that sel lacks.
	if lacks := int(sel[n-1]) + 1 - n; n < denseRun*len(holes) || lacks > n/4 {
		clear(bits)
		SetBits(bits, holes)
		return DropBits(bits, sel, sel)
	}
	k, from := 0, 0 // sel[from:] is still to move to k
	for _, h := range holes {
		if h > sel[n-1] {
			break
		}
		if h < sel[from] {
			continue
		}
		at := min(from+int(h-sel[from]), n-1)
		for sel[at] > h {
			at--
		}
		if sel[at] < h {
			continue
		}
		if k != from {
			copy(sel[k:], sel[from:at])
		}
		k += at - from
		if from = at + 1; from == n {
			break
		}
	}
	if k != from {
		copy(sel[k:], sel[from:])
	}
	return k + n - from
}

// DropBits keeps the entries of sel whose bit in mask is not set. out may be sel itself.
func DropBits(mask []uint64, sel, out []uint16) int {
	k := 0
	for _, i := range sel {
		out[k] = i
		k += int(^mask[i>>6] >> (i & 63) & 1)
	}
	return k
}

// SetBits sets the bits of mask that sel lists.
func SetBits(mask []uint64, sel []uint16) {
	for _, i := range sel {
		mask[i>>6] |= 1 << (i & 63)
	}
}

package kernel

import "math/bits"

func trailing(x uint64) int { return bits.TrailingZeros64(x) }

// Words returns the number of words of a bitmap of n bits.
func Words(n int) int { return (n + 63) >> 6 }

// bit is 1 for true: it compiles without a branch.
func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// MaskRange sets bit i of mask to lo <= v[i] <= lo+span, modulo the width of T, for all of v; the bits
// of the last word beyond are 0.
func MaskRange[T Width](v []T, lo, span T, mask []uint64) {
	for w := 0; len(v) > 0; w++ {
		n := min(len(v), 64)
		var m uint64
		for j, x := range v[:n] {
			m |= bit(x-lo <= span) << (j & 63)
		}
		mask[w] = m
		v = v[n:]
	}
}

// MaskLess sets bit i to a[i] < b[i].
func MaskLess[T int64 | float64](a, b []T, mask []uint64) {
	b = b[:len(a)]
	for w := 0; len(a) > 0; w++ {
		n := min(len(a), 64)
		var m uint64
		for j, x := range a[:n] {
			m |= bit(x < b[j]) << (j & 63)
		}
		mask[w] = m
		a, b = a[n:], b[n:]
	}
}

// MaskEqual sets bit i to a[i] == b[i].
func MaskEqual[T int64 | float64](a, b []T, mask []uint64) {
	b = b[:len(a)]
	for w := 0; len(a) > 0; w++ {
		n := min(len(a), 64)
		var m uint64
		for j, x := range a[:n] {
			m |= bit(x == b[j]) << (j & 63)
		}
		mask[w] = m
		a, b = a[n:], b[n:]
	}
}

// MaskTable sets bit i to table[v[i]], which is 0 or 1.
func MaskTable[T uint8 | uint16 | uint32](v []T, table []uint8, mask []uint64) {
	for w := 0; len(v) > 0; w++ {
		n := min(len(v), 64)
		var m uint64
		for j, x := range v[:n] {
			m |= uint64(table[x]) << (j & 63)
		}
		mask[w] = m
		v = v[n:]
	}
}

// MaskBytes sets bit i to v[i] != zero.
func MaskBytes[T Width](v []T, zero T, mask []uint64) {
	for w := 0; len(v) > 0; w++ {
		n := min(len(v), 64)
		var m uint64
		for j, x := range v[:n] {
			m |= bit(x != zero) << (j & 63)
		}
		mask[w] = m
		v = v[n:]
	}
}

// UnpackMask sets dst[i] to bit i of mask.
func UnpackMask(dst []uint8, mask []uint64) {
	for i := 0; i < len(dst); i += 64 {
		m := mask[i>>6]
		part := dst[i:min(i+64, len(dst))]
		for j := range part {
			part[j] = uint8(m >> (j & 63) & 1)
		}
	}
}

// And sets dst = a & b; any may be the same.
func And(dst, a, b []uint64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] & b[i]
	}
}

// Or sets dst = a | b.
func Or(dst, a, b []uint64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] | b[i]
	}
}

// AndNot sets dst = a &^ b.
func AndNot(dst, a, b []uint64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] &^ b[i]
	}
}

// FillMask sets the first n bits of mask and clears the rest of the last word.
func FillMask(mask []uint64, n int) {
	for w := range mask[:n>>6] {
		mask[w] = ^uint64(0)
	}
	if r := n & 63; r != 0 {
		mask[n>>6] = 1<<r - 1
	}
}

// ClearMask clears the words of the first n bits.
func ClearMask(mask []uint64, n int) { clear(mask[:Words(n)]) }

// NotMask sets the first n bits of dst to the complement of src's.
func NotMask(dst, src []uint64, n int) {
	for w := range dst[:n>>6] {
		dst[w] = ^src[w]
	}
	if r := n & 63; r != 0 {
		dst[n>>6] = ^src[n>>6] & (1<<r - 1)
	}
}

// GatherMask sets bit j of dst to bit sel[j] of src; bits beyond in the last word are 0.
func GatherMask(dst, src []uint64, sel []uint16) {
	for w := 0; len(sel) > 0; w++ {
		n := min(len(sel), 64)
		var m uint64
		for j, i := range sel[:n] {
			m |= (src[i>>6] >> (i & 63) & 1) << (j & 63)
		}
		dst[w] = m
		sel = sel[n:]
	}
}

// ScatterMask sets bit sel[j] of dst to bit j of src.
func ScatterMask(dst, src []uint64, sel []uint16) {
	for j, i := range sel {
		b := src[j>>6] >> (j & 63) & 1
		dst[i>>6] = dst[i>>6]&^(1<<(i&63)) | b<<(i&63)
	}
}

// FirstSet returns the position of the first of n bits that is set, or n.
func FirstSet(mask []uint64, n int) int {
	for w := 0; w<<6 < n; w++ {
		if mask[w] != 0 {
			return min(w<<6+trailing(mask[w]), n)
		}
	}
	return n
}

// CountBits returns how many of the first n bits are set.
func CountBits(mask []uint64, n int) int {
	c := 0
	for _, x := range mask[:n>>6] {
		c += bits.OnesCount64(x)
	}
	if r := n & 63; r != 0 {
		c += bits.OnesCount64(mask[n>>6] & (1<<r - 1))
	}
	return c
}

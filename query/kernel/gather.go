package kernel

import "unsafe"

// PickWiden sets dst[j] = v[sel[j]] + base.
func PickWiden[T Width](dst []int64, v []T, base int64, sel []uint16) {
	dst = dst[:len(sel)]
	for j, i := range sel {
		dst[j] = int64(v[i]) + base
	}
}

// Scatter sets dst[sel[j]] = v[j].
func Scatter[T any](dst, v []T, sel []uint16) {
	v = v[:len(sel)]
	for j, i := range sel {
		dst[i] = v[j]
	}
}

// Copy sets dst[i] = v[i] at the positions in sel only.
func Copy[T any](dst, v []T, sel []uint16) {
	for _, i := range sel {
		dst[i] = v[i]
	}
}

// FillSel sets dst[i] = k at the positions in sel.
func FillSel[T any](dst []T, k T, sel []uint16) {
	for _, i := range sel {
		dst[i] = k
	}
}

// Choose sets dst[i] to x where bit i of mask is set, and to y elsewhere.
func Choose(dst []int64, mask []uint64, x, y int64) {
	d := x ^ y
	for i := 0; i < len(dst); i += 64 {
		m := mask[i>>6]
		part := dst[i:min(i+64, len(dst))]
		for j := range part {
			part[j] = y ^ d&-int64(m>>(j&63)&1)
		}
	}
}

// RowNulls clears the bits j of valid whose row ids[j] has its null bit set. Rows of pages are found by id >>
// shift; the null bit is bit (0 … 7) of the byte at offset off.
func RowNulls(valid []uint64, pages [][]byte, shift uint, stride, off int, null uint8, ids []uint32) {
	mask := uint32(1)<<(shift&31) - 1
	for j, id := range ids {
		page := pages[id>>(shift&31)]
		b := *(*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(page)), int(id&mask)*stride+off))
		valid[j>>6] &^= uint64(b>>(null&7)&1) << (j & 63)
	}
}

// SpreadCodes sets dst to rest, but dst[sel[i]] to codes[i].
func SpreadCodes(dst []uint32, rest uint32, sel []uint16, codes []uint32) {
	for i := range dst {
		dst[i] = rest
	}
	codes = codes[:len(sel)]
	for i, p := range sel {
		dst[p] = codes[i]
	}
}

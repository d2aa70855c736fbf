package kernel

import "unsafe"

// ScatterRows writes v[i] at p + i*stride.
func ScatterRows[T any](p unsafe.Pointer, stride int, v []T) {
	for i := range v {
		*(*T)(p) = v[i]
		p = unsafe.Add(p, stride)
	}
}

// ScatterNarrow writes v[i] - base in T's width at p + i*stride.
func ScatterNarrow[T uint8 | uint16 | uint32](p unsafe.Pointer, stride int, v []int64, base int64) {
	for _, x := range v {
		*(*T)(p) = T(x - base)
		p = unsafe.Add(p, stride)
	}
}

// GatherColumn sets dst[i] to the value at offset off of row ids[i]; rows of pages are found by id >>
// shift.
func GatherColumn[T any](dst []T, pages [][]byte, shift uint, stride, off int, ids []uint32) {
	dst = dst[:len(ids)]
	mask := uint32(1)<<(shift&31) - 1
	for i, id := range ids {
		page := pages[id>>(shift&31)]
		dst[i] = *(*T)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(page)), int(id&mask)*stride+off))
	}
}

// GatherColumnInt is GatherColumn for narrow integers with a base.
func GatherColumnInt[T Width](dst []int64, pages [][]byte, shift uint, stride, off int, base int64, ids []uint32) {
	dst = dst[:len(ids)]
	mask := uint32(1)<<(shift&31) - 1
	for i, id := range ids {
		page := pages[id>>(shift&31)]
		x := *(*T)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(page)), int(id&mask)*stride+off))
		dst[i] = int64(x) + base
	}
}

// Widen sets dst[i] = v[i] + base.
func Widen[T Width](dst []int64, v []T, base int64) {
	dst = dst[:len(v)]
	done := widenBlocks(dst, v, base)
	dst, v = dst[done:], v[done:]
	for i, x := range v {
		dst[i] = int64(x) + base
	}
}

// WidenCodes sets dst[i] = values[codes[i]].
func WidenCodes[C uint8 | uint16 | uint32, T any](dst []T, codes []C, values []T) {
	dst = dst[:len(codes)]
	for i, c := range codes {
		dst[i] = values[c]
	}
}

// ComposeSel sets dst[j] = sel[pos[j]].
func ComposeSel(dst, sel, pos []uint16) {
	dst = dst[:len(pos)]
	for j, p := range pos {
		dst[j] = sel[p]
	}
}

// ComposeRows sets dst[j] = ids[pos[j]].
func ComposeRows(dst, ids []uint32, pos []uint16) {
	dst = dst[:len(pos)]
	for j, p := range pos {
		dst[j] = ids[p]
	}
}

// Pick sets dst[j] = v[pos[j]].
func Pick[T any](dst, v []T, pos []uint16) {
	dst = dst[:len(pos)]
	for j, p := range pos {
		dst[j] = v[p]
	}
}

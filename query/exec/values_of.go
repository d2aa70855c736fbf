package exec

import (
	"unsafe"

	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// batchRows is the number of rows that scratch arrays hold: no batch has more.
const batchRows = vec.Size

// hasNulls reports whether one of the first n entries of v (any form but InRows) is NULL.
func hasNulls(v *vec.Vector, n int) bool {
	if v.Valid == nil || n == 0 {
		return false
	}
	if v.Form == vec.Const {
		return v.IsNull(0)
	}
	return !kernel.AllValid(v.Valid, n)
}

// words64 views the 8-byte entries of v.
func words64(v *vec.Vector, n int) []int64 {
	return unsafe.Slice((*int64)(v.Data), n)
}

// intsOf returns the first n entries of a vector of integers, of scaled numerics of at most 8 bytes, or
// of float bits as 64-bit words: in place if they are stored so, else in scratch. Entries that are NULL
// have any value.
func intsOf(v *vec.Vector, n int, scratch []int64) []int64 {
	if n == 0 {
		return nil
	}
	switch v.Form {
	case vec.Const:
		x := int64(0)
		if !v.IsNull(0) {
			x = v.Int(0)
			if v.Type.Class() == types.ClassFloat {
				x = *(*int64)(v.Data)
			}
		}
		dst := scratch[:n]
		for i := range dst {
			dst[i] = x
		}
		return dst
	case vec.Dict:
		return dictInts(v, n, scratch[:n])
	}
	switch v.Width {
	case 1:
		kernel.Widen(scratch, unsafe.Slice((*uint8)(v.Data), n), v.Base)
	case 2:
		kernel.Widen(scratch, unsafe.Slice((*uint16)(v.Data), n), v.Base)
	case 4:
		kernel.Widen(scratch, unsafe.Slice((*uint32)(v.Data), n), v.Base)
	default:
		return words64(v, n)
	}
	return scratch[:n]
}

func dictInts(v *vec.Vector, n int, dst []int64) []int64 {
	d := &v.Dictionary.Values
	if d.Width == 8 {
		dictCopy(v, n, dst, words64(d, d.N))
		return dst
	}
	for i := range dst {
		if v.IsNull(i) {
			dst[i] = 0
			continue
		}
		dst[i] = v.Int(i)
	}
	return dst
}

// dictCopy sets dst[i] = values[code i].
func dictCopy[T any](v *vec.Vector, n int, dst, values []T) {
	switch v.Width {
	case 1:
		kernel.WidenCodes(dst, unsafe.Slice((*uint8)(v.Data), n), values)
	case 2:
		kernel.WidenCodes(dst, unsafe.Slice((*uint16)(v.Data), n), values)
	default:
		kernel.WidenCodes(dst, unsafe.Slice((*uint32)(v.Data), n), values)
	}
}

// wideOf returns the first n entries of a vector of 16-byte values (intervals, wide numerics), or of a
// numeric of at most 8 bytes widened to 16.
func wideOf(v *vec.Vector, n int, scratch [][2]int64, narrow []int64) [][2]int64 {
	if n == 0 {
		return nil
	}
	w := v
	if v.Form == vec.Dict {
		w = &v.Dictionary.Values
	}
	if w.Width != 16 {
		for i, x := range intsOf(v, n, narrow) {
			scratch[i] = [2]int64{x, x >> 63}
		}
		return scratch[:n]
	}
	switch v.Form {
	case vec.Const:
		x := *(*[2]int64)(v.Data)
		for i := range n {
			scratch[i] = x
		}
		return scratch[:n]
	case vec.Dict:
		dictCopy(v, n, scratch[:n], unsafe.Slice((*[2]int64)(w.Data), w.N))
		return scratch[:n]
	}
	return unsafe.Slice((*[2]int64)(v.Data), n)
}

// viewsOf returns the first n views of a vector of strings or encoded numerics, and the blocks they
// point into.
func viewsOf(v *vec.Vector, n int, scratch []vec.StrView) ([]vec.StrView, [][]byte) {
	if n == 0 {
		return nil, nil
	}
	switch v.Form {
	case vec.Const:
		var x vec.StrView
		if !v.IsNull(0) {
			x = *(*vec.StrView)(v.Data)
		}
		for i := range n {
			scratch[i] = x
		}
		return scratch[:n], v.Blocks
	case vec.Dict:
		d := &v.Dictionary.Values
		if d.N == 0 {
			clear(scratch[:n])
			return scratch[:n], nil
		}
		dictCopy(v, n, scratch[:n], unsafe.Slice((*vec.StrView)(d.Data), d.N))
		return scratch[:n], d.Blocks
	}
	return unsafe.Slice((*vec.StrView)(v.Data), n), v.Blocks
}

func uint64sOf(x []int64) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

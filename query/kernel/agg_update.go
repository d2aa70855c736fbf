package kernel

import (
	"math"
	"unsafe"

	"github.com/laminadb/lamina/vec"
)

// The state of a group is a row of 8-byte words; row c is at p + c*stride. Word 0 counts the group's rows.

func stateWord(p unsafe.Pointer, at uintptr) *int64 { return (*int64)(unsafe.Add(p, at)) }

// CountAdd0 counts rows.
func CountAdd0(p unsafe.Pointer, stride uintptr, codes []uint32) {
	for _, c := range codes {
		*stateWord(p, uintptr(c)*stride)++
	}
}

// CountAdd1 counts rows and adds a to word 1.
func CountAdd1(p unsafe.Pointer, stride uintptr, codes []uint32, a []int64) {
	a = a[:len(codes)]
	for i, c := range codes {
		r := unsafe.Add(p, uintptr(c)*stride)
		*stateWord(r, 0)++
		*stateWord(r, 8) += a[i]
	}
}

// CountAdd2 counts rows and adds to words 1 and 2.
func CountAdd2(p unsafe.Pointer, stride uintptr, codes []uint32, a, b []int64) {
	a, b = a[:len(codes)], b[:len(codes)]
	for i, c := range codes {
		r := unsafe.Add(p, uintptr(c)*stride)
		*stateWord(r, 0)++
		*stateWord(r, 8) += a[i]
		*stateWord(r, 16) += b[i]
	}
}

// CountAdd3 counts rows and adds to words 1 to 3.
func CountAdd3(p unsafe.Pointer, stride uintptr, codes []uint32, a, b, d []int64) {
	a, b, d = a[:len(codes)], b[:len(codes)], d[:len(codes)]
	for i, c := range codes {
		r := unsafe.Add(p, uintptr(c)*stride)
		*stateWord(r, 0)++
		*stateWord(r, 8) += a[i]
		*stateWord(r, 16) += b[i]
		*stateWord(r, 24) += d[i]
	}
}

// CountAdd5 counts rows and adds to words 1 to 5. Rows of odd ordinals go to the state that is replica
// bytes further (0: the same), which halves the wait for the store of the row before.
func CountAdd5(p unsafe.Pointer, stride uintptr, codes []uint32, replica uintptr, a, b, d, e, f []int64) {
	a, b, d, e, f = a[:len(codes)], b[:len(codes)], d[:len(codes)], e[:len(codes)], f[:len(codes)]
	for i, c := range codes {
		r := unsafe.Add(p, uintptr(c)*stride+uintptr(i&1)*replica)
		*stateWord(r, 0)++
		*stateWord(r, 8) += a[i]
		*stateWord(r, 16) += b[i]
		*stateWord(r, 24) += d[i]
		*stateWord(r, 32) += e[i]
		*stateWord(r, 40) += f[i]
	}
}

// AddWord adds a to the word at offset off.
func AddWord(p unsafe.Pointer, stride, off uintptr, codes []uint32, a []int64) {
	p = unsafe.Add(p, off)
	a = a[:len(codes)]
	for i, c := range codes {
		*stateWord(p, uintptr(c)*stride) += a[i]
	}
}

// CountWord adds one to the word at offset off.
func CountWord(p unsafe.Pointer, stride, off uintptr, codes []uint32) {
	p = unsafe.Add(p, off)
	for _, c := range codes {
		*stateWord(p, uintptr(c)*stride)++
	}
}

// MinWord and MaxWord keep the least and the greatest value.
func MinWord(p unsafe.Pointer, stride, off uintptr, codes []uint32, a []int64) {
	p = unsafe.Add(p, off)
	a = a[:len(codes)]
	for i, c := range codes {
		w := stateWord(p, uintptr(c)*stride)
		*w = min(*w, a[i])
	}
}

// MaxWord keeps the greatest value.
func MaxWord(p unsafe.Pointer, stride, off uintptr, codes []uint32, a []int64) {
	p = unsafe.Add(p, off)
	a = a[:len(codes)]
	for i, c := range codes {
		w := stateWord(p, uintptr(c)*stride)
		*w = max(*w, a[i])
	}
}

// AddFloatWord adds floats, given by their bits, in order. It reports whether all sums stayed finite on the way.
func AddFloatWord(p unsafe.Pointer, stride, off uintptr, codes []uint32, a []int64) bool {
	p = unsafe.Add(p, off)
	a = a[:len(codes)]
	top := uint64(0)
	for i, c := range codes {
		w := (*float64)(unsafe.Add(p, uintptr(c)*stride))
		s := *w + math.Float64frombits(uint64(a[i]))
		*w = s
		top = max(top, math.Float64bits(s)<<1)
	}
	return top < notFinite<<1
}

// AddFloat4Word is AddFloatWord rounded to single precision at every step.
func AddFloat4Word(p unsafe.Pointer, stride, off uintptr, codes []uint32, a []int64) bool {
	p = unsafe.Add(p, off)
	a = a[:len(codes)]
	top := uint64(0)
	for i, c := range codes {
		w := (*float64)(unsafe.Add(p, uintptr(c)*stride))
		s := float64(float32(*w) + float32(math.Float64frombits(uint64(a[i]))))
		*w = s
		top = max(top, math.Float64bits(s)<<1)
	}
	return top < notFinite<<1
}

// notFinite is the exponent of infinities and NaN.
const notFinite = 0x7ff0000000000000

// BitWord combines values bit by bit.
func BitWord(p unsafe.Pointer, stride, off uintptr, codes []uint32, a []int64, op byte) {
	p = unsafe.Add(p, off)
	a = a[:len(codes)]
	for i, c := range codes {
		w := stateWord(p, uintptr(c)*stride)
		switch op {
		case '&':
			*w &= a[i]
		case '|':
			*w |= a[i]
		default:
			*w ^= a[i]
		}
	}
}

// SumInts returns the sum of v; the caller knows that it fits.
func SumInts(v []int64) int64 {
	var a, b int64
	for len(v) >= 2 {
		a += v[0]
		b += v[1]
		v = v[2:]
	}
	if len(v) > 0 {
		a += v[0]
	}
	return a + b
}

// SumSel returns the sum of the entries of v that sel lists, modulo 2^64.
func SumSel[T Width | int64](v []T, sel []uint16) int64 {
	var s int64
	for _, i := range sel {
		s += int64(v[i])
	}
	return s
}

// SumWidth returns the sum of narrow integers without their base.
func SumWidth[T Width](v []T) int64 {
	var a, b uint64
	for len(v) >= 2 {
		a += uint64(v[0])
		b += uint64(v[1])
		v = v[2:]
	}
	if len(v) > 0 {
		a += uint64(v[0])
	}
	return int64(a + b)
}

// IntRange returns the least and greatest of v, which is not empty.
func IntRange(v []int64) (lo, hi int64) {
	lo, hi = v[0], v[0]
	for _, x := range v {
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi
}

// FloatOrder maps the bits of a float to an integer of the same order, NaN above all; FloatOfOrder is
// its inverse.
func FloatOrder(b int64) int64 {
	if f := math.Float64frombits(uint64(b)); f != f {
		b = 0x7ff8000000000000
	}
	return b ^ int64(uint64(b>>63)>>1)
}

// FloatOfOrder returns the bits of the float that FloatOrder maps to x.
func FloatOfOrder(x int64) int64 { return x ^ int64(uint64(x>>63)>>1) }

// AnyInfinite reports whether one of the floats is infinite or NaN.
func AnyInfinite(v []int64) bool {
	any := false
	for _, b := range v {
		any = any || b&notFinite == notFinite
	}
	return any
}

// ShortCodes sets dst[i] to an integer for a string of at most n <= 7 bytes: its length, then its bytes.
// It reports whether all strings are as short; longer ones get any code.
func ShortCodes(dst []int64, views []vec.StrView, n uint) bool {
	dst = dst[:len(views)]
	ok := true
	low := uint64(1)<<(8*n&63) - 1
	for i := range views {
		lo, hi := viewWords(&views[i])
		l := lo & 0xffffffff
		ok = ok && l <= uint64(n)
		dst[i] = int64(l<<(8*n&63) | (lo>>32|hi<<32)&low)
	}
	return ok
}

// LongestView returns the length of the longest string.
func LongestView(views []vec.StrView) uint32 {
	var m uint32
	for i := range views {
		m = max(m, views[i].Len)
	}
	return m
}

package kernel

import "math/bits"

// Add sets dst[i] = a[i] + b[i]. Integers wrap.
func Add[T int64 | float64](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// Sub sets dst[i] = a[i] - b[i].
func Sub[T int64 | float64](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

// Mul sets dst[i] = a[i] * b[i].
func Mul[T int64 | float64](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

// AddConst sets dst[i] = a[i] + k.
func AddConst[T int64 | float64](dst, a []T, k T) {
	a = a[:len(dst)]
	if x, ok := any(k).(int64); ok {
		done := addBlocks(any(dst).([]int64), any(a).([]int64), x, false)
		dst, a = dst[done:], a[done:]
	}
	for i := range dst {
		dst[i] = a[i] + k
	}
}

// ConstSub sets dst[i] = k - a[i].
func ConstSub[T int64 | float64](dst, a []T, k T) {
	a = a[:len(dst)]
	if x, ok := any(k).(int64); ok {
		done := addBlocks(any(dst).([]int64), any(a).([]int64), x, true)
		dst, a = dst[done:], a[done:]
	}
	for i := range dst {
		dst[i] = k - a[i]
	}
}

// MulConst sets dst[i] = a[i] * k.
func MulConst[T int64 | float64](dst, a []T, k T) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i] * k
	}
}

// AddChecked is Add for int64 that reports whether any sum may have wrapped.
func AddChecked(dst, a, b []int64) bool {
	a, b = a[:len(dst)], b[:len(dst)]
	var bad int64
	for i := range dst {
		x, y := a[i], b[i]
		s := x + y
		bad |= (x ^ s) & (y ^ s)
		dst[i] = s
	}
	return bad < 0
}

// SubChecked is Sub for int64 that reports whether any difference may have wrapped.
func SubChecked(dst, a, b []int64) bool {
	a, b = a[:len(dst)], b[:len(dst)]
	var bad int64
	for i := range dst {
		x, y := a[i], b[i]
		s := x - y
		bad |= (x ^ y) & (x ^ s)
		dst[i] = s
	}
	return bad < 0
}

// MulChecked is Mul for int64 that reports whether any product may have wrapped.
func MulChecked(dst, a, b []int64) bool {
	a, b = a[:len(dst)], b[:len(dst)]
	var bad int64
	for i := range dst {
		x, y := a[i], b[i]
		hi, lo := bits.Mul64(uint64(x), uint64(y))
		bad |= int64(hi) - x>>63&y - y>>63&x ^ int64(lo)>>63
		dst[i] = int64(lo)
	}
	return bad != 0
}

// AddConstChecked is AddConst for int64 that reports whether any sum may have wrapped.
func AddConstChecked(dst, a []int64, k int64) bool {
	a = a[:len(dst)]
	var bad int64
	for i := range dst {
		x := a[i]
		s := x + k
		bad |= (x ^ s) & (k ^ s)
		dst[i] = s
	}
	return bad < 0
}

// ConstSubChecked is ConstSub for int64 that reports whether any difference may have wrapped.
func ConstSubChecked(dst, a []int64, k int64) bool {
	a = a[:len(dst)]
	var bad int64
	for i := range dst {
		x := a[i]
		s := k - x
		bad |= (k ^ x) & (k ^ s)
		dst[i] = s
	}
	return bad < 0
}

// MulConstChecked is MulConst for int64 that reports whether any product may have wrapped.
func MulConstChecked(dst, a []int64, k int64) bool {
	a = a[:len(dst)]
	var bad int64
	for i := range dst {
		x := a[i]
		hi, lo := bits.Mul64(uint64(x), uint64(k))
		bad |= int64(hi) - x>>63&k - k>>63&x ^ int64(lo)>>63
		dst[i] = int64(lo)
	}
	return bad != 0
}

// Div sets dst[i] = a[i] / b[i] and reports whether a divisor was 0 or a quotient wrapped; there the
// result is meaningless.
func Div(dst, a, b []int64) bool {
	a, b = a[:len(dst)], b[:len(dst)]
	var bad uint64
	for i := range dst {
		x, y := a[i], b[i]
		zero := bit(y == 0)
		bad |= zero | bit(y == -1)&bit(x == -1<<63)
		dst[i] = x / (y | int64(zero))
	}
	return bad != 0
}

// Mod sets dst[i] = a[i] % b[i] and reports whether a divisor was 0.
func Mod(dst, a, b []int64) bool {
	a, b = a[:len(dst)], b[:len(dst)]
	var bad uint64
	for i := range dst {
		zero := bit(b[i] == 0)
		bad |= zero
		dst[i] = a[i] % (b[i] | int64(zero))
	}
	return bad != 0
}

// DivConst sets dst[i] = a[i] / k for k other than 0; -1 may wrap.
func DivConst(dst, a []int64, k int64) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i] / k
	}
}

// ModConst sets dst[i] = a[i] % k for k other than 0.
func ModConst(dst, a []int64, k int64) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i] % k
	}
}

// Neg sets dst[i] = -a[i].
func Neg[T int64 | float64](dst, a []T) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = -a[i]
	}
}

// Abs sets dst[i] = |a[i]|; the smallest value stays.
func Abs(dst, a []int64) {
	a = a[:len(dst)]
	for i := range dst {
		s := a[i] >> 63
		dst[i] = (a[i] ^ s) - s
	}
}

// Magnitude returns m such that -m-1 <= v[i] <= m for all i: m has all bits set below its highest.
func Magnitude(v []int64) int64 {
	var m uint64
	for _, x := range v {
		m |= uint64(x ^ x>>63)
	}
	return int64(1<<bits.Len64(m) - 1)
}

// OutOfRange reports whether any v[i] lies outside [lo, lo+span].
func OutOfRange(v []int64, lo int64, span uint64) bool {
	var bad uint64
	for _, x := range v {
		bad |= bit(uint64(x-lo) > span)
	}
	return bad != 0
}

// BitAnd, BitOr and BitXor set dst[i] to the operator's result.
func BitAnd(dst, a, b []int64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] & b[i]
	}
}

// BitOr sets dst[i] = a[i] | b[i].
func BitOr(dst, a, b []int64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] | b[i]
	}
}

// BitXor sets dst[i] = a[i] ^ b[i].
func BitXor(dst, a, b []int64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] ^ b[i]
	}
}

// Fill sets every element of dst to k.
func Fill[T any](dst []T, k T) {
	for i := range dst {
		dst[i] = k
	}
}

// ToFloat sets dst[i] = float64(a[i]).
func ToFloat(dst []float64, a []int64) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = float64(a[i])
	}
}

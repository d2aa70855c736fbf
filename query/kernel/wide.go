package kernel

import "math/bits"

// Wide is a 128-bit integer as vectors hold it: little-endian two's complement.
type Wide struct {
	Lo uint64
	Hi int64
}

// WideOf returns v as a Wide.
func WideOf(v int64) Wide { return Wide{uint64(v), v >> 63} }

// ToWide sets dst[i] = a[i].
func ToWide(dst []Wide, a []int64) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = Wide{uint64(a[i]), a[i] >> 63}
	}
}

// AddWide sets dst[i] = a[i] + b[i] and reports whether any sum may have wrapped.
func AddWide(dst, a, b []Wide) bool {
	a, b = a[:len(dst)], b[:len(dst)]
	var bad int64
	for i := range dst {
		x, y := a[i], b[i]
		lo, c := bits.Add64(x.Lo, y.Lo, 0)
		hi := x.Hi + y.Hi + int64(c)
		bad |= (x.Hi ^ hi) & (y.Hi ^ hi)
		dst[i] = Wide{lo, hi}
	}
	return bad < 0
}

// SubWide sets dst[i] = a[i] - b[i] and reports whether any difference may have wrapped.
func SubWide(dst, a, b []Wide) bool {
	a, b = a[:len(dst)], b[:len(dst)]
	var bad int64
	for i := range dst {
		x, y := a[i], b[i]
		lo, c := bits.Sub64(x.Lo, y.Lo, 0)
		hi := x.Hi - y.Hi - int64(c)
		bad |= (x.Hi ^ y.Hi) & (x.Hi ^ hi)
		dst[i] = Wide{lo, hi}
	}
	return bad < 0
}

// MulWide sets dst[i] = a[i] * b[i], exactly.
func MulWide(dst []Wide, a, b []int64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		x, y := a[i], b[i]
		hi, lo := bits.Mul64(uint64(x), uint64(y))
		dst[i] = Wide{lo, int64(hi) - x>>63&y - y>>63&x}
	}
}

// ScaleWide sets dst[i] = a[i] * k for k > 0 and reports whether any product may have wrapped.
func ScaleWide(dst, a []Wide, k uint64) bool {
	a = a[:len(dst)]
	bad := false
	for i := range dst {
		x := a[i]
		hi, lo := bits.Mul64(x.Lo, k)
		// The high half as a signed number times k, which must fit with what the low half carries.
		t, u := bits.Mul64(uint64(x.Hi), k)
		if x.Hi < 0 {
			t -= k
		}
		sum, c := bits.Add64(u, hi, 0)
		t += c
		bad = bad || int64(t) != int64(sum)>>63
		dst[i] = Wide{lo, int64(sum)}
	}
	return bad
}

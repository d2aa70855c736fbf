package kernel

import "math"

// DivFloat sets dst[i] = a[i] / b[i].
func DivFloat(dst, a, b []float64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] / b[i]
	}
}

// RoundFloat4 rounds every value to a float32.
func RoundFloat4(v []float64) {
	for i := range v {
		v[i] = float64(float32(v[i]))
	}
}

// Special reports whether any value is NaN or infinite, or, if zeros is set, 0.
func Special(v []float64, zeros bool) bool {
	const exponent = 0x7ff << 52
	var bad uint64
	for _, x := range v {
		bad |= bit(math.Float64bits(x)&exponent == exponent)
	}
	if zeros {
		for _, x := range v {
			bad |= bit(x == 0)
		}
	}
	return bad != 0
}

// HasNaN reports whether any value is NaN.
func HasNaN(v []float64) bool {
	var bad uint64
	for _, x := range v {
		bad |= bit(x != x)
	}
	return bad != 0
}

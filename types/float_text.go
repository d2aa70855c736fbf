package types

import (
	"bytes"
	"math"
	"math/bits"
	"strconv"
)

// appendFloat appends the shortest text that reads back as f (extra_float_digits = 1), or one of the precision
// of the type and extra more digits if that is not above 0: fixed while the decimal exponent lies in [-4, 15),
// for float4 [-4, 6), with fewer digits in [-4, digits), otherwise with an exponent.
func appendFloat(dst []byte, f float64, bitSize, extra int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == 0:
		if math.Signbit(f) {
			dst = append(dst, '-')
		}
		return append(dst, '0')
	}
	expMax := 15
	if bitSize == 32 {
		expMax = 6
	}
	// d.ddde±xx: take it apart.
	var buf [32]byte
	text := buf[:0]
	if extra > 0 {
		text = shortest(text, f, bitSize)
	} else {
		expMax = max(1, expMax+extra)
		text = rounded(text, f, expMax)
	}
	if text[0] == '-' {
		dst = append(dst, '-')
		text = text[1:]
	}
	e := len(text) - 3
	for text[e] != 'e' {
		e--
	}
	exp := 0
	for _, c := range text[e+2:] {
		exp = exp*10 + int(c-'0')
	}
	if text[e+1] == '-' {
		exp = -exp
	}
	if exp < -4 || exp >= expMax {
		return append(dst, text...)
	}
	digits := text[:e]
	if len(digits) > 1 { // drop the point
		digits[1] = digits[0]
		digits = digits[1:]
	}
	for len(digits) <= exp {
		digits = append(digits, '0') // within buf: at most 15 digits
	}
	return appendPoint(dst, digits, len(digits)-1-exp)
}

// rounded appends f in exponent form with at most the given number of digits, without zeros at their end.
func rounded(dst []byte, f float64, digits int) []byte {
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', digits-1, 64)
	e := bytes.IndexByte(dst[start:], 'e') + start
	end := e
	if bytes.IndexByte(dst[start:e], '.') >= 0 {
		for dst[end-1] == '0' {
			end--
		}
		if dst[end-1] == '.' {
			end--
		}
	}
	return append(dst[:end], dst[e:]...)
}

// shortest appends f in exponent form with the fewest digits that read back as f, never a decimal
// halfway between two floats: such a decimal reads back only for those who round half to even.
func shortest(dst []byte, f float64, bitSize int) []byte {
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, bitSize)
	// Only whole numbers beyond the mantissa's bits can be halfway between two floats.
	mantissa := 53
	if bitSize == 32 {
		mantissa = 24
	}
	if math.Abs(f) < float64(uint64(1)<<mantissa) {
		return dst
	}
	// The right rounding to one digit more is at least as near, so it reads back too.
	for isHalfway(dst[start:], mantissa) {
		digits := 0
		for _, c := range dst[start:] {
			if c == 'e' {
				break
			}
			if c-'0' <= 9 {
				digits++
			}
		}
		dst = strconv.AppendFloat(dst[:start], f, 'e', digits, bitSize)
	}
	return dst
}

// isHalfway reports whether the decimal text, a whole number d × 10^e, needs exactly one bit more
// than the mantissa has.
func isHalfway(text []byte, mantissa int) bool {
	var d uint64
	exp, frac, i := 0, 0, 0
	dot := false
	for ; text[i] != 'e'; i++ {
		switch {
		case text[i] == '.':
			dot = true
		case text[i] != '-':
			d = d*10 + uint64(text[i]-'0')
			if dot {
				frac++
			}
		}
	}
	for _, c := range text[i+2:] {
		exp = exp*10 + int(c-'0')
	}
	if exp < frac || d == 0 {
		return false
	}
	d >>= bits.TrailingZeros64(d)
	for range exp - frac {
		if d >= 1<<60 {
			return false
		}
		d *= 5
	}
	return bits.Len64(d) == mantissa+1
}

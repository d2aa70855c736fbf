package types

import (
	"math"
	"strconv"
	"unsafe"

	"github.com/laminadb/lamina/sqlerr"
)

// parseFloat reads what C's strtod reads: decimal and hexadecimal numbers, inf, infinity and nan in
// any case, with blanks around.
func parseFloat(k Kind, b []byte) (Datum, error) {
	s := trimSpace(b)
	if f, ok := floatWord(s); ok {
		return NewFloat(k, f), nil
	}
	n, hex, hasExp, zero := scanFloat(s)
	if n == 0 || n < len(s) {
		return Datum{}, invalidSyntax(k.String(), b)
	}
	if hex && !hasExp { // C needs no exponent here, Go does
		s = append(append([]byte(nil), s...), "p0"...)
	}
	bitSize := 64
	if k == Float4 {
		bitSize = 32
	}
	// The string lives only during the call; ParseFloat clones what its errors keep.
	f, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(s), len(s)), bitSize)
	if err != nil || f == 0 && !zero {
		return Datum{}, sqlerr.Newf(sqlerr.NumericValueOutOfRange, "\"%s\" is out of range for type %s", trimSpace(b), k)
	}
	return NewFloat(k, f), nil
}

func floatWord(s []byte) (float64, bool) {
	neg := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	if len(s) == 0 || s[0] <= '9' {
		return 0, false
	}
	switch {
	case equalFold(s, "nan"):
		return math.NaN(), true
	case equalFold(s, "infinity"), equalFold(s, "inf"):
		if neg {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	}
	return 0, false
}

// scanFloat measures the number at the start of s. zero tells that all its digits are 0.
func scanFloat(s []byte) (n int, hex, hasExp, zero bool) {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	base, expChar := uint64(10), byte('e')
	if i+2 < len(s) && s[i] == '0' && lower(s[i+1]) == 'x' && (digitOf(s[i+2]) < 16 || s[i+2] == '.') {
		hex, base, expChar = true, 16, 'p'
		i += 2
	}
	digits, dot := 0, false
	zero = true
	for ; i < len(s); i++ {
		if d := digitOf(s[i]); d < base {
			digits++
			zero = zero && d == 0
		} else if s[i] == '.' && !dot {
			dot = true
		} else {
			break
		}
	}
	if digits == 0 {
		return 0, hex, false, zero
	}
	if i < len(s) && lower(s[i]) == expChar {
		j := i + 1
		if j < len(s) && (s[j] == '-' || s[j] == '+') {
			j++
		}
		start := j
		for j < len(s) && s[j]-'0' <= 9 {
			j++
		}
		if j > start {
			return j, hex, true, zero
		}
	}
	return i, hex, false, zero
}

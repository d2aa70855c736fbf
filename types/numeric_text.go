package types

import (
	"math"
	"math/big"

	"github.com/laminadb/lamina/sqlerr"
)

// appendNumeric appends d as PostgreSQL prints it: all digits of its scale, no exponent.
func appendNumeric(dst []byte, d Datum) []byte {
	switch d.Form {
	case NumInt64:
		return appendDecimal(dst, d.I, int(d.Scale))
	case NumInt128:
		return Int128{d.H, uint64(d.I)}.Append(dst, int(d.Scale))
	case NumBig:
		v := twosToBig(d.S)
		if v.Sign() < 0 {
			dst = append(dst, '-')
			v.Neg(v)
		}
		return appendPoint(dst, v.Append(nil, 10), int(d.Scale))
	case NumInf:
		if d.I < 0 {
			return append(dst, "-Infinity"...)
		}
		return append(dst, "Infinity"...)
	}
	return append(dst, "NaN"...)
}

// appendDecimal appends v × 10^-scale.
func appendDecimal(dst []byte, v int64, scale int) []byte {
	m := uint64(v)
	if v < 0 {
		dst = append(dst, '-')
		m = -m
	}
	return u128{lo: m}.append(dst, scale)
}

// numericText is the parts of decimal text: digits and underscores before and after the point.
type numericText struct {
	neg         bool
	whole, frac []byte
	exp         int
}

// parseNumeric reads a numeric: decimal digits with an optional point and exponent, hexadecimal,
// octal or binary integers, NaN and infinities, with single underscores between digits.
func parseNumeric(b []byte) (Datum, error) {
	s := trimSpace(b)
	if d, ok := parsePlainDecimal(s); ok {
		return d, nil
	}
	neg := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	if len(s) == 0 {
		return Datum{}, invalidSyntax("numeric", b)
	}
	switch {
	case len(s) < len(trimSpace(b)) && equalFold(s, "nan"): // NaN has no sign
		return Datum{}, invalidSyntax("numeric", b)
	case equalFold(s, "nan"):
		return NumericNaN(), nil
	case equalFold(s, "infinity"), equalFold(s, "inf"):
		if neg {
			return NumericInf(-1), nil
		}
		return NumericInf(1), nil
	}
	if len(s) > 1 && s[0] == '0' && (lower(s[1]) == 'x' || lower(s[1]) == 'o' || lower(s[1]) == 'b') {
		return parseNumericBase(b, s, neg)
	}
	t, ok := splitNumeric(s)
	if !ok {
		return Datum{}, invalidSyntax("numeric", b)
	}
	t.neg = neg
	return t.value()
}

// parsePlainDecimal reads up to 18 digits with an optional sign and point: nearly every numeric.
func parsePlainDecimal(s []byte) (Datum, bool) {
	neg := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 19 {
		return Datum{}, false
	}
	var v int64
	i := 0
	for ; i < len(s) && isDigit(s[i]); i++ {
		v = v*10 + int64(s[i]-'0')
	}
	digits, scale := i, 0
	if i < len(s) {
		if s[i] != '.' {
			return Datum{}, false
		}
		for _, c := range s[i+1:] {
			if !isDigit(c) {
				return Datum{}, false
			}
			v = v*10 + int64(c-'0')
		}
		scale = len(s) - 1 - i
		digits += scale
	}
	if digits == 0 || digits > 18 {
		return Datum{}, false
	}
	if neg {
		v = -v
	}
	return NewDecimal(v, scale), true
}

// scanDigits returns the length of the decimal digits at the start of s; single underscores may
// stand between digits.
func scanDigits(s []byte) int {
	n := 0
	for n < len(s) {
		switch {
		case isDigit(s[n]):
		case s[n] == '_' && n > 0 && s[n-1] != '_' && n+1 < len(s) && isDigit(s[n+1]):
		default:
			return n
		}
		n++
	}
	return n
}

func splitNumeric(s []byte) (t numericText, ok bool) {
	n := scanDigits(s)
	t.whole, s = s[:n], s[n:]
	if len(s) > 0 && s[0] == '.' {
		n = scanDigits(s[1:])
		t.frac, s = s[1:1+n], s[1+n:]
	}
	if len(t.whole)+len(t.frac) == 0 {
		return t, false
	}
	if len(s) == 0 {
		return t, true
	}
	if lower(s[0]) != 'e' {
		return t, false
	}
	return t, t.exponent(s[1:])
}

// exponentMax is where PostgreSQL gives up reading an exponent. With the digits of any text added it fits 32 bits.
const exponentMax = math.MaxInt32 / 2

// exponent reads the digits after e; values that no numeric has are cut, since they overflow
// anyway.
func (t *numericText) exponent(s []byte) bool {
	neg := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	n := scanDigits(s)
	if n == 0 || n < len(s) {
		return false
	}
	for _, c := range s {
		if c != '_' {
			t.exp = int(min(int64(t.exp)*10+int64(c-'0'), exponentMax))
		}
	}
	if neg {
		t.exp = -t.exp
	}
	return true
}

// value computes the numeric.
func (t *numericText) value() (Datum, error) {
	digits := make([]byte, 0, len(t.whole)+len(t.frac))
	digits = appendDigits(digits, t.whole)
	whole := len(digits)
	digits = appendDigits(digits, t.frac)
	scale := len(digits) - whole - t.exp
	if scale > NumericScaleMax || t.exp >= exponentMax {
		return Datum{}, ErrNumericOverflow
	}
	for len(digits) > 1 && digits[0] == '0' {
		digits = digits[1:]
	}
	zeros := 0
	if scale < 0 {
		zeros, scale = -scale, 0
	}
	if digits[0] == '0' && len(digits) == 1 {
		return NewDecimal(0, scale), nil
	}
	if len(digits)+zeros-scale > NumericDigitsMax {
		return Datum{}, ErrNumericOverflow
	}
	if len(digits)+zeros <= int128DigitsMax {
		var m u128
		for _, c := range digits {
			m, _ = m.mul(u128{lo: 10})
			m, _ = addU128(m, u128{lo: uint64(c - '0')})
		}
		m, _ = m.mulPow10(zeros)
		v, _ := m.signed(t.neg)
		return NewInt128Numeric(v, scale), nil
	}
	v, _ := new(big.Int).SetString(string(digits), 10)
	if zeros > 0 {
		v.Mul(v, bigPow10(zeros))
	}
	if t.neg {
		v.Neg(v)
	}
	return NewBigNumeric(v, scale)
}

func appendDigits(dst, s []byte) []byte {
	for _, c := range s {
		if c != '_' {
			dst = append(dst, c)
		}
	}
	return dst
}

// parseNumericBase reads the 0x, 0o or 0b integer s of the text b.
func parseNumericBase(b, s []byte, neg bool) (Datum, error) {
	base, name := uint64(16), lower(s[1])
	switch name {
	case 'o':
		base = 8
	case 'b':
		base = 2
	}
	s = s[2:]
	if len(s) > 0 && s[0] == '_' {
		s = s[1:]
	}
	digits := make([]byte, 0, len(s))
	for i, c := range s {
		switch {
		case digitOf(c) < base:
			digits = append(digits, c)
		case c == '_' && i > 0 && s[i-1] != '_' && i+1 < len(s) && digitOf(s[i+1]) < base:
		default:
			return Datum{}, invalidSyntax("numeric", b)
		}
	}
	if len(digits) > 4*NumericDigitsMax {
		return Datum{}, ErrNumericOverflow
	}
	v, ok := new(big.Int).SetString(string(digits), int(base))
	if !ok {
		return Datum{}, invalidSyntax("numeric", b)
	}
	if neg {
		v.Neg(v)
	}
	return NewBigNumeric(v, 0)
}

// numericFieldOverflow is the 22003 error of a value that a numeric(p,s) cannot hold.
func numericFieldOverflow(p, s int, infinite bool) error {
	e := sqlerr.New(sqlerr.NumericValueOutOfRange, "numeric field overflow")
	if infinite {
		return e.WithDetail("A field with precision %d, scale %d cannot hold an infinite value.", p, s)
	}
	if p == s {
		return e.WithDetail("A field with precision %d, scale %d must round to an absolute value less than 1.", p, s)
	}
	return e.WithDetail("A field with precision %d, scale %d must round to an absolute value less than 10^%d.", p, s, p-s)
}

// coerceNumeric applies the precision and scale of t.
func coerceNumeric(d Datum, t Type) (Datum, error) {
	p, s, ok := t.PrecisionScale()
	if !ok || d.Form == NumNaN {
		return d, nil
	}
	if d.Form == NumInf {
		return Datum{}, numericFieldOverflow(p, s, true)
	}
	r, err := d, error(nil)
	if int(d.Scale) != s {
		if r, err = rescale(d, s, roundHalfAway); err != nil {
			return Datum{}, err
		}
	}
	// Digits of the value in units of 10^-s; the coefficient of a negative scale is at scale 0.
	if r.Form == NumInt64 && s >= 0 && p < 19 {
		if c := Pow10(p); r.I < c && r.I > -c {
			return r, nil
		}
		return Datum{}, numericFieldOverflow(p, s, false)
	}
	if r.sign() != 0 && r.coefficientDigits() > p+max(-s, 0) {
		return Datum{}, numericFieldOverflow(p, s, false)
	}
	return r, nil
}

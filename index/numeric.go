package index

import (
	"strings"

	"github.com/laminadb/lamina/types"
)

// Class bytes of encoded numerics, in order of value.
const (
	numNegInf byte = 0x10 + iota
	numNegative
	numZero
	numPositive
	numPosInf
	numNaN
)

// appendNumeric encodes a numeric by value: a class byte; for values other than zero the decimal exponent e of
// 0.ddd × 10^e (d ≠ 0) as two biased bytes, then pairs of decimal digits as bytes 1 … 100 (trailing zeros left out)
// and a 0 byte. The exponent and digits of negative values are complemented.
func appendNumeric(dst []byte, d types.Datum) []byte {
	switch d.Form {
	case types.NumNaN:
		return append(dst, numNaN)
	case types.NumInf:
		if d.I < 0 {
			return append(dst, numNegInf)
		}
		return append(dst, numPosInf)
	}
	digits, neg := decimalDigits(d)
	if digits == "" {
		return append(dst, numZero)
	}
	exponent := len(digits) - int(d.Scale)
	digits = strings.TrimRight(digits, "0")
	class, flip := numPositive, byte(0)
	if neg {
		class, flip = numNegative, 0xff
	}
	e := uint16(exponent + 1<<15)
	if exponent+1<<15 < 0 { // scales reach 16383: out of reach
		e = 0
	}
	dst = append(dst, class, byte(e>>8)^flip, byte(e)^flip)
	for i := 0; i < len(digits); i += 2 {
		p := (digits[i] - '0') * 10
		if i+1 < len(digits) {
			p += digits[i+1] - '0'
		}
		dst = append(dst, (p+1)^flip)
	}
	return append(dst, flip)
}

// decimalDigits returns the digits of the coefficient's absolute value without leading zeros; "" for zero.
func decimalDigits(d types.Datum) (digits string, neg bool) {
	b := d.Coefficient()
	if b.Sign() == 0 {
		return "", false
	}
	neg = b.Sign() < 0
	return b.Abs(b).String(), neg
}

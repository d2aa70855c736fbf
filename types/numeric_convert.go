package types

import (
	"math"
	"strconv"
	"unsafe"

	"github.com/laminadb/lamina/sqlerr"
)

// Errors of float arithmetic and casts.
var (
	ErrFloatOverflow  = sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: overflow")
	ErrFloatUnderflow = sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: underflow")
)

// NumericFromInt returns v as a numeric of scale 0.
func NumericFromInt(v int64) Datum { return NewDecimal(v, 0) }

// NumericFromFloat returns f, a value of kind Float4 or Float8, as a numeric: its 6 or 15 most
// significant decimal digits.
func NumericFromFloat(k Kind, f float64) Datum {
	switch {
	case math.IsNaN(f):
		return NumericNaN()
	case math.IsInf(f, 0):
		return NumericInf(cmpFloat(f, 0))
	}
	digits := 15
	if k == Float4 {
		digits = 6
	}
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], f, 'e', digits-1, 64)
	// C's %g drops the zeros at the end of the fraction.
	e := len(text) - 1
	for text[e] != 'e' {
		e--
	}
	n := e
	for text[n-1] == '0' {
		n--
	}
	if text[n-1] == '.' {
		n--
	}
	d, _ := parseNumeric(append(text[:n], text[e:]...)) // at most 324 digits: always a numeric
	return d
}

// NumericToFloat returns the Float4 or Float8 nearest to d.
func NumericToFloat(k Kind, d Datum) (float64, error) {
	switch d.Form {
	case NumNaN:
		return math.NaN(), nil
	case NumInf:
		return math.Inf(int(d.I)), nil
	case NumInt64:
		// Both operands are exact, so the quotient is correctly rounded.
		const exactMax = 1 << 53
		if k == Float8 && d.Scale <= 18 && d.I <= exactMax && d.I >= -exactMax {
			return float64(d.I) / float64(pow10u64[d.Scale]), nil
		}
	}
	var buf [64]byte
	text := appendNumeric(buf[:0], d)
	bitSize := 64
	if k == Float4 {
		bitSize = 32
	}
	f, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), bitSize)
	if err != nil || f == 0 && d.sign() != 0 {
		return 0, sqlerr.Newf(sqlerr.NumericValueOutOfRange, "\"%s\" is out of range for type %s", text, k)
	}
	return f, nil
}

// NumericToInt returns d as an integer of kind k, rounded half away from zero.
func NumericToInt(k Kind, d Datum) (int64, error) {
	switch d.Form {
	case NumNaN:
		return 0, sqlerr.Newf(sqlerr.FeatureNotSupported, "cannot convert NaN to %s", k)
	case NumInf:
		return 0, sqlerr.Newf(sqlerr.FeatureNotSupported, "cannot convert infinity to %s", k)
	}
	r, err := rescale(d, 0, roundHalfAway)
	if err != nil || r.Form != NumInt64 || !IntInRange(k, r.I) {
		return 0, OutOfRange(k)
	}
	return r.I, nil
}

// FloatToInt returns f as an integer of kind k, rounded half to even.
func FloatToInt(k Kind, f float64) (int64, error) {
	r := math.RoundToEven(f)
	lo, hi := intBounds(k)
	// float64(hi)+1 is exact for 16 and 32 bits and 2^63 for 64.
	if !(r >= float64(lo) && r < float64(hi)+1) {
		return 0, OutOfRange(k)
	}
	return int64(r), nil
}

// FloatToFloat4 rounds f to a float4.
func FloatToFloat4(f float64) (float64, error) {
	r := float64(float32(f))
	switch {
	case math.IsInf(r, 0) && !math.IsInf(f, 0):
		return 0, ErrFloatOverflow
	case r == 0 && f != 0:
		return 0, ErrFloatUnderflow
	}
	return r, nil
}

// cmpFloat orders floats as PostgreSQL does: NaN equals itself and is above every other value, -0
// equals 0.
func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	}
	switch {
	case a == a:
		return -1
	case b == b:
		return 1
	}
	return 0
}

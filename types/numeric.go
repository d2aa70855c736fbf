package types

import (
	"math/big"
	"math/bits"

	"github.com/laminadb/lamina/sqlerr"
)

// Limits of numeric values.
const (
	// NumericScaleMax is the largest display scale.
	NumericScaleMax = 16383
	// NumericDigitsMax is the largest number of digits before the decimal point.
	NumericDigitsMax = 131072
	// resultScaleMax is the largest scale that division and avg choose.
	resultScaleMax = 1000
	// sigDigitsMin is the least number of significant digits that division aims at.
	sigDigitsMin = 16
	decDigits    = 4 // decimal digits in one digit of PostgreSQL's base
)

// ErrNumericOverflow is returned for a numeric with more digits than the format holds.
var ErrNumericOverflow = sqlerr.New(sqlerr.NumericValueOutOfRange, "value overflows numeric format")

// ErrDivisionByZero is returned by division and modulo by zero.
var ErrDivisionByZero = sqlerr.New(sqlerr.DivisionByZero, "division by zero")

// NumericNaN returns the numeric NaN.
func NumericNaN() Datum { return Datum{K: Numeric, Valid: true, Form: NumNaN} }

// NumericInf returns the numeric infinity with the sign of sign.
func NumericInf(sign int) Datum {
	d := Datum{K: Numeric, Valid: true, Form: NumInf, I: 1}
	if sign < 0 {
		d.I = -1
	}
	return d
}

// IsFinite reports whether the numeric d is neither NaN nor infinite.
func (d Datum) IsFinite() bool { return d.Form < NumNaN }

// Decimal returns the coefficient and scale of a numeric that a NumericPS(18, s) column could hold
// in 64 bits; ok is false for larger ones, NaN and infinities.
func (d Datum) Decimal() (coefficient int64, scale int, ok bool) {
	return d.I, int(d.Scale), d.Form == NumInt64
}

// Int128 returns the coefficient of a numeric of form NumInt64 or NumInt128.
func (d Datum) Int128() (Int128, bool) {
	switch d.Form {
	case NumInt64:
		return Int128Of(d.I), true
	case NumInt128:
		return Int128{d.H, uint64(d.I)}, true
	}
	return Int128{}, false
}

// NewBigNumeric returns the numeric coefficient × 10^-scale in the smallest form. It fails with
// ErrNumericOverflow beyond the limits of the type.
func NewBigNumeric(coefficient *big.Int, scale int) (Datum, error) {
	if scale > NumericScaleMax || scale < 0 {
		return Datum{}, ErrNumericOverflow
	}
	if n := coefficient.BitLen(); n < 128 {
		return NewInt128Numeric(int128OfBig(coefficient), scale), nil
	} else if n > 435000 && digitsOfBig(coefficient)-scale > NumericDigitsMax { // 2^435000 has 130949 digits
		return Datum{}, ErrNumericOverflow
	}
	return Datum{K: Numeric, Valid: true, Form: NumBig, Scale: int16(scale), S: bigToTwos(coefficient)}, nil
}

// NewInt128Numeric returns the numeric v × 10^-scale in the smallest form.
func NewInt128Numeric(v Int128, scale int) Datum { return NewInt128(v.Hi, v.Lo, scale) }

// int128OfBig converts a value of fewer than 128 bits.
func int128OfBig(v *big.Int) Int128 {
	var b [16]byte
	v.FillBytes(b[:])
	var m u128
	for i := range 8 {
		m.hi = m.hi<<8 | uint64(b[i])
		m.lo = m.lo<<8 | uint64(b[i+8])
	}
	r, _ := m.signed(v.Sign() < 0)
	return r
}

// bigToTwos returns v as minimal big-endian two's complement bytes.
func bigToTwos(v *big.Int) string {
	if v.Sign() >= 0 {
		b := v.Bytes()
		if len(b) == 0 || b[0] >= 0x80 {
			b = append([]byte{0}, b...)
		}
		return string(b)
	}
	// -v has the bytes of ^(v-1).
	m := new(big.Int).Not(v)
	b := m.Bytes()
	for i := range b {
		b[i] = ^b[i]
	}
	if len(b) == 0 || b[0] < 0x80 {
		b = append([]byte{0xff}, b...)
	}
	return string(b)
}

func twosToBig(s string) *big.Int {
	v := new(big.Int)
	if s == "" {
		return v
	}
	if s[0] < 0x80 {
		return v.SetBytes([]byte(s))
	}
	b := []byte(s)
	for i := range b {
		b[i] = ^b[i]
	}
	return v.Not(v.SetBytes(b))
}

// bigCoefficient returns the coefficient of a finite numeric as a fresh big.Int.
func (d Datum) bigCoefficient() *big.Int {
	switch d.Form {
	case NumInt64:
		return big.NewInt(d.I)
	case NumInt128:
		return Int128{d.H, uint64(d.I)}.Big()
	}
	return twosToBig(d.S)
}

// bigPow10 returns 10^n.
func bigPow10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// digitsOfBig returns the number of decimal digits of |v|; 0 has one.
func digitsOfBig(v *big.Int) int {
	if v.Sign() == 0 {
		return 1
	}
	n := int(float64(v.BitLen()-1)*0.30102999566398120) + 1 // exact or one too small
	if v.CmpAbs(bigPow10(n)) >= 0 {
		n++
	}
	return n
}

// coefficientDigits returns the number of decimal digits of a finite numeric's coefficient; 0 has
// one.
func (d Datum) coefficientDigits() int {
	if v, ok := d.Int128(); ok {
		return v.abs().digits()
	}
	return digitsOfBig(twosToBig(d.S))
}

// sign returns the sign of a numeric: 0 for NaN.
func (d Datum) sign() int {
	switch d.Form {
	case NumInt64, NumInf:
		return cmpInt(d.I, 0)
	case NumInt128:
		return Int128{d.H, uint64(d.I)}.Sign()
	case NumBig:
		if d.S != "" && d.S[0] >= 0x80 {
			return -1
		}
		return 1
	}
	return 0
}

func cmpInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// int128At returns the coefficient of a numeric at a scale not below its own, if it fits.
func (d Datum) int128At(scale int) (Int128, bool) {
	v, ok := d.Int128()
	if !ok {
		return v, false
	}
	return v.MulPow10(scale - int(d.Scale))
}

// bigAt returns the coefficient of a finite numeric at a scale not below its own.
func (d Datum) bigAt(scale int) *big.Int {
	v := d.bigCoefficient()
	if n := scale - int(d.Scale); n > 0 {
		v.Mul(v, bigPow10(n))
	}
	return v
}

// NumericAdd returns a + b.
func NumericAdd(a, b Datum) (Datum, error) {
	if a.Form|b.Form == NumInt64 && a.Scale == b.Scale {
		if s := a.I + b.I; (a.I^s)&(b.I^s) >= 0 {
			return NewDecimal(s, int(a.Scale)), nil
		}
	}
	if !a.IsFinite() || !b.IsFinite() {
		return addSpecial(a, b), nil
	}
	scale := int(max(a.Scale, b.Scale))
	x, okX := a.int128At(scale)
	y, okY := b.int128At(scale)
	if okX && okY {
		if s, ok := x.AddOK(y); ok {
			return NewInt128Numeric(s, scale), nil
		}
	}
	v := a.bigAt(scale)
	return NewBigNumeric(v.Add(v, b.bigAt(scale)), scale)
}

// addSpecial adds when an operand is not finite.
func addSpecial(a, b Datum) Datum {
	switch {
	case a.Form == NumNaN || b.Form == NumNaN:
		return NumericNaN()
	case a.Form != NumInf:
		return b
	case b.Form == NumInf && a.I != b.I:
		return NumericNaN()
	}
	return a
}

// NumericSub returns a - b.
func NumericSub(a, b Datum) (Datum, error) {
	if a.Form|b.Form == NumInt64 && a.Scale == b.Scale {
		if s := a.I - b.I; (a.I^b.I)&(a.I^s) >= 0 {
			return NewDecimal(s, int(a.Scale)), nil
		}
	}
	return NumericAdd(a, NumericNeg(b))
}

// NumericNeg returns -d.
func NumericNeg(d Datum) Datum {
	switch d.Form {
	case NumInt64:
		if d.I != -d.I || d.I == 0 {
			d.I = -d.I
			return d
		}
		fallthrough // the smallest int64
	case NumInt128, NumBig:
		if v, ok := d.Int128(); ok && v != (Int128{Hi: -1 << 63}) {
			return NewInt128Numeric(v.Neg(), int(d.Scale))
		}
		v := d.bigCoefficient()
		r, _ := NewBigNumeric(v.Neg(v), int(d.Scale)) // as many digits as d
		return r
	case NumInf:
		d.I = -d.I
	}
	return d
}

// NumericAbs returns |d|.
func NumericAbs(d Datum) Datum {
	if d.sign() < 0 {
		return NumericNeg(d)
	}
	return d
}

// NumericSign returns the sign of d as a numeric: -1, 0, 1 or NaN.
func NumericSign(d Datum) Datum {
	if d.Form == NumNaN {
		return d
	}
	return NewDecimal(int64(d.sign()), 0)
}

// NumericMul returns a × b, with the sum of the scales.
func NumericMul(a, b Datum) (Datum, error) {
	scale := int(a.Scale) + int(b.Scale)
	if a.Form|b.Form == NumInt64 && scale <= NumericScaleMax {
		hi, lo := bits.Mul64(uint64(a.I), uint64(b.I))
		return NewInt128(int64(hi)-a.I>>63&b.I-b.I>>63&a.I, lo, scale), nil
	}
	if !a.IsFinite() || !b.IsFinite() {
		return mulSpecial(a, b), nil
	}
	x, okX := a.Int128()
	y, okY := b.Int128()
	if okX && okY && scale <= NumericScaleMax {
		if p, ok := x.Mul(y); ok {
			return NewInt128Numeric(p, scale), nil
		}
	}
	v := a.bigCoefficient()
	v.Mul(v, b.bigCoefficient())
	if scale > NumericScaleMax {
		v = roundBig(v, scale-NumericScaleMax, roundHalfAway)
		scale = NumericScaleMax
	}
	return NewBigNumeric(v, scale)
}

// mulSpecial multiplies when an operand is not finite; infinity times zero is NaN.
func mulSpecial(a, b Datum) Datum {
	if a.Form == NumNaN || b.Form == NumNaN {
		return NumericNaN()
	}
	s := a.sign() * b.sign()
	if s == 0 {
		return NumericNaN()
	}
	return NumericInf(s)
}

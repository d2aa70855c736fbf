package types

import (
	"math"
	"math/big"
)

// NumericPower returns base raised to exp. As in POSIX, anything to the power 0 and 1 to any power
// are 1.
func NumericPower(base, exp Datum) (Datum, error) {
	if base.Form == NumNaN || exp.Form == NumNaN {
		if base.IsFinite() && isOne(base) || exp.IsFinite() && exp.sign() == 0 {
			return NewDecimal(1, 0), nil
		}
		return NumericNaN(), nil
	}
	whole, odd := integral(exp)
	switch {
	case base.sign() == 0 && exp.sign() < 0:
		return Datum{}, errZeroPower
	case base.sign() < 0 && !whole:
		return Datum{}, errComplex
	}
	if !base.IsFinite() || !exp.IsFinite() {
		return powerInfinite(base, exp, odd), nil
	}
	if whole {
		if n, err := NumericToInt(Int4, exp); err == nil {
			return powerInt(base, int(n), exp)
		}
	}
	if base.sign() == 0 {
		return NewDecimal(0, sigDigitsMin), nil
	}
	return powerReal(base, exp, odd)
}

func isOne(d Datum) bool { return NumericCmp(d, NewDecimal(1, 0)) == 0 }

// integral reports whether an exponent is a whole number, and an odd one. Infinity is whole and
// even.
func integral(d Datum) (whole, odd bool) {
	if !d.IsFinite() {
		return true, false
	}
	t, err := rescale(d, 0, roundDown)
	if err != nil || NumericCmp(t, d) != 0 {
		return false, false
	}
	return true, t.bigCoefficient().Bit(0) == 1
}

// powerInfinite is NumericPower when an operand is infinite.
func powerInfinite(base, exp Datum, odd bool) Datum {
	one, zero := NewDecimal(1, 0), NewDecimal(0, 0)
	switch {
	case base.IsFinite() && isOne(base), exp.sign() == 0:
		return one
	case base.sign() == 0:
		return zero
	case exp.Form == NumInf:
		c := 1
		if base.IsFinite() {
			c = NumericCmp(NumericAbs(base), one)
		}
		switch {
		case c == 0:
			return one
		case c > 0 == (exp.I > 0):
			return NumericInf(1)
		}
		return zero
	case exp.sign() < 0:
		return zero
	case base.I < 0 && odd:
		return NumericInf(-1)
	}
	return NumericInf(1)
}

// powerReal is NumericPower through logarithms.
func powerReal(base, exp Datum, odd bool) (Datum, error) {
	abs := NumericAbs(base)
	if isOne(abs) {
		return signedPower(NewDecimal(1, 0), base, odd, sigScale(0, base, exp))
	}
	// Estimate the result first: ln in few digits times the exponent.
	p := bitsOf(max(8-lnWeight(abs), 0)) + guardBits
	f := fixedFloat(lnFixed(abs, p), p) * exp.float()
	if math.Abs(f) > 2*resultScaleMax*3.01 {
		if f > 0 {
			return Datum{}, ErrNumericOverflow
		}
		return NewDecimal(0, resultScaleMax), nil
	}
	weight := int(f * log10E)
	scale := sigScale(weight, base, exp)
	arg := func(p uint) *big.Int {
		// The product needs p bits after the point, so ln needs those of the exponent's whole part more.
		q := p + bitsOf(max(exp.coefficientDigits()-int(exp.Scale), 0))
		v := lnFixed(abs, q)
		v.Mul(v, exp.bigCoefficient())
		v.Quo(v, bigPow10(int(exp.Scale)))
		return v.Rsh(v, q-p)
	}
	r, err := expRounded(arg, f, scale)
	if err != nil {
		return Datum{}, err
	}
	return signedPower(r, base, odd, scale)
}

// signedPower gives the power of |base| the sign of the power of base.
func signedPower(r, base Datum, odd bool, scale int) (Datum, error) {
	if base.sign() < 0 && odd {
		r = NumericNeg(r)
	}
	return rescale(r, scale, roundHalfAway)
}

func fixedFloat(v *big.Int, p uint) float64 {
	f, _ := new(big.Float).SetMantExp(new(big.Float).SetInt(v), -int(p)).Float64()
	return f
}

// powerInt is NumericPower for whole exponents of 32 bits.
func powerInt(base Datum, n int, exp Datum) (Datum, error) {
	f := 0.0 // about the decimal weight of the result
	if base.sign() != 0 {
		digits := base.coefficientDigits()
		f = float64(n) * (math.Log10(math.Abs(base.mantissa(digits))) + float64(digits-1-int(base.Scale)))
	}
	switch {
	case f > NumericDigitsMax:
		return Datum{}, ErrNumericOverflow
	case f+1 < -resultScaleMax:
		return NewDecimal(0, resultScaleMax), nil
	}
	scale := sigScale(int(f), base, exp)
	switch {
	case n == 0:
		return rescale(NewDecimal(1, 0), scale, roundHalfAway)
	case n == 1:
		return rescale(base, scale, roundHalfAway)
	case base.sign() == 0:
		return NewDecimal(0, scale), nil
	case n == -1:
		return divRounded(NewDecimal(1, 0), base, scale, true /* round */)
	}
	abs := n
	if n < 0 {
		abs = -n
	}
	keep := max(1+scale+int(math.Abs(f)), 0) + int(math.Log(float64(abs))) + 20
	r := decimalPower(base.bigCoefficient(), -int(base.Scale), abs, keep)
	return r.numeric(n < 0, scale)
}

// decimalFloat is coefficient × 10^exp.
type decimalFloat struct {
	c   *big.Int
	exp int
}

// decimalPower raises to a positive power by squaring; products keep that many digits.
func decimalPower(c *big.Int, exp, n, keep int) decimalFloat {
	r := decimalFloat{big.NewInt(1), 0}
	sq := decimalFloat{new(big.Int).Set(c), exp}
	for {
		if n&1 != 0 {
			r.c.Mul(r.c, sq.c)
			r.exp += sq.exp
			r.trim(keep)
		}
		if n >>= 1; n == 0 {
			return r
		}
		sq.c.Mul(sq.c, sq.c)
		sq.exp *= 2
		sq.trim(keep)
	}
}

// trim rounds to that many digits.
func (d *decimalFloat) trim(keep int) {
	if float64(d.c.BitLen()) < float64(keep)*3.32 {
		return
	}
	if cut := digitsOfBig(d.c) - keep; cut > 0 {
		d.c = roundBig(d.c, cut, roundHalfAway)
		d.exp += cut
	}
}

// numeric returns the value, or its inverse, at a scale.
func (d decimalFloat) numeric(invert bool, scale int) (Datum, error) {
	num, den, up := d.c, big.NewInt(1), d.exp+scale
	if invert {
		num, den, up = big.NewInt(1), d.c, scale-d.exp
	}
	if up > NumericDigitsMax+2*NumericScaleMax {
		return Datum{}, ErrNumericOverflow
	}
	if up >= 0 {
		num = new(big.Int).Mul(num, bigPow10(up))
	} else {
		den = new(big.Int).Mul(den, bigPow10(-up))
	}
	return NewBigNumeric(quoBig(num, den, true), scale)
}

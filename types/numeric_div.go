package types

import "math/big"

// NumericDiv returns a / b, rounded half away from zero to the scale that PostgreSQL chooses: at
// least 16 significant digits, and at least the scale of each operand.
func NumericDiv(a, b Datum) (Datum, error) {
	if !a.IsFinite() || !b.IsFinite() {
		return divSpecial(a, b)
	}
	if b.sign() == 0 {
		return Datum{}, ErrDivisionByZero
	}
	return divRounded(a, b, DivScale(a, b), true /* round */)
}

// NumericDivTrunc returns a / b without its fraction, as the function div does.
func NumericDivTrunc(a, b Datum) (Datum, error) {
	if !a.IsFinite() || !b.IsFinite() {
		return divSpecial(a, b)
	}
	if b.sign() == 0 {
		return Datum{}, ErrDivisionByZero
	}
	return divRounded(a, b, 0, false /* round */)
}

func divSpecial(a, b Datum) (Datum, error) {
	switch {
	case a.Form == NumNaN || b.Form == NumNaN:
		return NumericNaN(), nil
	case a.Form == NumInf && b.Form == NumInf:
		return NumericNaN(), nil
	case b.Form == NumInf:
		return NewDecimal(0, 0), nil
	case b.sign() == 0:
		return Datum{}, ErrDivisionByZero
	}
	return NumericInf(a.sign() * b.sign()), nil
}

// DivScale returns the scale of the quotient a / b of finite numerics.
func DivScale(a, b Datum) int {
	weightA, firstA := a.leadingDigit()
	weightB, firstB := b.leadingDigit()
	q := weightA - weightB
	if firstA <= firstB {
		q--
	}
	scale := max(sigDigitsMin-q*decDigits, int(a.Scale), int(b.Scale))
	return min(scale, resultScaleMax)
}

// leadingDigit returns the most significant non-zero digit of a finite numeric in base 10,000
// aligned at the decimal point, and its weight; 0, 0 for zero.
func (d Datum) leadingDigit() (weight, digit int) {
	if d.sign() == 0 {
		return 0, 0
	}
	n := d.coefficientDigits()
	exp := n - 1 - int(d.Scale) // decimal exponent of the first digit
	weight = exp >> 2           // floor
	keep := exp - weight*decDigits + 1
	if v, ok := d.Int128(); ok {
		if keep <= n {
			return weight, int(v.abs().divPow10(n-keep, false).lo)
		}
		m, _ := v.abs().mulPow10(keep - n)
		return weight, int(m.lo)
	}
	v := d.bigCoefficient()
	v.Quo(v.Abs(v), bigPow10(n-keep))
	return weight, int(v.Int64())
}

// divRounded returns a / b at a scale, for finite a and b ≠ 0.
func divRounded(a, b Datum, scale int, round bool) (Datum, error) {
	// coefficient = ca × 10^up / cb
	up := scale - int(a.Scale) + int(b.Scale)
	x, okX := a.Int128()
	y, okY := b.Int128()
	if okX && okY {
		m, d := x.abs(), y.abs()
		ok := true
		if up >= 0 {
			m, ok = m.mulPow10(up)
		} else {
			d, ok = d.mulPow10(-up)
		}
		if ok {
			if q, fits := divHalfAway(m, d, round).signed(x.Hi^y.Hi < 0); fits {
				return NewInt128Numeric(q, scale), nil
			}
		}
	}
	num, den := a.bigCoefficient(), b.bigCoefficient()
	if up >= 0 {
		num.Mul(num, bigPow10(up))
	} else {
		den.Mul(den, bigPow10(-up))
	}
	return NewBigNumeric(quoBig(num, den, round), scale)
}

func divHalfAway(m, d u128, round bool) u128 {
	q, r := m.div(d)
	if round && !r.less(d.sub(r)) {
		q.lo++
		if q.lo == 0 {
			q.hi++
		}
	}
	return q
}

// quoBig returns num / den, rounded half away from zero or cut. It may use num and den as scratch.
func quoBig(num, den *big.Int, round bool) *big.Int {
	neg := num.Sign()*den.Sign() < 0
	num.Abs(num)
	den.Abs(den)
	q, r := new(big.Int).QuoRem(num, den, new(big.Int))
	if round && r.Lsh(r, 1).Cmp(den) >= 0 {
		q.Add(q, big.NewInt(1))
	}
	if neg {
		q.Neg(q)
	}
	return q
}

// NumericMod returns the remainder of a / b with the sign of a, exactly.
func NumericMod(a, b Datum) (Datum, error) {
	switch {
	case a.Form == NumNaN || b.Form == NumNaN:
		return NumericNaN(), nil
	case b.Form == NumInf:
		if a.Form == NumInf {
			return NumericNaN(), nil
		}
		return a, nil
	case b.sign() == 0:
		return Datum{}, ErrDivisionByZero
	case a.Form == NumInf:
		return NumericNaN(), nil
	}
	scale := int(max(a.Scale, b.Scale))
	x, okX := a.int128At(scale)
	y, okY := b.int128At(scale)
	if okX && okY {
		_, r := x.abs().div(y.abs())
		v, _ := r.signed(x.Hi < 0)
		return NewInt128Numeric(v, scale), nil
	}
	v := a.bigAt(scale)
	return NewBigNumeric(v.Rem(v, b.bigAt(scale)), scale)
}

package types

import "math/big"

// roundMode says what becomes of the digits that are cut off.
type roundMode uint8

const (
	roundHalfAway roundMode = iota // half away from zero
	roundDown                      // towards zero
	roundFloor                     // towards -infinity
	roundCeil                      // towards +infinity
)

// NumericRound returns d rounded half away from zero to n digits after the point; a negative n
// rounds before the point. The result has the scale n, or 0 if n is negative.
func NumericRound(d Datum, n int) (Datum, error) { return rescale(d, n, roundHalfAway) }

// NumericTrunc is NumericRound towards zero.
func NumericTrunc(d Datum, n int) (Datum, error) { return rescale(d, n, roundDown) }

// NumericCeil returns the least whole number that is not below d.
func NumericCeil(d Datum) (Datum, error) { return rescale(d, 0, roundCeil) }

// NumericFloor returns the greatest whole number that is not above d.
func NumericFloor(d Datum) (Datum, error) { return rescale(d, 0, roundFloor) }

// rescale gives d the scale n, padding with zeros or rounding; for a negative n it rounds there and
// gives the scale 0.
func rescale(d Datum, n int, mode roundMode) (Datum, error) {
	if !d.IsFinite() {
		return d, nil
	}
	n = min(max(n, -NumericDigitsMax-1), NumericScaleMax)
	cut := int(d.Scale) - n
	scale := max(n, 0)
	if cut == 0 {
		return d, nil
	}
	if v, ok := d.Int128(); ok {
		if cut < 0 {
			if w, ok := v.MulPow10(-cut); ok {
				return NewInt128Numeric(w, scale), nil
			}
		} else if w, ok := round128(v, cut, mode).MulPow10(max(-n, 0)); ok {
			return NewInt128Numeric(w, scale), nil
		}
	}
	v := d.bigCoefficient()
	if cut < 0 {
		v.Mul(v, bigPow10(-cut))
		return NewBigNumeric(v, scale)
	}
	if cut > d.coefficientDigits()+1 { // beyond all digits: do not compute a huge power
		cut = d.coefficientDigits() + 1
	}
	v = roundBig(v, cut, mode)
	if n < 0 && v.Sign() != 0 {
		v.Mul(v, bigPow10(-n))
	}
	return NewBigNumeric(v, scale)
}

func round128(v Int128, cut int, mode roundMode) Int128 {
	if mode == roundHalfAway || mode == roundDown {
		return v.DivPow10(cut, mode == roundHalfAway)
	}
	q := v.DivPow10(cut, false)
	back, ok := q.MulPow10(cut)
	exact := ok && back == v
	switch {
	case exact:
	case mode == roundFloor && v.Hi < 0:
		return q.AddInt64(-1)
	case mode == roundCeil && v.Hi >= 0:
		return q.AddInt64(1)
	}
	return q
}

// roundBig returns v / 10^cut, rounded as mode says. It may use v as scratch.
func roundBig(v *big.Int, cut int, mode roundMode) *big.Int {
	d := bigPow10(cut)
	switch mode {
	case roundHalfAway, roundDown:
		return quoBig(v, d, mode == roundHalfAway)
	}
	q, r := new(big.Int).QuoRem(v, d, new(big.Int))
	switch {
	case mode == roundFloor && r.Sign() < 0:
		q.Sub(q, big.NewInt(1))
	case mode == roundCeil && r.Sign() > 0:
		q.Add(q, big.NewInt(1))
	}
	return q
}

// NumericShift returns d × 10^n for n >= 0, as exact as d: the scale falls, but not below 0.
func NumericShift(d Datum, n int) (Datum, error) {
	if !d.IsFinite() {
		return d, nil
	}
	if n <= int(d.Scale) {
		d.Scale -= int16(n)
		return d, nil
	}
	n -= int(d.Scale)
	d.Scale = 0
	if d.sign() == 0 {
		return d, nil
	}
	if n > NumericDigitsMax {
		return Datum{}, ErrNumericOverflow
	}
	if v, ok := d.Int128(); ok {
		if w, ok := v.MulPow10(n); ok {
			return NewInt128Numeric(w, 0), nil
		}
	}
	v := d.bigCoefficient()
	return NewBigNumeric(v.Mul(v, bigPow10(n)), 0)
}

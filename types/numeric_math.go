package types

import (
	"math"
	"math/big"

	"github.com/laminadb/lamina/sqlerr"
)

// Errors of roots, powers and logarithms.
var (
	errSqrtNegative = sqlerr.New(sqlerr.InvalidArgumentForPower, "cannot take square root of a negative number")
	errZeroPower    = sqlerr.New(sqlerr.InvalidArgumentForPower, "zero raised to a negative power is undefined")
	errComplex      = sqlerr.New(sqlerr.InvalidArgumentForPower,
		"a negative number raised to a non-integer power yields a complex result")
	errLogZero     = sqlerr.New(sqlerr.InvalidArgumentForLogarithm, "cannot take logarithm of zero")
	errLogNegative = sqlerr.New(sqlerr.InvalidArgumentForLogarithm, "cannot take logarithm of a negative number")
)

const log10E = 0.434294481903252

// sigScale is the scale that gives a result of the decimal weight w at least 16 significant digits,
// and no fewer decimals than the operands.
func sigScale(w int, operands ...Datum) int {
	scale := sigDigitsMin - w
	for _, d := range operands {
		scale = max(scale, int(d.Scale))
	}
	return min(max(scale, 0), resultScaleMax)
}

// NumericSqrt returns the square root of d.
func NumericSqrt(d Datum) (Datum, error) {
	switch {
	case d.Form == NumNaN:
		return d, nil
	case d.sign() < 0:
		return Datum{}, errSqrtNegative
	case d.Form == NumInf:
		return d, nil
	}
	weight, _ := d.leadingDigit()
	scale := sigScale((weight+1)*decDigits/2-1, d)
	// One unit of the root is 10^-scale: its square counts 10^-2scale.
	v := d.bigAt(max(2*scale, int(d.Scale)))
	if cut := int(d.Scale) - 2*scale; cut > 0 {
		v.Quo(v, bigPow10(cut))
	}
	root := new(big.Int).Sqrt(v)
	if rest := v.Sub(v, new(big.Int).Mul(root, root)); rest.Cmp(root) > 0 {
		root.Add(root, big.NewInt(1))
	}
	return NewBigNumeric(root, scale)
}

// float returns d as a float64 for estimates; too large values are infinite.
func (d Datum) float() float64 {
	f, err := NumericToFloat(Float8, d)
	if err != nil {
		if n := d.coefficientDigits() - int(d.Scale); n > 0 {
			return math.Inf(d.sign())
		}
		return 0
	}
	return f
}

// NumericExp returns e raised to d.
func NumericExp(d Datum) (Datum, error) {
	switch {
	case d.Form == NumNaN:
		return d, nil
	case d.Form == NumInf && d.I > 0:
		return d, nil
	case d.Form == NumInf:
		return NewDecimal(0, 0), nil
	}
	f := d.float()
	weight := int(min(max(f*log10E, -2*resultScaleMax), 2*resultScaleMax))
	return expRounded(func(p uint) *big.Int { return fixedOf(d, p) }, f, sigScale(weight, d))
}

// expRounded returns e^x at a scale: x gives the exponent in units of 2^-p and f is about x.
func expRounded(x func(p uint) *big.Int, f float64, scale int) (Datum, error) {
	const argumentMax = 6 * resultScaleMax
	if math.Abs(f) >= argumentMax {
		if f > 0 {
			return Datum{}, ErrNumericOverflow
		}
		return NewDecimal(0, scale), nil
	}
	// e^x = 2^n e^r with r in [0, ln 2)
	p := bitsOf(scale+max(int(f*log10E)+1, 0)) + guardBits
	v, ln2 := x(p), ln2Fixed(p)
	n, r := new(big.Int).DivMod(v, ln2, new(big.Int))
	e := expFixed(r, p)
	if s := n.Int64(); s >= 0 {
		e.Lsh(e, uint(s))
	} else {
		e.Rsh(e, uint(-s))
	}
	return fixedRound(e, p, scale)
}

// lnWeight estimates the decimal weight of the logarithm of a positive numeric.
func lnWeight(d Datum) int {
	if near := d.float(); near >= 0.9 && near <= 1.1 {
		x, err := NumericSub(d, NewDecimal(1, 0))
		if err != nil || x.sign() == 0 {
			return 0
		}
		weight, digit := x.leadingDigit()
		return weight*decDigits + int(math.Log10(float64(digit)))
	}
	n := d.coefficientDigits()
	lead := d
	if n > 17 {
		lead, _ = rescale(d, int(d.Scale)-n+17, roundDown)
		n = lead.coefficientDigits()
	}
	// d is about the mantissa in [1, 10) times 10^e.
	e := n - 1 - int(lead.Scale)
	m := math.Abs(lead.mantissa(n))
	return int(math.Log10(math.Abs(math.Log(m) + float64(e)*math.Ln10)))
}

// mantissa returns the coefficient, of n digits, divided by 10^(n-1).
func (d Datum) mantissa(n int) float64 {
	v := d.bigCoefficient()
	if n > 18 {
		v.Quo(v, bigPow10(n-18))
		n = 18
	}
	f, _ := new(big.Float).SetInt(v).Float64()
	return f / math.Pow10(n-1)
}

// checkLog returns the error of a logarithm's operand.
func checkLog(d Datum) error {
	switch s := d.sign(); {
	case s < 0:
		return errLogNegative
	case s == 0 && d.Form != NumNaN:
		return errLogZero
	}
	return nil
}

// NumericLn returns the natural logarithm of d.
func NumericLn(d Datum) (Datum, error) {
	if err := checkLog(d); err != nil {
		return Datum{}, err
	}
	if !d.IsFinite() {
		return d, nil
	}
	scale := sigScale(lnWeight(d), d)
	p := bitsOf(scale) + guardBits
	return fixedRound(lnFixed(d, p), p, scale)
}

// NumericLog returns the logarithm of d in a base.
func NumericLog(base, d Datum) (Datum, error) {
	if base.Form == NumNaN || d.Form == NumNaN {
		return NumericNaN(), nil
	}
	if err := checkLog(base); err != nil {
		return Datum{}, err
	}
	if err := checkLog(d); err != nil {
		return Datum{}, err
	}
	switch {
	case base.IsFinite() && isOne(base):
		return Datum{}, ErrDivisionByZero
	case base.Form == NumInf && d.Form == NumInf:
		return NumericNaN(), nil
	case base.Form == NumInf:
		return NewDecimal(0, 0), nil
	case d.Form == NumInf:
		return d, nil
	}
	wBase, wNum := lnWeight(base), lnWeight(d)
	scale := sigScale(wNum-wBase, base, d)
	// The quotient is as exact as both logarithms are in their significant digits.
	p := bitsOf(scale+max(wNum, 0)+2*max(-wBase, 0)+max(-wNum, 0)+20) + guardBits
	num := lnFixed(d, p)
	num.Lsh(num, p)
	return fixedRound(num.Quo(num, lnFixed(base, p)), p, scale)
}

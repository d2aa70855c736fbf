package types

import (
	"math"
	"math/big"
)

// Fixed-point values are big.Ints that count units of 2^-p. Their last 64 bits are guard bits:
// every function here is wrong by less than a few hundred units.

const guardBits = 64

// bitsOf returns the bits that n decimal digits take, rounded up.
func bitsOf(digits int) uint { return uint(float64(max(digits, 0))*3.3219280948873626) + 2 }

// fixedOf returns a finite numeric in units of 2^-p, rounded down.
func fixedOf(d Datum, p uint) *big.Int {
	v := d.bigCoefficient()
	v.Lsh(v, p)
	return v.Quo(v, bigPow10(int(d.Scale)))
}

// fixedRound returns v, in units of 2^-p, as a numeric of a scale, rounded half away from zero.
func fixedRound(v *big.Int, p uint, scale int) (Datum, error) {
	n := new(big.Int).Mul(v, bigPow10(scale))
	return NewBigNumeric(quoBig(n, new(big.Int).Lsh(big.NewInt(1), p), true), scale)
}

// expFixed returns e^x for |x| < 1.
func expFixed(x *big.Int, p uint) *big.Int {
	// Halve x k times, sum the series, square k times; each squaring doubles the error.
	k := uint(math.Sqrt(float64(p))) / 2
	q := p + 2*k + 8
	y := new(big.Int).Lsh(x, q-p)
	y.Rsh(y, k)
	one := new(big.Int).Lsh(big.NewInt(1), q)
	sum := new(big.Int).Add(one, y)
	term := new(big.Int).Set(y)
	for i := int64(2); term.BitLen() > 1; i++ {
		term.Mul(term, y).Rsh(term, q)
		term.Quo(term, big.NewInt(i))
		sum.Add(sum, term)
	}
	for range k {
		sum.Mul(sum, sum).Rsh(sum, q)
	}
	return sum.Rsh(sum, q-p)
}

// ln2Fixed returns the logarithm of 2: the sum of 2 / ((2i+1) 3^(2i+1)).
func ln2Fixed(p uint) *big.Int {
	q := p + 16
	term := new(big.Int).Lsh(big.NewInt(2), q)
	term.Quo(term, big.NewInt(3))
	sum := new(big.Int)
	for i := int64(1); term.Sign() > 0; i += 2 {
		sum.Add(sum, new(big.Int).Quo(term, big.NewInt(i)))
		term.Quo(term, big.NewInt(9))
	}
	return sum.Rsh(sum, q-p)
}

// lnFixed returns the natural logarithm of a finite numeric above zero.
func lnFixed(d Datum, p uint) *big.Int {
	// d = m × 2^e with m in [1/2, 1).
	num, den := d.bigCoefficient(), bigPow10(int(d.Scale))
	e := num.BitLen() - den.BitLen()
	m := scaledQuo(num, den, p, e)
	one := new(big.Int).Lsh(big.NewInt(1), p)
	if m.Cmp(one) >= 0 {
		e++
		m = scaledQuo(num, den, p, e)
	}
	f, _ := new(big.Float).SetMantExp(new(big.Float).SetInt(m), -int(p)).Float64()
	y := new(big.Int)
	new(big.Float).SetMantExp(big.NewFloat(math.Log(f)), int(p)).Int(y)
	// y += 2 (m - e^y) / (m + e^y) makes the right bits three times as many: 40, 120, 360 …
	for good := uint(40); good < p; good *= 3 {
		x := expFixed(y, p)
		diff := new(big.Int).Sub(m, x)
		diff.Lsh(diff, p+1)
		y.Add(y, diff.Quo(diff, x.Add(x, m)))
	}
	const more = 32 // e has at most 20 bits
	twos := ln2Fixed(p + more)
	twos.Mul(twos, big.NewInt(int64(e)))
	return y.Add(y, twos.Rsh(twos, more))
}

// scaledQuo returns num / den × 2^(p-e).
func scaledQuo(num, den *big.Int, p uint, e int) *big.Int {
	shift := int(p) - e
	if shift >= 0 {
		n := new(big.Int).Lsh(num, uint(shift))
		return n.Quo(n, den)
	}
	return new(big.Int).Quo(num, new(big.Int).Lsh(den, uint(-shift)))
}

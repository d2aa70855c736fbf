package expr

import "math"

// power returns x^y for finite x and y other than the cases that powFloat handles. The library's result is
// several units in the last place off for large exponents; here logarithm and exponential carry about
// 100 bits, as two floats whose sum is the value.
func power(x, y float64) float64 {
	switch {
	case y == 1:
		return x
	case y == 2:
		return x * x
	case y == -1:
		return 1 / x
	case x == 0 || math.Abs(y) > 1<<60:
		return math.Pow(x, y)
	}
	negative := x < 0 && math.Mod(y, 2) != 0
	hi, lo := log2Parts(math.Abs(x))
	// t = y × log(x)
	t, e := product(hi, y)
	t, e = sum(t, math.FMA(lo, y, e))
	switch {
	case t > 710:
		return math.Pow(x, y)
	case t < -746:
		return math.Pow(x, y)
	}
	r := expParts(t, e)
	if negative {
		return -r
	}
	return r
}

// product returns a × b exactly as a sum.
func product(a, b float64) (hi, lo float64) {
	hi = a * b
	return hi, math.FMA(a, b, -hi)
}

// sum returns a + b exactly as a sum.
func sum(a, b float64) (hi, lo float64) {
	hi = a + b
	t := hi - a
	return hi, (a - (hi - t)) + (b - t)
}

const (
	// ln2 in two parts; the first has few enough bits that its product with an exponent is exact.
	ln2Hi = 6.93147180369123816490e-01
	ln2Lo = 1.90821492927058770002e-10
	// One third in two parts.
	thirdHi = 1.0 / 3
	thirdLo = 1.850371707708594e-17
)

// log2Parts returns the natural logarithm of x > 0 as a sum.
func log2Parts(x float64) (hi, lo float64) {
	m, exp := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		exp--
	}
	// log(m) = 2 atanh(s) with s = (m-1)/(m+1), |s| < 0.1716; m-1 is exact.
	n := m - 1
	dh, dl := sum(m, 1)
	sh := n / dh
	sl := (math.FMA(-sh, dh, n) - sh*dl) / dh
	// 2 (s + s³/3 + s⁵ q): the first two terms carry both parts.
	zh, zl := product(sh, sh)
	zl = math.FMA(2*sh, sl, zl)
	q := 0.0
	for k := 33; k >= 5; k -= 2 {
		q = math.FMA(q, zh, 1/float64(k))
	}
	ph, pl := product(zh, thirdHi)
	pl += zl*thirdHi + zh*thirdLo + zh*zh*q
	ch, cl := product(sh, ph)
	cl += sh*pl + sl*ph
	hi, lo = sum(sh, ch)
	lo += sl + cl
	hi, lo = 2*hi, 2*lo
	e := float64(exp)
	bh, bl := sum(e*ln2Hi, hi)
	return bh, bl + lo + e*ln2Lo
}

// expParts returns exp(t + e) for a small e.
func expParts(t, e float64) float64 {
	k := math.Round(t / math.Ln2)
	r := math.FMA(-k, ln2Hi, t)
	r, tail := sum(r, -k*ln2Lo)
	r, tail = sum(r, tail+e)
	// exp(r) = 1 + r + r² q(r)
	q := 0.0
	for n := 20.0; n >= 3; n-- {
		q = (1 + q) * r / n
	}
	q = r * r / 2 * (1 + q)
	hi, lo := sum(1, r)
	lo += q + tail + tail*r
	return math.Ldexp(hi+lo, int(k))
}

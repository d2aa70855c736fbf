package types

import (
	"math"
	"math/big"
	"math/bits"
)

// Int128 is a signed integer of 128 bits, two's complement: the accumulator of sums and the
// coefficient of numerics beyond 64 bits. Arithmetic wraps unless a method reports overflow.
type Int128 struct {
	Hi int64
	Lo uint64
}

// Int128Of returns v as an Int128.
func Int128Of(v int64) Int128 { return Int128{v >> 63, uint64(v)} }

// Add returns a + b.
func (a Int128) Add(b Int128) Int128 {
	lo, c := bits.Add64(a.Lo, b.Lo, 0)
	return Int128{a.Hi + b.Hi + int64(c), lo}
}

// AddInt64 returns a + v.
func (a Int128) AddInt64(v int64) Int128 {
	lo, c := bits.Add64(a.Lo, uint64(v), 0)
	return Int128{a.Hi + v>>63 + int64(c), lo}
}

// AddOK returns a + b and whether it is exact.
func (a Int128) AddOK(b Int128) (Int128, bool) {
	s := a.Add(b)
	// Only operands of one sign overflow, and then the sign of the sum is the other one.
	return s, (a.Hi^s.Hi)&(b.Hi^s.Hi) >= 0
}

// Sub returns a - b.
func (a Int128) Sub(b Int128) Int128 {
	lo, c := bits.Sub64(a.Lo, b.Lo, 0)
	return Int128{a.Hi - b.Hi - int64(c), lo}
}

// SubOK returns a - b and whether it is exact.
func (a Int128) SubOK(b Int128) (Int128, bool) {
	s := a.Sub(b)
	return s, (a.Hi^b.Hi)&(a.Hi^s.Hi) >= 0
}

// Neg returns -a; the smallest value is its own negation.
func (a Int128) Neg() Int128 { return Int128{}.Sub(a) }

// Sign returns -1, 0 or 1.
func (a Int128) Sign() int {
	switch {
	case a.Hi < 0:
		return -1
	case a.Hi|int64(a.Lo) == 0:
		return 0
	}
	return 1
}

// Cmp compares a and b: -1, 0 or 1.
func (a Int128) Cmp(b Int128) int {
	switch {
	case a.Hi < b.Hi, a.Hi == b.Hi && a.Lo < b.Lo:
		return -1
	case a == b:
		return 0
	}
	return 1
}

// IsInt64 reports whether a fits 64 bits.
func (a Int128) IsInt64() bool { return a.Hi == int64(a.Lo)>>63 }

// Mul64 returns a × b, which always fits.
func Mul64(a, b int64) Int128 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	// The unsigned product counts 2^64 too much for each negative factor.
	return Int128{int64(hi) - a>>63&b - b>>63&a, lo}
}

// Mul returns a × b and whether it is exact.
func (a Int128) Mul(b Int128) (Int128, bool) {
	if a.IsInt64() && b.IsInt64() {
		return Mul64(int64(a.Lo), int64(b.Lo)), true
	}
	m, ok := a.abs().mul(b.abs())
	if !ok {
		return Int128{}, false
	}
	return m.signed(a.Hi^b.Hi < 0)
}

// MulPow10 returns a × 10^n and whether it is exact; n must not be negative.
func (a Int128) MulPow10(n int) (Int128, bool) {
	if n == 0 || a.Sign() == 0 {
		return a, true
	}
	m, ok := a.abs().mulPow10(n)
	if !ok {
		return Int128{}, false
	}
	return m.signed(a.Hi < 0)
}

// DivPow10 returns a / 10^n, rounded half away from zero if round is set and towards zero if not.
func (a Int128) DivPow10(n int, round bool) Int128 {
	q, _ := a.abs().divPow10(n, round).signed(a.Hi < 0)
	return q
}

// mod64 returns a modulo d, with the sign of a.
func (a Int128) mod64(d int64) int64 {
	_, r := a.abs().div64(uint64(d))
	if a.Hi < 0 {
		return -int64(r)
	}
	return int64(r)
}

// Float64 returns the float64 nearest to a.
func (a Int128) Float64() float64 {
	if a.IsInt64() {
		return float64(int64(a.Lo))
	}
	m := a.abs()
	n := 64 - bits.LeadingZeros64(m.hi)
	// Keep 64 bits, the last of which also says whether anything below was set: that is enough for
	// one correct rounding to 53.
	top := m.hi<<(64-n) | m.lo>>n
	if m.lo<<(64-n) != 0 {
		top |= 1
	}
	f := math.Ldexp(float64(top), n)
	if a.Hi < 0 {
		return -f
	}
	return f
}

// Big returns a as a big.Int.
func (a Int128) Big() *big.Int {
	m := a.abs()
	v := new(big.Int).SetUint64(m.hi)
	v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(m.lo))
	if a.Hi < 0 {
		v.Neg(v)
	}
	return v
}

// Append appends a × 10^-scale in decimal, with scale digits after the point.
func (a Int128) Append(dst []byte, scale int) []byte {
	if a.Hi < 0 {
		dst = append(dst, '-')
	}
	return a.abs().append(dst, scale)
}

// String returns a in decimal.
func (a Int128) String() string { return string(a.Append(nil, 0)) }

func (a Int128) abs() u128 {
	if a.Hi < 0 {
		a = a.Neg()
	}
	return u128{uint64(a.Hi), a.Lo}
}

// u128 is the magnitude of an Int128.
type u128 struct{ hi, lo uint64 }

// signed returns the value with a sign and whether it fits.
func (m u128) signed(neg bool) (Int128, bool) {
	v := Int128{int64(m.hi), m.lo}
	if neg {
		v = v.Neg()
		return v, v.Hi < 0 || v.Sign() == 0
	}
	return v, v.Hi >= 0
}

func (m u128) less(n u128) bool { return m.hi < n.hi || m.hi == n.hi && m.lo < n.lo }

func (m u128) sub(n u128) u128 {
	lo, c := bits.Sub64(m.lo, n.lo, 0)
	hi, _ := bits.Sub64(m.hi, n.hi, c)
	return u128{hi, lo}
}

func (m u128) mul(n u128) (u128, bool) {
	if m.hi != 0 && n.hi != 0 {
		return u128{}, false
	}
	hi, lo := bits.Mul64(m.lo, n.lo)
	c1, a := bits.Mul64(m.hi, n.lo)
	c2, b := bits.Mul64(m.lo, n.hi)
	hi, c3 := bits.Add64(hi, a+b, 0) // one of a and b is 0
	return u128{hi, lo}, c1|c2|c3 == 0
}

func (m u128) mulPow10(n int) (u128, bool) {
	if n > int128DigitsMax {
		return u128{}, m == u128{}
	}
	return m.mul(pow10u128[n])
}

// div64 returns m / d and the remainder.
func (m u128) div64(d uint64) (q u128, r uint64) {
	q.hi, r = m.hi/d, m.hi%d
	q.lo, r = bits.Div64(r, m.lo, d)
	return q, r
}

// div returns m / d and the remainder; d is not 0.
func (m u128) div(d u128) (q, r u128) {
	if d.hi == 0 {
		q, r.lo = m.div64(d.lo)
		return q, r
	}
	// The quotient fits 64 bits. Estimate it from the top 64 bits of the normalised divisor: the
	// estimate is at most one too large (Hacker's Delight 9-5).
	n := uint(bits.LeadingZeros64(d.hi))
	top := d.hi<<n | d.lo>>1>>(63-n)
	est, _ := bits.Div64(m.hi>>1, m.lo>>1|m.hi<<63, top)
	est >>= 63 - n
	if est > 0 {
		est--
	}
	p, _ := d.mul(u128{lo: est})
	r = m.sub(p)
	if !r.less(d) {
		est++
		r = r.sub(d)
	}
	return u128{lo: est}, r
}

func (m u128) divPow10(n int, round bool) u128 {
	if n > int128DigitsMax {
		return u128{}
	}
	if n == 0 {
		return m
	}
	d := pow10u128[n]
	q, r := m.div(d)
	// r >= d - r rounds up; neither side can overflow.
	if round && !r.less(d.sub(r)) {
		lo, c := bits.Add64(q.lo, 1, 0)
		q = u128{q.hi + c, lo}
	}
	return q
}

// digits returns the number of decimal digits; 0 has one.
func (m u128) digits() int {
	n := 64 - bits.LeadingZeros64(m.lo)
	if m.hi != 0 {
		n = 128 - bits.LeadingZeros64(m.hi)
	}
	// log10(2) is just above 1233/4096: the estimate is the right count or one too small.
	d := n * 1233 >> 12
	if d <= int128DigitsMax && !m.less(pow10u128[d]) {
		d++
	}
	return max(d, 1)
}

func (m u128) append(dst []byte, scale int) []byte {
	var buf [40]byte // 39 digits
	i := len(buf)
	for m.hi != 0 {
		var r uint64
		m, r = m.div64(1e19)
		for range 19 {
			i--
			buf[i] = byte('0' + r%10)
			r /= 10
		}
	}
	for m.lo != 0 || i == len(buf) {
		i--
		buf[i] = byte('0' + m.lo%10)
		m.lo /= 10
	}
	return appendPoint(dst, buf[i:], scale)
}

// appendPoint appends digits (no leading zeros needed) with the last scale of them after a point.
func appendPoint(dst, digits []byte, scale int) []byte {
	if scale <= 0 {
		return append(dst, digits...)
	}
	whole := len(digits) - scale
	if whole > 0 {
		dst = append(dst, digits[:whole]...)
		dst = append(dst, '.')
		return append(dst, digits[whole:]...)
	}
	dst = append(dst, '0', '.')
	for range -whole {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

// int128DigitsMax is the largest n with 10^n below 2^127.
const int128DigitsMax = 38

var (
	pow10u64  [20]uint64
	pow10u128 [int128DigitsMax + 1]u128
)

func init() {
	p := u128{lo: 1}
	for i := range pow10u128 {
		pow10u128[i] = p
		if i < len(pow10u64) {
			pow10u64[i] = p.lo
		}
		p, _ = p.mul(u128{lo: 10})
	}
}

// Pow10 returns 10^n for 0 <= n <= 18.
func Pow10(n int) int64 { return int64(pow10u64[n]) }

func addU128(m, n u128) (u128, bool) {
	lo, c := bits.Add64(m.lo, n.lo, 0)
	hi, c := bits.Add64(m.hi, n.hi, c)
	return u128{hi, lo}, c == 0
}

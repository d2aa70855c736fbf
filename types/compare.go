package types

import (
	"math/bits"
	"strings"
)

const microsPerDay = 24 * 60 * 60 * 1000000

// Compare orders two non-NULL values of one kind as PostgreSQL's btree order does: -1, 0 or 1. NaN
// is above every other number, strings order bytewise, intervals by months of 30 days, and Text,
// Varchar and BpChar may be mixed.
func Compare(a, b Datum) int {
	switch a.K.Class() {
	case ClassInt:
		return cmpInt(a.I, b.I)
	case ClassFloat:
		return cmpFloat(a.Float(), b.Float())
	case ClassNumeric:
		return NumericCmp(a, b)
	case ClassInterval:
		return intervalSpan(a).Cmp(intervalSpan(b))
	}
	return strings.Compare(a.S, b.S)
}

// Equal reports whether two non-NULL values of one kind compare equal.
func Equal(a, b Datum) bool {
	if a.K.Class() == ClassString {
		return a.S == b.S
	}
	return Compare(a, b) == 0
}

// Identical reports whether two values of one kind, or two NULLs, are the same in every observable
// way: 1.0 and 1.00, -0 and 0, '1 mon' and '30 days' are equal but not identical.
func Identical(a, b Datum) bool {
	if a.Valid != b.Valid {
		return false
	}
	if !a.Valid {
		return true
	}
	switch a.K.Class() {
	case ClassInt:
		return a.I == b.I
	case ClassFloat:
		return a.I == b.I || a.Float() != a.Float() && b.Float() != b.Float()
	case ClassInterval:
		return a.I == b.I && a.H == b.H
	case ClassNumeric:
		if a.Form != b.Form || a.Form == NumNaN {
			return a.Form == b.Form
		}
		return a.Scale == b.Scale && a.I == b.I && a.H == b.H && a.S == b.S
	}
	return a.S == b.S
}

// intervalSpan returns the microseconds that an interval counts for in comparisons.
func intervalSpan(d Datum) Int128 {
	months, days, micros := d.IntervalParts()
	return Mul64(int64(months)*30+int64(days), microsPerDay).AddInt64(micros)
}

// NumericCmp orders two numerics: -Infinity, numbers by value, Infinity, NaN.
func NumericCmp(a, b Datum) int {
	if a.Form|b.Form == NumInt64 && a.Scale == b.Scale {
		return cmpInt(a.I, b.I)
	}
	if !a.IsFinite() || !b.IsFinite() {
		return cmpInt(int64(a.specialRank()), int64(b.specialRank()))
	}
	if s, t := a.sign(), b.sign(); s != t || s == 0 {
		return cmpInt(int64(s), int64(t))
	}
	x, okX := a.Int128()
	y, okY := b.Int128()
	if okX && okY {
		return cmpScaled(x, y, int(a.Scale), int(b.Scale))
	}
	scale := int(max(a.Scale, b.Scale))
	return a.bigAt(scale).Cmp(b.bigAt(scale))
}

// cmpScaled compares x × 10^-sx with y × 10^-sy, which have the same sign.
func cmpScaled(x, y Int128, sx, sy int) int {
	if sx > sy {
		return -cmpScaled(y, x, sy, sx)
	}
	w, ok := x.MulPow10(sy - sx)
	if ok {
		return w.Cmp(y)
	}
	// x at the scale of y is beyond every Int128.
	return x.Sign()
}

// specialRank orders infinities and NaN around the finite numbers.
func (d Datum) specialRank() int {
	switch d.Form {
	case NumNaN:
		return 2
	case NumInf:
		return int(d.I)
	}
	return 0
}

// Hash returns a hash of a non-NULL value that is equal for values that compare equal. It is stable
// within a process only.
func Hash(d Datum) uint64 {
	switch d.K.Class() {
	case ClassInt:
		return hash64(uint64(d.I))
	case ClassFloat:
		f := d.Float()
		switch {
		case f == 0:
			return hash64(0)
		case f != f:
			return hash64(0x7ff8000000000000)
		}
		return hash64(uint64(d.I))
	case ClassNumeric:
		return hashNumeric(d)
	case ClassInterval:
		s := intervalSpan(d)
		return hash64(s.Lo) ^ hash64(uint64(s.Hi)+hashSeed)
	}
	return hashString(d.S)
}

// hashNumeric hashes the value with the zeros at the end of the fraction removed.
func hashNumeric(d Datum) uint64 {
	if !d.IsFinite() {
		return hash64(uint64(d.specialRank()) + hashSeed)
	}
	scale := uint64(d.Scale)
	switch d.Form {
	case NumInt64:
		return HashScaled(d.I, d.Scale)
	case NumInt128:
		v := Int128{d.H, uint64(d.I)}
		m := v.abs()
		for scale > 0 {
			q, r := m.div64(10)
			if r != 0 {
				break
			}
			m = q
			scale--
		}
		if v, ok := m.signed(v.Hi < 0); ok && v.IsInt64() {
			return hash64(v.Lo) + scale*hashSeed
		}
		return hashMagnitude(m, scale)
	}
	return hashBigNumeric(d)
}

// HashScaled hashes the numeric v / 10^scale as Hash does.
func HashScaled(v int64, scale int16) uint64 {
	s := uint64(scale)
	for s > 0 && v%10 == 0 {
		v /= 10
		s--
	}
	return hash64(uint64(v)) + s*hashSeed
}

func hashMagnitude(m u128, scale uint64) uint64 {
	return hash64(m.lo) ^ bits.RotateLeft64(hash64(m.hi), 17) + scale*hashSeed
}

// hashBigNumeric reduces the scale as far as possible, and hashes what then fits a smaller form as
// such.
func hashBigNumeric(d Datum) uint64 {
	v, scale := stripZeros(d)
	r, err := NewBigNumeric(v, scale)
	if err == nil && r.Form != NumBig {
		return hashNumeric(r)
	}
	return hashString(bigToTwos(v)) + uint64(scale)*hashSeed
}

const hashSeed = 0x9e3779b97f4a7c15

// hash64 is the finaliser of MurmurHash3.
func hash64(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

package types

import (
	"math"
)

// IntervalNeg returns -iv; infinities change sign.
func IntervalNeg(iv Datum) (Datum, error) {
	switch intervalInfinity(iv) {
	case 1:
		return IntervalNegInfinity, nil
	case -1:
		return IntervalInfinity, nil
	}
	months, days, micros := iv.IntervalParts()
	if months == math.MinInt32 || days == math.MinInt32 || micros == math.MinInt64 {
		return Datum{}, ErrIntervalRange
	}
	return finiteInterval(int64(-months), int64(-days), -micros)
}

// finiteInterval checks the fields of a result.
func finiteInterval(months, days, micros int64) (Datum, error) {
	if months != int64(int32(months)) || days != int64(int32(days)) {
		return Datum{}, ErrIntervalRange
	}
	d := NewInterval(int32(months), int32(days), micros)
	if intervalInfinity(d) != 0 {
		return Datum{}, ErrIntervalRange
	}
	return d, nil
}

// IntervalAdd returns a + b, field by field.
func IntervalAdd(a, b Datum) (Datum, error) {
	x, y := intervalInfinity(a), intervalInfinity(b)
	switch {
	case x != 0 && y != 0 && x != y:
		return Datum{}, ErrIntervalRange
	case x != 0:
		return a, nil
	case y != 0:
		return b, nil
	}
	m1, d1, t1 := a.IntervalParts()
	m2, d2, t2 := b.IntervalParts()
	t := t1 + t2
	if (t1^t)&(t2^t) < 0 {
		return Datum{}, ErrIntervalRange
	}
	return finiteInterval(int64(m1)+int64(m2), int64(d1)+int64(d2), t)
}

// IntervalSub returns a - b, field by field.
func IntervalSub(a, b Datum) (Datum, error) {
	x, y := intervalInfinity(a), intervalInfinity(b)
	switch {
	case x != 0 && x == y:
		return Datum{}, ErrIntervalRange
	case x != 0:
		return a, nil
	case y != 0:
		return IntervalNeg(b)
	}
	m1, d1, t1 := a.IntervalParts()
	m2, d2, t2 := b.IntervalParts()
	t := t1 - t2
	if (t1^t2)&(t1^t) < 0 {
		return Datum{}, ErrIntervalRange
	}
	return finiteInterval(int64(m1)-int64(m2), int64(d1)-int64(d2), t)
}

// IntervalMul returns iv × factor. Fractions of months become days and fractions of days time.
func IntervalMul(iv Datum, factor float64) (Datum, error) {
	if s := intervalInfinity(iv); s != 0 {
		return infiniteProduct(s, factor)
	}
	months, days, micros := iv.IntervalParts()
	if math.IsInf(factor, 0) {
		return infiniteProduct(intervalSpan(iv).Sign(), factor)
	}
	return cascade(float64(months)*factor, float64(days)*factor, float64(micros)*factor)
}

// infiniteProduct is the product of an infinity and something of a sign.
func infiniteProduct(sign int, factor float64) (Datum, error) {
	switch {
	case factor != factor || factor == 0 || sign == 0:
		return Datum{}, ErrIntervalRange
	case factor > 0 == (sign > 0):
		return IntervalInfinity, nil
	}
	return IntervalNegInfinity, nil
}

// IntervalDiv returns iv / factor.
func IntervalDiv(iv Datum, factor float64) (Datum, error) {
	if factor == 0 {
		return Datum{}, ErrDivisionByZero
	}
	if s := intervalInfinity(iv); s != 0 {
		if math.IsInf(factor, 0) {
			return Datum{}, ErrIntervalRange
		}
		return infiniteProduct(s, factor)
	}
	months, days, micros := iv.IntervalParts()
	return cascade(float64(months)/factor, float64(days)/factor, float64(micros)/factor)
}

// roundMicro rounds to a millionth.
func roundMicro(f float64) float64 { return math.RoundToEven(f*1e6) / 1e6 }

func fitsInt32(f float64) bool { return f >= math.MinInt32 && f < -float64(math.MinInt32) }

// cascade makes an interval of fractional fields: the fraction of the months becomes days of 30 to
// a month, that of the days time.
func cascade(months, days, micros float64) (Datum, error) {
	if !fitsInt32(months) || !fitsInt32(days) { // NaN is out of range too
		return Datum{}, ErrIntervalRange
	}
	m, d := int64(months), int64(days)
	monthDays := roundMicro((months - float64(m)) * 30)
	seconds := roundMicro((days - float64(d) + monthDays - math.Trunc(monthDays)) * secondsPerDay)
	if math.Abs(seconds) >= secondsPerDay {
		whole := math.Trunc(seconds / secondsPerDay)
		d += int64(whole)
		seconds -= whole * secondsPerDay
	}
	d += int64(monthDays)
	micros = math.RoundToEven(micros + seconds*microsPerSecond)
	if !(micros >= math.MinInt64 && micros < -float64(math.MinInt64)) {
		return Datum{}, ErrIntervalRange
	}
	return finiteInterval(m, d, int64(micros))
}

// JustifyHours turns every 24 hours of an interval into a day; JustifyDays every 30 days into a
// month; JustifyInterval both, with all fields of one sign.
func JustifyHours(iv Datum) (Datum, error) {
	if intervalInfinity(iv) != 0 {
		return iv, nil
	}
	months, days, micros := iv.IntervalParts()
	d := int64(days) + micros/microsPerDay
	micros %= microsPerDay
	d, micros = sameSign(d, micros, microsPerDay)
	return finiteInterval(int64(months), d, micros)
}

// JustifyDays turns every 30 days of an interval into a month.
func JustifyDays(iv Datum) (Datum, error) {
	if intervalInfinity(iv) != 0 {
		return iv, nil
	}
	months, days, micros := iv.IntervalParts()
	m, d := sameSign(int64(months)+int64(days/30), int64(days%30), 30)
	return finiteInterval(m, d, micros)
}

// sameSign moves one unit of high into low if they have opposite signs.
func sameSign(high, low, unit int64) (int64, int64) {
	switch {
	case high > 0 && low < 0:
		return high - 1, low + unit
	case high < 0 && low > 0:
		return high + 1, low - unit
	}
	return high, low
}

// JustifyInterval is JustifyHours and JustifyDays with all fields of one sign.
func JustifyInterval(iv Datum) (Datum, error) {
	if intervalInfinity(iv) != 0 {
		return iv, nil
	}
	months, days, micros := iv.IntervalParts()
	d := int64(days) + micros/microsPerDay
	micros %= microsPerDay
	m := int64(months) + d/30
	d %= 30
	switch {
	case m > 0 && (d < 0 || d == 0 && micros < 0):
		m, d = m-1, d+30
	case m < 0 && (d > 0 || d == 0 && micros > 0):
		m, d = m+1, d-30
	}
	d, micros = sameSign(d, micros, microsPerDay)
	return finiteInterval(m, d, micros)
}

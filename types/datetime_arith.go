package types

import (
	"math"
	"time"

	"github.com/laminadb/lamina/sqlerr"
)

// DateIsFinite reports whether a value of a date or timestamp kind is not infinite.
func (d Datum) dateIsFinite() bool {
	if d.K == Date {
		return d.I != DateInfinity && d.I != DateNegInfinity
	}
	return d.I != TimestampInfinity && d.I != TimestampNegInfinity
}

// DateAddDays returns a date moved by n days.
func DateAddDays(d Datum, n int64) (Datum, error) {
	if !d.dateIsFinite() {
		return d, nil
	}
	v := d.I + n
	if n > math.MaxInt32 || n < math.MinInt32 || v < dateMin || v > dateMax {
		return Datum{}, ErrDateRange
	}
	return NewInt(Date, v), nil
}

// DateSub returns the days from b to a.
func DateSub(a, b Datum) (int64, error) {
	if !a.dateIsFinite() || !b.dateIsFinite() {
		return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "cannot subtract infinite dates")
	}
	return a.I - b.I, nil
}

// infiniteAs returns an infinite date or timestamp as another kind.
func infiniteAs(d Datum, k Kind) Datum {
	if d.I > 0 {
		return NewInt(k, infinityOf(k, 1))
	}
	return NewInt(k, infinityOf(k, -1))
}

func infinityOf(k Kind, sign int) int64 {
	switch {
	case k == Date && sign > 0:
		return DateInfinity
	case k == Date:
		return DateNegInfinity
	case sign > 0:
		return TimestampInfinity
	}
	return TimestampNegInfinity
}

// DateToTimestamp returns midnight of a date: a Timestamp, or a TimestampTZ at midnight in loc.
func DateToTimestamp(d Datum, k Kind, loc *time.Location) (Datum, error) {
	if !d.dateIsFinite() {
		return infiniteAs(d, k), nil
	}
	offset := 0
	if k == TimestampTZ {
		offset = localToUTC(d.I*secondsPerDay, loc)
	}
	ts, ok := makeTimestamp(int(d.I), -int64(offset)*microsPerSecond)
	if !ok {
		return Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range for timestamp")
	}
	return NewInt(k, ts), nil
}

// localParts returns the day and time of day of a finite timestamp, of a TimestampTZ in loc.
func localParts(d Datum, loc *time.Location) (days int, micros int64) {
	if d.K == TimestampTZ {
		return splitLocal(d.I, zoneOffset(d.I, loc))
	}
	return splitMicros(d.I)
}

// fromLocal is the inverse of localParts, micros may be of any size.
func fromLocal(k Kind, days int, micros int64, loc *time.Location) (Datum, error) {
	if k == TimestampTZ {
		local := int64(days)*secondsPerDay + floorDiv(micros, microsPerSecond)
		micros -= int64(localToUTC(local, loc)) * microsPerSecond
	}
	ts, ok := makeTimestamp(days, micros)
	if !ok {
		return Datum{}, ErrTimestampRange
	}
	return NewInt(k, ts), nil
}

// TimestampToDate returns the date of a Timestamp, or of a TimestampTZ in loc.
func TimestampToDate(d Datum, loc *time.Location) Datum {
	if !d.dateIsFinite() {
		return infiniteAs(d, Date)
	}
	days, _ := localParts(d, loc)
	return NewInt(Date, int64(days))
}

// TimestampToTime returns the time of day of a Timestamp, or of a TimestampTZ in loc; NULL for the
// infinite ones.
func TimestampToTime(d Datum, loc *time.Location) Datum {
	if !d.dateIsFinite() {
		return NullOf(Time)
	}
	_, micros := localParts(d, loc)
	return NewInt(Time, micros)
}

// TimestampInZone turns a Timestamp, read as local time in loc, into a TimestampTZ, and a
// TimestampTZ into the local Timestamp: AT TIME ZONE.
func TimestampInZone(d Datum, loc *time.Location) (Datum, error) {
	k := Timestamp
	if d.K == Timestamp {
		k = TimestampTZ
	}
	if !d.dateIsFinite() {
		return NewInt(k, d.I), nil
	}
	days, micros := localParts(d, loc)
	return fromLocal(k, days, micros, loc)
}

// AtTimeZone is TimestampInZone of a zone that a statement names.
func AtTimeZone(d Datum, z Zone) (Datum, error) {
	switch {
	case !d.dateIsFinite():
		return TimestampInZone(d, nil)
	case d.K == Timestamp:
		return TimestampInZone(d, z.localLocation(d.I))
	}
	return TimestampInZone(d, z.Location(d.I))
}

// DateAddTime returns the timestamp of a date and a time of day.
func DateAddTime(d, t Datum) (Datum, error) {
	ts, err := DateToTimestamp(d, Timestamp, nil)
	if err != nil || !ts.dateIsFinite() {
		return ts, err
	}
	return fromLocal(Timestamp, int(d.I), t.I, nil)
}

// TimestampAddInterval returns d, a Date, Timestamp or TimestampTZ, moved by an interval: first its
// months (the day is cut to the length of the month), then its days, both in the local time of loc
// for TimestampTZ, then its time. A Date becomes a Timestamp.
func TimestampAddInterval(d, iv Datum, loc *time.Location) (Datum, error) {
	if d.K == Date {
		ts, err := DateToTimestamp(d, Timestamp, nil)
		if err != nil {
			return Datum{}, err
		}
		d = ts
	}
	if s := intervalInfinity(iv); s != 0 {
		if d.I == infinityOf(d.K, -s) {
			return Datum{}, ErrTimestampRange
		}
		return NewInt(d.K, infinityOf(d.K, s)), nil
	}
	if !d.dateIsFinite() {
		return d, nil
	}
	months, days, micros := iv.IntervalParts()
	if months != 0 {
		day, time := localParts(d, loc)
		moved, ok := addMonths(day, int(months))
		if !ok {
			return Datum{}, ErrTimestampRange
		}
		var err error
		if d, err = fromLocal(d.K, moved, time, loc); err != nil {
			return Datum{}, err
		}
	}
	if days != 0 {
		day, time := localParts(d, loc)
		var err error
		if d, err = fromLocal(d.K, day+int(days), time, loc); err != nil {
			return Datum{}, err
		}
	}
	ts := d.I + micros
	if (d.I^ts)&(micros^ts) < 0 || ts < timestampMin || ts > timestampMax {
		return Datum{}, ErrTimestampRange
	}
	return NewInt(d.K, ts), nil
}

// addMonths moves a day by months, cutting the day to the length of the month.
func addMonths(days, months int) (int, bool) {
	y, m, d := civilFromDays(days)
	m += months
	y += floorDiv(m-1, 12)
	m = floorMod(m-1, 12) + 1
	if y < -4714 || y > 5874898 {
		return 0, false
	}
	return daysFromCivil(y, m, min(d, daysInMonth(y, m))), true
}

// TimestampSubInterval returns d moved back by an interval.
func TimestampSubInterval(d, iv Datum, loc *time.Location) (Datum, error) {
	neg, err := IntervalNeg(iv)
	if err != nil {
		return Datum{}, err
	}
	return TimestampAddInterval(d, neg, loc)
}

// TimestampSub returns the interval from b to a, both Timestamp or both TimestampTZ, in days and
// time.
func TimestampSub(a, b Datum) (Datum, error) {
	if !a.dateIsFinite() || !b.dateIsFinite() {
		return subInfinite(a, b)
	}
	diff := a.I - b.I
	if (a.I^b.I)&(a.I^diff) < 0 {
		return Datum{}, ErrIntervalRange
	}
	return NewInterval(0, int32(diff/microsPerDay), diff%microsPerDay), nil
}

// subInfinite subtracts when an operand is infinite.
func subInfinite(a, b Datum) (Datum, error) {
	switch {
	case a.I == b.I:
		return Datum{}, ErrIntervalRange
	case a.I == TimestampInfinity, b.I == TimestampNegInfinity:
		return IntervalInfinity, nil
	}
	return IntervalNegInfinity, nil
}

// TimeAddInterval returns a Time or TimeTZ moved by the time part of an interval, around the clock.
func TimeAddInterval(t, iv Datum) (Datum, error) {
	if intervalInfinity(iv) != 0 {
		return Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "cannot add infinite interval to time")
	}
	return onClock(t, func(micros int64) int64 { return micros + iv.I }), nil
}

// TimeSubInterval is TimeAddInterval backwards.
func TimeSubInterval(t, iv Datum) (Datum, error) {
	if intervalInfinity(iv) != 0 {
		return Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "cannot subtract infinite interval from time")
	}
	return onClock(t, func(micros int64) int64 { return micros - iv.I }), nil
}

// onClock moves the time of day of a Time or TimeTZ around the clock.
func onClock(t Datum, move func(micros int64) int64) Datum {
	if t.K == TimeTZ {
		micros, offset := t.TimeTZParts()
		return NewTimeTZ(wrapTime(move(micros)).I, offset)
	}
	return wrapTime(move(t.I))
}

// wrapTime wraps around the clock; the sum may have wrapped around 64 bits before, as PostgreSQL's does.
func wrapTime(v int64) Datum {
	v %= microsPerDay
	if v < 0 {
		v += microsPerDay
	}
	return NewInt(Time, v)
}

// TimeSub returns the interval from time b to time a.
func TimeSub(a, b Datum) Datum { return NewInterval(0, 0, a.I-b.I) }

// Age returns the interval from b to a, both Timestamp or both TimestampTZ, in years, months and
// days of the calendar.
func Age(a, b Datum, loc *time.Location) (Datum, error) {
	if !a.dateIsFinite() || !b.dateIsFinite() {
		return subInfinite(a, b)
	}
	dayA, timeA := localParts(a, loc)
	dayB, timeB := localParts(b, loc)
	yearA, monthA, mdayA := civilFromDays(dayA)
	yearB, monthB, mdayB := civilFromDays(dayB)
	sign := int64(1)
	if a.I < b.I {
		sign = -1
	}
	months := sign * int64((yearA-yearB)*12+monthA-monthB)
	days := sign * int64(mdayA-mdayB)
	micros := sign * (timeA - timeB)
	for micros < 0 {
		micros += microsPerDay
		days--
	}
	for days < 0 { // borrow the month that the earlier of the two lies in
		if sign < 0 {
			days += int64(daysInMonth(yearA, monthA))
		} else {
			days += int64(daysInMonth(yearB, monthB))
		}
		months--
	}
	return NewInterval(int32(sign*months), int32(sign*days), sign*micros), nil
}

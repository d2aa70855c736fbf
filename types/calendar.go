package types

import "math"

// Dates and times in the proleptic Gregorian calendar, with a year 0 (1 BC) and years below it.

// Special values of the date and time kinds.
const (
	DateInfinity         = math.MaxInt32
	DateNegInfinity      = math.MinInt32
	TimestampInfinity    = math.MaxInt64
	TimestampNegInfinity = math.MinInt64
	microsPerSecond      = 1000000
	microsPerMinute      = 60 * microsPerSecond
	microsPerHour        = 60 * microsPerMinute
	secondsPerDay        = 24 * 60 * 60
	dateMin              = -2440588   // 4714-11-24 BC, Julian day 0
	dateMax              = 2145042905 // 5874897-12-31
	timestampMin         = dateMin * int64(microsPerDay)
	timestampMax         = math.MaxInt64 - 1 // 294247-01-10: as far as 64 bits reach from 1970
	julianUnixEpoch      = 2440588           // Julian day of 1970-01-01
)

// daysFromCivil returns the days from 1970-01-01 to the given day; month may be any, day any.
func daysFromCivil(year, month, day int) int {
	year += floorDiv(month-1, 12)
	month = floorMod(month-1, 12) + 1
	if month <= 2 {
		year--
		month += 12
	}
	era := floorDiv(year, 400)
	yearOfEra := year - era*400
	dayOfYear := (153*(month-3)+2)/5 + day - 1 // from 1 March
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return era*146097 + dayOfEra - 719468
}

// civilFromDays is the inverse of daysFromCivil.
func civilFromDays(days int) (year, month, day int) {
	z := days + 719468
	era := floorDiv(z, 146097)
	dayOfEra := z - era*146097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	m := (5*dayOfYear + 2) / 153
	day = dayOfYear - (153*m+2)/5 + 1
	month = m + 3
	if month > 12 {
		month -= 12
	}
	year = yearOfEra + era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

func floorDiv[T int | int64](a, b T) T {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func floorMod(a, b int) int { return a - floorDiv(a, b)*b }

func isLeap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

var monthDays = [13]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysInMonth(year, month int) int {
	if month == 2 && isLeap(year) {
		return 29
	}
	return monthDays[month]
}

// splitMicros returns the day and the microsecond of the day of a finite timestamp.
func splitMicros(ts int64) (days int, micros int64) {
	d := ts / microsPerDay
	m := ts % microsPerDay
	if m < 0 {
		d--
		m += microsPerDay
	}
	return int(d), m
}

// weekday returns the day of the week of a date, Sunday = 0.
func weekday(days int) int { return floorMod(days+4, 7) }

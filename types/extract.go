package types

import (
	"time"

	"github.com/laminadb/lamina/sqlerr"
)

// Field is a field that extract, date_part and date_trunc can be asked for.
type Field uint8

// The fields.
const (
	NoField Field = iota
	Microseconds
	Milliseconds
	Second
	Minute
	Hour
	Day
	Week
	Month
	Quarter
	Year
	Decade
	Century
	Millennium
	Julian
	ISOYear
	ISODOW
	DOW
	DOY
	Epoch
	ZoneSeconds
	ZoneHour
	ZoneMinute
)

// extractFields are the fields' names by their first ten letters, besides the words of
// intervalWords.
var extractFields = map[string]Field{
	"qtr": Quarter, "quarter": Quarter, "julian": Julian, "j": Julian, "jd": Julian, "isoyear": ISOYear,
	"isodow": ISODOW, "dow": DOW, "doy": DOY, "epoch": Epoch, "timezone": ZoneSeconds,
	"timezone_h": ZoneHour, "timezone_m": ZoneMinute,
}

var fieldOfUnit = map[intervalUnit]Field{
	unitMicrosecond: Microseconds, unitMillisecond: Milliseconds, unitSecond: Second, unitMinute: Minute,
	unitHour: Hour, unitDay: Day, unitWeek: Week, unitMonth: Month, unitYear: Year, unitDecade: Decade,
	unitCentury: Century, unitMillennium: Millennium,
}

// FieldByName returns the field of a name such as year, months or epoch, in any case; NoField if
// there is none.
func FieldByName(name string) Field {
	name = asciiLower(name)
	if len(name) > 10 {
		name = name[:10]
	}
	if f, ok := extractFields[name]; ok {
		return f
	}
	return fieldOfUnit[intervalWords[name]]
}

// fieldError is the error for a field that a type does not have, or that is none.
func fieldError(name string, f Field, k Kind) error {
	name = asciiLower(name)
	reserved := dateWords[name].typ == wordReserved && k != Interval && k != Time && k != TimeTZ
	if f == NoField && !reserved {
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "unit \"%s\" not recognized for type %s", name, k)
	}
	return sqlerr.Newf(sqlerr.FeatureNotSupported, "unit \"%s\" not supported for type %s", name, k)
}

// Extract returns the named field of a Date, Time, TimeTZ, Timestamp, TimestampTZ (in loc) or Interval as a
// numeric; NULL where an infinite value has no such field.
func Extract(name string, d Datum, loc *time.Location) (Datum, error) {
	f := FieldByName(name)
	v, ok := ExtractField(f, d, loc)
	if !ok {
		return Datum{}, fieldError(name, f, d.K)
	}
	return v, nil
}

// ExtractField is Extract of a field; false if the kind of d does not have it.
func ExtractField(f Field, d Datum, loc *time.Location) (Datum, bool) {
	switch d.K {
	case Date:
		if !d.dateIsFinite() {
			return infinitePart(f, d.I > 0, f >= Day && f <= Epoch)
		}
		if f == Epoch {
			return NewDecimal(d.I*secondsPerDay, 0), true
		}
		return extractDate(f, int(d.I))
	case Time:
		if f == Epoch {
			return NewDecimal(d.I, 6), true
		}
		return extractTime(f, d.I)
	case TimeTZ:
		return extractTimeTZ(f, d)
	case Timestamp, TimestampTZ:
		return extractTimestamp(f, d, loc)
	case Interval:
		return extractInterval(f, d)
	}
	return Datum{}, false
}

// infinitePart is a field of an infinite value: infinite itself if it grows with time, else NULL.
func infinitePart(f Field, positive, has bool) (Datum, bool) {
	switch f {
	case Year, Decade, Century, Millennium, Julian, ISOYear, Epoch:
		sign := -1
		if positive {
			sign = 1
		}
		return NumericInf(sign), has
	}
	return NullOf(Numeric), has && f != NoField
}

func extractDate(f Field, days int) (Datum, bool) {
	y, m, d := civilFromDays(days)
	v := 0
	switch f {
	case Day:
		v = d
	case Month:
		v = m
	case Quarter:
		v = (m-1)/3 + 1
	case Week:
		_, v = isoWeek(days)
	case Year:
		v = withoutYearZero(y)
	case ISOYear:
		y, _ := isoWeek(days)
		v = withoutYearZero(y)
	case Decade:
		v = floorDiv(y, 10)
	case Century:
		v = century(y, 100)
	case Millennium:
		v = century(y, 1000)
	case Julian:
		v = days + julianUnixEpoch
	case DOW:
		v = weekday(days)
	case ISODOW:
		if v = weekday(days); v == 0 {
			v = 7
		}
	case DOY:
		v = days - daysFromCivil(y, 1, 1) + 1
	default:
		return Datum{}, false
	}
	return NewDecimal(int64(v), 0), true
}

// withoutYearZero numbers 1 BC as -1.
func withoutYearZero(y int) int {
	if y > 0 {
		return y
	}
	return y - 1
}

// century returns the century or millennium of a year: 1 to n are the first, 1 BC lies in the -1st.
func century(y, n int) int {
	if y > 0 {
		return (y + n - 1) / n
	}
	return -((n - 1 - (y - 1)) / n)
}

// isoWeek returns the ISO 8601 year and week of a day.
func isoWeek(days int) (year, week int) {
	thursday := days - floorMod(weekday(days)-1, 7) + 3
	year, _, _ = civilFromDays(thursday)
	return year, (thursday-daysFromCivil(year, 1, 1))/7 + 1
}

func extractTime(f Field, micros int64) (Datum, bool) {
	switch f {
	case Microseconds:
		return NewDecimal(micros%microsPerMinute, 0), true
	case Milliseconds:
		return NewDecimal(micros%microsPerMinute, 3), true
	case Second:
		return NewDecimal(micros%microsPerMinute, 6), true
	case Minute:
		return NewDecimal(micros/microsPerMinute%60, 0), true
	case Hour:
		return NewDecimal(micros/microsPerHour, 0), true
	}
	return Datum{}, false
}

func extractTimestamp(f Field, d Datum, loc *time.Location) (Datum, bool) {
	zone := f == ZoneSeconds || f == ZoneHour || f == ZoneMinute
	if !d.dateIsFinite() {
		return infinitePart(f, d.I > 0, true)
	}
	if zone && d.K == Timestamp {
		return Datum{}, false
	}
	if zone {
		return zonePart(f, zoneOffset(d.I, loc)), true
	}
	days, micros := localParts(d, loc)
	switch f {
	case Epoch:
		return NewDecimal(d.I, 6), true
	case Julian:
		frac, err := NumericDiv(NewDecimal(micros, 0), NewDecimal(microsPerDay, 0))
		if err != nil {
			return Datum{}, false
		}
		v, err := NumericAdd(NewDecimal(int64(days+julianUnixEpoch), 0), frac)
		return v, err == nil
	}
	if f < Day {
		return extractTime(f, micros)
	}
	return extractDate(f, days)
}

// zonePart returns a field of an offset from UTC in seconds.
func zonePart(f Field, offset int) Datum {
	switch f {
	case ZoneHour:
		offset /= 3600
	case ZoneMinute:
		offset = offset % 3600 / 60
	}
	return NewDecimal(int64(offset), 0)
}

func extractInterval(f Field, iv Datum) (Datum, bool) {
	months, days, micros := iv.IntervalParts()
	if s := intervalInfinity(iv); s != 0 {
		switch f {
		case Hour, Day, Year, Decade, Century, Millennium, Epoch:
			return NumericInf(s), true
		case Microseconds, Milliseconds, Second, Minute, Week, Month, Quarter:
			return NullOf(Numeric), true
		}
		return Datum{}, false
	}
	v := int64(0)
	switch f {
	case Microseconds, Milliseconds, Second:
		return extractTime(f, micros)
	case Minute:
		v = micros / microsPerMinute % 60
	case Hour:
		v = micros / microsPerHour
	case Day:
		v = int64(days)
	case Week:
		v = int64(days / 7)
	case Month:
		v = int64(months % 12)
	case Quarter:
		v = intervalQuarter(months)
	case Year:
		v = int64(months / 12)
	case Decade:
		v = int64(months / 120)
	case Century:
		v = int64(months / 1200)
	case Millennium:
		v = int64(months / 12000)
	case Epoch:
		// A year counts 365.25 days: in quarters of a day all terms are whole.
		quarters := int64(months/12)*1461 + int64(months%12)*120 + int64(days)*4
		return NewInt128Numeric(Mul64(quarters*(secondsPerDay/4), microsPerSecond).AddInt64(micros), 6), true
	default:
		return Datum{}, false
	}
	return NewDecimal(v, 0), true
}

func intervalQuarter(months int32) int64 {
	if months >= 0 {
		return int64(months%12/3 + 1)
	}
	return -int64(-(months%12)/3 + 1)
}

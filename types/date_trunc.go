package types

import (
	"time"

	"github.com/laminadb/lamina/sqlerr"
)

// DateTrunc returns d, a Timestamp, TimestampTZ (in the local time of loc) or Interval, with all
// fields below the named one cleared.
func DateTrunc(name string, d Datum, loc *time.Location) (Datum, error) {
	f := FieldByName(name)
	if d.K == Interval {
		return truncInterval(name, f, d)
	}
	if f == NoField || f > Millennium {
		return Datum{}, truncError(name, f, d.K)
	}
	if !d.dateIsFinite() {
		return d, nil
	}
	if f < Day {
		// Zone offsets may have seconds, so cut the local time and keep the offset.
		_, micros := localParts(d, loc)
		return CheckTimestamp(d.K, d.I-micros%fieldMicros(f))
	}
	days, _ := localParts(d, loc)
	return fromLocal(d.K, truncDays(f, days), 0, loc)
}

// truncError is the error for a field that nothing can be cut to. Fields that only extract knows
// are not recognized; those of the zone are not supported.
func truncError(name string, f Field, k Kind) error {
	if f < ZoneSeconds {
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "unit \"%s\" not recognized for type %s",
			asciiLower(name), k)
	}
	return fieldError(name, f, k)
}

// fieldMicros returns the microseconds of a field of the time of day.
func fieldMicros(f Field) int64 {
	switch f {
	case Hour:
		return microsPerHour
	case Minute:
		return microsPerMinute
	case Second:
		return microsPerSecond
	case Milliseconds:
		return 1000
	}
	return 1
}

// truncDays returns the first day of the field that the day lies in.
func truncDays(f Field, days int) int {
	y, m, _ := civilFromDays(days)
	switch f {
	case Day:
		return days
	case Week:
		return days - floorMod(weekday(days)-1, 7)
	case Month:
		return daysFromCivil(y, m, 1)
	case Quarter:
		return daysFromCivil(y, (m-1)/3*3+1, 1)
	case Decade:
		y = floorDiv(y, 10) * 10
	case Century:
		y = firstYear(y, 100)
	case Millennium:
		y = firstYear(y, 1000)
	}
	return daysFromCivil(y, 1, 1)
}

// firstYear returns the first year of the century or millennium of y.
func firstYear(y, n int) int {
	if y > 0 {
		return (y+n-1)/n*n - n + 1
	}
	return -((n-1-(y-1))/n)*n + 1
}

func truncInterval(name string, f Field, iv Datum) (Datum, error) {
	switch {
	case f == Week:
		return Datum{}, sqlerr.Newf(sqlerr.FeatureNotSupported, "unit \"%s\" not supported for type interval", name).
			WithDetail("Months usually have fractional weeks.")
	case f == NoField || f > Millennium:
		return Datum{}, truncError(name, f, Interval)
	}
	if intervalInfinity(iv) != 0 {
		return iv, nil
	}
	months, days, micros := iv.IntervalParts()
	if f < Day {
		micros -= micros % fieldMicros(f)
		return NewInterval(months, days, micros), nil
	}
	if f == Day {
		return NewInterval(months, days, 0), nil
	}
	unit := int32(1)
	switch f {
	case Quarter:
		unit = 3
	case Year:
		unit = 12
	case Decade:
		unit = 120
	case Century:
		unit = 1200
	case Millennium:
		unit = 12000
	}
	return NewInterval(months-months%unit, 0, 0), nil
}

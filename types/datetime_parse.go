package types

import (
	"math"
	"time"

	"github.com/laminadb/lamina/sqlerr"
)

// error returns the SQL error for e in text b of a type.
func (d *dateTime) error(e dtError, k Kind, b []byte) error {
	name := k.String()
	switch k {
	case Timestamp:
		name = "timestamp"
	case Time:
		name = "time"
	}
	switch e {
	case dtBadZone:
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "time zone \"%s\" not recognized", d.badZone)
	case dtNeedsClock:
		return sqlerr.Unsupported("the value \"" + string(b) + "\", which depends on the time,")
	}
	return dateTimeError(e, name, b)
}

// dateTimeError returns the SQL error for e in text b of the named type.
func dateTimeError(e dtError, name string, b []byte) error {
	switch e {
	case dtOverflow:
		return sqlerr.Newf(sqlerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", b)
	case dtOverflowMD:
		return sqlerr.Newf(sqlerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", b).
			WithHint("Perhaps you need a different \"DateStyle\" setting.")
	case dtIntervalOverflow:
		return sqlerr.Newf(sqlerr.IntervalFieldOverflow, "interval field value out of range: \"%s\"", b)
	case dtZoneOverflow:
		return sqlerr.Newf(sqlerr.InvalidTimeZoneDisplacementValue, "time zone displacement out of range: \"%s\"", b)
	}
	return sqlerr.Newf(sqlerr.InvalidDatetimeFormat, "invalid input syntax for type %s: \"%s\"", name, b)
}

// isoDays reads yyyy-mm-dd at the start of b: nearly every date.
func isoDays(b []byte) (days int, ok bool) {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return 0, false
	}
	for i := range 10 {
		if i != 4 && i != 7 && !isDigit(b[i]) {
			return 0, false
		}
	}
	year, month, day := two(b)*100+two(b[2:]), two(b[5:]), two(b[8:])
	if year == 0 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month) {
		return 0, false
	}
	return daysFromCivil(year, month, day), true
}

func parseDate(b []byte, o *ParseOptions) (Datum, error) {
	if len(b) == 10 {
		if days, ok := isoDays(b); ok {
			return NewInt(Date, int64(days)), nil
		}
	}
	d := dateTime{order: o.Order, opts: o}
	if e := d.decode(b); e != dtOK {
		return Datum{}, d.error(e, Date, b)
	}
	switch d.special {
	case valEpoch:
		return NewInt(Date, 0), nil
	case valInfinity:
		return NewInt(Date, DateInfinity), nil
	case valNegInfinity:
		return NewInt(Date, DateNegInfinity), nil
	}
	days := daysFromCivil(d.year, d.month, d.day)
	if days < dateMin || days > dateMax {
		return Datum{}, sqlerr.Newf(sqlerr.DatetimeFieldOverflow, "date out of range: \"%s\"", b)
	}
	return NewInt(Date, int64(days)), nil
}

// isoTimestamp reads yyyy-mm-dd hh:mm:ss with an optional fraction of up to 6 digits, and returns
// what follows.
func isoTimestamp(b []byte) (ts int64, rest []byte, ok bool) {
	if len(b) < 19 || b[10] != ' ' && b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return 0, nil, false
	}
	days, ok := isoDays(b)
	if !ok || !isDigit(b[11]) || !isDigit(b[12]) || !isDigit(b[14]) || !isDigit(b[15]) || !isDigit(b[17]) ||
		!isDigit(b[18]) {
		return 0, nil, false
	}
	hour, min, sec := two(b[11:]), two(b[14:]), two(b[17:])
	if hour > 23 || min > 59 || sec > 59 {
		return 0, nil, false
	}
	micros := 0
	if rest = b[19:]; len(rest) > 0 && rest[0] == '.' {
		n := 1
		for n < len(rest) && isDigit(rest[n]) {
			n++
		}
		if n > 7 {
			return 0, nil, false
		}
		micros, _ = fractionMicros(rest[1:n]) // digits only
		rest = rest[n:]
	}
	ts = int64(days)*microsPerDay + int64(hour*3600+min*60+sec)*microsPerSecond + int64(micros)
	return ts, rest, true
}

// isoTimestampOf reads a Timestamp or TimestampTZ in the form in which they are printed.
func isoTimestampOf(k Kind, b []byte, o *ParseOptions) (int64, bool) {
	ts, rest, ok := isoTimestamp(b)
	switch {
	case !ok:
		return 0, false
	case len(rest) == 0:
		return ts, k == Timestamp || o.Location == nil || o.Location == time.UTC
	case k == Timestamp:
		return 0, false
	}
	if len(rest) == 1 && lower(rest[0]) == 'z' {
		return ts, true
	}
	offset, e := decodeOffset(rest)
	return ts - int64(offset)*microsPerSecond, e == dtOK
}

func parseTimestamp(t Type, b []byte, o *ParseOptions) (Datum, error) {
	if ts, ok := isoTimestampOf(t.Kind, b, o); ok {
		return coerceSeconds(NewInt(t.Kind, ts), t)
	}
	d := dateTime{order: o.Order, opts: o}
	if e := d.decode(b); e != dtOK {
		return Datum{}, d.error(e, t.Kind, b)
	}
	switch d.special {
	case valEpoch:
		return NewInt(t.Kind, 0), nil
	case valInfinity:
		return NewInt(t.Kind, TimestampInfinity), nil
	case valNegInfinity:
		return NewInt(t.Kind, TimestampNegInfinity), nil
	}
	ts, ok := d.timestamp(t.Kind == TimestampTZ)
	if !ok {
		return Datum{}, sqlerr.Newf(sqlerr.DatetimeFieldOverflow, "timestamp out of range: \"%s\"", b)
	}
	return coerceSeconds(NewInt(t.Kind, ts), t)
}

// timestamp returns the decoded instant, in UTC if zoned.
func (d *dateTime) timestamp(zoned bool) (int64, bool) {
	days := daysFromCivil(d.year, d.month, d.day)
	micros := d.timeMicros()
	if zoned {
		offset := d.offset
		if d.seen&seenZone == 0 || d.zone != nil {
			loc := d.zone
			if loc == nil {
				loc = d.opts.location()
			}
			local := int64(days)*secondsPerDay + micros/microsPerSecond
			if d.abbr != nil {
				offset = d.abbr.local(local)
			} else {
				offset = localToUTC(local, loc)
			}
		}
		micros -= int64(offset) * microsPerSecond
	}
	return makeTimestamp(days, micros)
}

// makeTimestamp returns the timestamp of a day and microseconds from its start, and whether it is
// in range.
func makeTimestamp(days int, micros int64) (int64, bool) {
	if days < dateMin-2 || days > math.MaxInt64/microsPerDay+2 {
		return 0, false
	}
	v := Mul64(int64(days), microsPerDay).AddInt64(micros)
	ts := int64(v.Lo)
	return ts, v.IsInt64() && ts >= timestampMin && ts <= timestampMax
}

func parseTime(t Type, b []byte, o *ParseOptions) (Datum, error) {
	d := dateTime{order: o.Order, opts: o, timeOnly: true}
	e := d.decode(b)
	if e == dtOK && d.special != 0 {
		e = dtBadFormat
	}
	if e != dtOK {
		return Datum{}, d.error(e, Time, b)
	}
	return coerceSeconds(NewInt(Time, d.timeMicros()), t)
}

// secondUnits[p] is half the unit that p digits of a second leave, in microseconds.
var secondUnits = [...]int64{1000000, 100000, 10000, 1000, 100, 10, 1}

// coerceSeconds rounds a Timestamp, TimestampTZ, Time or TimeTZ to the precision of t.
func coerceSeconds(d Datum, t Type) (Datum, error) {
	if t.Mod < 0 || t.Mod >= secondsPrecisionMax || d.I == TimestampInfinity || d.I == TimestampNegInfinity {
		return d, nil
	}
	// PostgreSQL rounds half away from 2000-01-01, where its own clock starts.
	const epoch2000 = 946684800 * microsPerSecond
	if t.Kind == TimeTZ {
		micros, offset := d.TimeTZParts()
		clock, err := coerceSeconds(NewInt(Time, micros), Type{Time, t.Mod})
		return NewTimeTZ(clock.I, offset), err
	}
	unit := secondUnits[t.Mod]
	v := Int128Of(d.I)
	if t.Kind != Time {
		v = v.AddInt64(-epoch2000)
	}
	half := unit / 2
	if v.Hi < 0 {
		half = -half
	}
	v = v.AddInt64(half)
	v = v.AddInt64(-int64(v.mod64(unit)))
	if t.Kind != Time {
		v = v.AddInt64(epoch2000)
	}
	if !v.IsInt64() || t.Kind != Time && (int64(v.Lo) < timestampMin || int64(v.Lo) > timestampMax) {
		return Datum{}, ErrTimestampRange
	}
	d.I = int64(v.Lo)
	return d, nil
}

// ErrTimestampRange is returned for results that are no timestamp.
var ErrTimestampRange = sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range")

// ErrDateRange is returned for results that are no date.
var ErrDateRange = sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range")

// ErrTimeRange is returned for results that are no time of day.
var ErrTimeRange = sqlerr.New(sqlerr.DatetimeFieldOverflow, "time out of range")

// CheckDate returns the date of a day counted from 1970-01-01, or that it is out of range.
func CheckDate(days int64) (Datum, error) {
	if (days < dateMin || days > dateMax) && days != DateInfinity && days != DateNegInfinity {
		return Datum{}, ErrDateRange
	}
	return NewInt(Date, days), nil
}

// CheckTimestamp returns the Timestamp or TimestampTZ of microseconds from 1970-01-01, or that it
// is out of range.
func CheckTimestamp(k Kind, micros int64) (Datum, error) {
	if micros < timestampMin && micros != TimestampNegInfinity {
		return Datum{}, ErrTimestampRange
	}
	return NewInt(k, micros), nil
}

// ISODate reads yyyy-mm-dd, which is nearly every date, as days since 1970-01-01; false if b is something else, which may
// be a date all the same.
func ISODate(b []byte) (int64, bool) {
	if len(b) != 10 {
		return 0, false
	}
	days, ok := isoDays(b)
	return int64(days), ok
}

// ISOTimestamp reads a timestamp without a precision in the form in which values are printed; false if b is something else.
func ISOTimestamp(k Kind, b []byte, o *ParseOptions) (int64, bool) {
	if o == nil {
		o = &defaultParseOptions
	}
	return isoTimestampOf(k, b, o)
}

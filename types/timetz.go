package types

import (
	"time"

	"github.com/laminadb/lamina/sqlerr"
)

// A TimeTZ is one integer: the microseconds of its time of day in UTC, and below them the seconds that its zone lies
// west of UTC, biased to be positive. So integers order as PostgreSQL orders the values: by the time in UTC, then the
// more western zone last. A POSIX zone may be a week away from UTC: both parts fit 63 bits.
const (
	timeTZZoneBits = 21
	timeTZZoneBias = 1 << (timeTZZoneBits - 1)
)

// NewTimeTZ returns a time of day in a zone that lies offset seconds east of UTC.
func NewTimeTZ(micros int64, offset int) Datum {
	utc := micros - int64(offset)*microsPerSecond
	return NewInt(TimeTZ, utc<<timeTZZoneBits|int64(timeTZZoneBias-offset))
}

// TimeTZParts returns the time of day of a TimeTZ, and the seconds that its zone lies east of UTC.
func (d Datum) TimeTZParts() (micros int64, offset int) {
	offset = timeTZZoneBias - int(d.I&(1<<timeTZZoneBits-1))
	return d.I>>timeTZZoneBits + int64(offset)*microsPerSecond, offset
}

func parseTimeTZ(t Type, b []byte, o *ParseOptions) (Datum, error) {
	d := dateTime{order: o.Order, opts: o, timeOnly: true}
	e := d.decode(b)
	if e == dtOK && d.special != 0 {
		e = dtBadFormat
	}
	offset := 0
	if e == dtOK {
		offset, e = d.clockOffset()
	}
	if e != dtOK {
		return Datum{}, d.error(e, TimeTZ, b)
	}
	return coerceSeconds(NewTimeTZ(d.timeMicros(), offset), t)
}

// clockOffset returns the offset of a time that was decoded: its own, or that of its zone or the session's on its day.
// Without a day that is today, which matters in a zone that has had several offsets.
func (d *dateTime) clockOffset() (int, dtError) {
	if d.seen&seenZone != 0 && d.zone == nil {
		return d.offset, dtOK
	}
	loc := d.zone
	if loc == nil {
		loc = d.opts.location()
	}
	days := 0
	switch {
	case d.seen&seenDate == seenDate:
		days = daysFromCivil(d.year, d.month, d.day)
	case d.seen&seenDate != 0:
		return 0, dtBadFormat
	case !d.opts.Now.IsZero():
		y, m, day := d.opts.Now.In(d.opts.location()).Date()
		days = daysFromCivil(y, int(m), day)
	case !isFixed(loc):
		return 0, dtNeedsClock
	}
	local := int64(days)*secondsPerDay + d.timeMicros()/microsPerSecond
	if d.abbr != nil {
		return d.abbr.local(local), dtOK
	}
	return localToUTC(local, loc), dtOK
}

// TimeToTimeTZ returns a time of day in the zone loc as it is on the day of now.
func TimeToTimeTZ(d Datum, now time.Time, loc *time.Location) Datum {
	if loc == nil {
		loc = time.UTC
	}
	y, m, day := now.In(loc).Date()
	local := int64(daysFromCivil(y, int(m), day))*secondsPerDay + d.I/microsPerSecond
	return NewTimeTZ(d.I, localToUTC(local, loc))
}

// TimestampToTimeTZ returns the time of day of a TimestampTZ in loc; NULL for the infinite ones.
func TimestampToTimeTZ(d Datum, loc *time.Location) Datum {
	if !d.dateIsFinite() {
		return NullOf(TimeTZ)
	}
	_, micros := localParts(d, loc)
	return NewTimeTZ(micros, zoneOffset(d.I, loc))
}

// TimeTZInZone returns the same time of day in UTC as the clock of a zone shows it now.
func TimeTZInZone(d Datum, z Zone, now time.Time) (Datum, error) {
	_, offset := now.In(z.Location(now.UnixMicro())).Zone()
	if offset >= timeTZZoneBias || offset <= -timeTZZoneBias {
		return Datum{}, sqlerr.New(sqlerr.InvalidTimeZoneDisplacementValue, "time zone displacement out of range")
	}
	micros, own := d.TimeTZParts()
	clock := wrapTime(micros + int64(offset-own)*microsPerSecond)
	return NewTimeTZ(clock.I, offset), nil
}

// DateAddTimeTZ returns the TimestampTZ of a date and a time of day in its zone.
func DateAddTimeTZ(d, t Datum) (Datum, error) {
	if !d.dateIsFinite() {
		return infiniteAs(d, TimestampTZ), nil
	}
	micros, offset := t.TimeTZParts()
	ts, ok := makeTimestamp(int(d.I), micros-int64(offset)*microsPerSecond)
	if !ok {
		return Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range for timestamp")
	}
	return NewInt(TimestampTZ, ts), nil
}

func extractTimeTZ(f Field, d Datum) (Datum, bool) {
	micros, offset := d.TimeTZParts()
	switch f {
	case ZoneSeconds, ZoneHour, ZoneMinute:
		return zonePart(f, offset), true
	case Epoch:
		return NewDecimal(micros-int64(offset)*microsPerSecond, 6), true
	}
	return extractTime(f, micros)
}

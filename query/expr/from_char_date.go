package expr

import (
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// dateAndTime is what the fields of a text come to.
type dateAndTime struct {
	year, month, day int
	micros           int64 // of the day
}

func (r *fromChar) outOfRange() error {
	return sqlerr.Newf(sqlerr.DatetimeFieldOverflow, "date/time field value out of range: \"%s\"", r.text)
}

// finish computes the date and the time of day.
func (r *fromChar) finish() (d dateAndTime, err error) {
	hour, minute, second := r.hour, r.minute, r.second
	if r.ssss != 0 {
		hour = orElse(hour, r.ssss/3600)
		minute = orElse(minute, r.ssss%3600/60)
		second = orElse(second, r.ssss%60)
	}
	if r.clock12 {
		if hour < 1 || hour > 12 {
			return d, badFormat("hour \"%d\" is invalid for the 12-hour clock", hour).
				WithHint("Use the 24-hour clock, or give an hour between 1 and 12.")
		}
		hour = hour%12 + 12*r.pm
	}
	if d, err = r.date(); err != nil {
		return d, err
	}
	fraction := int64(r.millis)*1000 + int64(r.micros)
	if hour < 0 || hour >= 24 || minute < 0 || minute >= 60 || second < 0 || second >= 60 || fraction < 0 || fraction >= microsPerSecond {
		return d, r.outOfRange()
	}
	d.micros = int64(hour*3600+minute*60+second)*microsPerSecond + fraction
	if r.zoneSign != 0 && (r.zoneHour < 0 || r.zoneHour > 15 || r.zoneMin < 0 || r.zoneMin >= 60) {
		return d, sqlerr.Newf("22009", "time zone displacement out of range: \"%s\"", r.text)
	}
	return d, nil
}

func orElse(v, other int) int {
	if v != 0 {
		return v
	}
	return other
}

// date computes year, month and day, and checks what was given.
func (r *fromChar) date() (d dateAndTime, err error) {
	d = dateAndTime{month: 1, day: 1}
	hasYear := r.year != 0 || r.century != 0
	d.year = r.fullYear()
	whole := false // the date comes from a number of days or weeks
	setDay := func(day int64) {
		t := time.Unix(day*86400, 0).UTC()
		d.year, d.month, d.day = t.Year(), int(t.Month()), t.Day()
		whole = true
	}
	if r.julian != 0 {
		setDay(int64(r.julian) - julianUnixEpoch)
	}
	yearDay, day := r.yearDay, r.day
	if r.week != 0 && r.iso {
		start := isoWeekStart(d.year, r.week)
		if r.weekday > 1 {
			start += int64(r.weekday - 2)
		} else if r.weekday == 1 {
			start += 6
		}
		setDay(start)
	} else if r.week != 0 {
		yearDay = (r.week-1)*7 + 1
	}
	if r.weekOfMonth != 0 {
		day = (r.weekOfMonth-1)*7 + 1
	}
	hasDay, hasMonth := day != 0, r.month != 0
	d.day, d.month = orElse(day, d.day), orElse(r.month, d.month)
	if yearDay != 0 && (d.month <= 1 || d.day <= 1) {
		switch {
		case d.year == 0 && r.bc == 0:
			return d, badFormat("cannot calculate day of year without year information")
		case r.iso:
			setDay(isoWeekStart(d.year, 1) - 1 + int64(yearDay))
		default:
			d.dayOfYear(yearDay)
			hasDay, hasMonth = true, true
		}
	}
	if whole {
		hasYear, hasMonth, hasDay = true, true, true
	}
	if hasMonth && (d.month < 1 || d.month > 12) || hasDay && (d.day < 1 || d.day > 31) ||
		hasYear && hasMonth && hasDay && d.day > daysOfMonth(d.year, d.month) {
		return d, r.outOfRange()
	}
	return d, nil
}

func daysOfMonth(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// dayOfYear sets month and day, unless they were set beyond the first.
func (d *dateAndTime) dayOfYear(n int) {
	month, before := 1, 0
	for month <= 12 && n > before+daysOfMonth(d.year, month) {
		before += daysOfMonth(d.year, month)
		month++
	}
	if d.month <= 1 {
		d.month = month
	}
	if d.day <= 1 {
		d.day = n - before
	}
}

// fullYear puts century and year together; 1 BC is 0.
func (r *fromChar) fullYear() int {
	century := r.century
	if r.bc != 0 {
		century = -century
	}
	switch {
	case r.year != 0 && century != 0 && r.yearDigits <= 2:
		y := r.year % 100
		switch {
		case y != 0 && century >= 0:
			return y + (century-1)*100
		case y != 0:
			return (century+1)*100 - y + 1
		case century >= 0:
			return century * 100
		}
		return century*100 + 1
	case r.year != 0:
		y := r.year
		if r.bc != 0 {
			y = -y
		}
		if y < 0 {
			y++
		}
		return y
	case century > 0:
		return (century-1)*100 + 1
	case century < 0:
		return century*100 + 1
	}
	return 0
}

// isoWeekStart is the day, from 1970-01-01, of the Monday of an ISO week.
func isoWeekStart(year, week int) int64 {
	day4 := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC)
	return floorDiv(day4.Unix(), 86400) - int64(day4.Weekday()+6)%7 + int64(week-1)*7
}

// day returns the day from 1970-01-01 on; a day beyond its month's end lies in the next one.
func (d *dateAndTime) days() int64 {
	return floorDiv(time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC).Unix(), 86400)
}

func readByTemplate(ctx *Context, args []types.Datum) (*fromChar, dateAndTime, error) {
	r := &fromChar{text: args[0].S, s: args[0].S, nodes: parseTemplate(args[1].S, true)}
	if err := r.read(ctx); err != nil {
		return r, dateAndTime{}, err
	}
	d, err := r.finish()
	return r, d, err
}

func toDate(ctx *Context, args []types.Datum) (types.Datum, error) {
	_, d, err := readByTemplate(ctx, args)
	if err != nil {
		return types.Datum{}, err
	}
	day, err := types.CheckDate(d.days())
	if err != nil {
		return day, sqlerr.Newf(sqlerr.DatetimeFieldOverflow, "date out of range: \"%s\"", args[0].S)
	}
	return day, nil
}

// toTimestamp reads a local time of the session's zone, unless the text has a zone.
func toTimestamp(ctx *Context, args []types.Datum) (types.Datum, error) {
	r, d, err := readByTemplate(ctx, args)
	if err != nil {
		return types.Datum{}, err
	}
	day, err := types.CheckDate(d.days())
	if err != nil {
		return day, types.ErrTimestampRange
	}
	ts, err := types.DateToTimestamp(day, types.Timestamp, nil)
	if err == nil {
		ts, err = types.CheckTimestamp(types.Timestamp, ts.I+d.micros)
	}
	if err != nil {
		return types.Datum{}, types.ErrTimestampRange
	}
	switch {
	case r.zone != nil && r.zoneSign == 0:
		ts, err = types.AtTimeZone(ts, *r.zone)
	case r.zoneSign != 0:
		ts, err = types.AtTimeZone(ts, types.FixedZone(r.zoneSign*(r.zoneHour*60+r.zoneMin)*60))
	default:
		ts, err = types.TimestampInZone(ts, ctx.location())
	}
	if err != nil || r.fraction == 0 {
		return ts, err
	}
	return types.Coerce(ts, types.Type{Kind: types.TimestampTZ, Mod: int32(r.fraction)}, true)
}

package expr

import (
	"math"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

const (
	microsPerSecond = int64(1000000)
	microsPerDay    = 86400 * microsPerSecond
	// The infinities of Date and of the timestamps.
	dateNegInf, dateInf = math.MinInt32, math.MaxInt32
	timeNegInf, timeInf = math.MinInt64, math.MaxInt64
)

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Ranges of dates and timestamps, as in PostgreSQL: from 4714-11-24 BC on.
const (
	dateMin = -2440588 // days
	dateEnd = 2145042541
	// Timestamps end with the year 294276.
	timestampMin = dateMin * microsPerDay
	timestampEnd = 106741035 * microsPerDay
)

var (
	errDateRange      = sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range")
	errTimestampRange = sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range")
	errDateToTime     = sqlerr.New(sqlerr.DatetimeFieldOverflow, "date out of range for timestamp")
	errIntervalRange  = sqlerr.New(sqlerr.DatetimeFieldOverflow, "interval out of range")
	errInfiniteDates  = sqlerr.New(sqlerr.DatetimeFieldOverflow, "cannot subtract infinite dates")
)

// dateToMicros returns the timestamp of a date's midnight; ok is false if no timestamp is so far away,
// and then the value is that of the infinity on its side.
func dateToMicros(day int64) (micros int64, ok bool) {
	switch {
	case day == dateNegInf:
		return timeNegInf, true
	case day == dateInf:
		return timeInf, true
	case day >= timestampEnd/microsPerDay:
		return timeInf, false
	}
	return day * microsPerDay, true
}

// localToUTC returns the instant at which clocks in a zone show a local time; an ambiguous or skipped
// time is taken with the offset before the change.
func localToUTC(micros int64, loc *time.Location) int64 {
	if loc == time.UTC || micros == timeNegInf || micros == timeInf {
		return micros
	}
	return micros - zoneOffset(micros, loc)*microsPerSecond
}

// zoneOffset returns the seconds that a zone is ahead of UTC when its clocks show a local time.
func zoneOffset(local int64, loc *time.Location) int64 {
	offset := func(utc int64) int64 {
		_, o := time.Unix(floorDiv(utc, microsPerSecond), 0).In(loc).Zone()
		return int64(o)
	}
	before := offset(local - microsPerDay)
	after := offset(local + microsPerDay)
	if before == after {
		return before
	}
	okBefore := offset(local-before*microsPerSecond) == before
	okAfter := offset(local-after*microsPerSecond) == after
	if okAfter && !okBefore {
		return after
	}
	return before
}

func utcToLocal(micros int64, loc *time.Location) int64 {
	if loc == time.UTC || micros == timeNegInf || micros == timeInf {
		return micros
	}
	_, o := time.Unix(floorDiv(micros, microsPerSecond), 0).In(loc).Zone()
	return micros + int64(o)*microsPerSecond
}

// compareTimes compares a date and a timestamp, or two kinds of timestamps.
func compareTimes(ctx *Context, a, b types.Datum) int {
	x, farX := timeMicros(ctx, a, b.K == types.TimestampTZ)
	y, farY := timeMicros(ctx, b, a.K == types.TimestampTZ)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case farX && !farY: // a date beyond all timestamps, but before infinity
		return -1
	case farY && !farX:
		return 1
	}
	return 0
}

// timeMicros returns a date or timestamp in microseconds, in UTC if it is a timestamptz or utc is set. far
// marks dates beyond the last timestamp.
func timeMicros(ctx *Context, d types.Datum, utc bool) (micros int64, far bool) {
	micros = d.I
	if d.K == types.Date {
		var ok bool
		if micros, ok = dateToMicros(d.I); !ok {
			return micros, true
		}
	}
	if utc && d.K != types.TimestampTZ {
		return localToUTC(micros, ctx.location()), false
	}
	return micros, false
}

var datetimeCasts = []castRow{
	{"date,timestamp", Implicit, 2024, 0, dateToTimestamp, kernelDateToTimestamp},
	{"date,timestamptz", Implicit, 1174, stable, dateToTimestampTZ, kernelNone},
	{"time,interval", Implicit, 1370, safe, timeToInterval, kernelNone},
	{"timestamp,date", Assignment, 2029, safe, timestampToDate, kernelNone},
	{"timestamp,time", Assignment, 1316, safe, timestampToTime, kernelNone},
	{"timestamp,timestamptz", Implicit, 2028, stable | safe, timestampToTZ, kernelNone},
	{"timestamptz,date", Assignment, 1178, stable | safe, viaLocal(timestampToDate), kernelNone},
	{"timestamptz,time", Assignment, 2019, stable | safe, viaLocal(timestampToTime), kernelNone},
	{"timestamptz,timestamp", Assignment, 2027, stable | safe, viaLocal(relabel(types.Timestamp)), kernelNone},
	{"interval,time", Assignment, 1419, safe, intervalToTime, kernelNone},
}

func dateToTimestamp(_ *Context, args []types.Datum) (types.Datum, error) {
	v, ok := dateToMicros(args[0].I)
	if !ok {
		return types.Datum{}, errDateToTime
	}
	return types.NewInt(types.Timestamp, v), nil
}

func dateToTimestampTZ(ctx *Context, args []types.Datum) (types.Datum, error) {
	v, ok := dateToMicros(args[0].I)
	if !ok {
		return types.Datum{}, errDateToTime
	}
	return types.NewInt(types.TimestampTZ, localToUTC(v, ctx.location())), nil
}

func timeToInterval(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewInterval(0, 0, args[0].I), nil
}

func intervalToTime(_ *Context, args []types.Datum) (types.Datum, error) {
	_, _, micros := args[0].IntervalParts()
	return types.NewInt(types.Time, micros-floorDiv(micros, microsPerDay)*microsPerDay), nil
}

func timestampToDate(_ *Context, args []types.Datum) (types.Datum, error) {
	switch v := args[0].I; v {
	case timeNegInf:
		return types.NewInt(types.Date, dateNegInf), nil
	case timeInf:
		return types.NewInt(types.Date, dateInf), nil
	default:
		return types.NewInt(types.Date, floorDiv(v, microsPerDay)), nil
	}
}

// timestampToTime is NULL for the infinities.
func timestampToTime(_ *Context, args []types.Datum) (types.Datum, error) {
	v := args[0].I
	if v == timeNegInf || v == timeInf {
		return types.NullOf(types.Time), nil
	}
	return types.NewInt(types.Time, v-floorDiv(v, microsPerDay)*microsPerDay), nil
}

func timestampToTZ(ctx *Context, args []types.Datum) (types.Datum, error) {
	return types.NewInt(types.TimestampTZ, localToUTC(args[0].I, ctx.location())), nil
}

// viaLocal applies a conversion of timestamps to the local time of a timestamptz.
func viaLocal(f scalar) scalar {
	return func(ctx *Context, args []types.Datum) (types.Datum, error) {
		local := [1]types.Datum{types.NewInt(types.Timestamp, utcToLocal(args[0].I, ctx.location()))}
		return f(ctx, local[:])
	}
}

package expr

import (
	"math"

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

// timestampEndDay is the first day whose midnight is no timestamp any more.
const timestampEndDay = 106751992

// dateToMicros returns the timestamp of a date's midnight; ok is false if no timestamp is so far away,
// and then the value is that of the infinity on its side.
func dateToMicros(day int64) (micros int64, ok bool) {
	switch {
	case day == dateNegInf:
		return timeNegInf, true
	case day == dateInf:
		return timeInf, true
	case day >= timestampEndDay:
		return timeInf, false
	}
	return day * microsPerDay, true
}

// compareTimes compares a date and a timestamp, or two kinds of timestamps, without ever failing: a date
// beyond all timestamps is above them and below infinity.
func compareTimes(ctx *Context, a, b types.Datum) int {
	x, farX := timeMicros(ctx, a, b.K == types.TimestampTZ)
	y, farY := timeMicros(ctx, b, a.K == types.TimestampTZ)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case farX && !farY:
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
	if !utc || d.K == types.TimestampTZ {
		return micros, false
	}
	t, err := types.TimestampInZone(types.NewInt(types.Timestamp, micros), ctx.location())
	if err != nil {
		return micros, false // at the very end of the range
	}
	return t.I, false
}

var datetimeCasts = []castRow{
	{"date,timestamp", Implicit, 2024, 0, dateToTime(types.Timestamp), kernelDateToTimestamp},
	{"date,timestamptz", Implicit, 1174, stable, dateToTime(types.TimestampTZ), kernelNone},
	{"time,interval", Implicit, 1370, safe, timeToInterval, kernelNone},
	{"time,timetz", Implicit, 2047, stable | safe, timeToTimeTZ, kernelNone},
	{"timetz,time", Assignment, 2046, safe, timeTZToTime, kernelNone},
	{"timestamp,date", Assignment, 2029, safe, timeToDate, kernelNone},
	{"timestamp,time", Assignment, 1316, safe, timeOfDay, kernelNone},
	{"timestamp,timestamptz", Implicit, 2028, stable, inZone, kernelNone},
	{"timestamptz,date", Assignment, 1178, stable | safe, timeToDate, kernelNone},
	{"timestamptz,time", Assignment, 2019, stable | safe, timeOfDay, kernelNone},
	{"timestamptz,timestamp", Assignment, 2027, stable, inZone, kernelNone},
	{"timestamptz,timetz", Assignment, 1388, stable | safe, timestampToTimeTZ, kernelNone},
	{"interval,time", Assignment, 1419, 0, intervalToTime, kernelNone},
}

func dateToTime(k types.Kind) scalar {
	return func(ctx *Context, args []types.Datum) (types.Datum, error) {
		return types.DateToTimestamp(args[0], k, ctx.location())
	}
}

func timeToInterval(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewInterval(0, 0, args[0].I), nil
}

func intervalToTime(_ *Context, args []types.Datum) (types.Datum, error) {
	if types.Identical(args[0], types.IntervalInfinity) || types.Identical(args[0], types.IntervalNegInfinity) {
		return types.Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "cannot convert infinite interval to time")
	}
	return types.TimeAddInterval(types.NewInt(types.Time, 0), args[0])
}

func timeToDate(ctx *Context, args []types.Datum) (types.Datum, error) {
	return types.TimestampToDate(args[0], ctx.location()), nil
}

func timeOfDay(ctx *Context, args []types.Datum) (types.Datum, error) {
	return types.TimestampToTime(args[0], ctx.location()), nil
}

// inZone converts between Timestamp and TimestampTZ in the session's zone.
func inZone(ctx *Context, args []types.Datum) (types.Datum, error) {
	return types.TimestampInZone(args[0], ctx.location())
}

package expr

import (
	"fmt"
	"math"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// makeFunctions build dates and times from numbers, and compare and count periods.
var makeFunctions = []entry{
	{"make_time(int4,int4,float8) time", 3847, 0, makeTime, kernelNone},
	{"make_timestamp(int4,int4,int4,int4,int4,float8) timestamp", 3461, 0, makeTimestamp, kernelNone},
	{"make_timestamptz(int4,int4,int4,int4,int4,float8) timestamptz", 3462, stable, makeTimestampTZ, kernelNone},
	{"make_timestamptz(int4,int4,int4,int4,int4,float8,text) timestamptz", 3463, stable, makeTimestampTZ, kernelNone},
	{"make_interval(int4,int4,int4,int4,int4,int4,float8) interval", 3464, 0, makeInterval, kernelNone},
	// The last arguments may be left out.
	{"make_interval(int4,int4,int4,int4,int4,int4) interval", 0, 0, makeInterval, kernelNone},
	{"make_interval(int4,int4,int4,int4,int4) interval", 0, 0, makeInterval, kernelNone},
	{"make_interval(int4,int4,int4,int4) interval", 0, 0, makeInterval, kernelNone},
	{"make_interval(int4,int4,int4) interval", 0, 0, makeInterval, kernelNone},
	{"make_interval(int4,int4) interval", 0, 0, makeInterval, kernelNone},
	{"make_interval(int4) interval", 0, 0, makeInterval, kernelNone},
	{"make_interval() interval", 0, 0, makeInterval, kernelNone},
	{"date_bin(interval,timestamp,timestamp) timestamp", 6177, 0, dateBin, kernelNone},
	{"date_bin(interval,timestamptz,timestamptz) timestamptz", 6178, 0, dateBin, kernelNone},
	{"date_add(timestamptz,interval) timestamptz", 6221, stable, addInterval, kernelNone},
	{"date_add(timestamptz,interval,text) timestamptz", 6222, stable, inZoneOf(types.TimestampAddInterval), kernelNone},
	{"date_subtract(timestamptz,interval) timestamptz", 6223, stable, subInterval, kernelNone},
	{"date_subtract(timestamptz,interval,text) timestamptz", 6273, stable, inZoneOf(types.TimestampSubInterval), kernelNone},
	{"timestamp(date,time) timestamp", 2025, 0, time2(types.DateAddTime), kernelNone},
	{"overlaps(time,interval,time,interval) bool", 1309, nullable, overlaps, kernelNone},
	{"overlaps(time,interval,time,time) bool", 1311, nullable, overlaps, kernelNone},
	{"overlaps(time,time,time,interval) bool", 1310, nullable, overlaps, kernelNone},
	{"overlaps(time,time,time,time) bool", 1308, nullable, overlaps, kernelNone},
	{"timestamptz(date,timetz) timestamptz", 1359, 0, time2(types.DateAddTimeTZ), kernelNone},
	{"overlaps(timetz,timetz,timetz,timetz) bool", 1271, nullable, overlaps, kernelNone},
	{"overlaps(timestamp,interval,timestamp,interval) bool", 2042, nullable, overlaps, kernelNone},
	{"overlaps(timestamp,interval,timestamp,timestamp) bool", 2044, nullable, overlaps, kernelNone},
	{"overlaps(timestamp,timestamp,timestamp,interval) bool", 2043, nullable, overlaps, kernelNone},
	{"overlaps(timestamp,timestamp,timestamp,timestamp) bool", 2041, nullable, overlaps, kernelNone},
	{"overlaps(timestamptz,interval,timestamptz,interval) bool", 1305, stable | nullable, overlaps, kernelNone},
	{"overlaps(timestamptz,interval,timestamptz,timestamptz) bool", 1307, stable | nullable, overlaps, kernelNone},
	{"overlaps(timestamptz,timestamptz,timestamptz,interval) bool", 1306, stable | nullable, overlaps, kernelNone},
	{"overlaps(timestamptz,timestamptz,timestamptz,timestamptz) bool", 1304, nullable, overlaps, kernelNone},
}

// clockMicros returns a time of day from hour, minute and seconds, and whether it is one.
func clockMicros(hour, minute int64, sec float64) (micros int64, ok bool) {
	if hour < 0 || hour > 24 || minute < 0 || minute > 59 || !(sec >= 0 && sec <= 60) {
		return 0, false
	}
	micros = (hour*60+minute)*60*microsPerSecond + int64(math.RoundToEven(sec*1e6))
	return micros, micros <= microsPerDay
}

func makeTime(_ *Context, args []types.Datum) (types.Datum, error) {
	micros, ok := clockMicros(args[0].I, args[1].I, args[2].Float())
	if !ok {
		return types.Datum{}, sqlerr.Newf(sqlerr.DatetimeFieldOverflow,
			"time field value out of range: %d:%02d:%02.6g", args[0].I, args[1].I, args[2].Float())
	}
	return types.NewInt(types.Time, micros), nil
}

func makeTimestamp(_ *Context, args []types.Datum) (types.Datum, error) {
	date, err := dateOf(args, args[0].I)
	if err != nil {
		return types.Datum{}, err
	}
	micros, ok := clockMicros(args[3].I, args[4].I, args[5].Float())
	clock := fmt.Sprintf("%d:%02d:%02.6g", args[3].I, args[4].I, args[5].Float())
	if !ok {
		return types.Datum{}, sqlerr.Newf(sqlerr.DatetimeFieldOverflow, "time field value out of range: %s", clock)
	}
	ts, err := types.DateToTimestamp(date, types.Timestamp, nil)
	if err == nil {
		ts, err = types.CheckTimestamp(types.Timestamp, ts.I+micros)
	}
	if err != nil {
		return types.Datum{}, sqlerr.Newf(sqlerr.DatetimeFieldOverflow, "timestamp out of range: %d-%02d-%02d %s",
			args[0].I, args[1].I, args[2].I, clock)
	}
	return ts, nil
}

func makeTimestampTZ(ctx *Context, args []types.Datum) (types.Datum, error) {
	ts, err := makeTimestamp(ctx, args)
	if err != nil {
		return ts, err
	}
	if len(args) == 6 {
		return types.TimestampInZone(ts, ctx.location())
	}
	zone, err := types.OffsetOrZone(args[6].S, ctx.location())
	if err != nil {
		return types.Datum{}, err
	}
	return types.AtTimeZone(ts, zone)
}

// makeInterval takes years, months, weeks, days, hours, minutes and seconds.
func makeInterval(_ *Context, args []types.Datum) (types.Datum, error) {
	var v [6]int64
	sec := 0.0
	for i := range args {
		if i == 6 {
			sec = math.RoundToEven(args[i].Float() * 1e6)
			if math.IsInf(sec, 0) && !math.IsInf(args[i].Float(), 0) {
				return types.Datum{}, types.ErrFloatOverflow
			}
			continue
		}
		v[i] = args[i].I
	}
	if !(sec >= math.MinInt64 && sec < -math.MinInt64) {
		return types.Datum{}, types.ErrIntervalRange
	}
	clock, ok := addExact((v[4]*60+v[5])*60*microsPerSecond, int64(sec))
	months, days := v[0]*12+v[1], v[2]*7+v[3]
	d := types.NewInterval(int32(months), int32(days), clock)
	if finite, _ := isFinite(nil, []types.Datum{d}); !ok || int64(int32(months)) != months || int64(int32(days)) != days ||
		v[0]*12 != int64(int32(v[0]*12)) || v[2]*7 != int64(int32(v[2]*7)) || !finite.Bool() {
		return types.Datum{}, types.ErrIntervalRange
	}
	return d, nil
}

// dateBin returns the start of the period that a timestamp lies in, of those of a length that begin at an origin.
func dateBin(_ *Context, args []types.Datum) (types.Datum, error) {
	stride, ts, origin := args[0], args[1], args[2]
	months, days, micros := stride.IntervalParts()
	finite, _ := isFinite(nil, []types.Datum{stride})
	switch {
	case ts.I == timeInf || ts.I == timeNegInf:
		return ts, nil
	case origin.I == timeInf || origin.I == timeNegInf:
		return types.Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "origin out of range")
	case !finite.Bool():
		return types.Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamps cannot be binned into infinite intervals")
	case months != 0:
		return types.Datum{}, sqlerr.New(sqlerr.FeatureNotSupported,
			"timestamps cannot be binned into intervals containing months or years")
	}
	length, ok := mulExact(int64(days), microsPerDay)
	if ok {
		length, ok = addExact(length, micros)
	}
	if !ok {
		return types.Datum{}, types.ErrIntervalRange
	}
	if length <= 0 {
		return types.Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "stride must be greater than zero")
	}
	diff, ok := subExact(ts.I, origin.I)
	if !ok {
		return types.Datum{}, types.ErrIntervalRange
	}
	rest := diff % length
	start := origin.I + (diff - rest)
	if rest < 0 {
		if start, ok = subExact(start, length); !ok {
			return types.Datum{}, types.ErrTimestampRange
		}
	}
	return types.CheckTimestamp(ts.K, start)
}

// inZoneOf is arithmetic in the zone that the third argument names.
func inZoneOf(f func(d, iv types.Datum, loc *time.Location) (types.Datum, error)) scalar {
	return func(ctx *Context, args []types.Datum) (types.Datum, error) {
		zone, err := types.LoadZone(args[2].S, ctx.location())
		if err != nil {
			return types.Datum{}, err
		}
		return f(args[0], args[1], zone.Rules())
	}
}

// overlaps compares two periods, each of a start and an end or length. A period contains its start, and not its
// end. NULL for one bound leaves what the other says.
func overlaps(ctx *Context, args []types.Datum) (types.Datum, error) {
	var p [2][2]types.Datum
	for i := range p {
		var err error
		if p[i], err = period(ctx, args[2*i], args[2*i+1]); err != nil {
			return types.Datum{}, err
		}
		if !p[i][0].Valid {
			return types.NullOf(types.Bool), nil
		}
	}
	a, b := p[0], p[1]
	c := types.Compare(a[0], b[0])
	if c > 0 {
		a, b = b, a
	}
	switch { // a starts first
	case c == 0:
		if !a[1].Valid || !b[1].Valid {
			return types.NullOf(types.Bool), nil
		}
		return types.NewBool(true), nil
	case !a[1].Valid:
		return types.NullOf(types.Bool), nil
	case types.Compare(b[0], a[1]) < 0:
		return types.NewBool(true), nil
	case !b[1].Valid:
		return types.NullOf(types.Bool), nil
	}
	return types.NewBool(false), nil
}

// period returns start and end in order; only the end may be NULL, unless both are.
func period(ctx *Context, start, end types.Datum) (p [2]types.Datum, err error) {
	if end.Valid && end.K == types.Interval {
		iv := end
		end = types.NullOf(start.K)
		if start.Valid {
			if start.K == types.Time {
				end, err = types.TimeAddInterval(start, iv)
			} else {
				end, err = types.TimestampAddInterval(start, iv, ctx.location())
			}
		}
		if err != nil {
			return p, err
		}
	}
	switch {
	case !start.Valid:
		start, end = end, types.NullOf(end.K)
	case end.Valid && types.Compare(start, end) > 0:
		start, end = end, start
	}
	return [2]types.Datum{start, end}, nil
}

package expr

import (
	"math"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// datetimeOperators are the operators on dates, times and intervals.
var datetimeOperators = []entry{
	{"*(float8,interval) interval", 1624, 0, swap(intervalMul), kernelNone},
	{"*(interval,float8) interval", 1618, 0, intervalMul, kernelNone},
	{"+(int4,date) date", 2550, 0, swap(dateAddDays(1)), kernelAdd},
	{"+(date,int4) date", 1141, 0, dateAddDays(1), kernelAdd},
	{"+(date,time) timestamp", 1272, 0, time2(types.DateAddTime), kernelNone},
	{"+(date,timetz) timestamptz", 1297, 0, time2(types.DateAddTimeTZ), kernelNone},
	{"+(date,interval) timestamp", 2071, 0, dateAddInterval, kernelNone},
	{"+(time,date) timestamp", 1296, 0, swap(time2(types.DateAddTime)), kernelNone},
	{"+(timetz,date) timestamptz", 1298, 0, swap(time2(types.DateAddTimeTZ)), kernelNone},
	{"+(timetz,interval) timetz", 1749, 0, time2(types.TimeAddInterval), kernelNone},
	{"+(time,interval) time", 1747, 0, time2(types.TimeAddInterval), kernelNone},
	{"+(timestamp,interval) timestamp", 2032, 0, addInterval, kernelNone},
	{"+(timestamptz,interval) timestamptz", 1189, stable, addInterval, kernelNone},
	{"+(interval,date) timestamp", 2546, 0, swap(dateAddInterval), kernelNone},
	{"+(interval,time) time", 1848, 0, swap(time2(types.TimeAddInterval)), kernelNone},
	{"+(interval,timetz) timetz", 2547, 0, swap(time2(types.TimeAddInterval)), kernelNone},
	{"+(interval,timestamp) timestamp", 2548, 0, swap(addInterval), kernelNone},
	{"+(interval,timestamptz) timestamptz", 2549, stable, swap(addInterval), kernelNone},
	{"+(interval,interval) interval", 1169, 0, time2(types.IntervalAdd), kernelNone},
	{"-(interval) interval", 1168, 0, time1(types.IntervalNeg), kernelNone},
	{"-(date,int4) date", 1142, 0, dateAddDays(-1), kernelSub},
	{"-(date,date) int4", 1140, 0, dateSub, kernelSub},
	{"-(date,interval) timestamp", 2072, 0, dateSubInterval, kernelNone},
	{"-(time,time) interval", 1690, safe, timeSub, kernelNone},
	{"-(time,interval) time", 1748, 0, time2(types.TimeSubInterval), kernelNone},
	{"-(timetz,interval) timetz", 1750, 0, time2(types.TimeSubInterval), kernelNone},
	{"-(timestamp,timestamp) interval", 2031, 0, time2(types.TimestampSub), kernelNone},
	{"-(timestamp,interval) timestamp", 2033, 0, subInterval, kernelNone},
	{"-(timestamptz,timestamptz) interval", 1188, 0, time2(types.TimestampSub), kernelNone},
	{"-(timestamptz,interval) timestamptz", 1190, stable, subInterval, kernelNone},
	{"-(interval,interval) interval", 1170, 0, time2(types.IntervalSub), kernelNone},
	{"/(interval,float8) interval", 1326, 0, intervalDiv, kernelNone},
}

// datetimeFunctions are the functions of dates, times and intervals.
var datetimeFunctions = []entry{
	{"extract(text,date) numeric", 6199, 0, extract, kernelExtract},
	{"extract(text,time) numeric", 6200, 0, extract, kernelNone},
	{"extract(text,timetz) numeric", 6201, 0, extract, kernelNone},
	{"extract(text,timestamp) numeric", 6202, 0, extract, kernelNone},
	{"extract(text,timestamptz) numeric", 6203, stable, extract, kernelNone},
	{"extract(text,interval) numeric", 6204, 0, extract, kernelNone},
	{"date_part(text,date) float8", 1384, 0, datePart, kernelNone},
	{"date_part(text,time) float8", 1385, 0, datePart, kernelNone},
	{"date_part(text,timetz) float8", 1273, 0, datePart, kernelNone},
	{"date_part(text,timestamp) float8", 2021, 0, datePart, kernelNone},
	{"date_part(text,timestamptz) float8", 1171, stable, datePart, kernelNone},
	{"date_part(text,interval) float8", 1172, 0, datePart, kernelNone},
	{"date_trunc(text,timestamp) timestamp", 2020, 0, dateTrunc, kernelNone},
	{"date_trunc(text,timestamptz) timestamptz", 1217, stable, dateTrunc, kernelNone},
	{"date_trunc(text,timestamptz,text) timestamptz", 1284, stable, dateTruncZone, kernelNone},
	{"date_trunc(text,interval) interval", 1218, 0, dateTrunc, kernelNone},
	{"age(timestamp,timestamp) interval", 2058, 0, age, kernelNone},
	{"age(timestamptz,timestamptz) interval", 1199, stable, age, kernelNone},
	{"age(timestamp) interval", 2059, stable, ageOfToday, kernelNone},
	{"age(timestamptz) interval", 1386, stable, ageOfToday, kernelNone},
	{"timezone(text,timestamptz) timestamp", 1159, stable, atTimeZone, kernelNone},
	{"timezone(text,timestamp) timestamptz", 2069, stable, atTimeZone, kernelNone},
	{"timezone(interval,timestamptz) timestamp", 1026, 0, atTimeZone, kernelNone},
	{"timezone(interval,timestamp) timestamptz", 2070, 0, atTimeZone, kernelNone},
	{"timezone(text,timetz) timetz", 2037, stable, atTimeZone, kernelNone},
	{"timezone(interval,timetz) timetz", 2038, 0, atTimeZone, kernelNone},
	{"timezone(timetz) timetz", 6336, stable | safe, timeTZHere, kernelNone},
	{"timezone(timestamptz) timestamp", 6334, stable, inZone, kernelNone},
	{"timezone(timestamp) timestamptz", 6335, stable, inZone, kernelNone},
	{"isfinite(date) bool", 1373, safe, isFinite, kernelNone},
	{"isfinite(timestamp) bool", 2048, safe, isFinite, kernelNone},
	{"isfinite(timestamptz) bool", 1389, safe, isFinite, kernelNone},
	{"isfinite(interval) bool", 1390, safe, isFinite, kernelNone},
	{"justify_days(interval) interval", 1295, 0, time1(types.JustifyDays), kernelNone},
	{"justify_hours(interval) interval", 1175, 0, time1(types.JustifyHours), kernelNone},
	{"justify_interval(interval) interval", 2711, 0, time1(types.JustifyInterval), kernelNone},
	{"make_date(int4,int4,int4) date", 3846, 0, makeDate, kernelNone},
	{"to_timestamp(float8) timestamptz", 1158, 0, epochToTime, kernelNone},
}

// swap exchanges the two arguments of a function.
func swap(f scalar) scalar {
	return func(ctx *Context, args []types.Datum) (types.Datum, error) {
		exchanged := [2]types.Datum{args[1], args[0]}
		return f(ctx, exchanged[:])
	}
}

func time1(f func(types.Datum) (types.Datum, error)) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) { return f(args[0]) }
}

func time2(f func(a, b types.Datum) (types.Datum, error)) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) { return f(args[0], args[1]) }
}

func dateAddDays(sign int64) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		return types.DateAddDays(args[0], sign*args[1].I)
	}
}

func dateSub(_ *Context, args []types.Datum) (types.Datum, error) {
	n, err := types.DateSub(args[0], args[1])
	return types.NewInt(types.Int4, n), err
}

func dateAddInterval(ctx *Context, args []types.Datum) (types.Datum, error) {
	ts, err := types.DateToTimestamp(args[0], types.Timestamp, nil)
	if err != nil {
		return ts, err
	}
	return types.TimestampAddInterval(ts, args[1], ctx.location())
}

func dateSubInterval(ctx *Context, args []types.Datum) (types.Datum, error) {
	ts, err := types.DateToTimestamp(args[0], types.Timestamp, nil)
	if err != nil {
		return ts, err
	}
	return types.TimestampSubInterval(ts, args[1], ctx.location())
}

func addInterval(ctx *Context, args []types.Datum) (types.Datum, error) {
	return types.TimestampAddInterval(args[0], args[1], ctx.location())
}

func subInterval(ctx *Context, args []types.Datum) (types.Datum, error) {
	return types.TimestampSubInterval(args[0], args[1], ctx.location())
}

func timeSub(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.TimeSub(args[0], args[1]), nil
}

func intervalMul(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.IntervalMul(args[0], args[1].Float())
}

func intervalDiv(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.IntervalDiv(args[0], args[1].Float())
}

func extract(ctx *Context, args []types.Datum) (types.Datum, error) {
	return types.Extract(args[0].S, args[1], ctx.location())
}

func datePart(ctx *Context, args []types.Datum) (types.Datum, error) {
	d := args[1]
	if d.K == types.Date { // date_part of a date is that of its timestamp
		ts, err := types.DateToTimestamp(d, types.Timestamp, nil)
		if err != nil {
			return ts, err
		}
		d = ts
	}
	v, err := types.Extract(args[0].S, d, ctx.location())
	if err != nil || v.IsNull() {
		return types.NullOf(types.Float8), err
	}
	if v.IsFinite() && types.FieldByName(args[0].S) == types.Epoch {
		return types.NewFloat(types.Float8, epochFloat(d)), nil
	}
	f, err := types.NumericToFloat(types.Float8, v)
	return types.NewFloat(types.Float8, f), err
}

// epochFloat counts seconds in the steps that PostgreSQL takes: each rounds.
func epochFloat(d types.Datum) float64 {
	if d.K == types.TimeTZ {
		micros, offset := d.TimeTZParts()
		return float64(micros)/1e6 - float64(offset)
	}
	f := float64(d.I) / 1e6
	if d.K == types.Interval {
		const day, year = 86400, 365.25 * 86400
		months, days, _ := d.IntervalParts()
		f += year * float64(months/12)
		f += 30 * day * float64(months%12)
		f += day * float64(days)
	}
	return f
}

func dateTrunc(ctx *Context, args []types.Datum) (types.Datum, error) {
	return types.DateTrunc(args[0].S, args[1], ctx.location())
}

func dateTruncZone(ctx *Context, args []types.Datum) (types.Datum, error) {
	zone, err := types.LoadZone(args[2].S, ctx.location())
	if err != nil {
		return types.Datum{}, err
	}
	return types.DateTrunc(args[0].S, args[1], zone.Rules())
}

func age(ctx *Context, args []types.Datum) (types.Datum, error) {
	return types.Age(args[0], args[1], ctx.location())
}

// ageOfToday counts from this day's midnight.
func ageOfToday(ctx *Context, args []types.Datum) (types.Datum, error) {
	today, err := clock(transactionTime, types.Date)(ctx, nil)
	if err != nil {
		return today, err
	}
	midnight, err := types.DateToTimestamp(today, args[0].K, ctx.location())
	if err != nil {
		return midnight, err
	}
	return types.Age(midnight, args[0], ctx.location())
}

func atTimeZone(ctx *Context, args []types.Datum) (types.Datum, error) {
	var zone types.Zone
	if args[1].K != types.TimeTZ && (args[1].I == timeInf || args[1].I == timeNegInf) {
		return types.TimestampInZone(args[1], nil)
	}
	if args[0].K == types.Interval {
		months, days, micros := args[0].IntervalParts()
		if months != 0 || days != 0 {
			text := types.AppendText(nil, args[0], types.T(types.Interval), nil)
			if finite, _ := isFinite(nil, args); !finite.Bool() {
				return types.Datum{}, sqlerr.Newf(sqlerr.InvalidParameterValue, "interval time zone \"%s\" must be finite", text)
			}
			return types.Datum{}, sqlerr.Newf(sqlerr.InvalidParameterValue,
				"interval time zone \"%s\" must not include months or days", text)
		}
		zone = types.FixedZone(int(int32(micros / microsPerSecond)))
	} else {
		var err error
		if zone, err = types.LoadZone(args[0].S, ctx.location()); err != nil {
			return types.Datum{}, err
		}
	}
	if args[1].K == types.TimeTZ {
		return types.TimeTZInZone(args[1], zone, transactionTime(ctx))
	}
	return types.AtTimeZone(args[1], zone)
}

func isFinite(_ *Context, args []types.Datum) (types.Datum, error) {
	d := args[0]
	switch d.K {
	case types.Date:
		return types.NewBool(d.I != dateInf && d.I != dateNegInf), nil
	case types.Interval:
		return types.NewBool(!types.Identical(d, types.IntervalInfinity) && !types.Identical(d, types.IntervalNegInfinity)), nil
	}
	return types.NewBool(d.I != timeInf && d.I != timeNegInf), nil
}

// makeDate counts years before Christ below zero.
func makeDate(_ *Context, args []types.Datum) (types.Datum, error) {
	year := args[0].I
	if year < 0 {
		year++
	}
	return dateOf(args, year)
}

// dateOf returns the date of year, month and day; its errors show the year as shown.
func dateOf(args []types.Datum, shown int64) (types.Datum, error) {
	y, m, d := args[0].I, args[1].I, args[2].I
	year := y
	if y < 0 {
		year++
	}
	outOfRange := func(what string) error {
		return sqlerr.Newf(sqlerr.DatetimeFieldOverflow, "%s out of range: %d-%02d-%02d", what, shown, m, d)
	}
	t := time.Date(int(year), time.Month(m), int(d), 0, 0, 0, 0, time.UTC)
	if y == 0 || m < 1 || m > 12 || d < 1 || d > 31 || t.Day() != int(d) {
		return types.Datum{}, outOfRange("date field value")
	}
	day, err := types.CheckDate(floorDiv(t.Unix(), 86400))
	if err != nil {
		return day, outOfRange("date")
	}
	return day, nil
}

func epochToTime(_ *Context, args []types.Datum) (types.Datum, error) {
	f := args[0].Float()
	switch {
	case math.IsNaN(f):
		return types.Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp cannot be NaN")
	case math.IsInf(f, 1):
		return types.NewInt(types.TimestampTZ, timeInf), nil
	case math.IsInf(f, -1):
		return types.NewInt(types.TimestampTZ, timeNegInf), nil
	}
	// PostgreSQL rounds what it counts from 2000 on.
	const epoch2000 = 946684800
	micros := math.RoundToEven((f - epoch2000) * 1e6)
	if f < -210866803200 || f >= 9224318016000 || micros >= math.MaxInt64-epoch2000*1e6 {
		return types.Datum{}, sqlerr.Newf(sqlerr.DatetimeFieldOverflow, "timestamp out of range: \"%.6g\"", f)
	}
	return types.NewInt(types.TimestampTZ, int64(micros)+epoch2000*microsPerSecond), nil
}

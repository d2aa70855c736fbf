package expr

import (
	"time"

	"github.com/laminadb/lamina/types"
)

// datetimeOperators are the operators on dates, times and intervals.
var datetimeOperators = []entry{
	{"+(date,int4) date", 1141, 0, dateAddDays(1), kernelAdd},
	{"+(int4,date) date", 2550, 0, swap(dateAddDays(1)), kernelAdd},
	{"-(date,int4) date", 1142, 0, dateAddDays(-1), kernelSub},
	{"-(date,date) int4", 1140, 0, dateSub, kernelSub},
	{"+(date,interval) timestamp", 2071, 0, dateAddInterval(1), kernelNone},
	{"+(interval,date) timestamp", 2546, 0, swap(dateAddInterval(1)), kernelNone},
	{"-(date,interval) timestamp", 2072, 0, dateAddInterval(-1), kernelNone},
	{"+(timestamp,interval) timestamp", 2032, 0, timestampAddInterval(1), kernelNone},
	{"+(interval,timestamp) timestamp", 2548, 0, swap(timestampAddInterval(1)), kernelNone},
	{"-(timestamp,interval) timestamp", 2033, 0, timestampAddInterval(-1), kernelNone},
}

// datetimeFunctions are the functions of dates, times and intervals.
var datetimeFunctions = []entry{}

// swap exchanges the two arguments of a function.
func swap(f scalar) scalar {
	return func(ctx *Context, args []types.Datum) (types.Datum, error) {
		exchanged := [2]types.Datum{args[1], args[0]}
		return f(ctx, exchanged[:])
	}
}

func dateAddDays(sign int64) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		day := args[0].I
		if day == dateNegInf || day == dateInf {
			return args[0], nil
		}
		day += sign * args[1].I
		if day < dateMin || day >= dateEnd {
			return types.Datum{}, errDateRange
		}
		return types.NewInt(types.Date, day), nil
	}
}

func dateSub(_ *Context, args []types.Datum) (types.Datum, error) {
	a, b := args[0].I, args[1].I
	if a == dateNegInf || a == dateInf || b == dateNegInf || b == dateInf {
		return types.Datum{}, errInfiniteDates
	}
	return types.NewInt(types.Int4, a-b), nil
}

func dateAddInterval(sign int64) scalar {
	add := timestampAddInterval(sign)
	return func(ctx *Context, args []types.Datum) (types.Datum, error) {
		ts, err := dateToTimestamp(ctx, args)
		if err != nil {
			return ts, err
		}
		both := [2]types.Datum{ts, args[1]}
		return add(ctx, both[:])
	}
}

func timestampAddInterval(sign int64) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		ts := args[0].I
		if ts == timeNegInf || ts == timeInf {
			return args[0], nil
		}
		months, days, micros := args[1].IntervalParts()
		t := time.UnixMicro(ts).UTC()
		if months != 0 {
			t = addMonths(t, sign*int64(months))
		}
		v := t.UnixMicro() + sign*int64(days)*microsPerDay
		v, ok := addExact(v, sign*micros)
		if !ok || v < timestampMin || v >= timestampEnd {
			return types.Datum{}, errTimestampRange
		}
		return types.NewInt(types.Timestamp, v), nil
	}
}

// addMonths keeps the day of the month, or takes the month's last one.
func addMonths(t time.Time, n int64) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return time.Date(first.Year(), first.Month(), min(t.Day(), last), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

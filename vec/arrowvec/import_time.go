package arrowvec

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/laminadb/lamina/types"
)

const (
	millisPerDay = 24 * 60 * 60 * 1000
	dayMicros    = millisPerDay * 1000
)

// timeReader reads dates, times and intervals; nil for other arrays or types.
func timeReader(a arrow.Array, t types.Type) func(i int) (types.Datum, error) {
	switch a := a.(type) {
	case *array.Date32:
		return dateReader(t, func(i int) int64 { return int64(a.Value(i)) })
	case *array.Date64:
		return dateReader(t, func(i int) int64 { return floorDiv(int64(a.Value(i)), millisPerDay) })
	case *array.Timestamp:
		return timestampReader(t, a)
	case *array.Time32:
		unit := a.DataType().(*arrow.Time32Type).Unit
		return timeOfDayReader(t, func(i int) (int64, bool) { return toMicros(int64(a.Value(i)), unit) })
	case *array.Time64:
		unit := a.DataType().(*arrow.Time64Type).Unit
		return timeOfDayReader(t, func(i int) (int64, bool) { return toMicros(int64(a.Value(i)), unit) })
	}
	if t.Kind == types.Interval {
		return intervalReader(a)
	}
	return nil
}

func floorDiv(v, d int64) int64 {
	q := v / d
	if v%d < 0 {
		q--
	}
	return q
}

// toMicros converts a count of units to microseconds; nanoseconds are rounded down.
func toMicros(v int64, unit arrow.TimeUnit) (int64, bool) {
	factor := int64(1)
	switch unit {
	case arrow.Nanosecond:
		return floorDiv(v, 1000), true
	case arrow.Millisecond:
		factor = 1000
	case arrow.Second:
		factor = 1000000
	}
	p := types.Mul64(v, factor)
	return int64(p.Lo), p.IsInt64()
}

func dateReader(t types.Type, value func(i int) int64) func(i int) (types.Datum, error) {
	switch t.Kind {
	case types.Date, types.Timestamp:
	default:
		return nil
	}
	return func(i int) (types.Datum, error) {
		d, err := types.CheckDate(value(i))
		if err != nil || t.Kind == types.Date {
			return d, err
		}
		return types.DateToTimestamp(d, types.Timestamp, nil)
	}
}

func timestampReader(t types.Type, a *array.Timestamp) func(i int) (types.Datum, error) {
	typ := a.DataType().(*arrow.TimestampType)
	k := types.Timestamp
	if typ.TimeZone != "" {
		k = types.TimestampTZ
	}
	if t.Kind != k {
		return nil
	}
	return func(i int) (types.Datum, error) {
		us, ok := toMicros(int64(a.Value(i)), typ.Unit)
		if !ok {
			return types.Datum{}, types.ErrTimestampRange
		}
		return types.CheckTimestamp(k, us)
	}
}

func timeOfDayReader(t types.Type, value func(i int) (int64, bool)) func(i int) (types.Datum, error) {
	if t.Kind != types.Time {
		return nil
	}
	return func(i int) (types.Datum, error) {
		us, ok := value(i)
		if !ok || us < 0 || us > dayMicros {
			return types.Datum{}, types.ErrTimeRange
		}
		return types.NewInt(types.Time, us), nil
	}
}

func intervalReader(a arrow.Array) func(i int) (types.Datum, error) {
	switch a := a.(type) {
	case *array.MonthInterval:
		return func(i int) (types.Datum, error) { return types.NewInterval(int32(a.Value(i)), 0, 0), nil }
	case *array.DayTimeInterval:
		return func(i int) (types.Datum, error) {
			x := a.Value(i)
			return types.NewInterval(0, x.Days, int64(x.Milliseconds)*1000), nil
		}
	case *array.MonthDayNanoInterval:
		return func(i int) (types.Datum, error) {
			x := a.Value(i)
			return types.NewInterval(x.Months, x.Days, floorDiv(x.Nanoseconds, 1000)), nil
		}
	case *array.Duration:
		unit := a.DataType().(*arrow.DurationType).Unit
		return func(i int) (types.Datum, error) {
			us, ok := toMicros(int64(a.Value(i)), unit)
			if !ok {
				return types.Datum{}, types.ErrIntervalRange
			}
			return types.NewInterval(0, 0, us), nil
		}
	}
	return nil
}

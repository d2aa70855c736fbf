package types

import (
	"math"

	"github.com/laminadb/lamina/sqlerr"
)

// The infinite intervals.
var (
	IntervalInfinity    = NewInterval(math.MaxInt32, math.MaxInt32, math.MaxInt64)
	IntervalNegInfinity = NewInterval(math.MinInt32, math.MinInt32, math.MinInt64)
)

func parseDate(b []byte, o *ParseOptions) (Datum, error) {
	if len(b) == 10 && b[4] == '-' && b[7] == '-' {
		y, err1 := parseInt(Int4, b[:4])
		m, err2 := parseInt(Int4, b[5:7])
		d, err3 := parseInt(Int4, b[8:])
		if err1 == nil && err2 == nil && err3 == nil && m >= 1 && m <= 12 && d >= 1 && int(d) <= daysInMonth(int(y), int(m)) {
			return NewInt(Date, int64(daysFromCivil(int(y), int(m), int(d)))), nil
		}
	}
	return Datum{}, sqlerr.Unsupported("this form of date")
}
func parseTimestamp(t Type, b []byte, o *ParseOptions) (Datum, error) {
	return Datum{}, sqlerr.Unsupported("timestamp input")
}
func parseTime(t Type, b []byte, o *ParseOptions) (Datum, error) {
	return Datum{}, sqlerr.Unsupported("time input")
}
func parseIntervalTyped(t Type, b []byte) (Datum, error) {
	return Datum{}, sqlerr.Unsupported("interval input")
}
func coerceSeconds(d Datum, t Type) (Datum, error)  { return d, nil }
func coerceInterval(d Datum, t Type) (Datum, error) { return d, nil }

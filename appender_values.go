package lamina

import (
	"time"

	"github.com/laminadb/lamina/types"
)

// direct converts a Go value that needs no session to become one of type t, as valueFor does; false if it does need one.
func direct(a any, t types.Type) (d types.Datum, ok bool, err error) {
	switch v := a.(type) {
	case int64:
		return types.NewInt(types.Int8, v), t.Kind == types.Int8, nil
	case int32:
		return types.NewInt(types.Int4, int64(v)), t.Kind == types.Int4, nil
	case int:
		return types.NewInt(types.Int8, int64(v)), t.Kind == types.Int8, nil
	case float64:
		return types.NewFloat(types.Float8, v), t.Kind == types.Float8, nil
	case bool:
		return types.NewBool(v), t.Kind == types.Bool, nil
	case string:
		return directString(v, t)
	case time.Time:
		return directTime(v, t)
	case types.Datum:
		if !v.Valid || v.K != t.Kind {
			return d, false, nil
		}
		d, err = datumAs(v, t)
		return d, true, err
	}
	return d, false, nil
}

func directString(s string, t types.Type) (d types.Datum, ok bool, err error) {
	switch t.Kind {
	case types.Text, types.Varchar, types.BpChar:
		if err := types.CheckUTF8String(s); err != nil {
			return d, true, err
		}
		d, err = types.ParseWith(t, s, nil)
		return d, true, err
	}
	return d, false, nil
}

// The days of the first and the last date that a time may have, as timeDatum has it.
var (
	dayMin = time.Date(-4712, 1, 1, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay
	dayMax = time.Date(294276, 12, 31, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay
)

const secondsPerDay = 24 * 60 * 60

func directTime(v time.Time, t types.Type) (d types.Datum, ok bool, err error) {
	if t.Kind != types.Date {
		return d, false, nil
	}
	seconds := v.Unix()
	if v.Location() != time.UTC {
		_, offset := v.Zone()
		seconds += int64(offset)
	}
	days := seconds / secondsPerDay
	if seconds < days*secondsPerDay {
		days--
	}
	if days < dayMin || days > dayMax {
		_, err = timeDatum(v)
		return d, err != nil, err
	}
	return types.NewInt(types.Date, days), true, nil
}

// fits reports whether a type takes a string as it is: short enough, and as a char(n) without blanks to cut off.
func fits(s string, t *types.Type) bool {
	switch t.Kind {
	case types.Text:
		return true
	case types.BpChar:
		if s != "" && s[len(s)-1] == ' ' {
			return false
		}
	case types.Varchar:
	default:
		return false
	}
	n, limited := t.Length()
	return !limited || len(s) <= n
}

// decimalLimit says which decimals a column takes as they are: those of its scale below the limit. It is zero for others.
type decimalLimit struct {
	scale int16
	limit int64
}

func decimalLimitOf(t types.Type) (l decimalLimit) {
	if p, s, ok := t.PrecisionScale(); ok && s >= 0 && p <= 18 {
		l = decimalLimit{int16(s), types.Pow10(p)}
	}
	return l
}

// put appends a value to a column of the batch.
func (a *Appender) put(c int, v any) error {
	col, t := a.bb.Col(c), &a.types[c]
	switch v := v.(type) {
	case int64:
		if t.Kind == types.Int8 {
			return col.AppendInt(v)
		}
	case int32:
		if t.Kind == types.Int4 {
			return col.AppendInt(int64(v))
		}
	case int:
		if t.Kind == types.Int8 {
			return col.AppendInt(int64(v))
		}
	case string:
		if fits(v, t) {
			if err := types.CheckUTF8String(v); err != nil {
				return err
			}
			return col.AppendString(v)
		}
	case time.Time:
		if t.Kind == types.Date {
			if d, ok, err := directTime(v, *t); ok && err == nil {
				return col.AppendInt(d.I)
			}
		}
	case types.Datum:
		if l := &a.decimals[c]; v.Form == types.NumInt64 && v.Scale == l.scale && v.I < l.limit && -v.I < l.limit && v.Valid && v.K == types.Numeric {
			return col.AppendDecimal(v.I, int(v.Scale))
		}
	}
	d, ok, err := direct(v, *t)
	if !ok {
		d, err = valueFor(a.s, v, *t)
	}
	if err != nil {
		return err
	}
	return col.Append(d)
}

// putRow appends a row that has all columns in their order.
func (a *Appender) putRow(values []any) error {
	for i, v := range values {
		if err := a.put(i, v); err != nil {
			return a.columnError(i, err)
		}
	}
	return a.bb.Commit()
}

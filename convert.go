package lamina

import (
	"errors"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// goValue returns a datum as database/sql's drivers give it: int64, float64, bool, []byte, string (numeric,
// interval, time and all else as text) or time.Time; nil for NULL.
func goValue(d types.Datum, t types.Type, o *types.TextOptions) any {
	if !d.Valid {
		return nil
	}
	switch t.Kind {
	case types.Bool:
		return d.Bool()
	case types.Int2, types.Int4, types.Int8, types.OID:
		return d.I
	case types.Float4, types.Float8:
		return d.Float()
	case types.Bytea:
		return []byte(d.S)
	case types.Text, types.Varchar, types.Name, types.Char:
		return d.S
	case types.Date:
		if d.I != math.MinInt32 && d.I != math.MaxInt32 {
			return time.Unix(d.I*86400, 0).UTC()
		}
	case types.Timestamp, types.TimestampTZ:
		if d.I != math.MinInt64 && d.I != math.MaxInt64 {
			tm := time.UnixMicro(d.I).UTC()
			if t.Kind == types.TimestampTZ && o != nil && o.Location != nil {
				tm = tm.In(o.Location)
			}
			return tm
		}
	}
	return string(types.AppendText(nil, d, t, o))
}

// assign stores a value in a pointer.
func assign(dest any, d types.Datum, t types.Type, o *types.TextOptions) error {
	switch p := dest.(type) {
	case *types.Datum:
		*p = d
		return nil
	case *any:
		*p = goValue(d, t, o)
		return nil
	case *[]byte:
		if !d.Valid {
			*p = nil
		} else if t.Kind == types.Bytea {
			*p = []byte(d.S)
		} else {
			*p = types.AppendText(nil, d, t, o)
		}
		return nil
	case interface{ Scan(src any) error }:
		return p.Scan(goValue(d, t, o))
	}
	if d.Valid {
		switch p := dest.(type) {
		case *int64:
			if isInteger(t.Kind) {
				*p = d.I
				return nil
			}
		case *string:
			*p = string(types.AppendText(nil, d, t, o))
			return nil
		case *bool:
			if t.Kind == types.Bool {
				*p = d.Bool()
				return nil
			}
		}
	}
	return assignReflect(dest, d, t, o)
}

func assignReflect(dest any, d types.Datum, t types.Type, o *types.TextOptions) error {
	v := reflect.ValueOf(dest)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "destination %T is not a pointer", dest)
	}
	return assignValue(v.Elem(), d, t, o)
}

var timeType = reflect.TypeFor[time.Time]()

func assignValue(v reflect.Value, d types.Datum, t types.Type, o *types.TextOptions) error {
	if v.Kind() == reflect.Pointer {
		if !d.Valid {
			v.SetZero()
			return nil
		}
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return assignValue(v.Elem(), d, t, o)
	}
	if !d.Valid {
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "NULL into %s", v.Type())
	}
	mismatch := sqlerr.Newf(sqlerr.DatatypeMismatch, "%s into %s", t, v.Type())
	switch v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64:
		return assignNumber(v, d, t)
	case reflect.Bool:
		if t.Kind != types.Bool {
			return mismatch
		}
		v.SetBool(d.Bool())
	case reflect.String:
		v.SetString(string(types.AppendText(nil, d, t, o)))
	case reflect.Struct:
		tm, ok := goValue(d, t, o).(time.Time)
		if !ok || !timeType.ConvertibleTo(v.Type()) {
			return mismatch
		}
		v.Set(reflect.ValueOf(tm).Convert(v.Type()))
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			return mismatch
		}
		if t.Kind == types.Bytea {
			v.SetBytes([]byte(d.S))
		} else {
			v.SetBytes(types.AppendText(nil, d, t, o))
		}
	case reflect.Array:
		if t.Kind != types.UUID || v.Type().Elem().Kind() != reflect.Uint8 || v.Len() != len(d.S) {
			return mismatch
		}
		reflect.Copy(v, reflect.ValueOf([]byte(d.S)))
	default:
		return mismatch
	}
	return nil
}

func isInteger(k types.Kind) bool {
	return k == types.Int2 || k == types.Int4 || k == types.Int8 || k == types.OID
}

var durationType = reflect.TypeFor[time.Duration]()

// assignNumber stores numbers, and texts of numbers, in Go's kinds of numbers if they fit.
func assignNumber(v reflect.Value, d types.Datum, t types.Type) error {
	if t.Kind == types.Interval && v.Type() == durationType {
		return assignDuration(v, d)
	}
	switch {
	case isInteger(t.Kind), t.Class() == types.ClassFloat, t.Class() == types.ClassNumeric:
	case t.Class() == types.ClassString && t.Kind != types.Bytea && t.Kind != types.UUID:
	default:
		return sqlerr.Newf(sqlerr.DatatypeMismatch, "%s into %s", t, v.Type())
	}
	text := string(types.AppendText(nil, d, t, nil))
	var err error
	switch {
	case v.CanInt():
		var n int64
		if n, err = strconv.ParseInt(text, 10, v.Type().Bits()); err == nil {
			v.SetInt(n)
		}
	case v.CanUint():
		var n uint64
		if n, err = strconv.ParseUint(text, 10, v.Type().Bits()); err == nil {
			v.SetUint(n)
		}
	default:
		var f float64
		if f, err = strconv.ParseFloat(text, v.Type().Bits()); err == nil {
			v.SetFloat(f)
		}
	}
	switch {
	case errors.Is(err, strconv.ErrRange), err != nil && v.CanUint() && text[0] == '-':
		return sqlerr.Newf(sqlerr.NumericValueOutOfRange, "value %s is out of range for %s", text, v.Type())
	case err != nil:
		return sqlerr.Newf(sqlerr.DatatypeMismatch, "%s %s into %s", t, text, v.Type())
	}
	return nil
}

// assignDuration stores an interval without months; its days have 24 hours.
func assignDuration(v reflect.Value, d types.Datum) error {
	const microsMax, dayMicros = math.MaxInt64 / 1000, 86_400_000_000
	months, days, micros := d.IntervalParts()
	fits := months == 0 && max(days, -days) <= microsMax/dayMicros && max(micros, -micros) <= microsMax && micros != math.MinInt64
	if fits {
		micros += int64(days) * dayMicros
		fits = max(micros, -micros) <= microsMax
	}
	if !fits {
		return sqlerr.Newf(sqlerr.NumericValueOutOfRange, "interval %s is no time.Duration", types.T(types.Interval).Text(d))
	}
	v.SetInt(micros * 1000)
	return nil
}

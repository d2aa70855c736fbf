package lamina

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// datumsOf appends the converted arguments of a statement to out.
func datumsOf(out []types.Datum, args []any) ([]types.Datum, error) {
	for i, a := range args {
		d, err := datumOf(a)
		if err != nil {
			return nil, sqlerr.Newf(sqlerr.CodeOf(err), "argument $%d: %w", i+1, err)
		}
		out = append(out, d)
	}
	return out, nil
}

// datumOf converts a Go value. Strings have no type yet: the parameter's type reads them.
func datumOf(a any) (types.Datum, error) {
	switch v := a.(type) {
	case nil:
		return types.Null(), nil
	case types.Datum:
		return v, nil
	case bool:
		return types.NewBool(v), nil
	case int:
		return types.NewInt(types.Int8, int64(v)), nil
	case int64:
		return types.NewInt(types.Int8, v), nil
	case int32:
		return types.NewInt(types.Int4, int64(v)), nil
	case int16:
		return types.NewInt(types.Int2, int64(v)), nil
	case float64:
		return types.NewFloat(types.Float8, v), nil
	case float32:
		return types.NewFloat(types.Float4, float64(v)), nil
	case string:
		return types.NewString(types.Unknown, v), nil
	case []byte:
		if v == nil {
			return types.Null(), nil
		}
		return types.NewString(types.Bytea, string(v)), nil
	case time.Time:
		return timeDatum(v)
	}
	return reflectDatum(a)
}

func timeDatum(t time.Time) (types.Datum, error) {
	if y := t.Year(); y < -4712 || y > 294276 {
		return types.Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range")
	}
	return types.NewInt(types.TimestampTZ, t.UnixMicro()), nil
}

// reflectDatum converts what is left: other integers, named types, pointers, and fmt.Stringers as text.
func reflectDatum(a any) (types.Datum, error) {
	v := reflect.ValueOf(a)
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return types.Null(), nil
		}
		return datumOf(v.Elem().Interface())
	case reflect.Bool:
		return types.NewBool(v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return types.NewInt(types.Int8, v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if u := v.Uint(); u <= math.MaxInt64 {
			return types.NewInt(types.Int8, int64(u)), nil
		}
		return types.NewString(types.Unknown, strconv.FormatUint(v.Uint(), 10)), nil
	case reflect.Float32, reflect.Float64:
		return types.NewFloat(types.Float8, v.Float()), nil
	case reflect.String:
		return types.NewString(types.Unknown, v.String()), nil
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return types.NewString(types.Bytea, string(v.Bytes())), nil
		}
	}
	if s, ok := a.(fmt.Stringer); ok {
		return types.NewString(types.Unknown, s.String()), nil
	}
	return types.Datum{}, sqlerr.Newf(sqlerr.FeatureNotSupported, "a value of Go type %T is not supported", a)
}

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
			if t.Class() == types.ClassInt && t.Kind != types.Bool {
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
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := intOf(d, t)
		if err != nil || v.OverflowInt(n) {
			return mismatch
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := intOf(d, t)
		if err != nil || n < 0 || v.OverflowUint(uint64(n)) {
			return mismatch
		}
		v.SetUint(uint64(n))
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(string(types.AppendText(nil, d, t, o)), 64)
		if err != nil {
			return mismatch
		}
		v.SetFloat(f)
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
		v.SetBytes([]byte(d.S))
	default:
		return mismatch
	}
	return nil
}

func intOf(d types.Datum, t types.Type) (int64, error) {
	switch t.Class() {
	case types.ClassInt:
		return d.I, nil
	case types.ClassNumeric, types.ClassString:
		return strconv.ParseInt(string(types.AppendText(nil, d, t, nil)), 10, 64)
	}
	return 0, strconv.ErrSyntax
}

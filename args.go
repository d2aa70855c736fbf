package lamina

import (
	"database/sql/driver"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"time"

	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// paramsOf appends arguments, converted to the types of a statement's parameters, to out.
func paramsOf(out []types.Datum, s *query.Session, p *query.Prepared, args []any) ([]types.Datum, error) {
	for i, a := range args {
		var d types.Datum
		var err error
		if i < len(p.Params) {
			d, err = valueFor(s, a, p.Params[i])
		} else {
			d, err = datumOf(a)
		}
		if err != nil {
			return nil, sqlerr.From(err).WithMessage("argument $%d: %s", i+1, err)
		}
		out = append(out, d)
	}
	return out, nil
}

// valueFor converts a Go value to a datum of a type, as an assignment does. A time.Time without a zone's type to go to
// is what its clock shows, as with PostgreSQL.
func valueFor(s *query.Session, a any, t types.Type) (types.Datum, error) {
	switch v := a.(type) {
	case time.Time:
		return timeFor(s, v, t)
	case *time.Time:
		if v != nil {
			return timeFor(s, *v, t)
		}
	case time.Duration:
		if t.Kind == types.Interval {
			return s.ConvertParam(types.NewInterval(0, 0, v.Microseconds()), t)
		}
	case []byte:
		if v != nil && t.Kind != types.Bytea {
			return s.ConvertParam(types.NewString(types.Unknown, string(v)), t)
		}
	case [16]byte:
		if t.Kind == types.UUID {
			return types.NewString(types.UUID, string(v[:])), nil
		}
	}
	d, err := datumOf(a)
	if err != nil {
		return d, err
	}
	return s.ConvertParam(d, t)
}

func timeFor(s *query.Session, v time.Time, t types.Type) (types.Datum, error) {
	d, err := timeDatum(v)
	switch {
	case err != nil:
		return d, err
	case t.Kind == types.Timestamp || t.Kind == types.Date || t.Kind == types.Time:
		_, offset := v.Zone()
		d = types.NewInt(types.Timestamp, d.I+int64(offset)*1e6)
	}
	return s.ConvertParam(d, t)
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
	case *big.Float:
		if v != nil { // its String rounds
			return types.NewString(types.Unknown, v.Text('g', -1)), nil
		}
	case driver.Valuer:
		return valuerDatum(v)
	}
	return reflectDatum(a)
}

func timeDatum(t time.Time) (types.Datum, error) {
	if y := t.Year(); y < -4712 || y > 294276 {
		return types.Datum{}, sqlerr.New(sqlerr.DatetimeFieldOverflow, "timestamp out of range")
	}
	return types.NewInt(types.TimestampTZ, t.UnixMicro()), nil
}

// valuerDatum converts a value that knows how, as sql.NullString does; a nil pointer is NULL.
func valuerDatum(v driver.Valuer) (types.Datum, error) {
	if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
		return types.Null(), nil
	}
	x, err := v.Value()
	if err != nil {
		return types.Datum{}, sqlerr.Wrap(sqlerr.InvalidParameterValue, err)
	}
	if _, again := x.(driver.Valuer); again {
		return types.Datum{}, sqlerr.Newf(sqlerr.FeatureNotSupported, "a value of Go type %T is not supported", x)
	}
	return datumOf(x)
}

// reflectDatum converts what is left: other integers, named types, pointers, and fmt.Stringers as text.
func reflectDatum(a any) (types.Datum, error) {
	v := reflect.ValueOf(a)
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return types.Null(), nil
		}
		if s, ok := a.(fmt.Stringer); ok && v.Elem().Kind() == reflect.Struct && v.Elem().Type() != timeType {
			return types.NewString(types.Unknown, s.String()), nil
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
	case reflect.Float32:
		return types.NewFloat(types.Float4, v.Float()), nil
	case reflect.Float64:
		return types.NewFloat(types.Float8, v.Float()), nil
	case reflect.String:
		return types.NewString(types.Unknown, v.String()), nil
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if v.IsNil() {
				return types.Null(), nil
			}
			return types.NewString(types.Bytea, string(v.Bytes())), nil
		}
	}
	if s, ok := a.(fmt.Stringer); ok {
		return types.NewString(types.Unknown, s.String()), nil
	}
	return types.Datum{}, sqlerr.Newf(sqlerr.FeatureNotSupported, "a value of Go type %T is not supported", a)
}

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

func directTime(v time.Time, t types.Type) (d types.Datum, ok bool, err error) {
	if t.Kind != types.Date {
		return d, false, nil
	}
	if d, err = timeDatum(v); err != nil {
		return d, true, err
	}
	_, offset := v.Zone()
	return types.TimestampToDate(types.NewInt(types.Timestamp, d.I+int64(offset)*1e6), time.UTC), true, nil
}

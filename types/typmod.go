package types

import (
	"fmt"
	"strings"

	"github.com/laminadb/lamina/sqlerr"
)

// Limits of type modifiers, as in PostgreSQL.
const (
	lengthMax           = 10 * 1024 * 1024
	numericPrecisionMax = 1000
	numericScaleMin     = -1000
	numericScaleMax     = 1000
	secondsPrecisionMax = 6
)

// WithMods returns the type of a kind with the modifiers written in parentheses after its name. For
// Interval the first modifier is the IntervalFields mask, the second the precision of the seconds;
// Timestamp, TimestampTZ, Time and TimeTZ take the precision, which is cut to 6.
func WithMods(k Kind, mods []int32) (Type, error) {
	if len(mods) == 0 {
		return T(k), nil
	}
	switch k {
	case Varchar, BpChar:
		return lengthMod(k, mods)
	case Numeric:
		return numericMod(mods)
	case Timestamp, TimestampTZ, Time, TimeTZ:
		return secondsMod(k, mods)
	case Interval:
		return intervalMod(mods)
	}
	return Type{}, sqlerr.Newf(sqlerr.SyntaxError, "type modifier is not allowed for type \"%s\"", k.Typname())
}

func lengthMod(k Kind, mods []int32) (Type, error) {
	name := "varchar"
	if k == BpChar {
		name = "char"
	}
	switch n := mods[0]; {
	case len(mods) != 1:
		return Type{}, sqlerr.New(sqlerr.InvalidParameterValue, "invalid type modifier")
	case n < 1:
		return Type{}, sqlerr.Newf(sqlerr.InvalidParameterValue, "length for type %s must be at least 1", name)
	case n > lengthMax:
		return Type{}, sqlerr.Newf(sqlerr.InvalidParameterValue, "length for type %s cannot exceed %d", name, lengthMax)
	default:
		return Type{k, n + 4}, nil
	}
}

func numericMod(mods []int32) (Type, error) {
	if len(mods) > 2 {
		return Type{}, sqlerr.New(sqlerr.InvalidParameterValue, "invalid NUMERIC type modifier")
	}
	p, s := mods[0], int32(0)
	if p < 1 || p > numericPrecisionMax {
		return Type{}, sqlerr.Newf(sqlerr.InvalidParameterValue,
			"NUMERIC precision %d must be between 1 and %d", p, numericPrecisionMax)
	}
	if len(mods) == 2 {
		s = mods[1]
	}
	if s < numericScaleMin || s > numericScaleMax {
		return Type{}, sqlerr.Newf(sqlerr.InvalidParameterValue,
			"NUMERIC scale %d must be between %d and %d", s, numericScaleMin, numericScaleMax)
	}
	return NumericPS(int(p), int(s)), nil
}

func secondsMod(k Kind, mods []int32) (Type, error) {
	if len(mods) != 1 {
		return Type{}, sqlerr.New(sqlerr.InvalidParameterValue, "invalid type modifier")
	}
	if mods[0] < 0 {
		word, rest, _ := strings.Cut(k.String(), " ")
		if k != TimestampTZ && k != TimeTZ {
			rest = ""
		} else {
			rest = " " + strings.ToUpper(rest)
		}
		return Type{}, sqlerr.Newf(sqlerr.InvalidParameterValue,
			"%s(%d)%s precision must not be negative", strings.ToUpper(word), mods[0], rest)
	}
	return Type{k, min(mods[0], secondsPrecisionMax)}, nil
}

// IntervalFields is the set of fields that an interval type such as "interval day to second" keeps:
// one bit a field, with PostgreSQL's bit numbers.
type IntervalFields uint16

// The fields and the sets that SQL can name.
const (
	FieldMonth  IntervalFields = 1 << 1
	FieldYear   IntervalFields = 1 << 2
	FieldDay    IntervalFields = 1 << 3
	FieldHour   IntervalFields = 1 << 10
	FieldMinute IntervalFields = 1 << 11
	FieldSecond IntervalFields = 1 << 12

	FieldsAll IntervalFields = 0x7fff

	intervalFullPrecision = 0xffff
)

var intervalFieldSets = []struct {
	fields IntervalFields
	name   string
}{
	{FieldYear, "year"}, {FieldMonth, "month"}, {FieldDay, "day"}, {FieldHour, "hour"},
	{FieldMinute, "minute"}, {FieldSecond, "second"},
	{FieldYear | FieldMonth, "year to month"},
	{FieldDay | FieldHour, "day to hour"},
	{FieldDay | FieldHour | FieldMinute, "day to minute"},
	{FieldDay | FieldHour | FieldMinute | FieldSecond, "day to second"},
	{FieldHour | FieldMinute, "hour to minute"},
	{FieldHour | FieldMinute | FieldSecond, "hour to second"},
	{FieldMinute | FieldSecond, "minute to second"},
}

func intervalFieldsByName(name string) (IntervalFields, bool) {
	for _, s := range intervalFieldSets {
		if s.name == name {
			return s.fields, true
		}
	}
	return 0, false
}

func intervalFieldsName(f IntervalFields) (string, bool) {
	for _, s := range intervalFieldSets {
		if s.fields == f {
			return s.name, true
		}
	}
	return "", false
}

func intervalMod(mods []int32) (Type, error) {
	f := IntervalFields(mods[0])
	if _, ok := intervalFieldsName(f); !ok && f != FieldsAll {
		return Type{}, sqlerr.New(sqlerr.InvalidParameterValue, "invalid INTERVAL type modifier")
	}
	p := int32(intervalFullPrecision)
	switch len(mods) {
	case 1:
		if f == FieldsAll {
			return T(Interval), nil
		}
	case 2:
		if mods[1] < 0 {
			return Type{}, sqlerr.Newf(sqlerr.InvalidParameterValue,
				"INTERVAL(%d) precision must not be negative", mods[1])
		}
		p = min(mods[1], secondsPrecisionMax)
	default:
		return Type{}, sqlerr.New(sqlerr.InvalidParameterValue, "invalid INTERVAL type modifier")
	}
	return Type{Interval, int32(f)<<16 | p}, nil
}

// IntervalMod returns the fields and the precision of the seconds (-1: full) of an interval type.
func (t Type) IntervalMod() (fields IntervalFields, precision int) {
	if t.Kind != Interval || t.Mod < 0 {
		return FieldsAll, -1
	}
	fields, precision = IntervalFields(t.Mod>>16&0x7fff), int(t.Mod&0xffff)
	if precision == intervalFullPrecision {
		precision = -1
	}
	return fields, precision
}

func intervalTypeName(mod int32) string {
	f, p := Type{Interval, mod}.IntervalMod()
	s := "interval"
	if name, ok := intervalFieldsName(f); ok {
		s += " " + name
	}
	if p >= 0 {
		s += fmt.Sprintf("(%d)", p)
	}
	return s
}

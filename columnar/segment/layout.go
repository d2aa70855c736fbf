package segment

import (
	"math"

	"github.com/parquet-go/parquet-go/format"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// physical is how Parquet holds a column.
type physical uint8

const (
	physBool physical = iota
	physInt32
	physInt64
	physFloat
	physDouble
	physBytes // BYTE_ARRAY
	physFixed // FIXED_LEN_BYTE_ARRAY of 16 bytes
)

// meaning is what the physical values of a column stand for.
type meaning uint8

const (
	meanInt      meaning = iota // ClassInt
	meanDecimal                 // numeric(p,s): a coefficient at the scale of the column
	meanFloat                   // ClassFloat
	meanString                  // ClassString
	meanText                    // numeric without a scale, as text: '1.50', 'NaN'
	meanInterval                // micros int64, months int32, days int32, little-endian
	meanWide                    // numeric(p,s) of up to 38 digits: big-endian two's complement
)

// layout says how one column is stored.
type layout struct {
	typ     types.Type
	phys    physical
	mean    meaning
	scale   int                     // of meanDecimal and meanWide
	logical format.LogicalTypeValue // nil: none
}

// ints reports whether the column's values are 64-bit integers to zone maps, dictionaries and vectors.
func (l *layout) ints() bool { return l.mean == meanInt || l.mean == meanDecimal }

// layoutOf maps a SQL type to Parquet.
func layoutOf(c *Column) (layout, error) {
	l := layout{typ: c.Type}
	switch c.Type.Class() {
	case types.ClassInt:
		return l, l.setInt(c)
	case types.ClassFloat:
		l.mean, l.phys = meanFloat, physDouble
		if c.Type.Kind == types.Float4 {
			l.phys = physFloat
		}
		return l, nil
	case types.ClassInterval:
		l.mean, l.phys = meanInterval, physFixed
		return l, nil
	case types.ClassNumeric:
		l.setNumeric()
		return l, nil
	case types.ClassString:
		if !c.Type.Kind.IsArray() {
			l.setString()
			return l, nil
		}
	}
	return l, sqlerr.Newf(sqlerr.FeatureNotSupported, "column %q: type %s in a segment", c.Name, c.Type)
}

func (l *layout) setInt(c *Column) error {
	l.mean, l.phys = meanInt, physInt64
	switch k := l.typ.Kind; {
	case k == types.Bool:
		l.phys = physBool
	case k == types.Int2:
		l.phys, l.logical = physInt32, &format.IntType{BitWidth: 16, IsSigned: true}
	case k == types.Int4:
		l.phys, l.logical = physInt32, &format.IntType{BitWidth: 32, IsSigned: true}
	case k == types.OID || k.IsReg():
		l.phys, l.logical = physInt32, &format.IntType{BitWidth: 32, IsSigned: false}
	case k == types.Int8:
		l.logical = &format.IntType{BitWidth: 64, IsSigned: true}
	case k == types.Date:
		l.phys, l.logical = physInt32, &format.DateType{}
	case k == types.Timestamp:
		l.logical = &format.TimestampType{IsAdjustedToUTC: false, Unit: micros}
	case k == types.TimestampTZ:
		l.logical = &format.TimestampType{IsAdjustedToUTC: true, Unit: micros}
	case k == types.Time:
		l.logical = &format.TimeType{Unit: micros}
	case k == types.TimeTZ: // the packed integer: Parquet has no such type
	default:
		return sqlerr.Newf(sqlerr.FeatureNotSupported, "column %q: type %s in a segment", c.Name, l.typ)
	}
	return nil
}

// decimal digits that fit physical integers
const (
	int32Digits = 9
	int64Digits = 18
	wideDigits  = 38
)

func (l *layout) setNumeric() {
	p, s, ok := l.typ.PrecisionScale()
	if !ok || s < 0 || s > p || p > wideDigits {
		l.mean, l.phys, l.logical = meanText, physBytes, &format.StringType{}
		return
	}
	l.scale = s
	l.logical = &format.DecimalType{Precision: int32(p), Scale: int32(s)}
	switch {
	case p <= int32Digits:
		l.mean, l.phys = meanDecimal, physInt32
	case p <= int64Digits:
		l.mean, l.phys = meanDecimal, physInt64
	default:
		l.mean, l.phys = meanWide, physFixed
	}
}

func (l *layout) setString() {
	l.mean, l.phys = meanString, physBytes
	switch l.typ.Kind {
	case types.UUID:
		l.phys, l.logical = physFixed, &format.UUIDType{}
	case types.Text, types.Varchar, types.BpChar, types.Name:
		l.logical = &format.StringType{}
	}
}

// unsigned reports whether 32-bit values are unsigned.
func (l *layout) unsigned() bool { return l.typ.Kind == types.OID || l.typ.Kind.IsReg() }

// fits reports whether x is a value that the physical integers hold.
func (l *layout) fits(x int64) bool {
	switch {
	case l.phys == physBool:
		return x == 0 || x == 1
	case l.phys != physInt32:
		return true
	case l.unsigned():
		return x >= 0 && x <= math.MaxUint32
	}
	return x >= math.MinInt32 && x <= math.MaxInt32
}

// orderKept reports whether Parquet orders the physical values as SQL orders the column's.
func (l *layout) orderKept() bool {
	switch l.mean {
	case meanInt, meanDecimal, meanWide, meanString:
		return true
	}
	return false
}

// optional reports whether Parquet's column may have NULLs: exceptions are NULLs there.
func optional(c *Column, l *layout) bool {
	return !c.NotNull || l.mean == meanDecimal || l.mean == meanWide
}

// micros is the unit of times.
var micros = format.TimeUnit{Value: &format.MicroSeconds{}}

const fixedBytes = 16

// isTime reports whether the column is of a date or time, whose values are encoded as differences.
func isTime(l *layout) bool {
	switch l.typ.Kind {
	case types.Date, types.Timestamp, types.TimestampTZ, types.Time, types.TimeTZ:
		return true
	}
	return false
}

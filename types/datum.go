package types

import "math"

// Datum is one SQL value. The zero Datum is NULL. How I, H and S carry a value of each kind is said
// with the kinds. Datums are compared with Compare and Identical, never with ==.
type Datum struct {
	K Kind // the kind of the value; of a NULL, Unknown or the kind it is a NULL of
	// Valid is false for NULL.
	Valid bool
	// Form and Scale belong to numeric values: see NumericForm.
	Form  NumericForm
	Scale int16
	I     int64
	H     int64
	S     string
}

// NumericForm says how a Datum carries a numeric value. The value is coefficient × 10^-Scale, and
// Scale is also its display scale.
type NumericForm uint8

// The forms of a numeric Datum.
const (
	NumInt64  NumericForm = iota // coefficient in I
	NumInt128                    // coefficient in H (high, signed) and I (low 64 bits)
	NumBig                       // coefficient in S: big-endian two's complement bytes, minimal
	NumNaN                       // NaN: equal to itself and above every other value
	NumInf                       // infinity; I is +1 or -1
)

// Row is one row of values.
type Row []Datum

// Clone returns a copy of r; strings are shared, they are immutable.
func (r Row) Clone() Row { return append(Row(nil), r...) }

// Null is the NULL of any type.
func Null() Datum { return Datum{} }

// NullOf is the NULL of a kind.
func NullOf(k Kind) Datum { return Datum{K: k} }

// IsNull reports whether d is NULL.
func (d Datum) IsNull() bool { return !d.Valid }

// NewInt returns a value of an integer-class kind (Int2 … OID, Date, Timestamp …).
func NewInt(k Kind, v int64) Datum { return Datum{K: k, Valid: true, I: v} }

// NewBool returns a boolean.
func NewBool(b bool) Datum {
	d := Datum{K: Bool, Valid: true}
	if b {
		d.I = 1
	}
	return d
}

// NewFloat returns a Float8, or a Float4 rounded to float32.
func NewFloat(k Kind, f float64) Datum {
	if k == Float4 {
		f = float64(float32(f))
	}
	return Datum{K: k, Valid: true, I: int64(math.Float64bits(f))}
}

// NewString returns a value of a string-class kind. The caller has applied length rules, and has
// trimmed the trailing blanks of a BpChar.
func NewString(k Kind, s string) Datum { return Datum{K: k, Valid: true, S: s} }

// NewInterval returns an interval.
func NewInterval(months, days int32, micros int64) Datum {
	return Datum{K: Interval, Valid: true, I: micros, H: int64(months)<<32 | int64(uint32(days))}
}

// NewDecimal returns the numeric coefficient × 10^-scale.
func NewDecimal(coefficient int64, scale int) Datum {
	return Datum{K: Numeric, Valid: true, I: coefficient, Scale: int16(scale)}
}

// Bool returns the value of a boolean.
func (d Datum) Bool() bool { return d.I != 0 }

// Float returns the value of a Float4 or Float8.
func (d Datum) Float() float64 { return math.Float64frombits(uint64(d.I)) }

// IntervalParts returns the fields of an interval.
func (d Datum) IntervalParts() (months, days int32, micros int64) {
	return int32(d.H >> 32), int32(uint32(d.H)), d.I
}

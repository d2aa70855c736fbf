// Package types holds the SQL types of Lamina and their values: names, OIDs and type modifiers as
// in PostgreSQL, the Datum that carries one value, the text and binary forms, comparison, hashing
// and image equality.
//
// A Datum is a small struct without pointers except for its string part; the zero Datum is NULL.
// Vectors of many values are package vec's concern; both agree on the physical forms given with
// each Kind.
package types

// Kind is a SQL type without its modifier.
type Kind uint8

// The kinds, with the physical form of a non-NULL value (I is Datum.I, S is Datum.S).
const (
	Unknown      Kind = iota // an untyped literal or NULL: text in S
	Bool                     // I: 0 or 1
	Int2                     // I
	Int4                     // I
	Int8                     // I
	Float4                   // I: bits of the float64 that equals the float32
	Float8                   // I: bits of the float64
	Numeric                  // see Numeric (the type NumericValue)
	Text                     // S, UTF-8
	Varchar                  // S, UTF-8
	BpChar                   // char(n). S, trailing blanks trimmed; output pads to n characters
	Bytea                    // S, any bytes
	Date                     // I: days since 1970-01-01; MinInt32 and MaxInt32 are -infinity and infinity
	Timestamp                // I: microseconds since 1970-01-01 00:00; MinInt64, MaxInt64 infinities
	TimestampTZ              // as Timestamp, in UTC
	Interval                 // I: microseconds; H: months<<32 | uint32(days)
	Time                     // I: microseconds since midnight
	OID                      // I: unsigned 32 bits
	Name                     // S, at most 63 bytes
	Char                     // "char", one byte in S
	UUID                     // S, 16 bytes
	Void                     // no value: the result type of functions that return nothing
	Record                   // a row of values; only passes through the binder
	Regclass                 // as OID; shown as the name of a relation
	Regtype                  // as OID; shown as the name of a type
	Regproc                  // as OID; shown as the name of a function
	Regnamespace             // as OID; shown as the name of a schema
	Regrole                  // as OID; shown as the name of a user
	// Arrays of the system catalogs: the array's text form in S. No table has them.
	Int2Vector
	OIDVector
	Int2Array
	OIDArray
	CharArray
	NameArray
	TextArray
	ACLItemArray
	// TimeTZ is packed so that integers order as the values do: see TimeTZParts.
	TimeTZ
	numKinds
)

// IsReg reports whether values of the kind are OIDs that are shown as names.
func (k Kind) IsReg() bool { return k >= Regclass && k <= Regrole }

// IsArray reports whether the kind is one of the arrays of the system catalogs.
func (k Kind) IsArray() bool { return k >= Int2Vector && k <= ACLItemArray }

// ElementKind returns the kind of an array's elements; Unknown for other kinds, and for aclitem, which has no kind.
func (k Kind) ElementKind() Kind {
	switch k {
	case Int2Vector, Int2Array:
		return Int2
	case OIDVector, OIDArray:
		return OID
	case CharArray:
		return Char
	case NameArray:
		return Name
	case TextArray:
		return Text
	}
	return Unknown
}

// NumKinds is the number of kinds, for tables indexed by Kind.
const NumKinds = int(numKinds)

// Type is a SQL type: a kind and its modifier.
type Type struct {
	Kind Kind
	// Mod is PostgreSQL's typmod: -1 for none; n+4 for varchar(n) and char(n);
	// (precision<<16 | scale&0x7ff) + 4 for numeric(p,s).
	Mod int32
}

// T returns the type of a kind without modifier.
func T(k Kind) Type { return Type{Kind: k, Mod: -1} }

// VarcharN returns varchar(n).
func VarcharN(n int) Type { return Type{Varchar, int32(n + 4)} }

// CharN returns char(n).
func CharN(n int) Type { return Type{BpChar, int32(n + 4)} }

// NumericPS returns numeric(precision, scale).
func NumericPS(precision, scale int) Type {
	return Type{Numeric, int32(precision<<16|scale&0x7ff) + 4}
}

// Length returns n of varchar(n) and char(n), and whether there is one.
func (t Type) Length() (n int, ok bool) {
	if (t.Kind == Varchar || t.Kind == BpChar) && t.Mod >= 4 {
		return int(t.Mod - 4), true
	}
	return 0, false
}

// PrecisionScale returns p and s of numeric(p,s), and whether they are given.
func (t Type) PrecisionScale() (p, s int, ok bool) {
	if t.Kind != Numeric || t.Mod < 4 {
		return 0, 0, false
	}
	m := t.Mod - 4
	s = int(m & 0x7ff)
	if s >= 0x400 { // sign extension of an 11-bit field: PostgreSQL 15 allows negative scales
		s -= 0x800
	}
	return int(m >> 16 & 0xffff), s, true
}

// Class says which arithmetic and which vector forms the values of a kind take.
type Class uint8

// The classes.
const (
	ClassNone     Class = iota // Unknown, Void, Record
	ClassInt                   // a 64-bit integer: Bool, Int2, Int4, Int8, Date, Timestamp, TimestampTZ, Time, TimeTZ, OID
	ClassFloat                 // float64: Float4, Float8
	ClassNumeric               // Numeric
	ClassString                // bytes: Text, Varchar, BpChar, Bytea, Name, Char, UUID
	ClassInterval              // Interval
)

var classes = [NumKinds]Class{
	Bool: ClassInt, Int2: ClassInt, Int4: ClassInt, Int8: ClassInt, Date: ClassInt, Timestamp: ClassInt,
	TimestampTZ: ClassInt, Time: ClassInt, TimeTZ: ClassInt, OID: ClassInt, Float4: ClassFloat, Float8: ClassFloat,
	Numeric: ClassNumeric, Text: ClassString, Varchar: ClassString, BpChar: ClassString,
	Bytea: ClassString, Name: ClassString, Char: ClassString, UUID: ClassString, Interval: ClassInterval,
	Regclass: ClassInt, Regtype: ClassInt, Regproc: ClassInt, Regnamespace: ClassInt, Regrole: ClassInt,
	Int2Vector: ClassString, OIDVector: ClassString, Int2Array: ClassString, OIDArray: ClassString,
	CharArray: ClassString, NameArray: ClassString, TextArray: ClassString, ACLItemArray: ClassString,
}

// Class returns the class of k.
func (k Kind) Class() Class { return classes[k] }

// Class returns the class of t's kind.
func (t Type) Class() Class { return classes[t.Kind] }

// ImageEqual reports whether two values of the kind that compare equal are always identical:
// false for numeric (1.0 = 1.00), floats (-0.0 = 0.0), interval ('1 mon' = '30 days').
func (k Kind) ImageEqual() bool {
	switch k.Class() {
	case ClassInt, ClassString:
		return true
	}
	return false
}

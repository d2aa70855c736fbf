// Package vec holds values in columnar form: vectors (one column of a batch), their forms, validity
// bitmaps, selection vectors, batches made of column groups, row pages, and builders.
//
// # Forms
//
// A Vector has one of these forms; all are pointer-free blocks of memory that may lie off-heap and
// that the vector borrows:
//
//	Flat   fixed-width values: 1, 2, 4, 8 or 16 bytes. Widths below 8 are unsigned offsets from
//	       Base. A signed 4-byte column is stored as uint32(v)^(1<<31) under Base -1<<31.
//	Const  one value for all rows, laid out as Flat or Str with one entry.
//	Dict   codes of 1, 2 or 4 bytes into a Dictionary.
//	Str    16-byte views (see StrView) into blocks: Arrow's StringView layout.
//	Row    values inside fixed-width rows of RowPages, addressed by row id.
//
// What the bytes mean follows the type's class: ClassInt is an integer; ClassFloat 8 bytes of a
// float64; ClassInterval 16 bytes {micros int64, months int32, days int32}; ClassString views;
// ClassNumeric either Flat integers (8 bytes or narrower, or 16 bytes little-endian two's
// complement) with one Scale for the whole vector, or Str views of encoded numerics (see
// types.EncodeNumeric) whose scale differs by value.
package vec

import (
	"unsafe"

	"github.com/laminadb/lamina/types"
)

// Size is the number of rows that a vector holds at most.
const Size = 2048

// Form is the layout of a vector.
type Form uint8

// The forms.
const (
	Flat Form = iota
	Const
	Dict
	Str
	InRows // "Row": values inside RowPages
)

// Vector is one column of a batch. The zero Vector is an empty Flat one.
type Vector struct {
	Type  types.Type
	Form  Form
	Width uint8 // bytes a value: Flat and Const 1, 2, 4, 8, 16; Dict code width; Str 16; InRows as stored
	Scale int16 // numeric in Flat, Const or InRows form with a fixed width: the scale of every value
	// VarNumeric is set for a numeric vector whose values are encoded, each with its own scale.
	VarNumeric bool
	// N is the number of entries (1 for Const). Live rows are a matter of the batch.
	N int
	// Base is added to unsigned entries narrower than 8 bytes.
	Base int64
	// Data points at entry 0.
	Data unsafe.Pointer
	// Valid is an LSB bitmap with one bit an entry, nil if no entry is NULL. Words past N are
	// readable up to the word that holds bit N-1.
	Valid []uint64
	// Blocks hold the bytes of Str views longer than 12 bytes.
	Blocks [][]byte
	// Dictionary of a Dict vector.
	Dictionary *Dictionary
	// Rows, Off and NullBit locate an InRows value: byte offset Off in its row; NullBit is the bit
	// in the row's null bitmap (1 = NULL), -1 if never NULL.
	Rows    *RowPages
	Off     int
	NullBit int
	// Fact is what is known to be true of every live row of the morsel; nil if nothing is.
	Fact *Fact
}

// Fact is true of every row of one morsel in one View. Estimates are a different type, in package
// table. Only facts choose fast code.
type Fact struct {
	// Min and Max bound the integers of ClassInt and fixed-width ClassNumeric values (scaled), if
	// Bounded.
	Min, Max int64
	Bounded  bool
	// NoNulls: no row is NULL.
	NoNulls bool
	// Ascending: values never decrease within the morsel (NULL-free).
	Ascending bool
	// LenMax is the longest string in bytes; -1 if unknown.
	LenMax int
	// Finite: no NaN or infinity (floats, numerics, dates and timestamps).
	Finite bool
}

// Dictionary holds the distinct values of a Dict vector; entry i is the value of code i.
type Dictionary struct {
	Values Vector // Str or Flat, NULL-free
	Sorted bool   // ascending in the type's order
}

// StrView is one string of a Str vector: Arrow's StringView. Strings of up to 12 bytes are inline
// (Prefix, Block and Off hold them), longer ones keep their first four bytes and a place.
type StrView struct {
	Len    uint32
	Prefix [4]byte
	Block  uint32
	Off    uint32
}

// InlineMax is the longest string that a StrView holds itself.
const InlineMax = 12

// Bytes returns the string's bytes, borrowed from v or from blocks.
func (v *StrView) Bytes(blocks [][]byte) []byte {
	if v.Len <= InlineMax {
		return unsafe.Slice((*byte)(unsafe.Pointer(&v.Prefix)), v.Len)
	}
	return blocks[v.Block][v.Off : v.Off+v.Len : v.Off+v.Len]
}

// InlineView returns the view of a string of at most InlineMax bytes. Unused bytes are zero, so
// equal inline strings have equal views.
func InlineView(b []byte) (v StrView) {
	v.Len = uint32(len(b))
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&v.Prefix)), InlineMax), b)
	return v
}

// LongView returns the view of a string longer than InlineMax that stands at blocks[block][off:].
func LongView(b []byte, block, off uint32) (v StrView) {
	v.Len, v.Block, v.Off = uint32(len(b)), block, off
	copy(v.Prefix[:], b)
	return v
}

// Values views the entries of a Flat or Const vector, or the codes of a Dict one, as T; T's size
// must be v.Width.
func Values[T any](v *Vector) []T {
	return unsafe.Slice((*T)(v.Data), v.N)
}

// Views returns the entries of a Str vector (or a Const one of strings).
func (v *Vector) Views() []StrView { return unsafe.Slice((*StrView)(v.Data), v.N) }

// DataOf returns the address of s's first element, for Vector.Data; nil for an empty slice.
func DataOf[T any](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

// IsNull reports whether entry i (any form but InRows) is NULL.
func (v *Vector) IsNull(i int) bool {
	if v.Form == Const {
		i = 0
	}
	return v.Valid != nil && v.Valid[i>>6]>>(i&63)&1 == 0
}

// Slice returns a vector of n entries of v (Flat, Dict, Str) from entry i on, sharing its memory. i must be a
// multiple of 64 if v has a validity bitmap.
func (v *Vector) Slice(i, n int) Vector {
	w := *v
	if v.Form == Const || v.Form == InRows {
		return w
	}
	w.Data = unsafe.Add(v.Data, i*int(v.Width))
	w.N = n
	if v.Valid != nil {
		w.Valid = v.Valid[i>>6:]
	}
	return w
}

// BitmapWords returns the number of words of a bitmap of n bits.
func BitmapWords(n int) int { return (n + 63) >> 6 }

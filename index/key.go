// Package index holds what all indexes share: the encoding of keys. Index structures of segments join it later.
//
// A key is a tuple of values of fixed types, encoded so that bytes.Compare of two encoded keys orders them as the
// values compare, column by column, and so that equal values (1.0 and 1.00, -0.0 and 0.0, '1 mon' and '30 days')
// have equal encodings. Keys are not decoded: rows hold the values.
//
//	bool                     1 byte
//	int2                     2 bytes, big-endian, sign bit flipped
//	int4, date, oid          4 bytes, likewise (oid: unsigned)
//	int8, time, timestamps   8 bytes, likewise
//	float4, float8           8 bytes: IEEE 754 bits, all flipped if negative, else the sign bit flipped
//	interval                 16 bytes: its length in microseconds, 30-day months, biased
//	numeric                  class byte, then exponent and digits; see appendNumeric
//	strings                  the bytes, as they are in the last column; before it 00 becomes 00 FF
//	                         and 00 01 ends the string
//
// A NULL has no encoding: keys with NULLs are not indexed, since they are equal to nothing.
package index

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

var be = binary.BigEndian

// AppendRow appends the key of the given columns of a row; ok is false if one of them is NULL.
func AppendRow(dst []byte, row types.Row, cols []int) (key []byte, ok bool) {
	for i, c := range cols {
		if !row[c].Valid {
			return dst, false
		}
		dst = AppendDatum(dst, row[c], i == len(cols)-1)
	}
	return dst, true
}

// AppendValues appends the key of all values of a row; ok is false if one of them is NULL.
func AppendValues(dst []byte, row types.Row) (key []byte, ok bool) {
	for i, d := range row {
		if !d.Valid {
			return dst, false
		}
		dst = AppendDatum(dst, d, i == len(row)-1)
	}
	return dst, true
}

// AppendDatum appends the encoding of one value that is not NULL; last says that it ends its key.
func AppendDatum(dst []byte, d types.Datum, last bool) []byte {
	switch d.K.Class() {
	case types.ClassInt:
		return appendInt(dst, d.K, d.I)
	case types.ClassFloat:
		return appendFloat(dst, d.Float())
	case types.ClassNumeric:
		return appendNumeric(dst, d)
	case types.ClassInterval:
		return appendInterval(dst, d)
	}
	return appendString(dst, unsafe.Slice(unsafe.StringData(d.S), len(d.S)), last)
}

// AppendBatch appends the key of live row i of a batch; ok is false if one of its columns is NULL.
func AppendBatch(dst []byte, b *vec.Batch, cols []int, i int) (key []byte, ok bool) {
	for k, c := range cols {
		v, g := b.Col(c)
		last := k == len(cols)-1
		if v.Form != vec.Flat && v.Form != vec.Str && v.Form != vec.Const {
			d := b.BatchDatum(c, i)
			if !d.Valid {
				return dst, false
			}
			dst = AppendDatum(dst, d, last)
			continue
		}
		e := i
		if g.Sel != nil {
			e = int(g.Sel[i])
		}
		if v.Form == vec.Const {
			e = 0
		}
		if v.IsNull(e) {
			return dst, false
		}
		dst = appendEntry(dst, v, e, last)
	}
	return dst, true
}

// appendEntry encodes entry e of a Flat, Const or Str vector without making a datum where that is easy.
func appendEntry(dst []byte, v *vec.Vector, e int, last bool) []byte {
	switch v.Type.Class() {
	case types.ClassInt:
		p := unsafe.Add(v.Data, e*int(v.Width))
		var x int64
		switch v.Width {
		case 1:
			x = v.Base + int64(*(*uint8)(p))
		case 2:
			x = v.Base + int64(*(*uint16)(p))
		case 4:
			x = v.Base + int64(*(*uint32)(p))
		default:
			x = *(*int64)(p)
		}
		return appendInt(dst, v.Type.Kind, x)
	case types.ClassString:
		return appendString(dst, v.Views()[e].Bytes(v.Blocks), last)
	}
	return AppendDatum(dst, v.Datum(e), last)
}

// FixedBytes returns the length of every key of the given column types, 0 if it differs.
func FixedBytes(ts []types.Type) int {
	n := 0
	for _, t := range ts {
		switch t.Kind {
		case types.Bool:
			n++
		case types.Int2:
			n += 2
		case types.Int4, types.Date, types.OID:
			n += 4
		case types.Int8, types.Time, types.TimeTZ, types.Timestamp, types.TimestampTZ, types.Float4, types.Float8:
			n += 8
		case types.Interval:
			n += 16
		default:
			return 0
		}
	}
	return n
}

// Word returns a key of at most 8 bytes, or the first 8 bytes of a longer one, as an integer that orders as the bytes
// do (shorter keys are padded with zeros).
func Word(key []byte) uint64 {
	if len(key) >= 8 {
		return be.Uint64(key)
	}
	var w uint64
	for _, b := range key {
		w = w<<8 | uint64(b)
	}
	return w << (8 * (8 - len(key)))
}

func appendInt(dst []byte, k types.Kind, x int64) []byte {
	switch k {
	case types.Bool:
		return append(dst, byte(x))
	case types.Int2:
		return be.AppendUint16(dst, uint16(x)^1<<15)
	case types.Int4, types.Date:
		return be.AppendUint32(dst, uint32(x)^1<<31)
	case types.OID:
		return be.AppendUint32(dst, uint32(x))
	}
	return be.AppendUint64(dst, uint64(x)^1<<63)
}

func appendFloat(dst []byte, f float64) []byte {
	if f == 0 {
		f = 0 // -0.0
	}
	u := math.Float64bits(f)
	switch {
	case f != f:
		u = math.MaxUint64 // NaN is above everything
	case u>>63 != 0:
		u = ^u
	default:
		u ^= 1 << 63
	}
	return be.AppendUint64(dst, u)
}

// appendInterval encodes an interval's length in microseconds as a biased 128-bit integer.
func appendInterval(dst []byte, d types.Datum) []byte {
	months, days, micros := d.IntervalParts()
	const dayMicros = 86400 * 1_000_000
	n := int64(months)*30 + int64(days) // at most 2^37
	neg := n < 0
	hi, lo := bits.Mul64(uint64(max(n, -n)), dayMicros)
	if neg {
		var c uint64
		lo, c = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, c)
	}
	var c uint64
	lo, c = bits.Add64(lo, uint64(micros), 0)
	hi, _ = bits.Add64(hi, uint64(micros>>63), c)
	return be.AppendUint64(be.AppendUint64(dst, hi^1<<63), lo)
}

func appendString(dst, s []byte, last bool) []byte {
	if last {
		return append(dst, s...)
	}
	for _, c := range s {
		dst = append(dst, c)
		if c == 0 {
			dst = append(dst, 0xff)
		}
	}
	return append(dst, 0, 1)
}

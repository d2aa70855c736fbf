package types

import (
	"encoding/binary"
	"math/bits"
)

// NewInt128 returns the numeric (hi, lo) × 10^-scale, in the smallest form.
func NewInt128(hi int64, lo uint64, scale int) Datum {
	d := Datum{K: Numeric, Valid: true, I: int64(lo), Scale: int16(scale)}
	if hi != int64(lo)>>63 {
		d.Form, d.H = NumInt128, hi
	}
	return d
}

// Encoded numerics: byte 0 is the form (NumericForm) in the low nibble, bytes 1-2 the scale
// (little-endian int16); then the coefficient as minimal little-endian two's complement bytes
// (NumInt64, NumInt128: 1 to 16 bytes), big-endian two's complement bytes (NumBig), nothing
// (NumNaN), or one byte, 1 or 0xff (NumInf). Coefficients of up to 9 bytes stay inline in a string
// view.

// EncodeNumeric appends the encoding of the non-NULL numeric d.
func EncodeNumeric(dst []byte, d Datum) []byte {
	dst = append(dst, byte(d.Form))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(d.Scale))
	switch d.Form {
	case NumInt64:
		return appendInt(dst, d.I)
	case NumInt128:
		dst = binary.LittleEndian.AppendUint64(dst, uint64(d.I))
		return appendInt(dst, d.H)
	case NumBig:
		return append(dst, d.S...)
	case NumInf:
		return append(dst, byte(d.I))
	}
	return dst
}

func appendInt(dst []byte, v int64) []byte {
	n := (bits.Len64(uint64(v^v>>63)) + 8) / 8 // bits and a sign bit
	for range n {
		dst = append(dst, byte(v))
		v >>= 8
	}
	return dst
}

// DecodeNumeric reads what EncodeNumeric wrote.
func DecodeNumeric(b []byte) Datum {
	d := Datum{K: Numeric, Valid: true}
	if len(b) < 3 {
		return d
	}
	d.Form, d.Scale = NumericForm(b[0]), int16(binary.LittleEndian.Uint16(b[1:]))
	b = b[3:]
	switch d.Form {
	case NumInt64:
		d.I = readInt(b)
	case NumInt128:
		if len(b) < 8 {
			return d
		}
		d.I, d.H = int64(binary.LittleEndian.Uint64(b)), readInt(b[8:])
	case NumBig:
		d.S = string(b)
	case NumInf:
		d.I = readInt(b)
	}
	return d
}

func readInt(b []byte) int64 {
	if len(b) == 0 {
		return 0
	}
	v := int64(int8(b[len(b)-1]))
	for i := len(b) - 2; i >= 0; i-- {
		v = v<<8 | int64(b[i])
	}
	return v
}

package types

import "encoding/binary"

// ValidNumeric reports whether b is an encoded numeric as EncodeNumeric writes it, apart from not
// being minimal: for input that may be damaged.
func ValidNumeric(b []byte) bool {
	if len(b) < 3 {
		return false
	}
	scale := int16(binary.LittleEndian.Uint16(b[1:]))
	if scale < 0 {
		return false
	}
	n := len(b) - 3
	switch NumericForm(b[0]) {
	case NumInt64:
		return n >= 1 && n <= 8
	case NumInt128:
		return n >= 9 && n <= 16
	case NumBig:
		return n >= 1
	case NumNaN:
		return n == 0
	case NumInf:
		return n == 1 && (b[3] == 1 || b[3] == 0xff)
	}
	return false
}

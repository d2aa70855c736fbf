package lsm

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// rowReader reads columns of a row. In the order of the columns it goes over the row once; one that lies before the last
// one is looked for from the beginning.
type rowReader struct {
	types []types.Type
	row   []byte
	// at is where column col begins.
	col, at int
}

var errRow = corruptedf("a row of the LSM tree ends too early")

// open begins with a row.
func (r *rowReader) open(row []byte) error {
	r.row = row
	r.rewind()
	if r.at > len(row) {
		return errRow
	}
	return nil
}

func (r *rowReader) rewind() { r.col, r.at = 0, (len(r.types)+7)/8 }

func (r *rowReader) null(c int) bool { return r.row[c>>3]>>(c&7)&1 != 0 }

// seek goes to the beginning of a column.
func (r *rowReader) seek(c int) error {
	if c < r.col {
		r.rewind()
	}
	for ; r.col < c; r.col++ {
		if r.null(r.col) {
			continue
		}
		n := valueSize(r.types[r.col].Class(), r.row[r.at:])
		if n < 0 {
			return errRow
		}
		r.at += n
	}
	return nil
}

// datum reads a column. A string aliases the row if alias is set.
func (r *rowReader) datum(d *types.Datum, c int, alias bool) error {
	if err := r.seek(c); err != nil {
		return err
	}
	r.col++
	kind := r.types[c].Kind
	if r.null(c) {
		*d = types.NullOf(kind)
		return nil
	}
	*d = types.Datum{K: kind, Valid: true}
	n := readValue(d, kind.Class(), r.row[r.at:], alias)
	if n < 0 {
		return errRow
	}
	r.at += n
	return nil
}

// appendRow appends columns to a row.
func (r *rowReader) appendRow(dst types.Row, cols []int, alias bool) (types.Row, error) {
	at := len(dst)
	for range cols {
		dst = append(dst, types.Datum{})
	}
	for i, c := range cols {
		if err := r.datum(&dst[at+i], c, alias); err != nil {
			return dst[:at], err
		}
	}
	return dst, nil
}

// appendTo appends a column to a vector.
func (r *rowReader) appendTo(b *vec.Builder, c int) error {
	if err := r.seek(c); err != nil {
		return err
	}
	if r.null(c) {
		r.col++
		return b.AppendNull()
	}
	switch v := r.row[r.at:]; r.types[c].Class() {
	case types.ClassInt:
		x, n := varint(v)
		if n <= 0 {
			return errRow
		}
		r.col, r.at = c+1, r.at+n
		return b.AppendInt(x)
	case types.ClassString:
		text, n := bytesValue(v)
		if n < 0 {
			return errRow
		}
		r.col, r.at = c+1, r.at+n
		return b.AppendBytes(text)
	case types.ClassNumeric:
		if len(v) > 2 && v[0] == byte(types.NumInt64) && v[1] < 0x80 {
			scale, _ := varint(v[1:])
			x, n := varint(v[2:])
			if n <= 0 {
				return errRow
			}
			r.col, r.at = c+1, r.at+2+n
			return b.AppendDecimal(x, int(scale))
		}
	}
	var d types.Datum
	if err := r.datum(&d, c, true); err != nil {
		return err
	}
	return b.Append(d)
}

// readValue reads the value that b begins with; it returns its length, or -1.
func readValue(d *types.Datum, class types.Class, b []byte, alias bool) (n int) {
	switch class {
	case types.ClassInt:
		if d.I, n = varint(b); n <= 0 {
			return -1
		}
		return n
	case types.ClassFloat:
		if len(b) < 8 {
			return -1
		}
		d.I = int64(le.Uint64(b))
		return 8
	case types.ClassInterval:
		if len(b) < 16 {
			return -1
		}
		d.H, d.I = int64(le.Uint64(b)), int64(le.Uint64(b[8:]))
		return 16
	case types.ClassNumeric:
		return readNumeric(d, b, alias)
	}
	return readText(d, b, alias)
}

func readText(d *types.Datum, b []byte, alias bool) int {
	text, n := bytesValue(b)
	switch {
	case n < 0 || len(text) == 0:
	case alias:
		d.S = unsafe.String(&text[0], len(text))
	default:
		d.S = string(text)
	}
	return n
}

func readNumeric(d *types.Datum, b []byte, alias bool) int {
	n := numericSize(b)
	if n < 0 {
		return -1
	}
	scale, k := varint(b[1:])
	d.Form, d.Scale = types.NumericForm(b[0]), int16(scale)
	switch rest := b[1+k:]; d.Form {
	case types.NumInt64, types.NumInf:
		d.I, _ = varint(rest)
	case types.NumInt128:
		d.H, d.I = int64(le.Uint64(rest)), int64(le.Uint64(rest[8:]))
	case types.NumBig:
		readText(d, rest, alias)
	}
	return n
}

// varint is binary.Varint, for the short ones without a loop.
func varint(b []byte) (int64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return int64(b[0]>>1) ^ -int64(b[0]&1), 1
	}
	if len(b) >= 8 {
		x := le.Uint64(b)
		if n := varintEnd(x); n <= 4 {
			x &= 1<<(8*n) - 1
			u := x&0x7f | x>>1&0x3f80 | x>>2&0x1f_c000 | x>>3&0xfe0_0000
			return int64(u>>1) ^ -int64(u&1), n
		}
	}
	return binary.Varint(b)
}

// varintEnd returns how many of eight bytes the first varint takes; 9: it does not end in them.
func varintEnd(x uint64) int { return bits.TrailingZeros64(^x&0x8080_8080_8080_8080)>>3 + 1 }

// bytesValue returns the string that b begins with, and its length with what tells that, or -1.
func bytesValue(b []byte) ([]byte, int) {
	n, k := uint64(0), 1
	if len(b) > 0 && b[0] < 0x80 {
		n = uint64(b[0])
	} else if n, k = binary.Uvarint(b); k <= 0 {
		return nil, -1
	}
	if n > uint64(len(b)-k) {
		return nil, -1
	}
	return b[k : k+int(n)], k + int(n)
}

// valueSize returns the length of the value that b begins with, or -1.
func valueSize(class types.Class, b []byte) int {
	n := 0
	switch class {
	case types.ClassInt:
		return varintSize(b)
	case types.ClassFloat:
		n = 8
	case types.ClassInterval:
		n = 16
	case types.ClassNumeric:
		n = numericSize(b)
	default:
		_, n = bytesValue(b)
	}
	if n > len(b) {
		return -1
	}
	return n
}

func varintSize(b []byte) int {
	if len(b) >= 8 {
		if n := varintEnd(le.Uint64(b)); n <= 8 {
			return n
		}
	}
	for i := range min(len(b), binary.MaxVarintLen64) {
		if b[i] < 0x80 {
			return i + 1
		}
	}
	return -1
}

func numericSize(b []byte) int {
	if len(b) < 2 {
		return -1
	}
	k := varintSize(b[1:])
	if k < 0 {
		return -1
	}
	k++
	rest := 0
	switch types.NumericForm(b[0]) {
	case types.NumInt64, types.NumInf:
		rest = varintSize(b[k:])
	case types.NumInt128:
		rest = 16
	case types.NumBig:
		_, rest = bytesValue(b[k:])
	case types.NumNaN:
	default:
		rest = -1
	}
	if rest < 0 || rest > len(b)-k {
		return -1
	}
	return k + rest
}

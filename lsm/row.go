package lsm

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// version is one version of a row, as it stands in a value. Once made it does not change.
type version struct {
	inc, ref uint64
	// written is the LSN that wrote it, born that since which the row has had its key, changed by updates alone.
	written, born table.LSN
	key           []byte
	row           []byte // the columns
}

const (
	rowVersion = 1
	// rowHead is what precedes the columns: version, reference, both LSNs.
	rowHead = 1 + 3*8
)

func appendRowHead(dst []byte, v *version) []byte {
	dst = le.AppendUint64(append(dst, rowVersion), v.ref)
	return le.AppendUint64(le.AppendUint64(dst, uint64(v.written)), uint64(v.born))
}

// parseRow reads a value. Key and columns alias it.
func parseRow(inc uint64, key, value []byte) (v version, err error) {
	if len(value) < rowHead || value[0] != rowVersion {
		return v, corruptedf("a row of the LSM tree is %d bytes of version %d", len(value), first(value))
	}
	return version{
		inc: inc, ref: le.Uint64(value[1:]), written: table.LSN(le.Uint64(value[9:])), born: table.LSN(le.Uint64(value[17:])),
		key: key, row: value[rowHead:],
	}, nil
}

// appendRow appends the columns of live row i of a batch: a bitmap of the NULLs, then the values of the others.
func appendRow(dst []byte, b *vec.Batch, i int) []byte {
	n := b.NumCols()
	at := len(dst)
	dst = append(dst, make([]byte, (n+7)/8)...)
	for c := range n {
		d := b.BatchDatum(c, i)
		if !d.Valid {
			dst[at+c/8] |= 1 << (c % 8)
			continue
		}
		dst = appendDatum(dst, &d)
	}
	return dst
}

func appendDatum(dst []byte, d *types.Datum) []byte {
	switch d.K.Class() {
	case types.ClassInt:
		return binary.AppendVarint(dst, d.I)
	case types.ClassFloat:
		return le.AppendUint64(dst, uint64(d.I))
	case types.ClassNumeric:
		return appendNumeric(dst, d)
	case types.ClassInterval:
		return le.AppendUint64(le.AppendUint64(dst, uint64(d.H)), uint64(d.I))
	}
	return append(binary.AppendUvarint(dst, uint64(len(d.S))), d.S...)
}

// appendNumeric appends form, scale and coefficient.
func appendNumeric(dst []byte, d *types.Datum) []byte {
	dst = binary.AppendVarint(append(dst, byte(d.Form)), int64(d.Scale))
	switch d.Form {
	case types.NumInt64, types.NumInf:
		return binary.AppendVarint(dst, d.I)
	case types.NumInt128:
		return le.AppendUint64(le.AppendUint64(dst, uint64(d.H)), uint64(d.I))
	case types.NumBig:
		return append(binary.AppendUvarint(dst, uint64(len(d.S))), d.S...)
	}
	return dst
}

// rowReader finds the columns of a row. ends[c] is where column c ends; it begins where the one before does.
type rowReader struct {
	types []types.Type
	row   []byte
	from  int // of the first value
	ends  []uint32
}

// open reads where the first n columns of a row are.
func (r *rowReader) open(row []byte, n int) error {
	r.row, r.from, r.ends = row, (len(r.types)+7)/8, r.ends[:0]
	at := r.from
	if at > len(row) || uint64(len(row)) > math.MaxUint32 {
		return errRow
	}
	for c := range n {
		if !r.null(c) {
			size := valueSize(r.types[c].Class(), row[at:])
			if size < 0 || size > len(row)-at {
				return errRow
			}
			at += size
		}
		r.ends = append(r.ends, uint32(at))
	}
	return nil
}

var errRow = corruptedf("a row of the LSM tree ends too early")

func (r *rowReader) null(c int) bool { return r.row[c/8]>>(c%8)&1 != 0 }

func (r *rowReader) value(c int) []byte {
	from := r.from
	if c > 0 {
		from = int(r.ends[c-1])
	}
	return r.row[from:r.ends[c]]
}

// valueSize returns the length of the value that b begins with, or more than b has, or -1.
func valueSize(class types.Class, b []byte) int {
	switch class {
	case types.ClassInt:
		return varintSize(b)
	case types.ClassFloat:
		return 8
	case types.ClassInterval:
		return 16
	case types.ClassNumeric:
		return numericSize(b)
	}
	return bytesSize(b)
}

func varintSize(b []byte) int {
	for i := range min(len(b), binary.MaxVarintLen64) {
		if b[i] < 0x80 {
			return i + 1
		}
	}
	return -1
}

func bytesSize(b []byte) int {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)-k) {
		return -1
	}
	return k + int(n)
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
		rest = bytesSize(b[k:])
	case types.NumNaN:
	default:
		rest = -1
	}
	if rest < 0 {
		return -1
	}
	return k + rest
}

// datum returns column c. A string aliases the row if alias is set.
func (r *rowReader) datum(c int, alias bool) types.Datum {
	kind := r.types[c].Kind
	if r.null(c) {
		return types.NullOf(kind)
	}
	b := r.value(c)
	text := func(b []byte) string {
		n, k := binary.Uvarint(b)
		if n == 0 {
			return ""
		}
		if alias {
			return unsafe.String(&b[k], int(n))
		}
		return string(b[k:])
	}
	d := types.Datum{K: kind, Valid: true}
	switch kind.Class() {
	case types.ClassInt:
		d.I, _ = binary.Varint(b)
	case types.ClassFloat:
		d.I = int64(le.Uint64(b))
	case types.ClassInterval:
		d.H, d.I = int64(le.Uint64(b)), int64(le.Uint64(b[8:]))
	case types.ClassNumeric:
		scale, k := binary.Varint(b[1:])
		d.Form, d.Scale = types.NumericForm(b[0]), int16(scale)
		switch rest := b[1+k:]; d.Form {
		case types.NumInt64, types.NumInf:
			d.I, _ = binary.Varint(rest)
		case types.NumInt128:
			d.H, d.I = int64(le.Uint64(rest)), int64(le.Uint64(rest[8:]))
		case types.NumBig:
			d.S = text(rest)
		}
	default:
		d.S = text(b)
	}
	return d
}

// appendTo appends column c to a vector.
func (r *rowReader) appendTo(b *vec.Builder, c int) error {
	if r.null(c) {
		return b.AppendNull()
	}
	switch r.types[c].Class() {
	case types.ClassInt:
		x, _ := binary.Varint(r.value(c))
		return b.AppendInt(x)
	case types.ClassString:
		v := r.value(c)
		_, k := binary.Uvarint(v)
		return b.AppendBytes(v[k:])
	}
	return b.Append(r.datum(c, true))
}

// needed returns how many columns must be looked at for some of them.
func needed(cols []int) int {
	n := 0
	for _, c := range cols {
		n = max(n, c+1)
	}
	return n
}

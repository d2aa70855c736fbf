package segment

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// values are the rows of one column in one row group, in the form that pages, zone maps and dictionaries take.
type values struct {
	l *layout
	n int
	// present has a bit for each row with a physical value; nil: every row has one. NULLs and exceptions have none.
	present []uint64
	nulls   []uint64 // SQL's NULLs; nil: none
	ints    []int64  // meanInt, meanDecimal; meanFloat: bits of float64
	space   []int64  // for ints
	views   []vec.StrView
	blocks  [][]byte
	fixed   []byte   // n × 16: meanInterval, meanWide
	text    []byte   // meanText
	ends    []uint32 // of text
	datums  []types.Datum
	// except are rows whose value Parquet cannot hold, with the value as types.EncodeNumeric has it.
	except []exception
}

// exception is a value that stands in the sidecar alone; pos counts the rows of the segment.
type exception struct {
	pos   uint32
	value []byte
}

// has reports whether row i has a physical value.
func (v *values) has(i int) bool { return v.present == nil || v.present[i>>6]>>(i&63)&1 != 0 }

// count returns how many rows of [from, to) have a physical value.
func (v *values) count(from, to int) int {
	if v.present == nil {
		return to - from
	}
	n := 0
	for from < to {
		k := min(64-from&63, to-from)
		n += bits.OnesCount64(v.present[from>>6] >> (from & 63) << (64 - k))
		from += k
	}
	return n
}

// bytes returns the physical value of row i of a column of byte strings.
func (v *values) bytes(i int) []byte {
	switch v.l.mean {
	case meanString:
		return v.views[i].Bytes(v.blocks)
	case meanText:
		from := uint32(0)
		if i > 0 {
			from = v.ends[i-1]
		}
		return v.text[from:v.ends[i]]
	}
	return v.fixed[i*fixedBytes:][:fixedBytes]
}

// isBytes reports whether the physical values are byte strings.
func (v *values) isBytes() bool { return v.ints == nil }

// datum returns the value of row i, which has one.
func (v *values) datum(i int) types.Datum {
	k := v.l.typ.Kind
	switch v.l.mean {
	case meanInt:
		return types.NewInt(k, v.ints[i])
	case meanDecimal:
		return types.NewDecimal(v.ints[i], v.l.scale)
	case meanFloat:
		return types.Datum{K: k, Valid: true, I: v.ints[i]}
	case meanString:
		return types.NewString(k, string(v.bytes(i)))
	case meanText:
		return v.datums[i]
	case meanInterval:
		return intervalOf(v.bytes(i))
	}
	return wideOf(v.bytes(i), v.l.scale)
}

func intervalOf(b []byte) types.Datum {
	return types.NewInterval(int32(le.Uint32(b[8:])), int32(le.Uint32(b[12:])), int64(le.Uint64(b)))
}

func wideOf(b []byte, scale int) types.Datum {
	return types.NewInt128(int64(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint64(b[8:]), scale)
}

// take returns room for n integers, which are zero.
func (v *values) take(n int) []int64 {
	if cap(v.space) < n {
		v.space = make([]int64, n)
	}
	clear(v.space[:n])
	return v.space[:n]
}

// valuesOf converts n rows of a Flat or Str vector; pos is the position of its first row. The values may lie in space.
func valuesOf(l *layout, x *vec.Vector, n int, pos int, space []int64) (*values, error) {
	v := &values{l: l, n: n, space: space}
	for i := range n {
		if x.IsNull(i) {
			if v.nulls == nil {
				v.nulls = make([]uint64, vec.BitmapWords(n))
			}
			v.nulls[i>>6] |= 1 << (i & 63)
		}
	}
	if v.nulls != nil {
		v.present = make([]uint64, len(v.nulls))
		for i, w := range v.nulls {
			v.present[i] = ^w
		}
	}
	switch l.mean {
	case meanInt:
		return v, v.fromInts(x)
	case meanDecimal:
		v.fromDecimals(x, pos)
	case meanFloat:
		v.ints = append(v.take(n)[:0], vec.Values[int64](x)[:n]...)
	case meanString:
		v.views, v.blocks = x.Views()[:n], x.Blocks
		return v, v.checkLengths()
	case meanText:
		v.fromNumerics(x)
	case meanInterval:
		v.fixed = append([]byte(nil), unsafe.Slice((*byte)(x.Data), n*fixedBytes)...)
	case meanWide:
		v.fromWide(x, pos)
	}
	return v, nil
}

func (v *values) fromInts(x *vec.Vector) error {
	v.ints = v.take(v.n)
	switch x.Width {
	case 1:
		widen(v.ints, vec.Values[uint8](x), x.Base)
	case 2:
		widen(v.ints, vec.Values[uint16](x), x.Base)
	case 4:
		widen(v.ints, vec.Values[uint32](x), x.Base)
	default:
		copy(v.ints, vec.Values[int64](x))
	}
	for i, y := range v.ints {
		if !v.l.fits(y) && v.has(i) {
			return sqlerr.Newf(sqlerr.InternalError, "%d is no value of type %s", y, v.l.typ)
		}
	}
	return nil
}

func widen[T uint8 | uint16 | uint32](dst []int64, src []T, base int64) {
	src = src[:len(dst)]
	for i, x := range src {
		dst[i] = base + int64(x)
	}
}

func (v *values) checkLengths() error {
	if v.l.phys != physFixed {
		return nil
	}
	for i := range v.views {
		if v.has(i) && v.views[i].Len != fixedBytes {
			return sqlerr.Newf(sqlerr.InternalError, "a value of type %s with %d bytes", v.l.typ, v.views[i].Len)
		}
	}
	return nil
}

// except moves the value of row i to the sidecar.
func (v *values) exceptRow(i int, d types.Datum, pos int) {
	if v.present == nil {
		v.present = make([]uint64, vec.BitmapWords(v.n))
		for w := range v.present {
			v.present[w] = math.MaxUint64
		}
	}
	v.present[i>>6] &^= 1 << (i & 63)
	v.except = append(v.except, exception{pos: uint32(pos + i), value: types.EncodeNumeric(nil, d)})
}

// isNull reports whether row i is NULL in SQL.
func (v *values) isNull(i int) bool { return v.nulls != nil && v.nulls[i>>6]>>(i&63)&1 != 0 }

func (v *values) fromDecimals(x *vec.Vector, pos int) {
	v.ints = v.take(v.n)
	if x.Form == vec.Flat && x.Width == 8 && int(x.Scale) == v.l.scale && v.l.phys == physInt64 {
		copy(v.ints, vec.Values[int64](x))
		return
	}
	for i := range v.n {
		if v.isNull(i) {
			continue
		}
		d := x.Datum(i)
		c, scale, ok := d.Decimal()
		if !ok || scale != v.l.scale || !v.l.fits(c) {
			v.exceptRow(i, d, pos)
			continue
		}
		v.ints[i] = c
	}
}

func (v *values) fromWide(x *vec.Vector, pos int) {
	v.fixed = make([]byte, v.n*fixedBytes)
	for i := range v.n {
		if v.isNull(i) {
			continue
		}
		d := x.Datum(i)
		c, ok := d.Int128()
		if !ok || int(d.Scale) != v.l.scale {
			v.exceptRow(i, d, pos)
			continue
		}
		b := v.fixed[i*fixedBytes:]
		binary.BigEndian.PutUint64(b, uint64(c.Hi))
		binary.BigEndian.PutUint64(b[8:], c.Lo)
	}
}

func (v *values) fromNumerics(x *vec.Vector) {
	v.ends = make([]uint32, v.n)
	v.datums = make([]types.Datum, v.n)
	for i := range v.n {
		if !v.isNull(i) {
			v.datums[i] = x.Datum(i)
			v.text = types.AppendText(v.text, v.datums[i], types.T(types.Numeric), nil)
		}
		v.ends[i] = uint32(len(v.text))
	}
}

// narrowFloat returns a Float4 from the bits of the float64 that equals it, with the payload of a NaN.
func narrowFloat(bits int64) float32 { return float32(math.Float64frombits(uint64(bits))) }

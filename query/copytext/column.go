package copytext

import (
	"math"
	"unsafe"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// column holds the values of one column of a chunk.
type column struct {
	t     types.Type
	class types.Class
	// fast reads the usual spellings of integers; nil if there is no such kernel.
	fast func(w *worker, col int, list []field) bool
	// length bounds the bytes that a string may have to be taken as it is; -1 for kinds that are not.
	length int64
	blanks bool // trailing blanks are cut off

	width int
	base  int64
	scale int
	limit int64 // of a decimal: the smallest coefficient that is too large
	lo    int64 // of an integer
	hi    int64

	data  []uint64 // chunkRows entries of width
	valid []uint64
	nulls bool // some bits of valid are not set
	// b has the values of a type without fixed layout instead.
	b *vec.Builder
}

// generalColumn returns an empty column for all values that a type may have, however they are laid out.
func generalColumn(t types.Type) column {
	return column{t: t, class: t.Class(), b: vec.NewBuilder(t, chunkRows, nil)}
}

// newColumn returns an empty column for the usual values of a type.
func newColumn(t types.Type) column {
	b := vec.NewBuilder(t, 1, nil)
	v := b.Vector()
	c := column{t: t, class: t.Class(), width: int(v.Width), base: v.Base, length: -1}
	switch c.class {
	case types.ClassInt:
		c.integer()
	case types.ClassString:
		c.text()
	case types.ClassNumeric:
		if p, s, ok := t.PrecisionScale(); ok && s >= 0 && s <= p && p <= 18 {
			c.scale, c.limit, c.fast = s, types.Pow10(p), (*worker).decimals
			break
		}
		return generalColumn(t)
	case types.ClassFloat:
	default:
		return generalColumn(t)
	}
	c.data = make([]uint64, chunkRows*c.width/8)
	c.valid = make([]uint64, vec.BitmapWords(chunkRows))
	c.reset()
	return c
}

func (c *column) integer() {
	c.lo, c.hi = math.MinInt64, math.MaxInt64
	switch c.t.Kind {
	case types.Int2:
		c.lo, c.hi = math.MinInt16, math.MaxInt16
	case types.Int4:
		c.lo, c.hi = math.MinInt32, math.MaxInt32
	case types.Int8:
	case types.Date:
		c.fast = (*worker).dates
		return
	case types.Timestamp, types.TimestampTZ:
		if c.t.Mod < 0 {
			c.fast = (*worker).timestamps
		}
		return
	default:
		return
	}
	c.fast = (*worker).integers
}

func (c *column) text() {
	switch c.t.Kind {
	case types.Text, types.Varchar, types.BpChar:
		c.length, c.blanks = isScratch-1, c.t.Kind == types.BpChar
		if n, ok := c.t.Length(); ok {
			c.length = int64(n)
		}
	}
}

// reset forgets the values.
func (c *column) reset() {
	if c.b != nil {
		c.b.Reset()
		return
	}
	c.nulls = false
	for i := range c.valid {
		c.valid[i] = math.MaxUint64
	}
}

// setNull makes entry i NULL; its slot is to be zero.
func (c *column) setNull(i int) {
	c.nulls = true
	c.valid[i>>6] &^= 1 << (i & 63)
}

// store writes integers as entries from one on.
func (c *column) store(from int, values []int64) {
	at := unsafe.Add(unsafe.Pointer(unsafe.SliceData(c.data)), from*c.width)
	switch c.width {
	case 8:
		copy(unsafe.Slice((*int64)(at), len(values)), values)
	case 4:
		narrow(unsafe.Slice((*uint32)(at), len(values)), values, c.base)
	case 2:
		narrow(unsafe.Slice((*uint16)(at), len(values)), values, c.base)
	default:
		narrow(unsafe.Slice((*uint8)(at), len(values)), values, c.base)
	}
	if !c.nulls {
		return
	}
	for i := range values {
		if c.valid[(from+i)>>6]>>((from+i)&63)&1 == 0 {
			clear(unsafe.Slice((*byte)(unsafe.Add(at, i*c.width)), c.width))
		}
	}
}

func narrow[T uint8 | uint16 | uint32](dst []T, values []int64, base int64) {
	for i, v := range values {
		dst[i] = T(v - base)
	}
}

// views returns the entries of a column of strings.
func (c *column) views() []vec.StrView {
	return unsafe.Slice((*vec.StrView)(unsafe.Pointer(unsafe.SliceData(c.data))), chunkRows)
}

// vector returns the first n values; strings stand in blocks.
func (c *column) vector(n int, blocks [][]byte) vec.Vector {
	if c.b != nil {
		return c.b.Vector()
	}
	v := vec.Vector{
		Type: c.t, Width: uint8(c.width), Scale: int16(c.scale), N: n, Base: c.base, NullBit: -1, Data: unsafe.Pointer(unsafe.SliceData(c.data)),
	}
	if c.class == types.ClassString {
		v.Form, v.Blocks = vec.Str, blocks
	}
	if c.nulls {
		v.Valid = c.valid[:vec.BitmapWords(n)]
		if n&63 != 0 {
			v.Valid[n>>6] &= 1<<(n&63) - 1
		}
	}
	return v
}

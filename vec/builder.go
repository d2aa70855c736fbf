package vec

import (
	"math"
	"unsafe"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// Builder makes one vector by appending values: Flat for fixed-width classes, Str for strings.
// Integers take the natural width of their kind. A numeric(p,s) takes 8 bytes up to p = 18 and 16
// up to 38; an unconstrained numeric takes the scale of its first value; in both cases a value that
// does not fit widens the vector, at last to encoded values with a scale each.
//
// With a tracker the memory is off-heap, charged to it, and must be given back with Release;
// without one it is Go memory. A Builder is used by one goroutine.
type Builder struct {
	typ   types.Type
	class types.Class

	// The layout; of a numeric it changes as values come.
	width      int
	base       int64
	scale      int16
	scaleKnown bool
	varNumeric bool

	n       int
	cap     int // entries that data has room for
	want    int // entries to make room for at first
	data    buffer
	valid   buffer
	hasNull bool
	heap    heap
	scratch []byte
}

// NewBuilder returns a builder for a vector of type t with room for capacity entries, 0 meaning
// Size; it grows beyond. A nil tracker means Go memory.
func NewBuilder(t types.Type, capacity int, tracker *mem.Tracker) *Builder {
	b := &Builder{}
	b.init(t, capacity, tracker)
	return b
}

func (b *Builder) init(t types.Type, capacity int, tracker *mem.Tracker) {
	b.typ, b.class = t, t.Class()
	b.data.tracker, b.valid.tracker, b.heap.tracker = tracker, tracker, tracker
	b.resetLayout()
	b.want = capacity
	if capacity <= 0 {
		b.want = Size
	}
}

// resetLayout sets the layout that the type begins with.
func (b *Builder) resetLayout() {
	b.base, b.scale, b.scaleKnown, b.varNumeric = 0, 0, false, false
	switch b.class {
	case types.ClassInt:
		b.width, b.base = intLayout(b.typ.Kind)
	case types.ClassFloat:
		b.width = 8
	case types.ClassNumeric:
		b.width = 8
		if p, s, ok := b.typ.PrecisionScale(); ok && s >= 0 {
			b.scale, b.scaleKnown = int16(s), true
			if p > 18 {
				b.width = 16
			}
			b.varNumeric = p > 38
		}
	default:
		b.width = 16
	}
}

// intLayout returns the natural width of an integer kind and the base of its entries.
func intLayout(k types.Kind) (width int, base int64) {
	switch k {
	case types.Bool:
		return 1, 0
	case types.Int2:
		return 2, math.MinInt16
	case types.Int4, types.Date:
		return 4, math.MinInt32
	case types.OID:
		return 4, 0
	}
	return 8, 0
}

// Type returns the type of the vector.
func (b *Builder) Type() types.Type { return b.typ }

// Len returns the number of entries.
func (b *Builder) Len() int { return b.n }

// Reset forgets the entries and keeps the memory. Vectors handed out before are invalid.
func (b *Builder) Reset() {
	b.n, b.hasNull = 0, false
	width := b.width
	b.resetLayout()
	if b.width != width {
		b.cap = len(b.data.b) / b.width
	}
	b.heap.reset()
}

// Release gives the memory back. The builder and its vectors must not be used afterwards.
func (b *Builder) Release() {
	b.data.free()
	b.valid.free()
	b.heap.free()
	b.n, b.cap = 0, 0
}

// Vector returns the entries so far, borrowed until the next append, Reset or Release.
func (b *Builder) Vector() Vector {
	v := Vector{
		Type: b.typ, Width: uint8(b.width), Scale: b.scale, VarNumeric: b.varNumeric,
		N: b.n, Base: b.base, Data: b.data.data(), NullBit: -1,
	}
	if b.class == types.ClassString || b.class == types.ClassNone || b.varNumeric {
		v.Form, v.Blocks = Str, b.heap.blocks
	}
	if b.hasNull {
		v.Valid = unsafe.Slice((*uint64)(b.valid.data()), BitmapWords(b.n))
	}
	return v
}

// Reserve makes room for n more entries.
func (b *Builder) Reserve(n int) error {
	need := b.n + n
	if need > b.cap {
		if err := b.data.grow(b.n*b.width, max(need, b.want)*b.width); err != nil {
			return err
		}
		b.cap = len(b.data.b) / b.width
	}
	if b.hasNull {
		return b.growValid(need)
	}
	return nil
}

// growValid makes room for n validity bits; bits of future entries are 0.
func (b *Builder) growValid(n int) error {
	return b.valid.grow(min(BitmapWords(b.n)*8, len(b.valid.b)), BitmapWords(max(n, 1))*8)
}

// next makes room for one entry, marks it valid and returns its place.
func (b *Builder) next() (unsafe.Pointer, error) {
	if b.n >= b.cap || b.hasNull {
		if err := b.Reserve(1); err != nil {
			return nil, err
		}
		if b.hasNull {
			b.setValid(b.n, true)
		}
	}
	p := unsafe.Add(b.data.data(), b.n*b.width)
	b.n++
	return p, nil
}

func (b *Builder) setValid(i int, valid bool) {
	w := (*uint64)(unsafe.Add(b.valid.data(), i>>6*8))
	if i&63 == 0 {
		*w = 0 // a recycled word
	}
	if valid {
		*w |= 1 << (i & 63)
	} else {
		*w &^= 1 << (i & 63)
	}
}

// startNulls makes the validity bitmap with all entries so far valid.
func (b *Builder) startNulls() error {
	if err := b.growValid(b.n + 1); err != nil {
		return err
	}
	words := unsafe.Slice((*uint64)(b.valid.data()), BitmapWords(b.n+1))
	clear(words)
	for i := range b.n >> 6 {
		words[i] = math.MaxUint64
	}
	if r := b.n & 63; r != 0 {
		words[b.n>>6] = 1<<r - 1
	}
	b.hasNull = true
	return nil
}

// AppendNull appends a NULL; its slot is zero.
func (b *Builder) AppendNull() error {
	if !b.hasNull {
		if err := b.startNulls(); err != nil {
			return err
		}
	}
	p, err := b.next()
	if err != nil {
		return err
	}
	clear(unsafe.Slice((*byte)(p), b.width))
	b.setValid(b.n-1, false)
	return nil
}

// AppendInt appends a value of an integer class. It fails with XX000 if the value is not one of the
// vector's kind.
func (b *Builder) AppendInt(x int64) error {
	p, err := b.next()
	if err != nil {
		return err
	}
	if b.width == 8 {
		*(*int64)(p) = x
		return nil
	}
	u := uint64(x - b.base)
	if u>>(8*b.width) != 0 || b.class != types.ClassInt {
		b.n--
		return b.mismatch()
	}
	switch b.width {
	case 1:
		*(*uint8)(p) = uint8(u)
	case 2:
		*(*uint16)(p) = uint16(u)
	default:
		*(*uint32)(p) = uint32(u)
	}
	return nil
}

// AppendFloat appends a float.
func (b *Builder) AppendFloat(f float64) error {
	p, err := b.next()
	if err == nil {
		*(*float64)(p) = f
	}
	return err
}

// AppendInterval appends an interval.
func (b *Builder) AppendInterval(months, days int32, micros int64) error {
	p, err := b.next()
	if err != nil {
		return err
	}
	*(*int64)(p) = micros
	*(*int32)(unsafe.Add(p, 8)) = months
	*(*int32)(unsafe.Add(p, 12)) = days
	return nil
}

// AppendBytes appends a string, which is copied.
func (b *Builder) AppendBytes(s []byte) error {
	p, err := b.next()
	if err != nil {
		return err
	}
	if len(s) <= InlineMax {
		*(*StrView)(p) = InlineView(s)
		return nil
	}
	if int64(len(s)) > math.MaxInt32 {
		b.n--
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "a value of %d bytes is too long", len(s))
	}
	block, off, err := b.heap.put(s)
	if err != nil {
		b.n--
		return err
	}
	*(*StrView)(p) = LongView(s, block, off)
	return nil
}

// AppendString is AppendBytes for a string.
func (b *Builder) AppendString(s string) error {
	return b.AppendBytes(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// Append appends a datum of the vector's class, or NULL.
func (b *Builder) Append(d types.Datum) error {
	if !d.Valid {
		return b.AppendNull()
	}
	if c := d.K.Class(); c != b.class {
		return b.mismatch()
	}
	switch b.class {
	case types.ClassInt:
		return b.AppendInt(d.I)
	case types.ClassFloat:
		return b.AppendFloat(d.Float())
	case types.ClassNumeric:
		return b.appendNumeric(d)
	case types.ClassInterval:
		return b.AppendInterval(d.IntervalParts())
	}
	return b.AppendString(d.S)
}

func (b *Builder) mismatch() error {
	return sqlerr.Newf(sqlerr.InternalError, "a value does not belong into a vector of type %s", b.typ)
}

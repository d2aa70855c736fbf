package vec

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/laminadb/lamina/types"
)

// newBytes returns n zero bytes aligned for every entry.
func newBytes(n int) []byte {
	w := make([]uint64, n/8+1)
	return unsafe.Slice((*byte)(unsafe.Pointer(&w[0])), n)
}

// putUint stores the low bytes of u in native (little-endian) order.
func putUint(b []byte, width int, u uint64) {
	for i := range width {
		b[i] = byte(u >> (8 * i))
	}
}

// fixedWidth lays values out as Flat.
func (r *reencoder) fixedWidth(vals []types.Datum) Vector {
	width, base := 8, int64(0)
	switch class := r.typ.Class(); {
	case r.typ.Kind == types.Bool:
		width = 1
	case class == types.ClassInterval, class == types.ClassNumeric && !r.narrow:
		width = 16
	case class == types.ClassFloat:
	default:
		width, base = r.narrowWidth()
		if class == types.ClassNumeric && width == 8 && r.rng.IntN(3) == 0 {
			width = 16
		}
	}
	b := newBytes(len(vals) * width)
	for p, d := range vals {
		slot := b[p*width : (p+1)*width]
		if d.IsNull() {
			r.poison(slot)
			continue
		}
		switch {
		case r.typ.Class() == types.ClassInterval:
			months, days, micros := d.IntervalParts()
			binary.NativeEndian.PutUint64(slot, uint64(micros))
			binary.NativeEndian.PutUint32(slot[8:], uint32(months))
			binary.NativeEndian.PutUint32(slot[12:], uint32(days))
		case width == 16:
			x, _ := d.Int128()
			binary.NativeEndian.PutUint64(slot, x.Lo)
			binary.NativeEndian.PutUint64(slot[8:], uint64(x.Hi))
		default:
			putUint(slot, width, uint64(d.I-base))
		}
	}
	return Vector{Form: Flat, Width: uint8(width), Base: base, Scale: r.scale, Data: DataOf(b)}
}

// narrowWidth chooses a width that the integers fit and a base for it.
func (r *reencoder) narrowWidth() (width int, base int64) {
	width = []int{1, 2, 4, 8}[r.rng.IntN(4)]
	span := uint64(r.max) - uint64(r.min)
	for width < 8 && span>>(8*width) != 0 {
		width *= 2
	}
	if width == 8 {
		return 8, 0
	}
	slack := uint64(1)<<(8*width) - 1 - span
	if r.rng.IntN(2) == 0 {
		slack = 0
	}
	slack = min(slack, uint64(r.min)+1<<63) // the base is an int64
	return width, r.min - int64(r.rng.Uint64N(slack+1))
}

// poison fills a slot that no kernel may look at.
func (r *reencoder) poison(slot []byte) {
	if r.typ.Kind == types.Bool {
		slot[0] = byte(r.rng.IntN(2))
		return
	}
	if r.typ.Class() == types.ClassFloat {
		f := []float64{0, math.NaN(), math.Inf(1), math.MaxFloat64, -math.MaxFloat64}[r.rng.IntN(5)]
		binary.NativeEndian.PutUint64(slot, math.Float64bits(f))
		return
	}
	switch r.rng.IntN(4) {
	case 0: // zero divides
	case 1: // the smallest integer
		slot[len(slot)-1] = 0x80
	case 2: // the largest
		for i := range slot {
			slot[i] = 0xff
		}
		slot[len(slot)-1] = 0x7f
	default: // -1, or the largest offset
		for i := range slot {
			slot[i] = 0xff
		}
	}
}

// strings lays values out as views; long ones go to blocks of random sizes.
func (r *reencoder) strings(vals []types.Datum) Vector {
	views := make([]StrView, len(vals))
	var blocks [][]byte
	var scratch []byte
	room := 0
	for p, d := range vals {
		scratch = r.stringOf(scratch[:0], d)
		if len(scratch) <= InlineMax {
			views[p] = InlineView(scratch)
			continue
		}
		if room == 0 {
			blocks = append(blocks, nil)
			room = 1 + r.rng.IntN(20)
		}
		room--
		last := len(blocks) - 1
		off := len(blocks[last])
		blocks[last] = append(blocks[last], scratch...)
		views[p] = LongView(scratch, uint32(last), uint32(off))
	}
	return Vector{Form: Str, Width: 16, Data: DataOf(views), Blocks: blocks}
}

// stringOf appends the bytes of a string or an encoded numeric, or poison.
func (r *reencoder) stringOf(dst []byte, d types.Datum) []byte {
	if r.typ.Class() != types.ClassNumeric {
		if !d.IsNull() {
			return append(dst, d.S...)
		}
		return append(dst, []string{"", "\xff", "\xff poison of more than twelve bytes"}[r.rng.IntN(3)]...)
	}
	if d.IsNull() {
		d = []types.Datum{
			types.NewDecimal(0, 0), types.NewDecimal(math.MinInt64, 3), types.NumericNaN(), types.NumericInf(-1),
		}[r.rng.IntN(4)]
	}
	return types.EncodeNumeric(dst, d)
}

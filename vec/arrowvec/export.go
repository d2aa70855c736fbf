package arrowvec

import (
	"math"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Converter makes Arrow record batches of one schema.
type Converter struct {
	cols   []Column
	schema *arrow.Schema
	mem    memory.Allocator
	opts   types.TextOptions
	// scratch of one conversion
	bytes []byte
	ints  []int64
}

// NewConverter returns a converter for columns that allocates from mem; nil means Go memory.
func NewConverter(cols []Column, mem memory.Allocator) (*Converter, error) {
	schema, err := Schema(cols)
	if err != nil {
		return nil, err
	}
	if mem == nil {
		mem = memory.DefaultAllocator
	}
	return &Converter{cols: cols, schema: schema, mem: mem}, nil
}

// Schema returns the schema of the record batches.
func (c *Converter) Schema() *arrow.Schema { return c.schema }

// Record returns the live rows of b as an Arrow record batch with its own memory. The caller
// releases it.
func (c *Converter) Record(b *vec.Batch) (arrow.RecordBatch, error) {
	if n := b.NumCols(); n != len(c.cols) {
		return nil, sqlerr.Newf(sqlerr.InternalError, "a batch of %d columns for a schema of %d", n, len(c.cols))
	}
	arrays := make([]arrow.Array, 0, len(c.cols))
	defer func() {
		for _, a := range arrays {
			a.Release()
		}
	}()
	for i := range c.cols {
		v, g := b.Col(i)
		a, err := c.column(i, v, g, b.N)
		if err != nil {
			return nil, err
		}
		arrays = append(arrays, a)
	}
	return array.NewRecordBatch(c.schema, arrays, int64(b.N)), nil
}

// column converts one column.
func (c *Converter) column(i int, v *vec.Vector, g *vec.Group, n int) (arrow.Array, error) {
	if v.Form == vec.InRows { // gather the values first
		bld := vec.NewBuilder(v.Type, n, nil)
		if err := bld.AppendColumn(v, g, n); err != nil {
			return nil, err
		}
		w := bld.Vector()
		v, g = &w, &vec.Group{}
	}
	if want, got := c.cols[i].Type.Class(), v.Type.Class(); want != got {
		return nil, sqlerr.Newf(sqlerr.InternalError, "column %d is %s, not %s", i, v.Type, c.cols[i].Type)
	}
	o := &output{conv: c, v: v, g: g, n: n, typ: c.cols[i].Type, dt: c.schema.Field(i).Type}
	o.validity()
	defer o.release()
	if err := o.values(); err != nil {
		return nil, err
	}
	data := array.NewData(o.dt, n, o.bufs, nil, o.nulls, 0)
	defer data.Release()
	return array.MakeFromData(data), nil
}

// output is one array in the making.
type output struct {
	conv  *Converter
	v     *vec.Vector
	g     *vec.Group
	n     int
	typ   types.Type
	dt    arrow.DataType
	bufs  []*memory.Buffer
	nulls int
}

func (o *output) release() {
	for _, b := range o.bufs {
		if b != nil {
			b.Release()
		}
	}
}

// buffer adds a zeroed buffer of n bytes.
func (o *output) buffer(n int) []byte {
	b := memory.NewResizableBuffer(o.conv.mem)
	b.Resize(n)
	o.bufs = append(o.bufs, b)
	clear(b.Bytes())
	return b.Bytes()
}

// slots adds a buffer of n values.
func slots[T any](o *output, n int) []T {
	var z T
	b := o.buffer(n * int(unsafe.Sizeof(z)))
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// validity adds the validity bitmap: no buffer if there is no NULL.
func (o *output) validity() {
	if o.v.Valid == nil {
		o.bufs = append(o.bufs, nil)
		return
	}
	bits := o.buffer((o.n + 7) / 8)
	for i := range o.n {
		if o.v.IsNull(o.g.Pos(i)) {
			o.nulls++
		} else {
			bits[i>>3] |= 1 << (i & 7)
		}
	}
	if o.nulls == 0 {
		o.bufs[0].Release()
		o.bufs[0] = nil
	}
}

// isNull reports whether live row i is NULL.
func (o *output) isNull(i int) bool { return o.nulls > 0 && o.v.IsNull(o.g.Pos(i)) }

// values adds the buffers of the values.
func (o *output) values() error {
	switch o.dt.ID() {
	case arrow.BOOL:
		bits := o.buffer((o.n + 7) / 8)
		for i := range o.n {
			if !o.isNull(i) && o.v.Int(o.g.Pos(i)) != 0 {
				bits[i>>3] |= 1 << (i & 7)
			}
		}
	case arrow.INT16:
		narrowInts[int16](o)
	case arrow.INT32, arrow.DATE32:
		narrowInts[int32](o)
	case arrow.UINT32:
		narrowInts[uint32](o)
	case arrow.INT64, arrow.TIMESTAMP, arrow.TIME64:
		o.gatherInts(slots[int64](o, o.n))
	case arrow.FLOAT32:
		out := slots[float32](o, o.n)
		for i := range out {
			if !o.isNull(i) {
				out[i] = float32(o.v.Float(o.g.Pos(i)))
			}
		}
	case arrow.FLOAT64:
		o.gatherFloats(slots[float64](o, o.n))
	case arrow.DECIMAL128:
		return o.decimals()
	case arrow.INTERVAL_MONTH_DAY_NANO:
		return o.intervals()
	case arrow.FIXED_SIZE_BINARY:
		return o.fixedBytes()
	default:
		return o.strings()
	}
	return nil
}

func narrowInts[T int16 | int32 | uint32](o *output) {
	if cap(o.conv.ints) < o.n {
		o.conv.ints = make([]int64, max(o.n, vec.Size))
	}
	ints := o.conv.ints[:o.n]
	o.gatherInts(ints)
	out := slots[T](o, o.n)
	for i, x := range ints {
		out[i] = T(x)
	}
}

// gatherInts fills dst with the integers of the live rows, 0 for NULL.
func (o *output) gatherInts(dst []int64) {
	v, g := o.v, o.g
	if v.Form == vec.Flat && v.Width == 8 && g.Sel == nil && len(dst) > 0 {
		copy(dst, vec.Values[int64](v))
	} else {
		for i := range dst {
			dst[i] = v.Int(g.Pos(i))
		}
	}
	if o.nulls > 0 {
		for i := range dst {
			if o.isNull(i) {
				dst[i] = 0
			}
		}
	}
}

func (o *output) gatherFloats(dst []float64) {
	for i := range dst {
		if !o.isNull(i) {
			dst[i] = o.v.Float(o.g.Pos(i))
		}
	}
}

// decimals writes numerics as 128-bit coefficients at the scale of the type.
func (o *output) decimals() error {
	p, s, _ := decimalType(o.typ)
	out := slots[[2]uint64](o, o.n)
	if !o.v.VarNumeric && o.v.Scale == int16(s) && o.v.Type == o.typ && o.v.Form == vec.Flat && o.v.Width <= 8 {
		for i := range out {
			if !o.isNull(i) {
				x := o.v.Int(o.g.Pos(i))
				out[i] = [2]uint64{uint64(x), uint64(x >> 63)}
			}
		}
		return nil
	}
	for i := range out {
		if o.isNull(i) {
			continue
		}
		d := o.v.Datum(o.g.Pos(i))
		if !d.IsFinite() {
			return sqlerr.Newf(sqlerr.NumericValueOutOfRange, "numeric %s has no form in Arrow's decimal128(%d, %d)",
				types.T(types.Numeric).Text(d), p, s)
		}
		d, err := types.Coerce(d, o.typ, true /* explicit */)
		if err != nil {
			return err
		}
		x, _ := d.Int128() // at most 38 digits
		out[i] = [2]uint64{x.Lo, uint64(x.Hi)}
	}
	return nil
}

func (o *output) intervals() error {
	out := slots[arrow.MonthDayNanoInterval](o, o.n)
	for i := range out {
		if o.isNull(i) {
			continue
		}
		months, days, micros := o.v.Datum(o.g.Pos(i)).IntervalParts()
		if micros > math.MaxInt64/1000 || micros < math.MinInt64/1000 {
			return sqlerr.Newf(sqlerr.DatetimeFieldOverflow, "interval out of range for Arrow's nanoseconds")
		}
		out[i] = arrow.MonthDayNanoInterval{Months: months, Days: days, Nanoseconds: micros * 1000}
	}
	return nil
}

func (o *output) fixedBytes() error {
	width := o.dt.(*arrow.FixedSizeBinaryType).ByteWidth
	out := o.buffer(o.n * width)
	for i := range o.n {
		if o.isNull(i) {
			continue
		}
		s := o.v.Bytes(o.g.Pos(i))
		if len(s) != width {
			return sqlerr.Newf(sqlerr.InternalError, "a %s of %d bytes", o.typ, len(s))
		}
		copy(out[i*width:], s)
	}
	return nil
}

// strings writes offsets and bytes.
func (o *output) strings() error {
	offsets := slots[int32](o, o.n+1)
	buf := o.conv.bytes[:0]
	plain := o.typ.Class() == types.ClassString && o.typ.Kind != types.BpChar && o.typ.Kind != types.Char
	for i := range o.n {
		if !o.isNull(i) {
			if pos := o.g.Pos(i); plain {
				buf = append(buf, o.v.Bytes(pos)...)
			} else {
				buf = types.AppendText(buf, o.v.Datum(pos), o.typ, &o.conv.opts)
			}
		}
		if len(buf) > math.MaxInt32 {
			return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "more than %d bytes in one column of a record batch", math.MaxInt32)
		}
		offsets[i+1] = int32(len(buf))
	}
	copy(o.buffer(len(buf)), buf)
	const scratchBytesMax = 1 << 20
	if o.conv.bytes = buf; cap(buf) > scratchBytesMax {
		o.conv.bytes = nil
	}
	return nil
}

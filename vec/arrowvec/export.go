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
	views []vec.StrView
}

// NewConverter returns a converter for columns that allocates from mem; nil means Pooled.
func NewConverter(cols []Column, mem memory.Allocator) (*Converter, error) {
	schema, err := Schema(cols)
	if err != nil {
		return nil, err
	}
	if mem == nil {
		mem = Pooled
	}
	return &Converter{cols: cols, schema: schema, mem: mem}, nil
}

// Another returns a converter like c for another goroutine.
func (c *Converter) Another() *Converter {
	return &Converter{cols: c.cols, schema: c.schema, mem: c.mem, opts: c.opts}
}

// Bytes returns how large the buffers of a record batch of a Converter are.
func Bytes(rec arrow.RecordBatch) (n int64) {
	for _, col := range rec.Columns() {
		for _, b := range col.Data().Buffers() {
			if b != nil {
				n += int64(b.Len())
			}
		}
	}
	return n
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
	if v.Form == vec.InRows && !copied(c.cols[i].Type, v) { // gather the values first
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

// buffer adds a buffer of n bytes, which are to be written.
func (o *output) buffer(n int) []byte {
	b := memory.NewResizableBuffer(o.conv.mem)
	b.Resize(n)
	o.bufs = append(o.bufs, b)
	return b.Bytes()
}

// zeroed adds a zeroed buffer of n bytes.
func (o *output) zeroed(n int) []byte {
	b := o.buffer(n)
	clear(b)
	return b
}

// slots adds a buffer of n values.
func slots[T any](o *output, n int) []T {
	var z T
	b := o.buffer(n * int(unsafe.Sizeof(z)))
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// validity adds the validity bitmap: no buffer if there is no NULL.
func (o *output) validity() {
	if !o.v.AnyNull(o.g, o.n) {
		o.bufs = append(o.bufs, nil)
		return
	}
	if o.nulls = o.v.CopyValid(o.zeroed((o.n+7)/8), o.g, o.n); o.nulls == 0 {
		o.bufs[0].Release()
		o.bufs[0] = nil
	}
}

// isNull reports whether live row i is NULL.
func (o *output) isNull(i int) bool { return o.nulls > 0 && o.bufs[0].Bytes()[i>>3]>>(i&7)&1 == 0 }

// copied reports whether values of a vector get into Arrow's buffers by loops that take every form.
func copied(t types.Type, v *vec.Vector) bool {
	switch t.Class() {
	case types.ClassInt, types.ClassFloat:
		return true
	case types.ClassNumeric:
		return !v.VarNumeric && plainDecimal(t, v)
	case types.ClassString:
		return plainString(t)
	}
	return false
}

// plainString reports whether the strings of a type are what Arrow has of them.
func plainString(t types.Type) bool {
	return t.Class() == types.ClassString && t.Kind != types.BpChar && t.Kind != types.Char && t.Kind != types.UUID
}

// plainDecimal reports whether the coefficients of a vector are those of t, Arrow has them, and they are small.
func plainDecimal(t types.Type, v *vec.Vector) bool {
	_, s, ok := decimalType(t)
	e := v
	if v.Form == vec.Dict {
		e = &v.Dictionary.Values
	}
	return ok && !e.VarNumeric && e.Scale == int16(s) && v.Type == t && e.Width <= 8
}

// values adds the buffers of the values.
func (o *output) values() error {
	switch o.dt.ID() {
	case arrow.BOOL:
		bits := o.zeroed((o.n + 7) / 8)
		for i, x := range o.ints() {
			bits[i>>3] |= byte(x&1) << (i & 7)
		}
	case arrow.INT16:
		fixed[int16](o)
	case arrow.INT32, arrow.DATE32:
		fixed[int32](o)
	case arrow.UINT32:
		fixed[uint32](o)
	case arrow.INT64, arrow.TIMESTAMP, arrow.TIME64, arrow.FLOAT64:
		fixed[int64](o)
	case arrow.FLOAT32:
		out := slots[float32](o, o.n)
		for i, x := range o.ints() {
			out[i] = float32(math.Float64frombits(uint64(x)))
		}
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

// fixed adds a buffer of the values, which are integers or floats; 0 for NULL.
func fixed[T int16 | int32 | uint32 | int64](o *output) {
	out := slots[T](o, o.n)
	o.v.CopyFixed(vec.DataOf(out), int(unsafe.Sizeof(T(0))), o.g, o.n)
	clearNulls(o, out)
}

// ints returns the values, in scratch memory, 8 bytes each; 0 for NULL.
func (o *output) ints() []int64 {
	if cap(o.conv.ints) < o.n {
		o.conv.ints = make([]int64, max(o.n, vec.Size))
	}
	ints := o.conv.ints[:o.n]
	o.v.CopyFixed(vec.DataOf(ints), 8, o.g, o.n)
	clearNulls(o, ints)
	return ints
}

func clearNulls[T any](o *output, out []T) {
	if o.nulls == 0 {
		return
	}
	var zero T
	for i, valid := range o.bufs[0].Bytes() {
		if valid == 0xFF {
			continue
		}
		part := out[8*i : min(8*i+8, len(out))]
		for k := range part {
			if valid>>(k&7)&1 == 0 {
				part[k] = zero
			}
		}
	}
}

// decimals writes numerics as 128-bit coefficients at the scale of the type.
func (o *output) decimals() error {
	p, s, _ := decimalType(o.typ)
	out := slots[[2]uint64](o, o.n)
	if plainDecimal(o.typ, o.v) {
		for i, x := range o.ints() {
			out[i] = [2]uint64{uint64(x), uint64(x >> 63)}
		}
		return nil
	}
	clear(out)
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
	clear(out)
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
	out := o.zeroed(o.n * width)
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
	if plainString(o.typ) {
		return o.plainStrings()
	}
	offsets := slots[int32](o, o.n+1)
	offsets[0] = 0
	buf := o.conv.bytes[:0]
	var views []vec.StrView
	var blocks [][]byte
	if o.typ.Class() == types.ClassString { // their bytes need no copy as a datum
		views, blocks = o.views(), o.v.EntryBlocks()
	}
	for i := range o.n {
		switch {
		case o.isNull(i):
		case views != nil:
			b := views[i].Bytes(blocks)
			buf = types.AppendText(buf, types.NewString(o.v.Type.Kind, unsafe.String(unsafe.SliceData(b), len(b))), o.typ, &o.conv.opts)
		default:
			buf = types.AppendText(buf, o.v.Datum(o.g.Pos(i)), o.typ, &o.conv.opts)
		}
		if len(buf) > math.MaxInt32 {
			return errBytes
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

var errBytes = sqlerr.Newf(sqlerr.ProgramLimitExceeded, "more than %d bytes in one column of a record batch", math.MaxInt32)

// views returns the views of the strings, empty ones where there is NULL, until the next call.
func (o *output) views() []vec.StrView {
	if cap(o.conv.views) < o.n {
		o.conv.views = make([]vec.StrView, max(o.n, vec.Size))
	}
	views := o.conv.views[:o.n]
	o.v.CopyFixed(vec.DataOf(views), int(unsafe.Sizeof(vec.StrView{})), o.g, o.n)
	clearNulls(o, views)
	return views
}

// plainStrings writes strings as they are. Short ones are copied as the whole of what a view holds of them: what is too
// much is overwritten by the next, or lies behind the last.
func (o *output) plainStrings() error {
	views := o.views()
	offsets := slots[int32](o, o.n+1)
	offsets[0] = 0
	size := 0
	for i := range views {
		size += int(views[i].Len)
		offsets[i+1] = int32(size)
	}
	if size > math.MaxInt32-vec.InlineMax {
		return errBytes
	}
	out := o.buffer(size + vec.InlineMax)
	blocks := o.v.EntryBlocks()
	at := unsafe.Pointer(unsafe.SliceData(out)) // there is room for the views' lengths, and for one that is copied whole
	for i := range views {
		s := &views[i]
		if s.Len <= vec.InlineMax {
			*(*[vec.InlineMax]byte)(at) = *(*[vec.InlineMax]byte)(unsafe.Pointer(&s.Prefix))
		} else {
			copy(unsafe.Slice((*byte)(at), s.Len), blocks[s.Block][s.Off:s.Off+s.Len])
		}
		at = unsafe.Add(at, s.Len)
	}
	o.bufs[len(o.bufs)-1].ResizeNoShrink(size)
	return nil
}

// Package veccodec encodes batches as bytes, column by column, for commit records and snapshot files, and decodes them
// again. The schema travels outside: the decoder is told the columns' types.
//
// # Format
//
//	batch   uvarint rows, uvarint columns, then the columns
//	column  tag byte, [validity], body
//
// The tag's low four bits are the layout, bit 4 says that a validity bitmap of (rows+7)/8 bytes follows it. Layouts:
//
//	0 ints      width byte (0, 1, 2, 4, 8), zigzag varint base, [zigzag varint scale: numeric only],
//	            rows × width bytes: value - base, little-endian
//	1 wide      zigzag varint scale, rows × 16 bytes: little-endian two's complement (numeric), or
//	            microseconds int64, months int32, days int32 (interval)
//	2 floats    rows × 8 bytes
//	3 strings   rows × uvarint length, then the bytes; numerics with a scale of their own are strings too
//
// Entries of NULLs are zero. A decoder checks every length against what is there.
package veccodec

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

const (
	layoutInts = iota
	layoutWide
	layoutFloats
	layoutStrings

	layoutMask = 0x0f
	tagValid   = 0x10
)

// RowsMax and ColumnsMax bound what a decoder accepts.
const (
	RowsMax    = 1 << 24
	ColumnsMax = 1 << 12
)

var le = binary.LittleEndian

// Append encodes the live rows of b.
func Append(dst []byte, b *vec.Batch) []byte {
	dst = binary.AppendUvarint(dst, uint64(b.N))
	dst = binary.AppendUvarint(dst, uint64(b.NumCols()))
	for c := range b.NumCols() {
		dst = appendColumn(dst, b, c)
	}
	return dst
}

// column is one column being encoded: at(i) gives the entry of live row i.
type column struct {
	v   *vec.Vector
	sel []uint16
	n   int
}

func (c *column) at(i int) int {
	switch {
	case c.v.Form == vec.Const:
		return 0
	case c.sel != nil:
		return int(c.sel[i])
	}
	return i
}

func appendColumn(dst []byte, b *vec.Batch, i int) []byte {
	v, g := b.Col(i)
	if v.Form == vec.InRows || v.Form == vec.Dict {
		return appendDatums(dst, b, i)
	}
	c := &column{v: v, sel: g.Sel, n: b.N}
	switch {
	case v.VarNumeric || v.Type.Class() == types.ClassString:
		return c.appendStrings(dst)
	case v.Type.Class() == types.ClassFloat:
		return c.appendFixed(dst, layoutFloats, 8)
	case v.Width == 16:
		return c.appendFixed(dst, layoutWide, 16)
	}
	return c.appendInts(dst)
}

// appendTag writes the tag and, if a live row is NULL, the validity bitmap.
func (c *column) appendTag(dst []byte, layout byte) (out []byte, nulls bool) {
	if c.v.Valid != nil {
		for i := range c.n {
			if c.v.IsNull(c.at(i)) {
				nulls = true
				break
			}
		}
	}
	if !nulls {
		return append(dst, layout), false
	}
	dst = append(dst, layout|tagValid)
	at := len(dst)
	dst = append(dst, make([]byte, (c.n+7)/8)...)
	for i := range c.n {
		if !c.v.IsNull(c.at(i)) {
			dst[at+i>>3] |= 1 << (i & 7)
		}
	}
	return dst, true
}

func (c *column) int(i int) int64 {
	p := unsafe.Add(c.v.Data, i*int(c.v.Width))
	switch c.v.Width {
	case 1:
		return c.v.Base + int64(*(*uint8)(p))
	case 2:
		return c.v.Base + int64(*(*uint16)(p))
	case 4:
		return c.v.Base + int64(*(*uint32)(p))
	}
	return *(*int64)(p)
}

func (c *column) appendInts(dst []byte) []byte {
	dst, nulls := c.appendTag(dst, layoutInts)
	lo, hi, any := int64(0), int64(0), false
	for i := range c.n {
		e := c.at(i)
		if nulls && c.v.IsNull(e) {
			continue
		}
		x := c.int(e)
		if !any {
			lo, hi, any = x, x, true
		}
		lo, hi = min(lo, x), max(hi, x)
	}
	width := widthOf(uint64(hi) - uint64(lo))
	if width == 8 {
		lo = 0
	}
	dst = append(dst, width)
	dst = binary.AppendVarint(dst, lo)
	if c.v.Type.Class() == types.ClassNumeric {
		dst = binary.AppendVarint(dst, int64(c.v.Scale))
	}
	at := len(dst)
	dst = append(dst, make([]byte, c.n*int(width))...)
	for i := range c.n {
		e := c.at(i)
		if nulls && c.v.IsNull(e) {
			continue
		}
		u := uint64(c.int(e)) - uint64(lo)
		switch width {
		case 1:
			dst[at+i] = byte(u)
		case 2:
			le.PutUint16(dst[at+2*i:], uint16(u))
		case 4:
			le.PutUint32(dst[at+4*i:], uint32(u))
		case 8:
			le.PutUint64(dst[at+8*i:], u)
		}
	}
	return dst
}

func widthOf(span uint64) uint8 {
	switch {
	case span == 0:
		return 0
	case span <= math.MaxUint8:
		return 1
	case span <= math.MaxUint16:
		return 2
	case span <= math.MaxUint32:
		return 4
	}
	return 8
}

func (c *column) appendFixed(dst []byte, layout byte, width int) []byte {
	dst, nulls := c.appendTag(dst, layout)
	if layout == layoutWide {
		dst = binary.AppendVarint(dst, int64(c.v.Scale))
	}
	for i := range c.n {
		e := c.at(i)
		if nulls && c.v.IsNull(e) {
			dst = append(dst, make([]byte, width)...)
			continue
		}
		dst = append(dst, unsafe.Slice((*byte)(unsafe.Add(c.v.Data, e*width)), width)...)
	}
	return dst
}

func (c *column) appendStrings(dst []byte) []byte {
	dst, nulls := c.appendTag(dst, layoutStrings)
	views := c.v.Views()
	total := 0
	for i := range c.n {
		e := c.at(i)
		n := uint32(0)
		if !nulls || !c.v.IsNull(e) {
			n = views[e].Len
		}
		total += int(n)
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	for i := range c.n {
		if e := c.at(i); !nulls || !c.v.IsNull(e) {
			dst = append(dst, views[e].Bytes(c.v.Blocks)...)
		}
	}
	return dst
}

// appendDatums encodes forms that are not entries of their own, by way of a builder.
func appendDatums(dst []byte, b *vec.Batch, col int) []byte {
	v, _ := b.Col(col)
	bb := vec.NewBuilder(v.Type, b.N, nil)
	defer bb.Release()
	for i := range b.N {
		if err := bb.Append(b.BatchDatum(col, i)); err != nil {
			panic(err) // a value of the vector's own type always fits its builder without a limit
		}
	}
	w := bb.Vector()
	c := vec.Batch{}
	c.Single(b.N, []vec.Vector{w}, nil)
	return appendColumn(dst, &c, 0)
}

// Decode decodes one batch of columns of the given types from src into dst, which it makes a single group without
// selection on memory of its own, and returns what follows. Damaged input is XX001.
func Decode(src []byte, ts []types.Type, dst *vec.Batch) (rest []byte, err error) {
	return new(Decoder).Decode(src, ts, dst)
}

// Decoder decodes batches one after the other into the same memory. The zero Decoder is ready for use.
type Decoder struct {
	b    []byte
	bad  bool
	vecs []vec.Vector
	// mem is memory for values, used up to an entry; blocks are those of the columns with strings.
	mem    [][2]uint64
	used   int
	blocks [][]byte
}

// freed fills memory that is used again in invariants builds.
const freed = 0xdbdbdbdbdbdbdbdb

// memMin is the number of 16 bytes that a Decoder begins with.
const memMin = 32

// Decode is like the function Decode, but the memory of dst is the Decoder's, until its next Decode.
func (d *Decoder) Decode(src []byte, ts []types.Type, dst *vec.Batch) (rest []byte, err error) {
	d.b, d.bad, d.used, d.blocks = src, false, 0, d.blocks[:0]
	if invariants.Enabled { // who still looks at what was decoded before shall notice
		for i := range d.mem {
			d.mem[i] = [2]uint64{freed, freed}
		}
	}
	n, err := d.header(len(ts))
	if err != nil {
		return nil, err
	}
	if cap(d.vecs) < len(ts) {
		d.vecs = make([]vec.Vector, len(ts))
	}
	vs := d.vecs[:len(ts)]
	for i := range vs {
		if vs[i], err = d.column(ts[i], n); err != nil {
			return nil, err
		}
	}
	dst.Single(n, vs, nil)
	return d.b, nil
}

// header returns the number of rows of a batch of so many columns.
func (d *Decoder) header(columns int) (int, error) {
	n := d.uvarint()
	cols := d.uvarint()
	if d.bad || n > RowsMax || cols > ColumnsMax {
		return 0, corrupt("header")
	}
	if int(cols) != columns {
		return 0, corrupt("number of columns")
	}
	return int(n), nil
}

// Columns are an encoded batch of which each column is decoded when it is asked for.
type Columns struct {
	N    int
	cols [][]byte
	ts   []types.Type
}

// Split finds the columns of an encoded batch, of the given types, in src, which the Columns refer to, and returns what follows.
func Split(src []byte, ts []types.Type) (c *Columns, rest []byte, err error) {
	d := Decoder{b: src}
	n, err := d.header(len(ts))
	if err != nil {
		return nil, nil, err
	}
	c = &Columns{N: n, ts: ts, cols: make([][]byte, len(ts))}
	for i := range c.cols {
		from := d.b
		if err := d.skip(ts[i], n); err != nil {
			return nil, nil, err
		}
		c.cols[i] = from[:len(from)-len(d.b)]
	}
	return c, d.b, nil
}

// NumCols returns the number of columns.
func (c *Columns) NumCols() int { return len(c.cols) }

// Column decodes a column, into memory of its own.
func (c *Columns) Column(i int) (vec.Vector, error) {
	d := Decoder{b: c.cols[i]}
	return d.column(c.ts[i], c.N)
}

// skip leaves a column of n rows out.
func (d *Decoder) skip(t types.Type, n int) error {
	tag := d.take(1)
	if d.bad {
		return corrupt("column tag")
	}
	if tag[0]&tagValid != 0 {
		d.take((n + 7) / 8)
	}
	switch tag[0] & layoutMask {
	case layoutInts:
		w := d.take(1)
		d.varint()
		if t.Class() == types.ClassNumeric {
			d.varint()
		}
		if !d.bad {
			d.take(n * int(w[0]))
		}
	case layoutWide:
		d.varint()
		d.take(n * 16)
	case layoutFloats:
		d.take(n * 8)
	default:
		total := uint64(0)
		for range n {
			if total += min(d.uvarint(), math.MaxInt32); d.bad || total > uint64(len(d.b)) {
				return corrupt("strings")
			}
		}
		d.take(int(total))
	}
	if d.bad {
		return corrupt("columns")
	}
	return nil
}

// alloc returns n bytes that start at a multiple of 16 and hold anything.
func (d *Decoder) alloc(n int) unsafe.Pointer {
	words := n/16 + 1
	if d.used+words > len(d.mem) { // what was handed out stays where it is
		d.mem, d.used = make([][2]uint64, max(words, 2*len(d.mem), memMin)), 0
	}
	p := unsafe.Pointer(&d.mem[d.used])
	d.used += words
	return p
}

func corrupt(what string) error {
	return sqlerr.Newf(sqlerr.DataCorrupted, "encoded rows are damaged: %s", what)
}

func (d *Decoder) uvarint() uint64 {
	x, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return x
}

func (d *Decoder) varint() int64 {
	x, n := binary.Varint(d.b)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return x
}

func (d *Decoder) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.bad = true
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *Decoder) column(t types.Type, n int) (v vec.Vector, err error) {
	v = vec.Vector{Type: t, N: n}
	tag := d.take(1)
	if d.bad {
		return v, corrupt("column tag")
	}
	if tag[0]&tagValid != 0 {
		bits := d.take((n + 7) / 8)
		if d.bad {
			return v, corrupt("validity")
		}
		words := vec.BitmapWords(n)
		v.Valid = unsafe.Slice((*uint64)(d.alloc(8*words)), words)
		clear(v.Valid)
		for i, b := range bits {
			v.Valid[i>>3] |= uint64(b) << (8 * (i & 7))
		}
	}
	class := t.Class()
	layout := tag[0] & layoutMask
	switch {
	case layout == layoutInts && (class == types.ClassInt || class == types.ClassNumeric):
		err = d.ints(&v)
	case layout == layoutWide && (class == types.ClassInterval || class == types.ClassNumeric):
		v.Width = 16
		v.Scale = d.scale()
		err = d.fixed(&v)
	case layout == layoutFloats && class == types.ClassFloat:
		v.Width = 8
		err = d.fixed(&v)
	case layout == layoutStrings && (class == types.ClassString || class == types.ClassNumeric):
		v.VarNumeric = class == types.ClassNumeric
		err = d.strings(&v)
	default:
		err = corrupt("layout of a column of type " + t.String())
	}
	return v, err
}

func (d *Decoder) scale() int16 {
	s := d.varint()
	if s < math.MinInt16 || s > math.MaxInt16 {
		d.bad = true
	}
	return int16(s)
}

func (d *Decoder) ints(v *vec.Vector) error {
	w := d.take(1)
	if d.bad {
		return corrupt("width")
	}
	base := d.varint()
	if v.Type.Class() == types.ClassNumeric {
		v.Scale = d.scale()
	}
	width := int(w[0])
	if d.bad || width != 0 && width != 1 && width != 2 && width != 4 && width != 8 || width == 8 && base != 0 {
		return corrupt("width")
	}
	body := d.take(v.N * width)
	if d.bad {
		return corrupt("integers")
	}
	if width == 0 { // one value: kept as 8 bytes, the form every reader takes
		v.Width, v.Data = 8, d.alloc(8*v.N)
		x := unsafe.Slice((*int64)(v.Data), v.N)
		for i := range x {
			x[i] = base
		}
		return nil
	}
	v.Width, v.Base = uint8(width), base
	v.Data = d.aligned(body)
	return nil
}

// aligned copies bytes to memory that starts at a multiple of 16.
func (d *Decoder) aligned(b []byte) unsafe.Pointer {
	p := d.alloc(len(b))
	copy(unsafe.Slice((*byte)(p), len(b)), b)
	return p
}

func (d *Decoder) fixed(v *vec.Vector) error {
	if d.bad {
		return corrupt("scale")
	}
	n := v.N * int(v.Width)
	body := d.take(n)
	if d.bad {
		return corrupt("fixed-width values")
	}
	v.Data = d.aligned(body)
	return nil
}

func (d *Decoder) strings(v *vec.Vector) error {
	if v.N > len(d.b) {
		return corrupt("string lengths")
	}
	v.Data = d.alloc(16 * v.N)
	views := unsafe.Slice((*vec.StrView)(v.Data), v.N)
	total := uint64(0)
	for i := range v.N {
		n := d.uvarint()
		if d.bad || n > math.MaxInt32 {
			return corrupt("string lengths")
		}
		total += n
		if total > uint64(len(d.b)) {
			return corrupt("strings")
		}
		views[i] = vec.StrView{Len: uint32(n)}
	}
	bytes := d.take(int(total))
	if d.bad || total > math.MaxUint32 {
		return corrupt("strings")
	}
	block := unsafe.Slice((*byte)(d.aligned(bytes)), len(bytes))
	off := uint32(0)
	for i := range v.N {
		n := views[i].Len
		if n <= vec.InlineMax {
			views[i] = vec.InlineView(block[off : off+n])
		} else {
			views[i] = vec.LongView(block[off:off+n], 0, off)
		}
		off += n
	}
	v.Form, v.Width = vec.Str, 16
	d.blocks = append(d.blocks, block)
	v.Blocks = d.blocks[len(d.blocks)-1 : len(d.blocks) : len(d.blocks)]
	if v.VarNumeric {
		for i := range v.N {
			if !v.IsNull(i) && !types.ValidNumeric(views[i].Bytes(v.Blocks)) {
				return corrupt("encoded numeric")
			}
		}
	}
	return nil
}

package rowstore

import (
	"time"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// stringBlockBytes is the size of the blocks that hold strings longer than a view.
const stringBlockBytes = 64 << 10

// appendRows appends all rows of b with begin LSN lsn and calls done for each run of rows, first row number and count,
// before it is published.
func (d *data) appendRows(lsn uint64, b *vec.Batch, done func(c *chunk, first uint64, from, n int)) error {
	b, free, err := d.normal(b)
	if err != nil {
		return err
	}
	defer free()
	for from := 0; from < b.N; {
		c, num := d.tail(b)
		r := c.n
		n := min(chunkRows-r, b.N-from)
		if invariants.Mutant("rowstore-publish-early") {
			d.rows.Store(uint64(num)<<chunkShift | uint64(r+n))
			time.Sleep(time.Microsecond) // long enough to be seen
		}
		for i := range c.begin[r : r+n] {
			c.begin[r+i] = lsn
		}
		for i := range c.cols {
			v, g := b.Col(i)
			c.cols[i].append(d, r, v, g.Sel, from, n)
		}
		if p := c.prev.Load(); p != nil {
			for i := r; i < r+n; i++ {
				p[i] = noRow
			}
		}
		c.changed.Store(lsn)
		first := uint64(num)<<chunkShift | uint64(r)
		d.sample.add(first, n)
		done(c, first, from, n)
		c.n += n
		d.rows.Store(first + uint64(n))
		from += n
	}
	d.live.Add(int64(b.N))
	return nil
}

// normal returns b in forms that append takes: one group of Flat and Str columns, numerics with the columns' scales.
func (d *data) normal(b *vec.Batch) (*vec.Batch, func(), error) {
	if b.NumCols() != len(d.layouts) {
		return nil, nil, sqlerr.Newf(sqlerr.InternalError, "rows of %d columns for a table of %d", b.NumCols(), len(d.layouts))
	}
	plain := true
	for i := range d.layouts {
		v, _ := b.Col(i)
		l := &d.layouts[i]
		ok := v.Form == vec.Flat || v.Form == vec.Str
		switch l.typ.Class() {
		case types.ClassNumeric:
			ok = ok && (l.num && v.VarNumeric || !l.num && !v.VarNumeric && v.Scale == l.scale && (v.Width == 16) == (l.width == 16))
		case types.ClassString:
			ok = ok && v.Form == vec.Str
		}
		plain = plain && ok
	}
	if plain {
		return b, func() {}, nil
	}
	bb := vec.NewBatchBuilder(d.types, b.N, nil)
	row := make(types.Row, len(d.types))
	for i := range b.N {
		row = b.Row(i, row)
		if err := bb.AppendRow(row); err != nil {
			bb.Release()
			return nil, nil, err
		}
	}
	n := bb.Batch()
	for i := range d.layouts {
		l := &d.layouts[i]
		v, _ := n.Col(i)
		if l.typ.Class() != types.ClassNumeric || v.VarNumeric {
			continue
		}
		if l.num || v.Scale != l.scale || v.Width > l.width {
			*v = encodeNumerics(v)
		}
	}
	return n, bb.Release, nil
}

// encodeNumerics returns a Flat vector of numerics as one of encoded values, which a builder makes only when scales
// differ.
func encodeNumerics(v *vec.Vector) vec.Vector {
	views := make([]vec.StrView, max(v.N, 1))
	var block []byte
	for i := range v.N {
		if v.IsNull(i) {
			continue
		}
		from := len(block)
		block = types.EncodeNumeric(block, v.Datum(i))
		if b := block[from:]; len(b) <= vec.InlineMax {
			views[i] = vec.InlineView(b)
			block = block[:from]
		} else {
			views[i] = vec.LongView(b, 0, uint32(from))
		}
	}
	return vec.Vector{Type: v.Type, Form: vec.Str, Width: 16, VarNumeric: true, N: v.N, Data: vec.DataOf(views),
		Valid: v.Valid, Blocks: [][]byte{block}, NullBit: -1}
}

// fits reports whether the batch's columns have the chunk's layouts.
func (c *chunk) fits(b *vec.Batch) bool {
	for i := range c.cols {
		if v, _ := b.Col(i); c.cols[i].typ.Class() == types.ClassNumeric && v.VarNumeric != c.cols[i].num {
			return false
		}
	}
	return true
}

// tail returns the chunk that takes the next rows of b, with its number.
func (d *data) tail(b *vec.Batch) (*chunk, int) {
	if d.used > 0 && !d.fresh {
		if c := d.chunk(d.used - 1); c != nil && c.n < chunkRows && c.fits(b) {
			return c, d.used - 1
		}
	}
	return d.newChunk(b), d.used - 1
}

func (c *column) append(d *data, r int, v *vec.Vector, sel []uint16, from, n int) {
	switch {
	case c.str:
		c.appendViews(d, r, v, sel, from, n)
	case c.width == 16:
		c.appendWide(r, v, sel, from, n)
	case c.typ.Class() == types.ClassFloat:
		c.appendFloats(r, v, sel, from, n)
	default:
		c.appendInts(d, r, v, sel, from, n)
	}
	if v.Valid != nil {
		c.appendNulls(d, r, v, sel, from, n)
	} else if p := c.nulls.Load(); p != nil {
		clear(p[r : r+n])
	}
}

func at(sel []uint16, i int) int {
	if sel != nil {
		return int(sel[i])
	}
	return i
}

func (c *column) appendNulls(d *data, r int, v *vec.Vector, sel []uint16, from, n int) {
	p, fresh := c.nulls.Load(), false
	nulls := int32(0)
	for i := range n {
		isNull := v.IsNull(at(sel, from+i))
		if isNull && p == nil {
			p, fresh = (*[chunkRows]byte)(unsafe.Pointer(unsafe.SliceData(d.alloc(d.chunk(d.used-1), chunkRows)))), true
			clear(p[:])
		}
		if p != nil {
			p[r+i] = 0
			if isNull {
				p[r+i] = 1
				nulls++
			}
		}
	}
	if nulls > 0 {
		c.numNul.Add(nulls)
	}
	if fresh {
		c.nulls.Store(p)
	}
}

// loadInts widens n entries of v.
func loadInts(dst []int64, v *vec.Vector, sel []uint16, from int) {
	switch v.Width {
	case 1:
		load(dst, vec.Values[uint8](v), sel, from, v.Base)
	case 2:
		load(dst, vec.Values[uint16](v), sel, from, v.Base)
	case 4:
		load(dst, vec.Values[uint32](v), sel, from, v.Base)
	default:
		load(dst, vec.Values[uint64](v), sel, from, 0)
	}
}

func load[T uint8 | uint16 | uint32 | uint64](dst []int64, src []T, sel []uint16, from int, base int64) {
	if sel != nil {
		for i, s := range sel[from : from+len(dst)] {
			dst[i] = base + int64(src[s])
		}
		return
	}
	src = src[from : from+len(dst)]
	for i, x := range src {
		dst[i] = base + int64(x)
	}
}

func store[T uint8 | uint16 | uint32 | uint64](dst []T, src []int64, base int64) {
	dst = dst[:len(src)]
	for i, x := range src {
		dst[i] = T(x - base)
	}
}

func (c *column) appendInts(d *data, r int, v *vec.Vector, sel []uint16, from, n int) {
	xs := d.ints[:n]
	loadInts(xs, v, sel, from)
	switch c.width {
	case 1:
		store(entries[uint8](c)[r:], xs, c.base)
	case 2:
		store(entries[uint16](c)[r:], xs, c.base)
	case 4:
		store(entries[uint32](c)[r:], xs, c.base)
	default:
		copy(entries[int64](c)[r:], xs)
	}
	if v.Valid != nil {
		k := 0
		for i := range xs {
			if !v.IsNull(at(sel, from+i)) {
				xs[k] = xs[i]
				k++
			}
		}
		xs = xs[:k]
	}
	c.widen(xs)
}

// widen takes values into the bounds and the order.
func (c *column) widen(xs []int64) {
	if len(xs) == 0 || invariants.Mutant("rowstore-forget-facts") {
		return
	}
	lo, hi, last, sorted := xs[0], xs[0], xs[0], !c.any || c.last <= xs[0]
	for _, x := range xs {
		lo, hi = min(lo, x), max(hi, x)
		sorted = sorted && last <= x
		last = x
	}
	c.last, c.any = last, true
	if !sorted {
		c.unsorted.Store(true)
	}
	if lo < c.lo.Load() {
		c.lo.Store(lo)
	}
	if hi > c.hi.Load() {
		c.hi.Store(hi)
	}
	switch c.typ.Kind {
	case types.Date:
		c.noteOdd(lo == -1<<31 || hi == 1<<31-1)
	case types.Timestamp, types.TimestampTZ:
		c.noteOdd(lo == -1<<63 || hi == 1<<63-1)
	}
}

func (c *column) noteOdd(odd bool) {
	if odd {
		c.odd.Store(true)
	}
}

func (c *column) appendFloats(r int, v *vec.Vector, sel []uint16, from, n int) {
	src, dst := vec.Values[float64](v), entries[float64](c)[r:r+n]
	odd := false
	for i := range dst {
		f := src[at(sel, from+i)]
		dst[i] = f
		odd = odd || f-f != 0
	}
	c.noteOdd(odd)
}

func (c *column) appendWide(r int, v *vec.Vector, sel []uint16, from, n int) {
	src, dst := vec.Values[[2]uint64](v), entries[[2]uint64](c)[r:r+n]
	for i := range dst {
		dst[i] = src[at(sel, from+i)]
	}
}

// appendViews copies strings: long ones go to blocks that never move.
func (c *column) appendViews(d *data, r int, v *vec.Vector, sel []uint16, from, n int) {
	src, dst := v.Views(), entries[vec.StrView](c)[r:r+n]
	longest := uint32(0)
	for i := range dst {
		e := at(sel, from+i)
		s := src[e]
		if v.Valid != nil && v.IsNull(e) {
			dst[i] = vec.StrView{}
			continue
		}
		longest = max(longest, s.Len)
		if s.Len > vec.InlineMax {
			b := s.Bytes(v.Blocks)
			block, off := c.place(d, b)
			s = vec.LongView(b, block, off)
		}
		dst[i] = s
	}
	if int32(longest) > c.lenMax.Load() {
		c.lenMax.Store(int32(longest))
	}
	if c.num {
		c.odd.Store(true) // not looked at one by one
	}
}

// place copies a string into the column's open block.
func (c *column) place(d *data, b []byte) (block, off uint32) {
	var blocks [][]byte
	if p := c.blocks.Load(); p != nil {
		blocks = *p
	}
	if c.off+len(b) > len(c.block) {
		c.block = d.alloc(d.chunk(d.used-1), max(stringBlockBytes, len(b)))
		c.off = 0
		more := append(blocks[:len(blocks):len(blocks)], c.block) // readers may hold the shorter slice
		c.blocks.Store(&more)
		blocks = more
	}
	copy(c.block[c.off:], b)
	off = uint32(c.off)
	c.off += len(b)
	return uint32(len(blocks) - 1), off
}

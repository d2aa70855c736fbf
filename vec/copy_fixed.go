package vec

import (
	"math/bits"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/types"
)

// CopyFixed copies the entries of n live rows of g to dst, width bytes each, whatever form v has: integers, and the
// coefficients of numerics with one scale, as signed integers, of a width that holds them; floats, intervals, numerics of
// 16 bytes and the views of strings as they are. What is written for NULL means nothing.
func (v *Vector) CopyFixed(dst unsafe.Pointer, width int, g *Group, n int) {
	c := fixedCopy{entries: v, to: width}
	if v.Form == Dict {
		c.entries = &v.Dictionary.Values
	}
	c.from = int(c.entries.Width)
	if class := v.Type.Class(); class == types.ClassInt || class == types.ClassNumeric && !v.VarNumeric {
		c.convert = c.from != c.to || c.from < 8 && c.entries.Base != 0
	}
	c.all(dst, v, g, n)
}

// EntryBlocks returns the blocks of the views that CopyFixed gives.
func (v *Vector) EntryBlocks() [][]byte {
	switch v.Form {
	case Dict:
		return v.Dictionary.Values.Blocks
	case InRows:
		return v.Rows.Heap
	}
	return v.Blocks
}

// CopyValid sets the bits of dst that belong to the live rows of g that are not NULL, and returns the number of the others.
// dst has room for n bits and is zero.
func (v *Vector) CopyValid(dst []byte, g *Group, n int) (nulls int) {
	if v.Form != InRows && v.Form != Const && g.Sel == nil && v.Valid != nil {
		return n - copyBits(dst, v.Valid, n)
	}
	if v.Form == InRows && v.NullBit >= 0 {
		return n - v.copyRowsValid(dst, g.RowIDs[:n])
	}
	for i := range n {
		if v.nullAt(g, i) {
			nulls++
		} else {
			dst[i>>3] |= 1 << (i & 7)
		}
	}
	return nulls
}

// copyRowsValid sets the bits of the rows of which v has a value, and returns how many these are.
func (v *Vector) copyRowsValid(dst []byte, ids []uint32) (ones int) {
	pages, shift, stride := v.Rows.Pages, v.Rows.PageShift&31, v.Rows.Stride
	off, bit := v.Rows.NullOff+v.NullBit>>3, v.NullBit&7
	for at := 0; at < len(ids); at += 8 {
		var b byte
		for k, id := range ids[at:min(at+8, len(ids))] {
			p := unsafe.Pointer(unsafe.SliceData(pages[id>>shift]))
			null := *(*byte)(unsafe.Add(p, int(id&(1<<shift-1))*stride+off)) >> bit & 1
			b |= (null ^ 1) << (k & 7)
		}
		dst[at>>3] = b
		ones += bits.OnesCount8(b)
	}
	return ones
}

// AnyNull reports whether one of n live entries may be NULL.
func (v *Vector) AnyNull(g *Group, n int) bool { return v.anyNull(g, n) }

// copyBits copies n bits and returns how many are set.
func copyBits(dst []byte, words []uint64, n int) (ones int) {
	for i := range dst[:(n+7)/8] {
		b := byte(words[i>>3] >> (i & 7 * 8))
		if rest := n - i*8; rest < 8 && !invariants.Mutant("vec-keep-dead-bits") {
			b &= 1<<rest - 1
		}
		dst[i] = b
		ones += bits.OnesCount8(b)
	}
	return ones
}

// all copies the n live entries of v to dst.
func (c *fixedCopy) all(dst unsafe.Pointer, v *Vector, g *Group, n int) {
	switch {
	case n == 0:
	case v.Form == Flat || v.Form == Str:
		if c.convert {
			widenInto(dst, v.Data, g, n, *c)
			return
		}
		gatherFixed(dst, v.Data, g.Sel, n, c.to)
	case v.Form == InRows && c.rows(dst, v, g.RowIDs[:n]):
	case v.Form == Dict && v.Valid == nil && !c.convert && c.codes(dst, v, g.Sel, n):
	default:
		for i := range n {
			c.copy(unsafe.Add(dst, i*c.to), v.place(g, i))
		}
	}
}

// gatherFixed copies the entries at sel, or the first n.
func gatherFixed(dst, src unsafe.Pointer, sel []uint16, n, width int) {
	if sel == nil {
		copy(unsafe.Slice((*byte)(dst), n*width), unsafe.Slice((*byte)(src), n*width))
		return
	}
	switch sel = sel[:n]; width {
	case 1:
		gather[uint8](dst, src, sel)
	case 2:
		gather[uint16](dst, src, sel)
	case 4:
		gather[uint32](dst, src, sel)
	case 8:
		gather[uint64](dst, src, sel)
	default:
		gather[[2]uint64](dst, src, sel)
	}
}

func gather[T any](dst, src unsafe.Pointer, sel []uint16) {
	d := unsafe.Slice((*T)(dst), len(sel))
	for i, s := range sel {
		d[i] = *(*T)(unsafe.Add(src, int(s)*int(unsafe.Sizeof(d[0]))))
	}
}

// rows copies entries out of rows; false if there is no loop for their widths.
func (c *fixedCopy) rows(dst unsafe.Pointer, v *Vector, ids []uint32) bool {
	add := c.entries.Base - c.base
	switch {
	case !c.convert && c.to == 4:
		gatherRows[uint32](dst, v, ids)
	case !c.convert && c.to == 8:
		gatherRows[uint64](dst, v, ids)
	case !c.convert && c.to == 16:
		gatherRows[[2]uint64](dst, v, ids)
	case c.convert && c.from == 1 && c.to == 8:
		convertRows[uint8, int64](dst, v, ids, add)
	case c.convert && c.from == 2 && c.to == 8:
		convertRows[uint16, int64](dst, v, ids, add)
	case c.convert && c.from == 4 && c.to == 8:
		convertRows[uint32, int64](dst, v, ids, add)
	case c.convert && c.from == 1 && c.to == 4:
		convertRows[uint8, uint32](dst, v, ids, add)
	case c.convert && c.from == 2 && c.to == 4:
		convertRows[uint16, uint32](dst, v, ids, add)
	case c.convert && c.from == 4 && c.to == 4:
		convertRows[uint32, uint32](dst, v, ids, add)
	default:
		return false
	}
	return true
}

func gatherRows[T any](dst unsafe.Pointer, v *Vector, ids []uint32) {
	d := unsafe.Slice((*T)(dst), len(ids))
	pages, shift, stride, off := v.Rows.Pages, v.Rows.PageShift&31, v.Rows.Stride, v.Off
	for i, id := range ids {
		p := unsafe.Pointer(unsafe.SliceData(pages[id>>shift]))
		d[i] = *(*T)(unsafe.Add(p, int(id&(1<<shift-1))*stride+off))
	}
}

func convertRows[S uint8 | uint16 | uint32, D uint32 | int64](dst unsafe.Pointer, v *Vector, ids []uint32, add int64) {
	d := unsafe.Slice((*D)(dst), len(ids))
	pages, shift, stride, off := v.Rows.Pages, v.Rows.PageShift&31, v.Rows.Stride, v.Off
	for i, id := range ids {
		p := unsafe.Pointer(unsafe.SliceData(pages[id>>shift]))
		d[i] = D(int64(*(*S)(unsafe.Add(p, int(id&(1<<shift-1))*stride+off))) + add)
	}
}

// codes copies entries of a dictionary; false if there is no loop for their width. No row is NULL.
func (c *fixedCopy) codes(dst unsafe.Pointer, v *Vector, sel []uint16, n int) bool {
	switch c.to {
	case 8:
		codesOf[uint64](dst, v, sel, n)
	case 16:
		codesOf[[2]uint64](dst, v, sel, n)
	default:
		return false
	}
	return true
}

func codesOf[T any](dst unsafe.Pointer, v *Vector, sel []uint16, n int) {
	d := unsafe.Slice((*T)(dst), n)
	values := unsafe.Slice((*T)(v.Dictionary.Values.Data), v.Dictionary.Values.N)
	switch v.Width {
	case 1:
		lookUp(d, values, Values[uint8](v), sel)
	case 2:
		lookUp(d, values, Values[uint16](v), sel)
	default:
		lookUp(d, values, Values[uint32](v), sel)
	}
}

func lookUp[T any, C uint8 | uint16 | uint32](dst, values []T, codes []C, sel []uint16) {
	if sel == nil {
		for i, c := range codes[:len(dst)] {
			dst[i] = values[c]
		}
		return
	}
	for i, s := range sel[:len(dst)] {
		dst[i] = values[codes[s]]
	}
}

// widenInto converts n live entries of a Flat vector at src.
func widenInto(dst, src unsafe.Pointer, g *Group, n int, c fixedCopy) {
	add := c.entries.Base - c.base
	switch {
	case c.from == 1 && c.to == 8:
		convert[uint8, int64](dst, src, g.Sel, n, add)
	case c.from == 2 && c.to == 8:
		convert[uint16, int64](dst, src, g.Sel, n, add)
	case c.from == 4 && c.to == 8:
		convert[uint32, int64](dst, src, g.Sel, n, add)
	case c.from == 1 && c.to == 4:
		convert[uint8, uint32](dst, src, g.Sel, n, add)
	case c.from == 2 && c.to == 4:
		convert[uint16, uint32](dst, src, g.Sel, n, add)
	case c.from == 4 && c.to == 4:
		convert[uint32, uint32](dst, src, g.Sel, n, add)
	case c.from == 2 && c.to == 2:
		convert[uint16, uint16](dst, src, g.Sel, n, add)
	default:
		for i := range n {
			c.copy(unsafe.Add(dst, i*c.to), unsafe.Add(src, g.Pos(i)*c.from))
		}
	}
}

func convert[S uint8 | uint16 | uint32, D uint16 | uint32 | int64](dst, src unsafe.Pointer, sel []uint16, n int, add int64) {
	d := unsafe.Slice((*D)(dst), n)
	if sel == nil {
		for i, x := range unsafe.Slice((*S)(src), n) {
			d[i] = D(int64(x) + add)
		}
		return
	}
	for i, s := range sel[:n] {
		d[i] = D(int64(*(*S)(unsafe.Add(src, int(s)*int(unsafe.Sizeof(S(0)))))) + add)
	}
}

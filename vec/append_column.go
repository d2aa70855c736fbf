package vec

import (
	"unsafe"

	"github.com/laminadb/lamina/types"
)

// truncate drops the entries from n on.
func (b *Builder) truncate(n int) {
	if n >= b.n {
		return
	}
	b.n = n
	if b.hasNull && n&63 != 0 {
		*(*uint64)(unsafe.Add(b.valid.data(), n>>6*8)) &= 1<<(n&63) - 1
	}
}

// AppendColumn appends the n live rows of column v of group g.
func (b *Builder) AppendColumn(v *Vector, g *Group, n int) error {
	if err := b.Reserve(n); err != nil {
		return err
	}
	switch {
	case v.Form == InRows:
		for _, id := range g.RowIDs[:n] {
			if err := b.Append(v.RowDatum(id)); err != nil {
				return err
			}
		}
		return nil
	case b.class == types.ClassString && v.Type.Class() == types.ClassString:
		return b.appendStrings(v, g, n)
	case v.Form == Flat && b.sameLayout(v):
		b.gather(v, g, n)
		return b.gatherValid(v, g, n)
	}
	for i := range n {
		if err := b.Append(v.Datum(g.Pos(i))); err != nil {
			return err
		}
	}
	return nil
}

// sameLayout reports whether the entries of the Flat vector v may be copied as they are.
func (b *Builder) sameLayout(v *Vector) bool {
	if b.class != v.Type.Class() || b.varNumeric || v.VarNumeric || int(v.Width) != b.width {
		return false
	}
	if b.class == types.ClassNumeric {
		if b.n == 0 && !b.scaleKnown {
			b.scale, b.scaleKnown = v.Scale, true
		}
		return b.scaleKnown && v.Scale == b.scale
	}
	return b.width == 8 || b.class == types.ClassInterval || v.Base == b.base
}

// gather copies n live entries of v; there is room for them.
func (b *Builder) gather(v *Vector, g *Group, n int) {
	dst := unsafe.Add(b.data.data(), b.n*b.width)
	b.n += n
	if g.Sel == nil {
		size := n * b.width
		copy(unsafe.Slice((*byte)(dst), size), unsafe.Slice((*byte)(v.Data), size))
		return
	}
	sel := g.Sel[:n]
	switch b.width {
	case 1:
		gather[uint8](dst, v.Data, sel)
	case 2:
		gather[uint16](dst, v.Data, sel)
	case 4:
		gather[uint32](dst, v.Data, sel)
	case 8:
		gather[uint64](dst, v.Data, sel)
	default:
		gather[[2]uint64](dst, v.Data, sel)
	}
}

// gatherValid sets the validity of the last n entries, the live entries of v.
func (b *Builder) gatherValid(v *Vector, g *Group, n int) error {
	if v.Valid == nil && !b.hasNull {
		return nil
	}
	if err := b.openValid(n); err != nil {
		return err
	}
	for i := range n {
		b.setValid(b.n-n+i, !v.IsNull(g.Pos(i)))
	}
	return nil
}

// openValid makes room for the validity of the last n entries, which is to be set in their order. After an error they are
// dropped.
func (b *Builder) openValid(n int) error {
	end := b.n
	b.n -= n
	if !b.hasNull {
		if err := b.startNulls(); err != nil {
			return err
		}
	}
	if err := b.growValid(end); err != nil {
		return err
	}
	b.n = end
	return nil
}

func gather[T any](dst, src unsafe.Pointer, sel []uint16) {
	if len(sel) == 0 {
		return
	}
	d := unsafe.Slice((*T)(dst), len(sel))
	for i, s := range sel {
		d[i] = *(*T)(unsafe.Add(src, int(s)*int(unsafe.Sizeof(d[0]))))
	}
}

func (b *Builder) appendStrings(v *Vector, g *Group, n int) error {
	for i := range n {
		pos := g.Pos(i)
		var err error
		if v.IsNull(pos) {
			err = b.AppendNull()
		} else {
			err = b.AppendBytes(v.Bytes(pos))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

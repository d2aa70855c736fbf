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
	if b.class == types.ClassString && v.Type.Class() == types.ClassString {
		return b.appendStrings(v, g, n)
	}
	if c, ok := b.fixedCopyOf(v); ok {
		return b.appendFixed(v, g, n, c)
	}
	for i := range n {
		d := types.Datum{}
		if v.Form == InRows {
			d = v.RowDatum(g.RowIDs[i])
		} else {
			d = v.Datum(g.Pos(i))
		}
		if err := b.Append(d); err != nil {
			return err
		}
	}
	return nil
}

// sameLayout reports whether the entries of the Flat vector v may be copied as they are.
func (b *Builder) sameLayout(v *Vector) bool {
	c, ok := b.fixedCopyOf(v)
	return ok && !c.convert
}

// gatherValid sets the validity of the last n entries, the live entries of v.
func (b *Builder) gatherValid(v *Vector, g *Group, n int) error {
	if !b.hasNull && !v.anyNull(g, n) {
		return nil
	}
	if err := b.openValid(n); err != nil {
		return err
	}
	for i := range n {
		b.setValid(b.n-n+i, !v.nullAt(g, i))
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

// anyNull reports whether one of n live entries may be NULL.
func (v *Vector) anyNull(g *Group, n int) bool {
	if v.Form != InRows {
		return v.Valid != nil
	}
	if v.NullBit >= 0 {
		for _, id := range g.RowIDs[:n] {
			if v.rowNull(id) {
				return true
			}
		}
	}
	return false
}

// nullAt reports whether the entry of live row i is NULL.
func (v *Vector) nullAt(g *Group, i int) bool {
	if v.Form == InRows {
		return v.rowNull(g.RowIDs[i])
	}
	return v.IsNull(g.Pos(i))
}

// rowNull reports whether an InRows value is NULL in row id.
func (v *Vector) rowNull(id uint32) bool {
	if v.NullBit < 0 {
		return false
	}
	b := *(*byte)(unsafe.Add(v.Rows.Row(id), v.Rows.NullOff+v.NullBit>>3))
	return b>>(v.NullBit&7)&1 != 0
}

// appendStrings copies n live strings of v, long ones into blocks of the builder.
func (b *Builder) appendStrings(v *Vector, g *Group, n int) error {
	blocks := v.Blocks
	switch v.Form {
	case Dict:
		blocks = v.Dictionary.Values.Blocks
	case InRows:
		blocks = v.Rows.Heap
	}
	nulls := v.anyNull(g, n)
	for i := range n {
		if nulls && v.nullAt(g, i) {
			if err := b.AppendNull(); err != nil {
				return err
			}
			continue
		}
		s := (*StrView)(v.place(g, i))
		if s.Len > InlineMax {
			if err := b.AppendBytes(s.Bytes(blocks)); err != nil {
				return err
			}
			continue
		}
		p, err := b.next()
		if err != nil {
			return err
		}
		*(*StrView)(p) = *s
	}
	return nil
}

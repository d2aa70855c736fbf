package vec

import (
	"unsafe"

	"github.com/laminadb/lamina/types"
)

// appendNumeric appends a numeric in the layout of the vector, widening it first if need be. A
// value's scale is part of it, so a value of another scale does not fit a layout with one scale.
func (b *Builder) appendNumeric(d types.Datum) error {
	if b.varNumeric {
		return b.appendEncoded(d)
	}
	if !b.scaleKnown && d.Form <= types.NumInt128 {
		b.scale, b.scaleKnown = d.Scale, true
	}
	v, ok := d.Int128()
	if !ok || d.Scale != b.scale {
		if err := b.encodeAll(); err != nil {
			return err
		}
		return b.appendEncoded(d)
	}
	if b.width == 8 && d.Form != types.NumInt64 {
		if err := b.widen(); err != nil {
			return err
		}
	}
	p, err := b.next()
	if err != nil {
		return err
	}
	*(*uint64)(p) = v.Lo
	if b.width == 16 {
		*(*int64)(unsafe.Add(p, 8)) = v.Hi
	}
	return nil
}

// AppendDecimal appends the numeric coefficient × 10^-scale.
func (b *Builder) AppendDecimal(coefficient int64, scale int) error {
	if b.width == 8 && b.scaleKnown && int(b.scale) == scale && !b.varNumeric && b.class == types.ClassNumeric {
		p, err := b.next()
		if err == nil {
			*(*int64)(p) = coefficient
		}
		return err
	}
	return b.appendNumeric(types.NewDecimal(coefficient, scale))
}

func (b *Builder) appendEncoded(d types.Datum) error {
	b.scratch = types.EncodeNumeric(b.scratch[:0], d)
	return b.AppendBytes(b.scratch)
}

// widen turns entries of 8 bytes into entries of 16.
func (b *Builder) widen() error {
	old := b.data
	wide := buffer{tracker: old.tracker}
	if err := wide.grow(0, max(b.n, b.want)*16); err != nil {
		return err
	}
	from := unsafe.Slice((*int64)(old.data()), b.n)
	to := unsafe.Slice((*[2]int64)(wide.data()), b.n)
	for i, x := range from {
		to[i] = [2]int64{x, x >> 63}
	}
	b.data, b.width = wide, 16
	b.cap = len(wide.b) / 16
	old.free()
	return nil
}

// encodeAll turns fixed-width entries into encoded ones.
func (b *Builder) encodeAll() error {
	old := b.Vector()
	data := b.data
	enc := buffer{tracker: data.tracker}
	if err := enc.grow(0, max(b.n, b.want)*16); err != nil {
		return err
	}
	views := unsafe.Slice((*StrView)(enc.data()), b.n)
	for i := range views {
		if old.IsNull(i) {
			continue
		}
		b.scratch = types.EncodeNumeric(b.scratch[:0], old.Datum(i))
		if len(b.scratch) <= InlineMax {
			views[i] = InlineView(b.scratch)
			continue
		}
		block, off, err := b.heap.put(b.scratch)
		if err != nil {
			enc.free()
			return err
		}
		views[i] = LongView(b.scratch, block, off)
	}
	b.data, b.width, b.scale, b.varNumeric = enc, 16, 0, true
	b.cap = len(enc.b) / 16
	data.free()
	return nil
}

package vec

import (
	"unsafe"

	"github.com/laminadb/lamina/types"
)

// fixedCopy says how entries of fixed width get from a vector into a builder: as they are, or as integers whose base and
// width differ.
type fixedCopy struct {
	entries  *Vector // those that are copied: of a dictionary, its values
	convert  bool
	from, to int   // bytes an entry
	base     int64 // of the builder's entries
}

// fixedCopyOf returns how the entries of v, in any form, are copied into b without looking at what they mean; not ok if
// they cannot be. Integers of one kind fit whatever their widths are.
func (b *Builder) fixedCopyOf(v *Vector) (c fixedCopy, ok bool) {
	e := v
	if v.Form == Dict {
		e = &v.Dictionary.Values
	}
	if b.class != v.Type.Class() || b.class == types.ClassString || b.class == types.ClassNone || b.varNumeric || v.VarNumeric || e.VarNumeric {
		return c, false
	}
	c = fixedCopy{entries: e, from: int(e.Width), to: b.width, base: b.base}
	switch b.class {
	case types.ClassNumeric:
		if b.n == 0 && !b.scaleKnown {
			b.scale, b.scaleKnown = e.Scale, true
		}
		if !b.scaleKnown || e.Scale != b.scale {
			return c, false
		}
	case types.ClassInt:
		if c.to < 8 && v.Type.Kind != b.typ.Kind {
			return c, false
		}
	default:
		return c, c.from == c.to
	}
	c.convert = c.from != c.to || c.from < 8 && e.Base != b.base
	return c, !c.convert || c.from <= 8 && c.to <= 8
}

// appendFixed copies n live entries of v; there is room for them.
func (b *Builder) appendFixed(v *Vector, g *Group, n int, c fixedCopy) error {
	c.all(unsafe.Add(b.data.data(), b.n*b.width), v, g, n)
	b.n += n
	return b.gatherValid(v, g, n)
}

// place returns where the entry of live row i is; that of NULL may hold anything.
func (v *Vector) place(g *Group, i int) unsafe.Pointer {
	if v.Form == InRows {
		return unsafe.Add(v.Rows.Row(g.RowIDs[i]), v.Off)
	}
	pos := g.Pos(i)
	if v.Form == Dict && v.IsNull(pos) {
		pos = 0 // there is no code
		if v.Dictionary.Values.N == 0 {
			return unsafe.Pointer(&noEntry)
		}
		return v.Dictionary.Values.Data
	}
	e, at := v.slot(pos)
	return unsafe.Add(e.Data, at*int(e.Width))
}

var noEntry [16]byte

func (c *fixedCopy) copy(dst, src unsafe.Pointer) {
	if !c.convert {
		switch c.to {
		case 8:
			*(*uint64)(dst) = *(*uint64)(src)
		case 16:
			*(*[2]uint64)(dst) = *(*[2]uint64)(src)
		case 4:
			*(*uint32)(dst) = *(*uint32)(src)
		case 2:
			*(*uint16)(dst) = *(*uint16)(src)
		default:
			*(*uint8)(dst) = *(*uint8)(src)
		}
		return
	}
	x := c.entries.intAt(src) - c.base
	switch c.to {
	case 1:
		*(*uint8)(dst) = uint8(x)
	case 2:
		*(*uint16)(dst) = uint16(x)
	case 4:
		*(*uint32)(dst) = uint32(x)
	default:
		*(*int64)(dst) = x
	}
}

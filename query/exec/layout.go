package exec

import (
	"math"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// slotKind is how a column is stored in row pages.
type slotKind uint8

const (
	slotNone     slotKind = iota // not stored
	slotInt                      // 1, 2, 4 or 8 bytes over a base
	slotFloat                    // 8 bytes
	slotNum8                     // numeric of one scale, 8 bytes
	slotNum16                    // numeric of one scale, 16 bytes
	slotVar                      // encoded numeric: a view
	slotStr                      // a view
	slotInterval                 // 16 bytes
)

// slot is the place of a column in a row.
type slot struct {
	typ   types.Type
	kind  slotKind
	width uint8
	scale int16
	base  int64
	off   int
	bit   int // in the null bitmap; -1: never NULL
}

// layout places columns in rows of one width.
type layout struct {
	slots   []slot
	stride  int
	nullOff int // -1: no null bitmap
}

// typeSlot returns the slot that a column of a type begins with. Numerics are refined by the first
// values (see numericSlot).
func typeSlot(t types.Type) slot {
	s := slot{typ: t, bit: -1}
	switch t.Class() {
	case types.ClassInt:
		s.kind = slotInt
		s.width, s.base = intWidth(t.Kind)
	case types.ClassFloat:
		s.kind, s.width = slotFloat, 8
	case types.ClassInterval:
		s.kind, s.width = slotInterval, 16
	case types.ClassNumeric:
		s.kind, s.width = slotNum8, 8
		if _, scale, ok := t.PrecisionScale(); ok {
			s.scale = int16(scale)
		}
	default:
		s.kind, s.width = slotStr, 16
	}
	return s
}

// intWidth returns the bytes that hold every value of an integer kind, and the base that makes them
// unsigned.
func intWidth(k types.Kind) (uint8, int64) {
	switch k {
	case types.Bool:
		return 1, 0
	case types.Int2:
		return 2, math.MinInt16
	case types.Int4, types.Date:
		return 4, math.MinInt32
	case types.OID:
		return 4, 0
	}
	return 8, 0
}

// place sets the offsets: wide slots first, so that all are aligned, the null bitmap last.
func (l *layout) place(nullable bool) {
	off := 0
	for _, width := range []uint8{16, 8, 4, 2, 1} {
		for i := range l.slots {
			if s := &l.slots[i]; s.kind != slotNone && s.width == width {
				s.off = off
				off += int(width)
			}
		}
	}
	l.nullOff = -1
	bit := 0
	for i := range l.slots {
		s := &l.slots[i]
		s.bit = -1
		if nullable && s.kind != slotNone {
			s.bit = bit
			bit++
		}
	}
	if nullable {
		l.nullOff = off
		off += (bit + 7) / 8
	}
	l.stride = max((off+7)&^7, 8)
}

func (l *layout) nullable() bool { return l.nullOff >= 0 }

func (l *layout) clone() layout {
	c := *l
	c.slots = append([]slot(nil), l.slots...)
	return c
}

// numericSlot returns the slot that holds what s holds and the values of v too.
func numericSlot(s slot, v *vec.Vector, empty bool) slot {
	switch {
	case s.kind == slotVar || v.Form == vec.Const && v.IsNull(0):
	case isVarNumeric(v):
		s.kind, s.width, s.scale = slotVar, 16, 0
	case empty:
		s.scale = numericScale(v)
		s.kind, s.width = slotNum8, 8
		if numericWidth(v) == 16 {
			s.kind, s.width = slotNum16, 16
		}
	case s.scale != numericScale(v):
		s.kind, s.width, s.scale = slotVar, 16, 0
	case numericWidth(v) == 16:
		s.kind, s.width = slotNum16, 16
	}
	return s
}

// numericWidth returns the bytes of the values of a numeric vector with one scale.
func numericWidth(v *vec.Vector) uint8 {
	w := v.Width
	if v.Form == vec.Dict {
		w = v.Dictionary.Values.Width
	}
	return w
}

// isVarNumeric reports whether v holds encoded numerics.
func isVarNumeric(v *vec.Vector) bool {
	if v.Form == vec.Dict {
		return v.Dictionary.Values.VarNumeric
	}
	return v.VarNumeric
}

// numericScale returns the scale of a fixed-width numeric vector.
func numericScale(v *vec.Vector) int16 {
	if v.Form == vec.Dict {
		return v.Dictionary.Values.Scale
	}
	return v.Scale
}

// columnVector describes slot s of pages as a vector.
func (s *slot) columnVector(pages *vec.RowPages) vec.Vector {
	v := vec.Vector{
		Type: s.typ, Form: vec.InRows, Width: s.width, Scale: s.scale, Base: s.base,
		VarNumeric: s.kind == slotVar, Rows: pages, Off: s.off, NullBit: s.bit,
	}
	return v
}

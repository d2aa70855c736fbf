package exec

import (
	"unsafe"

	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/vec"
)

// gather returns column i of the given rows as a compact vector in scratch memory of s, borrowed until
// the next gather with it.
func (r *rowSet) gather(i int, ids []uint32, s *gatherScratch) vec.Vector {
	t := &r.layout.slots[i]
	n := len(ids)
	v := vec.Vector{Type: t.typ, Width: t.width, Scale: t.scale, N: n, NullBit: -1}
	stride := r.layout.stride
	switch t.kind {
	case slotInt:
		v.Width = 8
		v.Data = unsafe.Pointer(unsafe.SliceData(s.ints))
		switch t.width {
		case 1:
			kernel.GatherColumnInt[uint8](s.ints, r.pages, r.shift, stride, t.off, t.base, ids)
		case 2:
			kernel.GatherColumnInt[uint16](s.ints, r.pages, r.shift, stride, t.off, t.base, ids)
		case 4:
			kernel.GatherColumnInt[uint32](s.ints, r.pages, r.shift, stride, t.off, t.base, ids)
		default:
			kernel.GatherColumn(s.ints, r.pages, r.shift, stride, t.off, ids)
		}
	case slotFloat, slotNum8:
		kernel.GatherColumn(s.ints, r.pages, r.shift, stride, t.off, ids)
		v.Data = unsafe.Pointer(unsafe.SliceData(s.ints))
	default: // 16 bytes
		kernel.GatherColumn(s.wide, r.pages, r.shift, stride, t.off, ids)
		v.Data = unsafe.Pointer(unsafe.SliceData(s.wide))
		if t.kind == slotStr || t.kind == slotVar {
			v.Form, v.Blocks, v.VarNumeric = vec.Str, r.heap, t.kind == slotVar
		}
	}
	if t.bit >= 0 {
		r.gatherValid(t, ids, s, &v)
	}
	return v
}

func (r *rowSet) gatherValid(t *slot, ids []uint32, s *gatherScratch, v *vec.Vector) {
	valid := s.valid[:vec.BitmapWords(len(ids))]
	clear(valid)
	nulls := false
	for j, id := range ids {
		if r.isNull(t, r.row(id)) {
			nulls = true
			continue
		}
		valid[j>>6] |= 1 << (j & 63)
	}
	if nulls {
		v.Valid = valid
	}
}

// gatherScratch is memory for one gathered column.
type gatherScratch struct {
	ints  []int64
	wide  [][2]int64
	valid []uint64
}

func newGatherScratch(a *arena) (*gatherScratch, error) {
	s := &gatherScratch{}
	var err error
	if s.ints, err = makeSlice[int64](a, batchRows); err != nil {
		return nil, err
	}
	if s.wide, err = makeSlice[[2]int64](a, batchRows); err != nil {
		return nil, err
	}
	s.valid, err = makeSlice[uint64](a, batchRows/64)
	return s, err
}

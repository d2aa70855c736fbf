package exec

import (
	"unsafe"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// convert rewrites the rows in a wider layout. Row ids stay, and so do heap blocks.
func (r *rowSet) convert(to layout) error {
	from := *r
	r.layout = to
	if from.n == 0 && len(from.pages) == 0 {
		r.shift = pageShift(to.stride)
		return nil
	}
	slabs := make([]mem.Slab, 0, len(from.pages))
	pages := make([][]byte, 0, len(from.pages))
	for range from.pages {
		s, err := mem.Alloc(r.tracker, to.stride<<r.shift)
		if err != nil {
			for i := range slabs {
				slabs[i].Free()
			}
			r.layout = from.layout
			return err
		}
		slabs = append(slabs, s)
		pages = append(pages, s.B)
	}
	r.slabs, r.pages = slabs, pages
	var err error
	for id := uint32(0); id < uint32(from.n) && err == nil; id++ {
		err = r.convertRow(&from, id)
	}
	for i := range from.slabs {
		from.slabs[i].Free()
	}
	return err
}

func (r *rowSet) convertRow(from *rowSet, id uint32) error {
	src, dst := from.row(id), r.row(id)
	for i := range r.layout.slots {
		s, t := &from.layout.slots[i], &r.layout.slots[i]
		if t.kind == slotNone {
			continue
		}
		if from.isNull(s, src) {
			*(*byte)(unsafe.Add(dst, r.layout.nullOff+t.bit>>3)) |= 1 << (t.bit & 7)
			continue
		}
		p, q := unsafe.Add(src, s.off), unsafe.Add(dst, t.off)
		switch {
		case s.kind == t.kind && s.scale == t.scale:
			copy(unsafe.Slice((*byte)(q), t.width), unsafe.Slice((*byte)(p), s.width))
		case t.kind == slotNum16:
			x := *(*int64)(p)
			*(*[2]int64)(q) = [2]int64{x, x >> 63}
		case t.kind == slotVar:
			r.s.enc = types.EncodeNumeric(r.s.enc[:0], from.numeric(s, p))
			view, err := r.view(r.s.enc)
			if err != nil {
				return err
			}
			*(*vec.StrView)(q) = view
		}
	}
	return nil
}

// numeric returns the numeric at p, in slot s.
func (r *rowSet) numeric(s *slot, p unsafe.Pointer) types.Datum {
	switch s.kind {
	case slotNum8:
		return types.NewDecimal(*(*int64)(p), int(s.scale))
	case slotNum16:
		w := *(*[2]int64)(p)
		return types.NewInt128(w[1], uint64(w[0]), int(s.scale))
	}
	return types.DecodeNumeric((*vec.StrView)(p).Bytes(r.heap))
}

// unify brings sets of one operator to one layout.
func unify(sets []*rowSet) error {
	var base *rowSet
	for _, r := range sets {
		if r.n > 0 {
			base = r
			break
		}
	}
	if base == nil {
		return nil
	}
	wide := base.layout.clone()
	nullable := wide.nullable()
	for _, r := range sets {
		if r.n == 0 {
			continue
		}
		nullable = nullable || r.layout.nullable()
		for i, s := range r.layout.slots {
			wide.slots[i] = widerSlot(wide.slots[i], s)
		}
	}
	wide.place(nullable)
	for _, r := range sets {
		if r.n == 0 {
			continue
		}
		if !sameLayout(&r.layout, &wide) {
			if err := r.convert(wide.clone()); err != nil {
				return err
			}
		}
	}
	return nil
}

func widerSlot(a, b slot) slot {
	if a.typ.Class() != types.ClassNumeric || a.kind == slotNone || a.kind == slotVar {
		return a
	}
	switch {
	case b.kind == slotVar:
		return b
	case a.scale != b.scale:
		a.kind, a.width, a.scale = slotVar, 16, 0
	case b.kind == slotNum16:
		a.kind, a.width = slotNum16, 16
	}
	return a
}

func sameLayout(a, b *layout) bool {
	if a.nullOff != b.nullOff || a.stride != b.stride {
		return false
	}
	for i := range a.slots {
		if a.slots[i] != b.slots[i] {
			return false
		}
	}
	return true
}

// joinRowSets makes one set of the sets of the workers of an operator, behind a page with only the NULL
// row (id 0). starts[i] is the first id of sets[i]. The sets are empty afterwards.
func joinRowSets(sets []*rowSet, into *rowSet) (starts []uint32, err error) {
	if err := unify(sets); err != nil {
		return nil, err
	}
	var first *rowSet
	for _, r := range sets {
		if r.n > 0 && first == nil {
			first = r
		}
	}
	if first != nil {
		into.layout, into.shift = first.layout, first.shift
		for _, r := range sets {
			if r.n > 0 && r.shift != into.shift {
				if err := r.repage(into.shift); err != nil {
					return nil, err
				}
			}
		}
	}
	if err := into.nullRow(); err != nil {
		return nil, err
	}
	starts = make([]uint32, len(sets))
	for i, r := range sets {
		starts[i] = uint32(len(into.pages)) << into.shift
		into.slabs = append(into.slabs, r.slabs...)
		into.pages = append(into.pages, r.pages...)
		into.heapSlabs = append(into.heapSlabs, r.heapSlabs...)
		for b, block := range r.heap {
			for len(into.heap) <= b {
				into.heap = append(into.heap, nil)
			}
			if block != nil {
				into.heap[b] = block
			}
		}
		r.slabs, r.pages, r.heapSlabs, r.heap, r.cur = nil, nil, nil, nil, -1
	}
	into.n = len(into.pages) << into.shift
	return starts, nil
}

// nullRow makes page 0, which holds the NULL row alone.
func (r *rowSet) nullRow() error {
	s, err := mem.Alloc(r.tracker, r.layout.stride)
	if err != nil {
		return err
	}
	if r.layout.nullable() {
		for i := r.layout.nullOff; i < r.layout.stride; i++ {
			s.B[i] = 0xff
		}
	}
	r.slabs = append(r.slabs, s)
	r.pages = append(r.pages, s.B)
	return nil
}

// repage moves the rows into pages of another number of rows.
func (r *rowSet) repage(shift uint) error {
	old := *r
	r.shift, r.slabs, r.pages, r.n = shift, nil, nil, 0
	if err := r.reserve(old.n); err != nil {
		for i := range r.slabs {
			r.slabs[i].Free()
		}
		*r = old
		return err
	}
	for id := uint32(0); id < uint32(old.n); id++ {
		stride := r.layout.stride
		copy(unsafe.Slice((*byte)(r.row(id)), stride), unsafe.Slice((*byte)(old.row(id)), stride))
	}
	r.n = old.n
	for i := range old.slabs {
		old.slabs[i].Free()
	}
	return nil
}

package exec

import (
	"math"
	"math/bits"
	"sync/atomic"
	"unsafe"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// pageBytes is the size that pages of rows aim at.
const pageBytes = 64 << 10

// heapBytesMin and heapBytesMax bound the blocks of strings.
const (
	heapBytesMin = 16 << 10
	heapBytesMax = 1 << 20
)

// heapBlockBytes is the size of the next block of strings after so many.
func heapBlockBytes(blocks int) int { return min(heapBytesMin<<min(blocks, 6), heapBytesMax) }

// rowSet is a growing set of rows in pages. Its layout begins with what types and the first values need,
// and is widened, rows and all, when later ones need more (another scale, a NULL): facts about all rows
// are not needed to start. Row ids stay. Several workers' sets become one with joinRowSets.
type rowSet struct {
	tracker *mem.Tracker
	layout  layout
	shift   uint
	slabs   []mem.Slab
	pages   [][]byte
	n       int
	// heap[b] is block b of the strings. Blocks are numbered by blocks, which sets of one operator share,
	// so that their views need no change when the sets are joined.
	heap      [][]byte
	heapSlabs []mem.Slab
	blocks    *atomic.Int32
	cur       int // the block that is filled; -1: none
	nullable  bool
	s         *rowScratch
}

// rowScratch is memory for converting columns.
type rowScratch struct {
	ints   []int64
	picked []int64
	wide   [][2]int64
	views  []vec.StrView
	hashes []uint64
	enc    []byte
}

func newRowScratch(a *arena) (*rowScratch, error) {
	s := &rowScratch{}
	var err error
	if s.ints, err = makeSlice[int64](a, batchRows); err != nil {
		return nil, err
	}
	if s.picked, err = makeSlice[int64](a, batchRows); err != nil {
		return nil, err
	}
	if s.wide, err = makeSlice[[2]int64](a, batchRows); err != nil {
		return nil, err
	}
	if s.hashes, err = makeSlice[uint64](a, batchRows); err != nil {
		return nil, err
	}
	s.views, err = makeSlice[vec.StrView](a, batchRows)
	return s, err
}

// newRowSet returns an empty set for columns of the given types; those with stored[i] false take no
// space. nullable makes room for NULLs from the start.
func newRowSet(t *mem.Tracker, ts []types.Type, stored []bool, nullable bool, blocks *atomic.Int32, s *rowScratch) *rowSet {
	r := &rowSet{tracker: t, blocks: blocks, cur: -1, nullable: nullable, s: s}
	r.layout.slots = make([]slot, len(ts))
	for i, typ := range ts {
		r.layout.slots[i] = typeSlot(typ)
		if stored != nil && !stored[i] {
			r.layout.slots[i].kind = slotNone
		}
	}
	r.layout.place(nullable)
	r.shift = pageShift(r.layout.stride)
	return r
}

// pageShift returns log2 of the rows of a page.
func pageShift(stride int) uint { return uint(max(bits.Len(uint(pageBytes/stride))-1, 4)) }

// release frees a set that may not be there.
func (r *rowSet) release() {
	if r != nil {
		r.free()
	}
}

func (r *rowSet) free() {
	for i := range r.slabs {
		r.slabs[i].Free()
	}
	for i := range r.heapSlabs {
		r.heapSlabs[i].Free()
	}
	r.slabs, r.pages, r.heapSlabs, r.heap, r.n, r.cur = nil, nil, nil, nil, 0, -1
}

// row returns the address of a row.
func (r *rowSet) row(id uint32) unsafe.Pointer {
	page := r.pages[id>>r.shift]
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(page)), int(id&(1<<r.shift-1))*r.layout.stride)
}

// append adds rows: the first n entries of the columns vs, or those at the ordinals of pick if it is not
// nil. Columns that are not stored may be nil.
func (r *rowSet) append(vs []*vec.Vector, n int, pick []uint16) error {
	if err := r.fit(vs, n); err != nil {
		return err
	}
	count := n
	if pick != nil {
		count = len(pick)
	}
	if count == 0 {
		return nil
	}
	if int64(r.n)+int64(count) > math.MaxUint32/2 {
		return sqlerr.New(sqlerr.ProgramLimitExceeded, "too many rows in an intermediate result")
	}
	if err := r.reserve(count); err != nil {
		return err
	}
	for i, v := range vs {
		if r.layout.slots[i].kind == slotNone {
			continue
		}
		if err := r.store(&r.layout.slots[i], v, n, pick); err != nil {
			return err
		}
	}
	r.n += count
	return nil
}

// fit widens the layout if vs do not fit it.
func (r *rowSet) fit(vs []*vec.Vector, n int) error {
	var wide layout
	changed := false
	nullable := r.layout.nullable()
	for i, v := range vs {
		s := &r.layout.slots[i]
		if s.kind == slotNone {
			continue
		}
		if !nullable && hasNulls(v, n) {
			nullable = true
		}
		if s.typ.Class() != types.ClassNumeric {
			continue
		}
		if t := numericSlot(*s, v, r.n == 0); t != *s {
			if !changed {
				wide, changed = r.layout.clone(), true
			}
			wide.slots[i] = t
		}
	}
	if !changed {
		if nullable == r.layout.nullable() {
			return nil
		}
		wide = r.layout.clone()
	}
	wide.place(nullable)
	return r.convert(wide)
}

// reserve makes pages for n more rows.
func (r *rowSet) reserve(n int) error {
	for len(r.pages)<<r.shift < r.n+n {
		s, err := mem.Alloc(r.tracker, r.layout.stride<<r.shift)
		if err != nil {
			return err
		}
		r.slabs = append(r.slabs, s)
		r.pages = append(r.pages, s.B)
	}
	return nil
}

// segment returns the address of row r.n+done and how many rows follow it in its page, count-done at
// most.
func (r *rowSet) segment(done, count int) (unsafe.Pointer, int) {
	id := r.n + done
	return r.row(uint32(id)), min(count-done, 1<<r.shift-id&(1<<r.shift-1))
}

func (r *rowSet) store(s *slot, v *vec.Vector, n int, pick []uint16) error {
	switch s.kind {
	case slotInt, slotFloat, slotNum8:
		x := intsOf(v, n, r.s.ints)
		if pick != nil {
			kernel.Pick(r.s.picked, x, pick)
			x = r.s.picked[:len(pick)]
		}
		r.storeInts(s, x)
	case slotNum16, slotInterval:
		x := wideOf(v, n, r.s.wide, r.s.ints)
		r.storeWide(s, x, pick)
	case slotStr:
		x, blocks := viewsOf(v, n, r.s.views)
		if err := r.storeViews(s, v, x, blocks, pick); err != nil {
			return err
		}
	case slotVar:
		if err := r.storeEncoded(s, v, n, pick); err != nil {
			return err
		}
	}
	if s.bit >= 0 && hasNulls(v, n) {
		r.storeNulls(s, v, n, pick)
	}
	return nil
}

func (r *rowSet) storeInts(s *slot, x []int64) {
	stride := r.layout.stride
	for done := 0; done < len(x); {
		p, k := r.segment(done, len(x))
		p = unsafe.Add(p, s.off)
		part := x[done : done+k]
		switch s.width {
		case 1:
			kernel.ScatterNarrow[uint8](p, stride, part, s.base)
		case 2:
			kernel.ScatterNarrow[uint16](p, stride, part, s.base)
		case 4:
			kernel.ScatterNarrow[uint32](p, stride, part, s.base)
		default:
			kernel.ScatterRows(p, stride, part)
		}
		done += k
	}
}

func (r *rowSet) storeWide(s *slot, x [][2]int64, pick []uint16) {
	count := len(x)
	if pick != nil {
		count = len(pick)
	}
	for done := 0; done < count; {
		p, k := r.segment(done, count)
		p = unsafe.Add(p, s.off)
		if pick == nil {
			kernel.ScatterRows(p, r.layout.stride, x[done:done+k])
		} else {
			for _, i := range pick[done : done+k] {
				*(*[2]int64)(p) = x[i]
				p = unsafe.Add(p, r.layout.stride)
			}
		}
		done += k
	}
}

// storeViews copies long strings into the heap.
func (r *rowSet) storeViews(s *slot, v *vec.Vector, x []vec.StrView, blocks [][]byte, pick []uint16) error {
	count := len(x)
	if pick != nil {
		count = len(pick)
	}
	nulls := hasNulls(v, len(x))
	for done := 0; done < count; {
		p, k := r.segment(done, count)
		p = unsafe.Add(p, s.off)
		for j := done; j < done+k; j++ {
			i := j
			if pick != nil {
				i = int(pick[j])
			}
			view := x[i]
			if view.Len > vec.InlineMax {
				if nulls && v.IsNull(i) {
					view = vec.StrView{}
				} else {
					var err error
					if view, err = r.keep(x[i].Bytes(blocks)); err != nil {
						return err
					}
				}
			}
			*(*vec.StrView)(p) = view
			p = unsafe.Add(p, r.layout.stride)
		}
		done += k
	}
	return nil
}

// storeEncoded stores numerics with a scale each.
func (r *rowSet) storeEncoded(s *slot, v *vec.Vector, n int, pick []uint16) error {
	if isVarNumeric(v) {
		x, blocks := viewsOf(v, n, r.s.views)
		return r.storeViews(s, v, x, blocks, pick)
	}
	count := n
	if pick != nil {
		count = len(pick)
	}
	for j := range count {
		i := j
		if pick != nil {
			i = int(pick[j])
		}
		p := unsafe.Add(r.row(uint32(r.n+j)), s.off)
		if v.IsNull(i) {
			*(*vec.StrView)(p) = vec.StrView{}
			continue
		}
		r.s.enc = types.EncodeNumeric(r.s.enc[:0], v.Datum(i))
		view, err := r.view(r.s.enc)
		if err != nil {
			return err
		}
		*(*vec.StrView)(p) = view
	}
	return nil
}

func (r *rowSet) storeNulls(s *slot, v *vec.Vector, n int, pick []uint16) {
	at, mask := r.layout.nullOff+s.bit>>3, byte(1)<<(s.bit&7)
	count := n
	if pick != nil {
		count = len(pick)
	}
	for j := range count {
		i := j
		if pick != nil {
			i = int(pick[j])
		}
		if v.IsNull(i) {
			*(*byte)(unsafe.Add(r.row(uint32(r.n+j)), at)) |= mask
		}
	}
}

// move puts a row in the place of another.
func (r *rowSet) move(to, from uint32) {
	if to != from {
		n := r.layout.stride
		copy(unsafe.Slice((*byte)(r.row(to)), n), unsafe.Slice((*byte)(r.row(from)), n))
	}
}

// cut drops the rows from n on, and the pages that nothing is left in.
func (r *rowSet) cut(n int) {
	need := (n + 1<<r.shift - 1) >> r.shift
	for p := n; p < min(r.n, need<<r.shift); p++ { // places are zero before rows come
		clear(unsafe.Slice((*byte)(r.row(uint32(p))), r.layout.stride))
	}
	if len(r.slabs) == len(r.pages) {
		for i := need; i < len(r.slabs); i++ {
			r.slabs[i].Free()
		}
		r.slabs, r.pages = r.slabs[:need], r.pages[:need]
	}
	r.n = n
}

// replace overwrites a row with row i of vs, which fit the layout.
func (r *rowSet) replace(id uint32, vs []*vec.Vector, n int, i uint16) error {
	if err := r.fit(vs, n); err != nil {
		return err
	}
	if r.layout.nullable() {
		row := r.row(id)
		for b := r.layout.nullOff; b < r.layout.stride; b++ {
			*(*byte)(unsafe.Add(row, b)) = 0
		}
	}
	count := r.n
	r.n = int(id)
	defer func() { r.n = count }()
	pick := [1]uint16{i}
	for c, v := range vs {
		if err := r.store(&r.layout.slots[c], v, n, pick[:]); err != nil {
			return err
		}
	}
	return nil
}

// view returns a view of b, copied.
func (r *rowSet) view(b []byte) (vec.StrView, error) {
	if len(b) <= vec.InlineMax {
		return vec.InlineView(b), nil
	}
	return r.keep(b)
}

// keep copies a long string into the heap.
func (r *rowSet) keep(b []byte) (vec.StrView, error) {
	if r.cur < 0 || len(r.heap[r.cur])+len(b) > cap(r.heap[r.cur]) {
		if err := r.newBlock(len(b)); err != nil {
			return vec.StrView{}, err
		}
	}
	h := r.heap[r.cur]
	off := len(h)
	r.heap[r.cur] = append(h, b...) // within its capacity
	return vec.LongView(b, uint32(r.cur), uint32(off)), nil
}

func (r *rowSet) newBlock(n int) error {
	s, err := mem.Alloc(r.tracker, max(heapBlockBytes(len(r.heapSlabs)), n))
	if err != nil {
		return err
	}
	b := int(r.blocks.Add(1)) - 1
	for len(r.heap) <= b {
		r.heap = append(r.heap, nil)
	}
	r.heap[b] = s.B[:0:len(s.B)]
	r.heapSlabs = append(r.heapSlabs, s)
	r.cur = b
	return nil
}

// isNull reports whether the column is NULL in a row.
func (r *rowSet) isNull(s *slot, row unsafe.Pointer) bool {
	return s.bit >= 0 && *(*byte)(unsafe.Add(row, r.layout.nullOff+s.bit>>3))>>(s.bit&7)&1 != 0
}

// rowPages describes the rows as vec sees them. Later appends are not seen.
func (r *rowSet) rowPages() *vec.RowPages {
	p := &vec.RowPages{Stride: r.layout.stride, PageShift: r.shift, Pages: r.pages, Heap: r.heap, N: r.n}
	if r.layout.nullable() {
		p.NullOff = r.layout.nullOff
	}
	return p
}

package exec

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/vec"
)

// chunkRows is how many rows, or groups, a block of the temporary file has at most: loaded, they are one page.
const chunkRows = 2048

// save appends rows as they lie in their pages, then the strings that they point to, of which the views have become
// offsets: load needs the layout alone.
func (r *rowSet) save(dst []byte, ids []uint32) []byte {
	start, stride := len(dst), r.layout.stride
	for _, id := range ids {
		dst = append(dst, unsafe.Slice((*byte)(r.row(id)), stride)...)
	}
	size := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, 0)
	heap := len(dst)
	for i := range r.layout.slots {
		s := &r.layout.slots[i]
		if s.kind != slotStr && s.kind != slotVar {
			continue
		}
		for at := start + s.off; at < size; at += stride {
			view := *(*vec.StrView)(unsafe.Pointer(&dst[at]))
			if view.Len <= vec.InlineMax {
				continue
			}
			off := len(dst) - heap
			dst = append(dst, view.Bytes(r.heap)...)
			view.Block, view.Off = 0, uint32(off)
			*(*vec.StrView)(unsafe.Pointer(&dst[at])) = view
		}
	}
	binary.LittleEndian.PutUint64(dst[size:], uint64(len(dst)-heap))
	return pad8(dst)
}

// pad8 makes the length a multiple of eight.
func pad8(b []byte) []byte {
	for len(b)&7 != 0 {
		b = append(b, 0)
	}
	return b
}

// load makes the set hold the n rows at the beginning of src, chunkRows at most, and returns what follows them.
func (r *rowSet) load(src []byte, n int, l *layout) ([]byte, error) {
	r.free()
	r.layout, r.shift = l.clone(), uint(bits.Len(uint(max(n-1, 0))))
	size := n * l.stride
	page, err := mem.Alloc(r.tracker, max(size, l.stride))
	if err != nil {
		return nil, err
	}
	copy(page.B, src[:size])
	r.slabs, r.pages, r.n = append(r.slabs, page), append(r.pages, page.B), n
	heap := int(binary.LittleEndian.Uint64(src[size:]))
	src = src[size+8:]
	if heap > 0 {
		s, err := mem.Alloc(r.tracker, heap)
		if err != nil {
			return nil, err
		}
		copy(s.B, src[:heap])
		r.heapSlabs, r.heap = append(r.heapSlabs, s), append(r.heap, s.B)
	}
	if n := int32(len(r.heap)); r.blocks.Load() < n { // sets of one table may share the numbers
		r.blocks.Store(n)
	}
	return src[(heap+7)&^7:], nil
}

// copyRows appends rows of a set of the same layout.
func (r *rowSet) copyRows(from *rowSet, ids []uint32) error {
	if err := r.reserve(len(ids)); err != nil {
		return err
	}
	stride := r.layout.stride
	for _, id := range ids {
		to := r.row(uint32(r.n))
		copy(unsafe.Slice((*byte)(to), stride), unsafe.Slice((*byte)(from.row(id)), stride))
		for i := range r.layout.slots {
			s := &r.layout.slots[i]
			if s.kind != slotStr && s.kind != slotVar {
				continue
			}
			view := (*vec.StrView)(unsafe.Add(to, s.off))
			if view.Len <= vec.InlineMax {
				continue
			}
			var err error
			if *view, err = r.keep(view.Bytes(from.heap)); err != nil {
				return err
			}
		}
		r.n++
	}
	return nil
}

// reset forgets the rows, and keeps pages and one block of strings for others. The numbers of the blocks must be the set's
// own: they begin anew.
func (r *rowSet) reset() {
	invariants.Assert(int(r.blocks.Load()) == len(r.heap), "%d blocks are numbered, %d of the set", r.blocks.Load(), len(r.heap))
	for i := range r.pages {
		clear(r.pages[i])
	}
	r.n = 0
	if len(r.heapSlabs) > 1 {
		for i := range r.heapSlabs {
			r.heapSlabs[i].Free()
		}
		r.heapSlabs, r.heap, r.cur = nil, nil, -1
		r.blocks.Store(0)
	} else if r.cur >= 0 {
		r.heap[r.cur] = r.heap[r.cur][:0]
	}
}

// bytesOf is what the set's pages and strings take.
func (r *rowSet) bytesOf() int64 {
	n := int64(0)
	for i := range r.slabs {
		n += int64(r.slabs[i].Bytes())
	}
	for i := range r.heapSlabs {
		n += int64(r.heapSlabs[i].Bytes())
	}
	return n
}

// growth is how much more memory n more rows will take, apart from long strings beyond the next block of them.
func (r *rowSet) growth(n int) int64 {
	g := int64(0)
	for have := len(r.pages) << r.shift; have < r.n+n; have += 1 << r.shift {
		g += mem.SlabSize(r.layout.stride << r.shift)
	}
	for i := range r.layout.slots {
		if k := r.layout.slots[i].kind; k == slotStr || k == slotVar {
			return g + r.blockGrowth()
		}
	}
	return g
}

// blockGrowth is what the next block of strings takes.
func (r *rowSet) blockGrowth() int64 {
	return mem.SlabSize(heapBlockBytes(len(r.heapSlabs)))
}

// appendValues appends values of a type without pointers, of the given rows.
func appendValues[T any](dst []byte, v []T, width int, ids []uint32) []byte {
	var z T
	size := int(unsafe.Sizeof(z)) * width
	if size == 0 {
		return dst
	}
	p := unsafe.Pointer(unsafe.SliceData(v))
	for _, id := range ids {
		dst = append(dst, unsafe.Slice((*byte)(unsafe.Add(p, int(id)*size)), size)...)
	}
	return pad8(dst)
}

// takeValues fills a column with n values that appendValues has appended, and returns what follows them.
func takeValues[T any](c *column[T], t *mem.Tracker, src []byte, n int) ([]byte, error) {
	var z T
	if n == 0 {
		return src, nil
	}
	if err := c.grow(t, n); err != nil {
		return nil, err
	}
	size := int(unsafe.Sizeof(z)) * n
	copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(c.v))), size), src[:size])
	return src[(size+7)&^7:], nil
}

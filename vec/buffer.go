package vec

import (
	"unsafe"

	"github.com/laminadb/lamina/internal/mem"
)

// buffer is growing pointer-free memory: a slab charged to a tracker, or the Go heap if there is no
// tracker.
type buffer struct {
	tracker *mem.Tracker
	slab    mem.Slab
	b       []byte // whole capacity
}

// grow makes room for n bytes, keeping the first used ones. New bytes are zero.
func (m *buffer) grow(used, n int) error {
	if n <= len(m.b) {
		return nil
	}
	n = max(n, 2*len(m.b), 64)
	if m.tracker == nil {
		w := make([]uint64, (n+7)/8)
		b := unsafe.Slice((*byte)(unsafe.Pointer(&w[0])), 8*len(w))
		copy(b, m.b[:used])
		m.b = b
		return nil
	}
	s, err := mem.Alloc(m.tracker, n)
	if err != nil {
		return err
	}
	b := s.B[:cap(s.B)]
	copy(b, m.b[:used])
	m.slab.Free()
	m.slab, m.b = s, b
	return nil
}

func (m *buffer) free() {
	m.slab.Free()
	m.b = nil
}

func (m *buffer) data() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(m.b)) }

// heap holds the bytes of long strings in blocks that never move.
type heap struct {
	tracker *mem.Tracker
	bufs    []buffer
	blocks  [][]byte // blocks[i] is the used part of bufs[i]
	cur     int      // the block that is being filled
}

// Sizes of string blocks: each new one is four times as large as the last. The first is small, because
// many batches have one row.
const (
	blockBytesMin = 1 << 10
	blockBytesMax = 1 << 20
)

// put copies s into a block.
func (h *heap) put(s []byte) (block, off uint32, err error) {
	for h.cur < len(h.bufs) && len(h.bufs[h.cur].b)-len(h.blocks[h.cur]) < len(s) {
		h.cur++
	}
	if h.cur == len(h.bufs) {
		size := min(blockBytesMin<<(2*min(h.cur, 5)), blockBytesMax)
		buf := buffer{tracker: h.tracker}
		if err := buf.grow(0, max(size, len(s))); err != nil {
			return 0, 0, err
		}
		h.bufs = append(h.bufs, buf)
		h.blocks = append(h.blocks, buf.b[:0])
	}
	b := h.blocks[h.cur]
	h.blocks[h.cur] = append(b, s...) // never grows: the loop above made sure of it
	return uint32(h.cur), uint32(len(b)), nil
}

// reset forgets the strings and keeps the blocks.
func (h *heap) reset() {
	for i := range h.blocks {
		h.blocks[i] = h.blocks[i][:0]
	}
	h.cur = 0
}

func (h *heap) free() {
	for i := range h.bufs {
		h.bufs[i].free()
	}
	h.bufs, h.blocks, h.cur = nil, nil, 0
}

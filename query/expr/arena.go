package expr

import (
	"unsafe"

	"github.com/laminadb/lamina/internal/mem"
)

// arenaSlabBytes is the size of the pieces in which an arena takes memory.
const arenaSlabBytes = 128 << 10

// arena hands out memory that is given back all at once.
type arena struct {
	tracker *mem.Tracker
	slabs   []mem.Slab
	used    int // bytes of the last slab
}

// alloc returns n bytes, aligned to 64.
func (a *arena) alloc(n int) (unsafe.Pointer, error) {
	n = (n + 63) &^ 63
	if len(a.slabs) == 0 || a.used+n > len(a.slabs[len(a.slabs)-1].B) {
		s, err := mem.Alloc(a.tracker, max(n, a.nextBytes()))
		if err != nil {
			return nil, err
		}
		a.slabs = append(a.slabs, s)
		a.used = 0
	}
	s := &a.slabs[len(a.slabs)-1]
	p := unsafe.Pointer(&s.B[a.used])
	a.used += n
	return p, nil
}

// nextBytes starts small: many programs need one register.
func (a *arena) nextBytes() int { return min(16<<10<<len(a.slabs), arenaSlabBytes) }

func (a *arena) free() {
	for i := range a.slabs {
		a.slabs[i].Free()
	}
	*a = arena{tracker: a.tracker}
}

// textArena holds the bytes of the long strings of one vector. Reset keeps the memory.
type textArena struct {
	blocks [][]byte // whole blocks, as views name them
	slabs  []mem.Slab
	block  int // current one
	used   int
}

// textBlockBytes is the size of the first block; each further one is twice as large, up to textBlockMax.
const (
	textBlockBytes = 16 << 10
	textBlockMax   = 4 << 20
)

func (t *textArena) reset() { t.block, t.used = 0, 0 }

// room returns n bytes and their place.
func (t *textArena) room(a *arena, n int) (dst []byte, block, off uint32, err error) {
	for t.block < len(t.blocks) && t.used+n > len(t.blocks[t.block]) {
		t.block++
		t.used = 0
	}
	if t.block == len(t.blocks) {
		size := min(textBlockBytes<<min(len(t.blocks), 8), textBlockMax)
		s, err := mem.Alloc(a.tracker, max(n, size))
		if err != nil {
			return nil, 0, 0, err
		}
		t.slabs = append(t.slabs, s)
		t.blocks = append(t.blocks, s.B)
	}
	block, off = uint32(t.block), uint32(t.used)
	dst = t.blocks[t.block][t.used : t.used+n : t.used+n]
	t.used += n
	return dst, block, off, nil
}

func (t *textArena) free() {
	for i := range t.slabs {
		t.slabs[i].Free()
	}
	*t = textArena{}
}

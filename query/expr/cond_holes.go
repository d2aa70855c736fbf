package expr

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
)

// holes are the positions of a scan's batch that are not to be read. A condition that cannot fail is tested there as
// elsewhere, for that is less work than to go around them.
type holes struct {
	at   []uint16 // ascending; empty for most batches
	live int      // rows that are no holes
	bits []uint64 // scratch
	// around are all rows but holes, once somebody has asked for them.
	around []uint16
	buf    []uint16
}

// setHoles says what the holes of the batch are.
func (ev *Evaluator) setHoles(at []uint16, live int) error {
	h := &ev.holes
	h.at, h.live, h.around = at, live, nil
	if len(at) == 0 {
		return nil
	}
	if err := ev.words(&h.bits); err != nil {
		return err
	}
	_, err := ev.sel(&h.buf)
	return err
}

// withoutHoles drops the holes from rows, in their memory.
func (ev *Evaluator) withoutHoles(in rowsIn) rowsIn {
	h := &ev.holes
	switch {
	case len(h.at) == 0 || in.n == 0:
	case in.sel == nil:
		in.sel = ev.below(ev.aroundHoles())
		in.n = len(in.sel)
	case in.holed && !invariants.Mutant("filter-finds-holes"):
		in.n = kernel.DropHoles(in.sel[:in.n], h.at, h.bits)
		in.sel = in.sel[:in.n]
	}
	in.holed = false
	return in
}

// clearHoles clears the bits of holes.
func (ev *Evaluator) clearHoles(mask []uint64) {
	for _, p := range ev.holes.at {
		mask[p>>6] &^= 1 << (p & 63)
	}
}

// aroundHoles returns all rows that are no holes.
func (ev *Evaluator) aroundHoles() []uint16 {
	h := &ev.holes
	if h.around == nil {
		kernel.SelectAround(h.at, h.live, h.buf)
		h.around = h.buf[:h.live]
	}
	return h.around
}

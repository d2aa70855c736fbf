package store

import "github.com/laminadb/lamina/table"

// refTable maps references of committed rows to numbers. Entries are removed only in the reverse order
// of their addition.
type refTable struct {
	slots []refSlot
	n     int
}

type refSlot struct {
	ref   table.RowRef
	value int32 // + 1; 0 is free
}

func (t *refTable) slot(ref table.RowRef) *refSlot {
	mask := uint64(len(t.slots) - 1)
	h := uint64(ref) * 0x9E3779B97F4A7C15
	for i := (h ^ h>>32) & mask; ; i = (i + 1) & mask {
		if s := &t.slots[i]; s.value == 0 || s.ref == ref {
			return s
		}
	}
}

// find returns the value of a reference, or -1.
func (t *refTable) find(ref table.RowRef) int32 {
	if len(t.slots) == 0 {
		return -1
	}
	return t.slot(ref).value - 1
}

// add gives a new reference a value.
func (t *refTable) add(ref table.RowRef, value int32) {
	if 2*(t.n+1) > len(t.slots) {
		old := t.slots
		t.slots = make([]refSlot, max(16, 2*len(old)))
		in := make([]refSlot, t.n)
		for _, s := range old { // in the order of their values, which is that of their addition
			if s.value != 0 {
				in[s.value-1] = s
			}
		}
		for _, s := range in {
			*t.slot(s.ref) = s
		}
	}
	*t.slot(ref) = refSlot{ref, value + 1}
	t.n++
}

// pop removes the entry that was added last.
func (t *refTable) pop(ref table.RowRef) {
	*t.slot(ref) = refSlot{}
	t.n--
}

// reset forgets all entries and keeps the memory.
func (t *refTable) reset() {
	clear(t.slots)
	t.n = 0
}

func (t *refTable) bytes() int64 { return int64(16 * cap(t.slots)) }

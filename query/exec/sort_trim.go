package exec

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/vec"
)

// keyTrim is what normalised keys leave out because all values of a sort key have it: integers are less the least of
// them, in as many bytes as the greatest then needs; strings lack the beginning that is common to all. So the parts of keys
// that entries hold tell more rows apart. Keys that are trimmed compare within one set only.
type keyTrim struct {
	ints  bool
	base  uint64
	width int
	skip  int
}

// measureTrims finds what the rows of the extents have in common.
func (o *sortOrder) measureTrims(extents []extent) {
	o.trims = make([]keyTrim, len(o.s.n.Keys))
	for i := range o.trims {
		switch s := &o.set.layout.slots[i]; s.kind {
		case slotInt, slotNum8:
			o.trims[i] = o.trimInts(s, extents)
		case slotStr:
			o.trims[i].skip = o.commonPrefix(s, extents)
		}
	}
}

// eachValue calls f with the places of the values of a column that are not NULL, until it returns false.
func (o *sortOrder) eachValue(s *slot, extents []extent, f func(p unsafe.Pointer) bool) {
	for _, e := range extents {
		for id := e.from; id < e.to; id++ {
			row := o.set.row(id)
			if !o.set.isNull(s, row) && !f(unsafe.Add(row, s.off)) {
				return
			}
		}
	}
}

func (o *sortOrder) trimInts(s *slot, extents []extent) keyTrim {
	lo, hi := uint64(math.MaxUint64), uint64(0)
	o.eachValue(s, extents, func(p unsafe.Pointer) bool {
		x := orderedInt(s, p)
		lo, hi = min(lo, x), max(hi, x)
		return hi-lo < math.MaxUint64>>8
	})
	if lo > hi || hi-lo >= math.MaxUint64>>8 {
		return keyTrim{}
	}
	t := keyTrim{ints: true, base: lo, width: (bits.Len64(hi-lo) + 7) / 8}
	if invariants.Mutant("sort-trims-too-much") && t.width > 1 {
		t.width--
	}
	return t
}

func (o *sortOrder) commonPrefix(s *slot, extents []extent) int {
	var first []byte
	n := -1
	o.eachValue(s, extents, func(p unsafe.Pointer) bool {
		b := (*vec.StrView)(p).Bytes(o.set.heap)
		if n < 0 {
			first, n = b, len(b)
		}
		if n = min(n, len(b)); !bytes.Equal(first[:n], b[:n]) {
			for n = 0; first[n] == b[n]; {
				n++
			}
		}
		return n > 0
	})
	return max(n, 0)
}

// orderedInt returns an integer that orders, unsigned, as the values of the slot do.
func orderedInt(s *slot, p unsafe.Pointer) uint64 {
	if s.kind == slotInt {
		switch s.width {
		case 1:
			return uint64(*(*byte)(p))
		case 2:
			return uint64(*(*uint16)(p))
		case 4:
			return uint64(*(*uint32)(p))
		}
	}
	return *(*uint64)(p) ^ signBit
}

// append appends the key of an integer.
func (t *keyTrim) append(dst []byte, x uint64) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], x-t.base)
	return append(dst, b[8-t.width:]...)
}

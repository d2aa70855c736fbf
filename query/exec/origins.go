package exec

import "slices"

// origins says of the rows that a worker has where they stood in the input: in which morsel, and at which place there,
// though the rows before them may have left memory.
type origins struct {
	extents []extent // ascending
	baseOf  int      // the morsel of which before rows have left memory; -1: none
	before  uint32
}

// came notes rows of a morsel, which follow those that there are.
func (o *origins) came(ordinal int, from, to uint32) {
	if k := len(o.extents); k > 0 && o.extents[k-1].ordinal == ordinal {
		o.extents[k-1].to = to
	} else {
		o.extents = append(o.extents, extent{ordinal, from, to})
	}
}

// position says where a row stood in the input.
func (o *origins) position(id uint32) uint64 {
	i, _ := slices.BinarySearchFunc(o.extents, id, func(e extent, id uint32) int { return b2i(e.from > id) - b2i(e.to <= id) })
	e := &o.extents[i]
	return uint64(e.ordinal)<<32 | uint64(o.base(e.ordinal)+id-e.from)
}

// base is the number of rows of a morsel that have left memory.
func (o *origins) base(ordinal int) uint32 {
	if ordinal == o.baseOf {
		return o.before
	}
	return 0
}

// left forgets the rows, which have left memory while their worker reads a morsel.
func (o *origins) left(ordinal int) {
	if last := o.extents[len(o.extents)-1]; last.ordinal == ordinal {
		o.before = o.base(last.ordinal) + last.to - last.from
		o.baseOf = last.ordinal
	}
	o.extents = o.extents[:0]
}

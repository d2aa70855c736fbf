package vec

import "unsafe"

// RowPages is a set of rows of one fixed width in pages, with a heap for their strings. Pages hold no
// pointers and may be moved or written to disk as they are. Row ids count from 0; row 0 is reserved
// for the all-NULL row of outer joins where a join owns the pages.
//
// A row is laid out by its owner: the values at byte offsets, and a null bitmap (1 = NULL) of
// NullBytes bytes at offset NullOff. Strings are StrViews whose Block counts Heap.
type RowPages struct {
	Stride    int // bytes a row, a multiple of 8
	NullOff   int
	PageShift uint // rows a page = 1<<PageShift
	Pages     [][]byte
	Heap      [][]byte
	N         int // rows
}

// Row returns the address of row id.
func (p *RowPages) Row(id uint32) unsafe.Pointer {
	page := p.Pages[id>>p.PageShift]
	return unsafe.Pointer(&page[int(id&(1<<p.PageShift-1))*p.Stride])
}

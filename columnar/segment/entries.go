package segment

import "unsafe"

// entries are those of a vector that a page without NULLs goes to directly.
type entries struct {
	data   unsafe.Pointer // nil: none
	rows   int
	width  uint8
	base   int64
	placed bool // the page is there
	// What the codes of a page stand for: integers, or codes of the segment's dictionary.
	ints  []int64
	codes []uint32
}

// of returns entries of a width.
func of[T uint8 | uint16 | uint32 | uint64](e *entries) []T {
	return unsafe.Slice((*T)(e.data), e.rows)
}

// expect has column i in zone z decoded into the vector, if one page without NULLs has it in a way that allows that.
func (s *Segment) expect(x *vector, p *pages, i, z int, pgs []page) {
	c, l := &s.cols[i], &s.layouts[i]
	zn, pg := &c.zones[z], &pgs[0]
	if len(pgs) != 1 || pg.nulls != 0 || pg.rows != zn.rows || zn.flags&zoneExcept != 0 {
		return
	}
	e := entries{rows: int(zn.rows), width: c.width, base: c.base}
	switch {
	case pg.enc == encDelta && l.ints():
	case pg.enc == encRLEDict || pg.enc == encPlainDict:
		d, err := s.dictionaryOf(i)
		ch := &c.chunks[s.groupOf(z)]
		if err != nil || d == nil || ch.ordinal >= len(d.maps) {
			return // fill says so
		}
		if l.ints() {
			e.ints = d.chunkInts[ch.ordinal]
		} else {
			e.codes, e.width, e.base = d.maps[ch.ordinal], d.width(), 0
		}
	default:
		return
	}
	e.data = x.unset(e.rows, int(e.width))
	p.into = e
}

// placeDeltasIn decodes into entries that are no wider than the integers.
func placeDeltasIn[I int32 | int64](d *deltas[I], e *entries) error {
	switch base := I(e.base); e.width {
	case 1:
		return placeDeltas(d, of[uint8](e), base)
	case 2:
		return placeDeltas(d, of[uint16](e), base)
	case 4:
		return placeDeltas(d, of[uint32](e), base)
	default:
		return placeDeltas(d, of[uint64](e), base)
	}
}

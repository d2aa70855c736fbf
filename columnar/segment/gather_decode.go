package segment

import (
	"fmt"

	"github.com/laminadb/lamina/vec"
)

// few returns column i of the zone: all rows as Column does, or, picked, only those that are to be read. A column of
// integers that the cache has not, and will not keep, is not made a vector of all rows.
func (sc *Scan) few(i int) (v *vec.Vector, picked bool, err error) {
	c, col := &sc.cols[i], sc.spec.Cols[i]
	switch {
	case c.held != nil:
		return &c.held.v, false, nil
	case c.done:
		return &c.out.v, false, nil
	}
	sl := sc.slotOf(col)
	if v := sc.cached(c, sl); v != nil {
		return v, false, nil
	}
	keep := sc.keeps(sl, sc.rows*int(max(sc.s.cols[col].width, 1)))
	if !keep && sc.pickable(col) {
		return &c.out.v, true, sc.pick(c, col)
	}
	if err := sc.make(c, col); err != nil {
		return nil, false, err
	}
	if keep {
		sc.s.cache.keepVector(sl, &sc.parts, &c.out.v)
	}
	return &c.out.v, false, nil
}

// pickable reports whether the rows to be read of a column can be taken out of its page as they are decoded: integers on
// one page, none of which is NULL.
func (sc *Scan) pickable(col int) bool {
	s := sc.s
	zn := &s.cols[col].zones[sc.zone]
	g := s.groupOf(sc.zone)
	return s.layouts[col].ints() && zn.nulls == 0 && zn.flags&zoneExcept == 0 &&
		len(s.cols[col].chunks[g].of(sc.zone-s.groups[g].zone)) == 1
}

// pick makes the vector of the rows of the zone that are to be read.
func (sc *Scan) pick(c *scanColumn, col int) error {
	sel := sc.Sel()
	if sel == nil {
		return sc.make(c, col)
	}
	c.want = sel
	err := sc.decode(c, col)
	c.want, c.read = nil, false // the page would have to be decoded again for the other rows
	if err != nil {
		return err
	}
	return sc.located(sc.s.fillPicked(&c.out, &c.pages, col, sc.zone, sel), col)
}

// fillPicked is fill for the rows sel of integers without NULLs.
func (s *Segment) fillPicked(x *vector, p *pages, i, z int, sel []uint16) error {
	zn, l := &s.cols[i].zones[z], &s.layouts[i]
	if p.rows != int(zn.rows) || p.nulls > 0 {
		return fmt.Errorf("%d rows and %d NULLs where the zone has %d rows", p.rows, p.nulls, zn.rows)
	}
	if !p.picked {
		for k, r := range sel {
			if p.coded {
				p.codes[k] = p.codes[r]
			} else {
				p.ints[k] = p.ints[r]
			}
		}
	}
	if p.rows = len(sel); p.coded {
		p.codes = p.codes[:len(sel)]
	} else {
		p.ints = p.ints[:len(sel)]
	}
	x.fact = zn.fact(l)
	x.v = vec.Vector{Type: l.typ, N: len(sel), NullBit: -1, Fact: &x.fact}
	if p.coded {
		return s.fillCodes(x, p, i, z)
	}
	x.v.Base, x.v.Width, x.v.Scale = s.cols[i].base, s.cols[i].width, int16(l.scale)
	x.fillInts(p, p.ints)
	return nil
}

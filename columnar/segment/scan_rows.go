package segment

import (
	"math/bits"
	"slices"

	"github.com/laminadb/lamina/vec"
)

// choose sets n, and words unless all rows of the zone are to be read.
func (sc *Scan) choose() {
	sc.n = sc.rows
	var chosen, live []uint64
	listed := false
	if sel := sc.spec.Selection; sel != nil {
		if listed = sel.list != nil; !listed && sel.words != nil {
			chosen = sc.s.wordsOf(sel.words, sc.zone)
		}
	}
	if sc.spec.Live != nil {
		live = sc.s.wordsOf(sc.spec.Live, sc.zone)
	}
	switch {
	case listed:
		if sc.takeListed(live); sc.it == nil {
			return
		}
		chosen, sc.made = sc.marked(), false
	case chosen == nil && live == nil && sc.it == nil:
		return
	case chosen == nil && sc.it == nil && sc.spec.Holes && sc.spec.Dead != nil && sc.takeDead():
		return
	}
	words := sc.words[:vec.BitmapWords(sc.rows)]
	for i := range words {
		words[i] = ^uint64(0)
	}
	if r := sc.rows & 63; r != 0 {
		words[len(words)-1] = 1<<r - 1
	}
	and(words, chosen)
	and(words, live)
	if sc.it != nil {
		sc.andListed(words)
	}
	sc.n = 0
	for _, w := range words {
		sc.n += bits.OnesCount64(w)
	}
}

// takeListed makes sel of the Selection's list.
func (sc *Scan) takeListed(live []uint64) {
	list, from := sc.spec.Selection.list, sc.s.zoneStart(sc.zone)
	if sc.list == 0 { // the selection may be a part of one
		sc.list, _ = slices.BinarySearch(list, uint32(from))
	}
	for sc.list < len(list) && int(list[sc.list]) < from {
		sc.list++
	}
	sc.sel, sc.made = sc.sel[:0], true
	for ; sc.list < len(list) && int(list[sc.list]) < from+sc.rows; sc.list++ {
		p := int(list[sc.list]) - from
		if live == nil || live[p>>6]>>(p&63)&1 != 0 {
			sc.sel = append(sc.sel, uint16(p))
		}
	}
	sc.n = len(sc.sel)
}

// marked returns sel as words.
func (sc *Scan) marked() []uint64 {
	words := make([]uint64, vec.BitmapWords(sc.rows))
	for _, p := range sc.sel {
		words[p>>6] |= 1 << (p & 63)
	}
	return words
}

// takeDead makes sel of the entries in Dead; false if they are many.
func (sc *Scan) takeDead() bool {
	list, from := sc.spec.Dead, sc.s.zoneStart(sc.zone)
	for sc.dead < len(list) && int(list[sc.dead]) < from {
		sc.dead++
	}
	sc.sel = sc.sel[:0]
	for _, p := range list[sc.dead:] {
		if int(p) >= from+sc.rows {
			break
		}
		sc.sel = append(sc.sel, uint16(int(p)-from))
	}
	sc.dead += len(sc.sel)
	sc.n = sc.rows - len(sc.sel)
	sc.holed = len(sc.sel)*holesPart <= sc.rows
	return sc.holed
}

// setAround sets words but for the entries in holes.
func (sc *Scan) setAround(holes []uint16) {
	for i := range sc.words {
		sc.words[i] = ^uint64(0)
	}
	for _, h := range holes {
		sc.words[h>>6] &^= 1 << (h & 63)
	}
}

func and(words, more []uint64) {
	for i, w := range more[:min(len(more), len(words))] {
		words[i] &= w
	}
}

// andListed keeps the bits of the positions in Rows.
func (sc *Scan) andListed(words []uint64) {
	var listed [vec.Size / 64]uint64
	from := sc.s.zoneStart(sc.zone)
	sc.it.AdvanceIfNeeded(uint32(from))
	for sc.it.HasNext() && int(sc.it.PeekNext()) < from+sc.rows {
		p := int(sc.it.Next()) - from
		listed[p>>6] |= 1 << (p & 63)
	}
	and(words, listed[:])
}

// Sel returns the entries of the zone that are to be read; nil: all.
func (sc *Scan) Sel() []uint16 {
	if sc.n == sc.rows {
		return nil
	}
	if !sc.made {
		if sc.holed { // words may not be set, and somebody may have the holes
			sc.setAround(sc.sel)
			sc.sel, sc.holed = nil, false
		}
		sc.sel = vec.AppendSel(sc.sel[:0], sc.words[:], sc.rows)
		sc.made = true
	}
	return sc.sel
}

// holesPart is how many rows of a zone there are to one that is not to be read, at least, for holes.
const holesPart = 8

// holes returns the entries of the zone that are not to be read, if the caller may be told these and they are few.
func (sc *Scan) holes() []uint16 {
	out := sc.rows - sc.n
	if sc.holed {
		return sc.sel
	}
	if !sc.spec.Holes || out == 0 || out*holesPart > sc.rows || sc.made {
		return nil
	}
	sc.sel, sc.holed = sc.sel[:0], true
	for i, w := range sc.words[:vec.BitmapWords(sc.rows)] {
		w = ^w
		if left := sc.rows - i<<6; left < 64 {
			w &= 1<<left - 1
		}
		for ; w != 0; w &= w - 1 {
			sc.sel = append(sc.sel, uint16(i<<6+bits.TrailingZeros64(w)))
		}
	}
	return sc.sel
}

package segment

import (
	"math/bits"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/laminadb/lamina/table"
)

// Selection is which rows of a segment may meet some conjuncts. It belongs to who asked for it.
type Selection struct {
	// Zones are the numbers of the zones that have such rows, ascending.
	Zones []int32
	// Rows are the positions in these zones, bit p&63 of word p>>6 for position p; nil: all. Bits may be cleared, not set.
	Rows []uint64
	// list are the positions that Rows has at first, ascending, if they are few.
	list []uint32
	// Count is the number of rows that are selected.
	Count int
	// Accepted says for each conjunct what is true of the selected rows: Exact, all meet it; Inexact, some that do not
	// were left out, or would have been if there were any; None, nothing.
	Accepted []table.Pushdown
	// ZonesSkipped, Bitmaps, BloomChecks and BloomRejects count the zones that were left out, the bitmaps that were
	// read, the bloom filters that were asked, and those that said that there is no such key.
	ZonesSkipped, Bitmaps, BloomChecks, BloomRejects int
}

// Select returns which rows may meet all conjuncts, whose columns are those of the segment. It asks, from cheap to
// dear, zone maps, the index of a key all of whose columns are compared for equality, and bitmaps of columns.
func (s *Segment) Select(where []table.Conjunct) (*Selection, error) {
	sel := &Selection{Accepted: make([]table.Pushdown, len(where))}
	sel.Zones = make([]int32, s.NumZones())
	for z := range sel.Zones {
		sel.Zones[z] = int32(z)
	}
	q := selecting{s: s, sel: sel}
	for i := range where {
		q.zoneMaps(i, &where[i])
	}
	err := q.keys(where)
	for i := 0; i < len(where) && err == nil && len(sel.Zones) > 0; i++ {
		err = q.bitmaps(i, &where[i])
	}
	if err != nil {
		return nil, err
	}
	q.finish()
	return sel, nil
}

// Narrow leaves out of a selection zones in which no row meets one more conjunct, by zone maps alone, and says how far
// it goes.
func (s *Segment) Narrow(sel *Selection, c *table.Conjunct) table.Pushdown {
	q := selecting{s: s, sel: sel}
	sel.Accepted = append(sel.Accepted, table.None)
	q.zoneMaps(len(sel.Accepted)-1, c)
	took := sel.Accepted[len(sel.Accepted)-1]
	sel.Accepted = sel.Accepted[:len(sel.Accepted)-1]
	q.count()
	return took
}

// selecting is a Selection being made.
type selecting struct {
	s    *Segment
	sel  *Selection
	rows *roaring.Bitmap // nil: all
	own  bool            // rows may be changed
}

// zoneMaps drops zones that conjunct i excludes.
func (q *selecting) zoneMaps(i int, c *table.Conjunct) {
	p := q.s.Predicate(c)
	if p.test == testNothing {
		return
	}
	zones, kept, exact := q.s.cols[p.col].zones, q.sel.Zones[:0], true
	for _, z := range q.sel.Zones {
		switch p.zone(&zones[z]) {
		case someRows:
			exact = false
			kept = append(kept, z)
		case everyRow:
			kept = append(kept, z)
		}
	}
	q.sel.Zones = kept
	q.sel.Accepted[i] = table.Inexact
	if exact {
		q.sel.Accepted[i] = table.Exact
	}
}

// and keeps only the positions that b has, too.
func (q *selecting) and(b *roaring.Bitmap, own bool) {
	switch {
	case q.rows == nil:
		q.rows, q.own = b, own
	case q.own:
		q.rows.And(b)
	default:
		q.rows, q.own = roaring.And(q.rows, b), true
	}
}

// Part returns a selection of the zones sel.Zones[from:to] alone, which is not yet counted.
func (sel *Selection) Part(from, to int) *Selection {
	return &Selection{Zones: append([]int32(nil), sel.Zones[from:to]...), Rows: sel.Rows, list: sel.list}
}

// SkippedPages returns the number of pages of some columns in the zones that a selection leaves out.
func (s *Segment) SkippedPages(sel *Selection, cols []int) (n int) {
	if len(sel.Zones) == s.NumZones() {
		return 0
	}
	for _, col := range cols {
		for g := range s.groups {
			n += len(s.cols[col].chunks[g].pages)
		}
		for _, z := range sel.Zones {
			n -= s.pagesOf(col, int(z))
		}
	}
	return n
}

// pagesOf returns the number of pages of a column in a zone.
func (s *Segment) pagesOf(col, z int) int {
	g := s.groupOf(z)
	return len(s.cols[col].chunks[g].of(z - s.groups[g].zone))
}

// sparse is how many rows there are for one that is selected, at least, for a list of them.
const sparse = 64

// finish makes the words of the positions and leaves out zones without one.
func (q *selecting) finish() {
	sel, s := q.sel, q.s
	switch {
	case q.rows == nil:
	case q.rows.IsEmpty():
		sel.Zones = sel.Zones[:0]
	default:
		sel.Rows = make([]uint64, (s.rows+63)>>6)
		q.rows.WriteDenseTo(sel.Rows)
		if int(q.rows.GetCardinality())*sparse <= s.rows {
			sel.list = q.rows.ToArray()
			q.listedZones()
		} else {
			q.markedZones()
		}
	}
	if len(sel.Zones) == 0 { // of no rows anything is true
		for i := range sel.Accepted {
			sel.Accepted[i] = table.Exact
		}
	}
	q.count()
	m := &s.metrics
	m.zonesSkipped.Add(int64(sel.ZonesSkipped))
	m.bitmaps.Add(int64(sel.Bitmaps))
}

// markedZones drops zones without a position in Rows.
func (q *selecting) markedZones() {
	kept := q.sel.Zones[:0]
	for _, z := range q.sel.Zones {
		if anySet(q.s.wordsOf(q.sel.Rows, int(z))) {
			kept = append(kept, z)
		}
	}
	q.sel.Zones = kept
}

// listedZones drops zones without a position in list, and positions in zones that were dropped before.
func (q *selecting) listedZones() {
	list, zones := q.sel.list[:0], q.sel.Zones[:0]
	k := 0
	for _, p := range q.sel.list {
		z := int32(int(p) / q.s.zoneRows)
		for k < len(q.sel.Zones) && q.sel.Zones[k] < z {
			k++
		}
		if k == len(q.sel.Zones) || q.sel.Zones[k] != z {
			continue
		}
		list = append(list, p)
		if n := len(zones); n == 0 || zones[n-1] != z {
			zones = append(zones, z)
		}
	}
	q.sel.list, q.sel.Zones = list, zones
}

func (q *selecting) count() {
	sel, s := q.sel, q.s
	sel.ZonesSkipped, sel.Count = s.NumZones()-len(sel.Zones), 0
	if q.rows != nil && sel.list != nil { // listedZones has left those of the zones
		sel.Count = len(sel.list)
		return
	}
	for _, z := range sel.Zones {
		if sel.Rows == nil {
			sel.Count += min(s.zoneRows, s.rows-s.zoneStart(int(z)))
			continue
		}
		for _, w := range s.wordsOf(sel.Rows, int(z)) {
			sel.Count += bits.OnesCount64(w)
		}
	}
}

// wordsOf returns the words of a zone among those of the segment: zones are whole words.
func (s *Segment) wordsOf(words []uint64, z int) []uint64 {
	from := s.zoneStart(z) >> 6
	return words[from:min(from+s.zoneRows>>6, len(words))]
}

func anySet(words []uint64) bool {
	for _, w := range words {
		if w != 0 {
			return true
		}
	}
	return false
}

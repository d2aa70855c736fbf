package segment

import (
	"math/bits"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/laminadb/lamina/table"
)

// Selection is which rows of a segment may meet some conjuncts. It belongs to who asked for it.
type Selection struct {
	// Zones are the numbers of the zones that have such rows, ascending.
	Zones []int32
	// words are the positions in these zones, bit p&63 of word p>>6 for position p; list are the positions, ascending, if
	// they are few. Both are nil: all are selected.
	words []uint64
	list  []uint32
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
// dear, zone maps, the index of a key all of whose columns are compared for equality, and bitmaps of columns, but for what
// is to be avoided.
func (s *Segment) Select(where []table.Conjunct, avoid table.Avoid) (*Selection, error) {
	sel := &Selection{Accepted: make([]table.Pushdown, len(where))}
	sel.Zones = make([]int32, s.NumZones())
	for z := range sel.Zones {
		sel.Zones[z] = int32(z)
	}
	q := selecting{s: s, sel: sel}
	for i := range where {
		if !avoid.Bounds {
			q.zoneMaps(i, &where[i])
		}
	}
	if !avoid.Indexes {
		if err := q.indexes(where); err != nil {
			return nil, err
		}
	}
	q.finish()
	return sel, nil
}

// indexes keeps the rows that a key or bitmaps of columns tell.
func (q *selecting) indexes(where []table.Conjunct) error {
	err := q.keys(where)
	for i := 0; i < len(where) && err == nil && len(q.sel.Zones) > 0; i++ {
		err = q.bitmaps(i, &where[i])
	}
	return err
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
	return &Selection{Zones: append([]int32(nil), sel.Zones[from:to]...), words: sel.words, list: sel.list}
}

// Has reports whether a position is selected; its zone must be.
func (sel *Selection) Has(pos int) bool {
	if sel.list != nil {
		_, found := slices.BinarySearch(sel.list, uint32(pos))
		return found
	}
	return sel.words == nil || sel.words[pos>>6]>>(pos&63)&1 != 0
}

// SkippedPages returns the number of pages of some columns in the zones that a selection leaves out.
func (s *Segment) SkippedPages(sel *Selection, cols []int) (n int) {
	if len(sel.Zones) == s.NumZones() {
		return 0
	}
	zones := sel.Zones
	for g := range s.groups {
		k, end := 0, int32(s.groups[g].zone+s.groups[g].zones)
		for k < len(zones) && zones[k] < end {
			k++
		}
		for _, col := range cols {
			ch := &s.cols[col].chunks[g]
			n += len(ch.pages)
			if ch.first == nil { // a page is a zone
				n -= k
				continue
			}
			for _, z := range zones[:k] {
				n -= len(ch.of(int(z) - s.groups[g].zone))
			}
		}
		zones = zones[k:]
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

// finish makes the list or the words of the positions and leaves out zones without one.
func (q *selecting) finish() {
	sel, s := q.sel, q.s
	switch {
	case q.rows == nil:
	case q.rows.IsEmpty():
		sel.Zones = sel.Zones[:0]
	case int(q.rows.GetCardinality())*sparse <= s.rows:
		sel.list = q.rows.ToArray()
		q.listedZones()
	default:
		sel.words = make([]uint64, (s.rows+63)>>6)
		q.rows.WriteDenseTo(sel.words)
		q.markedZones()
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

// markedZones drops zones without a position in words.
func (q *selecting) markedZones() {
	kept := q.sel.Zones[:0]
	for _, z := range q.sel.Zones {
		if anySet(q.s.wordsOf(q.sel.words, int(z))) {
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
		from := s.zoneStart(int(z))
		to := min(from+s.zoneRows, s.rows)
		switch {
		case sel.list != nil:
			sel.Count += len(between(sel.list, from, to))
		case sel.words == nil:
			sel.Count += to - from
		default:
			for _, w := range s.wordsOf(sel.words, int(z)) {
				sel.Count += bits.OnesCount64(w)
			}
		}
	}
}

// between returns the part of an ascending list that is in [from, to).
func between(list []uint32, from, to int) []uint32 {
	i, _ := slices.BinarySearch(list, uint32(from))
	list = list[i:]
	n := 0
	for n < len(list) && int(list[n]) < to {
		n++
	}
	return list[:n]
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

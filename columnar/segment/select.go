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
	// Rows are the positions in these zones, bit p&63 of word p>>6 for position p; nil: all.
	Rows []uint64
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

// finish makes the words of the positions and leaves out zones without one.
func (q *selecting) finish() {
	if q.rows != nil {
		words := make([]uint64, (q.s.rows+63)>>6)
		q.rows.WriteDenseTo(words)
		q.sel.Rows = words
		kept := q.sel.Zones[:0]
		for _, z := range q.sel.Zones {
			if anySet(q.s.wordsOf(words, int(z))) {
				kept = append(kept, z)
			}
		}
		q.sel.Zones = kept
	}
	if len(q.sel.Zones) == 0 { // of no rows anything is true
		for i := range q.sel.Accepted {
			q.sel.Accepted[i] = table.Exact
		}
	}
	q.count()
	m := &q.s.metrics
	m.zonesSkipped.Add(int64(q.sel.ZonesSkipped))
	m.bitmaps.Add(int64(q.sel.Bitmaps))
}

func (q *selecting) count() {
	sel, s := q.sel, q.s
	sel.ZonesSkipped, sel.Count = s.NumZones()-len(sel.Zones), 0
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

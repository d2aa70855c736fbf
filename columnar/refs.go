package columnar

import (
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// A reference is a row number of a memtable, or has segmentBit, a segment's number and a position in it.
const (
	segmentBit  table.RowRef = 1 << 62
	segmentsMax              = 1 << 30
)

func segmentRef(num, pos uint32) table.RowRef {
	return segmentBit | table.RowRef(num)<<32 | table.RowRef(pos)
}

// split returns the segment's number and the position of a reference into a segment.
func split(ref table.RowRef) (num, pos uint32) { return uint32(ref>>32) &^ (1 << 30), uint32(ref) }

// relocation says where the rows of a memtable or segment went. The places are by row, counted from its first; 0: the
// row had ended.
type relocation struct {
	move uint64
	to   []table.RowRef
}

// moved is what memtables and segments have in common: their rows may have moved.
type moved struct{ p atomic.Pointer[relocation] }

// stays reports whether no row has moved.
func (m *moved) stays() bool {
	return m.p.Load() == nil || invariants.Mutant("columnar-lives-where-it-was")
}

// at returns the place of a row after a number of moves; false if it has not moved by then.
func (m *moved) at(i uint64, moves uint64) (table.RowRef, bool) {
	r := m.p.Load()
	if r == nil || r.move > moves || i >= uint64(len(r.to)) || r.to[i] == 0 {
		return 0, false
	}
	return r.to[i], true
}

// Moves returns how often rows of the table have moved.
func (inc *incarnation) Moves() uint64 { return inc.moves.Load() }

// Moved returns what a reference from before some of the moves is after them.
func (inc *incarnation) Moved(ref table.RowRef, moves uint64) table.RowRef {
	for from := ref; ; {
		var to table.RowRef
		ok := false
		if ref&segmentBit != 0 {
			num, pos := split(ref)
			if s := inc.segment(num); s != nil {
				to, ok = s.moved.at(uint64(pos), moves)
			}
		} else if m := inc.memtableOf(uint64(ref)); m != nil {
			first, _ := m.Rows()
			to, ok = m.moved.at(uint64(ref)-first, moves)
		}
		if !ok {
			if ref != from {
				inc.t.counts.followed.Add(1)
			}
			return ref
		}
		ref = to
	}
}

// segment finds a segment by its number, also one that only old Views have.
func (inc *incarnation) segment(num uint32) *seg {
	if s := numbered(inc.cur.Load().segs, num); s != nil {
		return s
	}
	return numbered(inc.old.Load().segs, num)
}

// numbered returns the segment of a list with a number, or nil.
func numbered(segs []*seg, num uint32) *seg {
	for _, s := range segs {
		if s.num == num {
			return s
		}
	}
	return nil
}

// memtableOf finds the memtable that has a row number, also one that only old Views have. The first one has all rows from
// its first on: its indexes have those of a record that is being applied before it counts them.
func (inc *incarnation) memtableOf(row uint64) *memtable {
	if mems := inc.cur.Load().mems; len(mems) > 0 {
		if first, _ := mems[0].Rows(); row >= first && !invariants.Mutant("columnar-unapplied-gone") {
			return mems[0]
		}
	}
	for _, list := range [2][]*memtable{inc.cur.Load().mems, inc.old.Load().mems} {
		for _, m := range list {
			if m.has(row) {
				return m
			}
		}
	}
	return nil
}

func (inc *incarnation) errGone(ref table.RowRef) error {
	return sqlerr.Newf(sqlerr.InternalError, "table %s: row %#x is gone", inc.def.Load().Name, uint64(ref))
}

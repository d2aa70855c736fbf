package columnar

import (
	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/rowstore"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// appendKey encodes the values of a key.
func appendKey(dst []byte, values types.Row) []byte {
	for i, d := range values {
		dst = index.AppendDatum(dst, d, i == len(values)-1)
	}
	return dst
}

// version is a row version wherever it is.
type version struct {
	ref        table.RowRef
	begin, end table.LSN // end is table.MaxLSN if it has not ended
}

func inMemtable(v rowstore.Version) version {
	return version{table.RowRef(v.Row), v.Begin, v.End}
}

// newest finds the newest version with a value of key k (-1: the primary or hidden one) that the parts have. Of an
// update, the new version is there before the old one ends: if what is found has ended, or nothing is found, the
// memtables are asked again, until nothing has changed.
func (inc *incarnation) newest(k int, key []byte) (v version, found bool, err error) {
	return inc.newestGiven(k, key, nil)
}

// newestGiven is newest for a value of which it may be known that no segment of some parts has it; nil: nothing is known.
func (inc *incarnation) newestGiven(k int, key []byte, a *absence) (v version, found bool, err error) {
	for {
		p := inc.cur.Load()
		v, found = p.newestInMemory(k, key)
		if len(p.mems) == 1 && len(p.segs) == 0 && inc.cur.Load() == p {
			return v, found, nil // the memtable has asked itself again
		}
		memory, inMemory := v, found
		if !found && !a.covers(p) {
			if v, found, err = p.newestInSegments(inc.keyIndex(k), key); err != nil {
				return v, false, err
			}
		}
		if found && v.end == table.MaxLSN {
			return v, found, nil
		}
		again, still := p.newestInMemory(k, key)
		if still && again.end == table.MaxLSN {
			return again, true, nil
		}
		if still == inMemory && again.ref == memory.ref && inc.cur.Load() == p {
			return v, found, nil
		}
	}
}

// newestInMemory finds the newest version in memtables: younger memtables have younger versions.
func (p *parts) newestInMemory(k int, key []byte) (v version, found bool) {
	for _, m := range p.mems {
		if x, ok := m.Newest(k, key); ok {
			return inMemtable(x), true
		}
	}
	return v, false
}

// newestInSegments finds the version in segments that lives, or that ended last.
func (p *parts) newestInSegments(k int, key []byte) (v version, found bool, err error) {
	var buf [4]uint32
	for i := len(p.segs) - 1; i >= 0; i-- {
		s := p.segs[i]
		list, err := s.file.Lookup(buf[:0], k, key)
		if err != nil {
			return v, false, err
		}
		for _, pos := range list {
			end, deleted := s.dv.DeletedAt(pos)
			x := version{segmentRef(s.num, pos), s.written(pos), table.LSN(end)}
			if !deleted {
				x.end = table.MaxLSN
				return x, true, nil
			}
			if !found || x.end > v.end {
				v, found = x, true
			}
		}
	}
	return v, found, nil
}

// keyIndex returns the number that a key has in segments: 0 is the primary or hidden one.
func (inc *incarnation) keyIndex(k int) int {
	if k < 0 {
		return 0
	}
	n := 0
	for i, d := range inc.def.Load().Keys[:k+1] {
		if d.Primary {
			continue
		}
		if n++; i == k {
			return n
		}
	}
	return 0
}

// Newest finds the newest version of a row and the LSN of its last writer.
func (s *tableSnapshot) Newest(key []byte) (ref table.RowRef, last table.LSN, live, found bool) {
	v, found, err := s.inc.newest(-1, key)
	if err != nil {
		s.failed(err)
		return 0, 0, false, false
	}
	if !found {
		v, found = s.inc.oldest(key)
	}
	switch {
	case !found:
		return 0, 0, false, false
	case v.end != table.MaxLSN:
		return v.ref, v.end, false, true
	}
	return v.ref, v.begin, true, true
}

// oldest finds a version that has ended in what only old Views read.
func (inc *incarnation) oldest(key []byte) (v version, found bool) {
	o, done := inc.readOld()
	defer done()
	for i := len(o.mems) - 1; i >= 0; i-- {
		if x, ok := o.mems[i].Newest(-1, key); ok && x.End != table.MaxLSN {
			return inMemtable(x), true
		}
	}
	v, found, err := o.newestInSegments(0, key)
	if err != nil || v.end == table.MaxLSN {
		return version{}, false
	}
	return v, found
}

// Lives reports whether a version has not ended. Where it was is asked first, and then whether it has moved: the end of one
// that has moved is told to its new place only.
func (s *tableSnapshot) Lives(ref table.RowRef) bool {
	if ref&segmentBit == 0 {
		m := s.inc.memtableOf(uint64(ref))
		if m == nil {
			return false
		}
		v, ok := m.Of(uint64(ref))
		return ok && v.End == table.MaxLSN && m.stays()
	}
	num, pos := split(ref)
	x := s.inc.segment(num)
	if x == nil {
		return false
	}
	_, deleted := x.dv.DeletedAt(pos)
	return !deleted && x.stays()
}

// Written returns the LSN that wrote a version: for one in a segment that every View sees, one at which it lived.
func (s *tableSnapshot) Written(ref table.RowRef) table.LSN {
	if ref&segmentBit == 0 {
		if m := s.inc.memtableOf(uint64(ref)); m != nil {
			v, _ := m.Of(uint64(ref))
			return v.Begin
		}
		return 0
	}
	num, pos := split(ref)
	if x := s.inc.segment(num); x != nil {
		return x.written(pos)
	}
	return 0
}

// written returns when a row began, if there may be a View that does not see it, or when it lived.
func (s *seg) written(pos uint32) table.LSN {
	if p := s.since.Load(); p != nil {
		return (*p)[pos]
	}
	return s.cut
}

// Unbroken reports whether the row whose newest version is ref has had its key since an LSN.
func (s *tableSnapshot) Unbroken(ref table.RowRef, since table.LSN) bool {
	key := s.AppendKey(nil, ref)
	begin := s.Written(ref)
	for begin > since {
		v, ok := s.inc.prior(key, begin)
		if !ok {
			return false
		}
		begin = v.begin // of one in a segment that the View at since has: where it lived, which is before
	}
	return true
}

// prior finds the version of a key that ended, or is about to end, where another began.
func (inc *incarnation) prior(key []byte, begin table.LSN) (version, bool) {
	cur := inc.cur.Load() // before the old ones: what leaves these is there
	old, done := inc.readOld()
	defer done()
	var last rowstore.Version // that began before
	found := false
	for _, p := range [2]*parts{cur, old} {
		for _, m := range p.mems {
			v, ok := m.Newest(-1, key)
			for ok && v.Begin >= begin {
				v, ok = m.Before(v.Row)
			}
			if ok && (!found || v.Begin > last.Begin) {
				last, found = v, true
			}
		}
	}
	if found {
		end := inc.endOf(last)
		return inMemtable(last), end == begin || end == table.MaxLSN
	}
	var buf [4]uint32
	for _, p := range [2]*parts{cur, old} {
		for _, s := range p.segs {
			list, err := s.file.Lookup(buf[:0], 0, key)
			if err != nil {
				inc.t.o.Failed(err, true)
				return version{}, false
			}
			for _, pos := range list {
				if end, deleted := s.dv.DeletedAt(pos); s.cut < begin && (!deleted || table.LSN(end) == begin) {
					return version{segmentRef(s.num, pos), s.written(pos), begin}, true
				}
			}
		}
	}
	return version{}, false
}

// endOf returns where a version in a memtable has ended. If it has moved, the memtable was not told.
func (inc *incarnation) endOf(v rowstore.Version) table.LSN {
	if v.End != table.MaxLSN {
		return v.End
	}
	ref := inc.Moved(table.RowRef(v.Row), inc.moves.Load())
	if ref&segmentBit == 0 {
		return v.End
	}
	num, pos := split(ref)
	if s := inc.segment(num); s != nil {
		if end, deleted := s.dv.DeletedAt(pos); deleted {
			return table.LSN(end)
		}
	}
	return table.MaxLSN
}

// NewestUnique finds the newest live row with a key value.
func (s *tableSnapshot) NewestUnique(k int, key []byte) (table.RowRef, bool) {
	v, found, err := s.inc.newest(s.keyNumber(k), key)
	if err != nil {
		s.failed(err)
		return 0, false
	}
	return v.ref, found && v.end == table.MaxLSN
}

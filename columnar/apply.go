package columnar

import (
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// apply applies one entry. New versions are in the indexes before those that they replace have ended: who looks for the
// newest row with a key finds a live one at any moment.
func (inc *incarnation) apply(lsn table.LSN, e *table.Entry) error {
	m := inc.active(lsn)
	applied := int64(0)
	if e.Rows != nil && e.Rows.N > 0 {
		applied = batchBytes(e.Rows)
		if err := m.Insert(lsn, e.Rows); err != nil {
			return err
		}
	}
	for i := range e.Keys.Len() {
		applied += int64(len(e.Keys.At(i)))
		var ref table.RowRef
		if i < len(e.Refs) {
			ref = e.Refs[i]
		}
		if err := inc.end(lsn, e.Keys.At(i), ref); err != nil {
			return err
		}
	}
	inc.t.counts.applied.Add(applied)
	if !m.full && inc.full(m) {
		m.full = true
		inc.t.full = append(inc.t.full, inc)
	}
	return nil
}

// active returns the memtable that takes the rows of a record. One that is full is sealed before the first of them.
func (inc *incarnation) active(lsn table.LSN) *memtable {
	p := inc.cur.Load()
	m := p.mems[0]
	if m.last == lsn || !m.full || !inc.t.jobs.running() {
		m.last = lsn
		return m
	}
	next := inc.seal(lsn - 1)
	next.last = lsn
	return next
}

// sealFull seals the memtables that are full, after the record with an LSN: their rows need not wait for more to come.
func (t *Tier) sealFull(lsn table.LSN) {
	if len(t.full) == 0 || !t.jobs.running() {
		return
	}
	for _, inc := range t.full {
		if !inc.replaced() && inc.cur.Load().mems[0].full {
			inc.seal(lsn)
		}
	}
	clear(t.full)
	t.full = t.full[:0]
}

// full reports whether a memtable is to be sealed: it has many rows, or much memory and not too few rows for a segment.
func (inc *incarnation) full(m *memtable) bool {
	rows := m.Live()
	if rows >= int64(inc.t.o.DeltaRows) {
		return true
	}
	bytes, _ := m.Bytes()
	return bytes >= inc.t.o.DeltaBytes && (rows*smallPart >= int64(inc.t.o.DeltaRows) || bytes >= smallPart*inc.t.o.DeltaBytes)
}

// smallPart: a memtable with a smaller part of DeltaRows is not flushed because of its size, unless that is so many times
// DeltaBytes.
const smallPart = 16

// seal ends the newest memtable after a record, and begins another.
func (inc *incarnation) seal(lsn table.LSN) *memtable {
	p := inc.cur.Load()
	m := p.mems[0]
	m.sealed = lsn
	next := inc.newMem(m.EndChunk())
	n := &parts{moves: p.moves, mems: append([]*memtable{next}, p.mems...), segs: p.segs}
	inc.install(lsn, n)
	inc.t.jobs.poke()
	return next
}

// end ends the live version of a key. ref is where the session has seen it, or 0.
func (inc *incarnation) end(lsn table.LSN, key []byte, ref table.RowRef) error {
	p := inc.cur.Load()
	if ref != 0 {
		if ref = inc.Moved(ref, p.moves); ref&segmentBit == 0 && inc.endAt(p, lsn, key, uint64(ref)) {
			return nil
		}
	}
	for _, m := range p.mems {
		if ok, err := m.End(lsn, key); ok || err != nil {
			return err
		}
	}
	if !inc.t.opened {
		inc.pending = append(inc.pending, pendingDeletion{lsn: lsn, key: string(key)})
		return nil
	}
	if ref&segmentBit != 0 {
		num, pos := split(ref)
		if s := numbered(p.segs, num); s != nil {
			return inc.delete(s, lsn, pos)
		}
	}
	return inc.endByKey(lsn, key)
}

// endAt ends a row version of a memtable where the session has seen it; false if it is not there.
func (inc *incarnation) endAt(p *parts, lsn table.LSN, key []byte, row uint64) bool {
	for _, m := range p.mems {
		if m.EndAt(lsn, row, key) {
			return true
		}
	}
	return false
}

// endByKey ends a row in a segment by its key.
func (inc *incarnation) endByKey(lsn table.LSN, key []byte) error {
	p := inc.cur.Load()
	for i := len(p.segs) - 1; i >= 0; i-- {
		pos, found, err := p.segs[i].live(0, key, lsn)
		if err != nil {
			return err
		}
		if found {
			return inc.delete(p.segs[i], lsn, pos)
		}
	}
	return sqlerr.Newf(sqlerr.IndexCorrupted, "table %s: a row to end is not in its index", inc.def.Load().Name)
}

// delete puts a row of a segment into its deletion vector.
func (inc *incarnation) delete(s *seg, lsn table.LSN, pos uint32) error {
	inc.t.counts.deleted.Add(1)
	return s.dv.Delete(uint64(lsn), pos)
}

// live finds the row of a segment with a value of key k (0: the primary or hidden key) that was not deleted at an LSN.
func (s *seg) live(k int, key []byte, lsn table.LSN) (pos uint32, found bool, err error) {
	var buf [4]uint32
	list, err := s.file.Lookup(buf[:0], k, key)
	if err != nil {
		return 0, false, err
	}
	for _, pos := range list {
		if !s.dv.Contains(pos, uint64(lsn)) {
			return pos, true, nil
		}
	}
	return 0, false, nil
}

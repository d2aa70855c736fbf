package columnar

import (
	"cmp"
	"slices"

	"github.com/laminadb/lamina/columnar/deletion"
	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// pendingDeletion is a deletion of a row in a segment that replay has met.
type pendingDeletion struct {
	lsn table.LSN
	key string
}

// Replay repeats a flush or compaction that the log has after the last checkpoint. Those that its manifest has are
// passed over.
func (t *Tier) Replay(kind RecordKind, payload []byte) error {
	r, err := decodeMove(payload)
	if err != nil {
		return err
	}
	for i := range r.added {
		t.files.reserve(r.added[i].num)
	}
	st := (*t.tables.Load())[r.table]
	if st == nil || st.inc.born != r.born || r.moves <= st.inc.moves.Load() && !invariants.Mutant("columnar-replay-twice") {
		return nil
	}
	inc := st.inc
	if r.moves != inc.moves.Load()+1 {
		return sqlerr.Newf(sqlerr.DataCorrupted, "table %d: move %d of rows follows move %d", r.table, r.moves, inc.moves.Load())
	}
	if kind == FlushRecord {
		return inc.replayFlush(&r)
	}
	return inc.replayCompact(&r)
}

// newSegs returns the segments of a record, in which nothing is deleted.
func (r *moveRecord) newSegs() (list []*seg) {
	for i := range r.added {
		a := &r.added[i]
		list = append(list, &seg{num: a.num, level: a.level, cut: a.cut, info: a.info, dv: deletion.New(a.info.Rows, uint64(a.cut))})
	}
	return list
}

// replayFlush puts segments in the place of the rows that began at or below the LSN at which their memtable was sealed.
func (inc *incarnation) replayFlush(r *moveRecord) error {
	p := inc.cur.Load()
	i := slices.IndexFunc(p.mems, func(m *memtable) bool { return m.sealed == r.sealed })
	var m *memtable
	if i >= 0 {
		m = p.mems[i]
	} else { // replay seals no memtable
		m = p.mems[0]
		rest := inc.newMem(m.EndChunk())
		if err := m.MoveAfter(r.sealed, rest.Memtable); err != nil {
			return err
		}
		p = &parts{moves: p.moves, mems: append([]*memtable{rest}, p.mems...), segs: p.segs}
	}
	for _, d := range m.ended {
		if d.lsn > r.cut {
			inc.pending = append(inc.pending, d)
		}
	}
	m.Deletions(r.cut, func(row uint64, end table.LSN) {
		if v, ok := m.Of(row); ok && v.Begin <= r.sealed {
			inc.pending = append(inc.pending, pendingDeletion{end, string(m.AppendKey(nil, row))})
		}
	})
	inc.install(inc.t.space.Applied(), p.replace(m, nil, r.newSegs(), r.moves))
	m.Destroy()
	return nil
}

// replayCompact puts segments in the place of others. Deletions since the cut are pending.
func (inc *incarnation) replayCompact(r *moveRecord) error {
	p := inc.cur.Load()
	var removed []*seg
	for _, s := range p.segs {
		if slices.Contains(r.removed, s.num) {
			removed = append(removed, s)
		}
	}
	if len(removed) != len(r.removed) {
		return sqlerr.Newf(sqlerr.DataCorrupted, "table %d: a compaction removes segments %v, of which %d are there",
			r.table, r.removed, len(removed))
	}
	for _, s := range removed {
		if err := inc.keepDeletions(s, r.cut); err != nil {
			return err
		}
	}
	inc.install(inc.t.space.Applied(), p.replace(nil, removed, r.newSegs(), r.moves))
	inc.t.unusedAll(removed)
	return nil
}

// keepDeletions notes the deletions after a cut that a checkpoint has of a segment which goes: those of the log are
// pending already.
func (inc *incarnation) keepDeletions(s *seg, cut table.LSN) error {
	list := s.dv.After(uint64(cut))
	if len(list) == 0 {
		return nil
	}
	if err := inc.open(s); err != nil {
		return err
	}
	for _, d := range list {
		row, err := s.appendRow(nil, d.Pos, inc.identity)
		if err != nil {
			return err
		}
		inc.pending = append(inc.pending, pendingDeletion{table.LSN(d.LSN), string(appendKey(nil, row))})
	}
	return nil
}

// Recovered says that the log was read: segments are opened, deletions that replay has met are found in them, and files
// that nothing names are removed.
func (t *Tier) Recovered() error {
	if t.opened {
		return nil
	}
	for _, st := range *t.tables.Load() {
		for _, s := range st.p.segs {
			if err := st.inc.open(s); err != nil {
				return err
			}
			t.files.finish(s.num)
		}
		if err := st.inc.resolve(); err != nil {
			return err
		}
	}
	t.opened = true
	if t.o.ReadOnly {
		return nil
	}
	return t.files.recovered(t.liveNames())
}

// open opens the files of a segment.
func (inc *incarnation) open(s *seg) error {
	if s.file != nil {
		return nil
	}
	f, err := segment.Open(inc.t.o.FS, inc.t.o.Dir, segmentName(s.num), &s.info, inc.t.cache)
	if err == nil {
		s.file = f
		inc.t.counts.opened(f)
	}
	return err
}

// resolve deletes the rows of which replay has met the deletion: each in the segment that was cut before and has the key
// in a row that was not deleted earlier. One that a compaction has left out is in none.
func (inc *incarnation) resolve() error {
	slices.SortStableFunc(inc.pending, func(a, b pendingDeletion) int { return cmp.Compare(a.lsn, b.lsn) })
	for i := range inc.pending {
		d := &inc.pending[i]
		for _, s := range inc.cur.Load().segs {
			if s.cut >= d.lsn && !invariants.Mutant("columnar-resolve-any-cut") {
				continue
			}
			pos, found, err := s.live(0, []byte(d.key), table.MaxLSN)
			if err != nil {
				return err
			}
			if found {
				if err := inc.delete(s, d.lsn, pos); err != nil {
					return err
				}
				break
			}
		}
	}
	inc.pending = nil
	return nil
}

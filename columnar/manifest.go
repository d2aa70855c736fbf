package columnar

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/laminadb/lamina/columnar/deletion"
	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

// tableRecord is what a manifest has of a table besides its chunks.
type tableRecord struct {
	id    table.ObjectID
	born  table.LSN
	moves uint64
	mems  []memRecord // oldest first
	segs  []segRecord
	dvs   [][]byte // the deletion vectors of segs
}

// memRecord is a memtable: the chunks from first on, up to those of the next one.
type memRecord struct {
	first  uint32
	sealed table.LSN
	// ended are the rows that ended after the memtable was sealed: the chunks do not have them, but segments to which it
	// is being written may.
	ended []pendingDeletion
}

type tableRecords map[table.ObjectID]*tableRecord

func (t tableRecords) sorted() []*tableRecord {
	return slices.SortedFunc(maps.Values(t), func(a, b *tableRecord) int { return cmp.Compare(a.id, b.id) })
}

// segments returns the numbers of all segments.
func (t tableRecords) segments() map[uint32]bool {
	m := map[uint32]bool{}
	for _, r := range t {
		for i := range r.segs {
			m[r.segs[i].num] = true
		}
	}
	return m
}

// record describes a table as of an LSN.
func (st *tableState) record(upTo table.LSN) (*tableRecord, error) {
	r := &tableRecord{id: st.inc.id, born: st.inc.born, moves: st.p.moves}
	for i := len(st.p.mems) - 1; i >= 0; i-- {
		m := st.p.mems[i]
		sealed := table.LSN(0) // the first was not when these were the parts, and may be while this looks
		if i > 0 {
			sealed = m.sealed
		}
		x := memRecord{first: uint32(m.FirstChunk()), sealed: sealed}
		if i > 0 && !invariants.Mutant("columnar-forget-sealed-ends") {
			x.ended = m.endedAfter(sealed, upTo)
		}
		r.mems = append(r.mems, x)
	}
	for _, s := range st.p.segs {
		at := max(upTo, s.cut)
		if invariants.Mutant("columnar-drop-vector") {
			at = s.cut
		}
		dv, err := s.dv.Append(nil, uint64(at))
		if err != nil {
			return nil, err
		}
		r.segs = append(r.segs, segRecord{s.num, s.level, s.cut, s.info})
		r.dvs = append(r.dvs, dv)
	}
	return r, nil
}

// endedAfter returns the rows that ended above an LSN, and not above another.
func (m *memtable) endedAfter(lsn, upTo table.LSN) (list []pendingDeletion) {
	m.Deletions(lsn, func(row uint64, end table.LSN) {
		if end <= upTo {
			list = append(list, pendingDeletion{end, string(m.AppendKey(nil, row))})
		}
	})
	return append(list, m.ended...)
}

// appendTables encodes what follows the chunks in a manifest.
func (m *manifest) appendTables(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(m.segment))
	b = binary.AppendUvarint(b, uint64(len(m.tables)))
	for _, t := range m.tables {
		b = binary.AppendUvarint(b, uint64(t.id))
		b = binary.AppendUvarint(b, uint64(t.born))
		b = binary.AppendUvarint(b, t.moves)
		b = binary.AppendUvarint(b, uint64(len(t.mems)))
		for _, x := range t.mems {
			b = binary.AppendUvarint(b, uint64(x.first))
			b = binary.AppendUvarint(b, uint64(x.sealed))
			b = binary.AppendUvarint(b, uint64(len(x.ended)))
			for _, d := range x.ended {
				b = binary.AppendUvarint(b, uint64(d.lsn))
				b = binary.AppendUvarint(b, uint64(len(d.key)))
				b = append(b, d.key...)
			}
		}
		b = binary.AppendUvarint(b, uint64(len(t.segs)))
		for i := range t.segs {
			b = t.segs[i].append(b)
			b = binary.AppendUvarint(b, uint64(len(t.dvs[i])))
			b = append(b, t.dvs[i]...)
		}
	}
	return b
}

// parseTables is the inverse of appendTables.
func (f *files) parseTables(b []byte) error {
	d := decoder{b: b}
	f.mu.segment = max(f.mu.segment, uint32(d.upTo(segmentsMax)))
	for range d.count() {
		t := &tableRecord{id: table.ObjectID(d.upTo(1<<32 - 1)), born: d.lsn(), moves: d.uvarint()}
		for range d.count() {
			m := memRecord{first: uint32(d.upTo(1<<32 - 1)), sealed: d.lsn()}
			for range d.count() {
				m.ended = append(m.ended, pendingDeletion{d.lsn(), string(d.bytes(d.count()))})
			}
			t.mems = append(t.mems, m)
		}
		for range d.count() {
			t.segs = append(t.segs, d.segment())
			t.dvs = append(t.dvs, d.bytes(d.count()))
		}
		f.mu.tables[t.id] = t
	}
	if d.bad || len(d.b) > 0 {
		return errors.New("the tables do not decode")
	}
	return nil
}

// segmentName is the name of a segment's files without their suffixes.
func segmentName(n uint32) string { return fmt.Sprintf("%s-%08d", tierName, n) }

// parseSegmentName returns the number in the name of a file of a segment.
func parseSegmentName(name string) (n uint32, ok bool) {
	digits, ok := strings.CutPrefix(name, tierName+"-")
	if !ok {
		return 0, false
	}
	digits, parquet := strings.CutSuffix(digits, segment.SegmentSuffix)
	if !parquet {
		if digits, ok = strings.CutSuffix(digits, segment.SidecarSuffix); !ok {
			return 0, false
		}
	}
	v, err := strconv.ParseUint(digits, 10, 30)
	return uint32(v), err == nil
}

// nextSegment gives a number of a segment out.
func (f *files) nextSegment() uint32 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.segment++
	return f.mu.segment - 1
}

// finish notes that a segment is complete and durable.
func (f *files) finish(n uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.finished[n] = true
}

// reserve keeps a number from being given out.
func (f *files) reserve(n uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.segment = max(f.mu.segment, n+1)
}

// born returns where the table of the last manifest began.
func (f *files) born(id table.ObjectID) table.LSN {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.mu.tables[id]; t != nil {
		return t.born
	}
	return 0
}

// load gives a table what the manifest has of it.
func (f *files) load(inc *incarnation) error {
	f.mu.Lock() // a checkpoint may be made while a new table is defined
	r := f.mu.tables[inc.id]
	var chunks []snapEntry
	for _, e := range f.mu.entries {
		if e.table == inc.id {
			chunks = append(chunks, e)
		}
	}
	f.mu.Unlock()
	if r == nil {
		if len(chunks) == 0 {
			return nil
		}
		r = &tableRecord{id: inc.id, mems: []memRecord{{}}} // of a manifest of version 1
	}
	if len(r.mems) == 0 {
		return f.damaged(f.manifestName(), 0, fmt.Sprintf("table %d has no memtable", r.id))
	}
	slices.SortFunc(chunks, func(a, b snapEntry) int { return cmp.Compare(a.chunk, b.chunk) })
	p := &parts{moves: r.moves}
	for i, s := range r.segs {
		dv, err := deletion.Decode(r.dvs[i])
		if err != nil || dv.Rows() != s.info.Rows {
			return f.damaged(f.manifestName(), 0, fmt.Sprintf("deletion vector of segment %d: %v", s.num, err))
		}
		p.segs = append(p.segs, &seg{num: s.num, level: s.level, cut: s.cut, info: s.info, dv: dv})
	}
	inc.cur.Load().mems[0].Destroy()
	for _, m := range r.mems {
		p.mems = append([]*memtable{inc.newMem(int(m.first))}, p.mems...)
		p.mems[0].sealed, p.mems[0].ended = m.sealed, m.ended
	}
	inc.born = r.born
	inc.moves.Store(r.moves)
	inc.cur.Store(p)
	return f.restore(inc, p, chunks)
}

// restore reads the chunks of a table back, each into its place.
func (f *files) restore(inc *incarnation, p *parts, chunks []snapEntry) error {
	for _, e := range chunks {
		var b vec.Batch
		if err := f.readChunk(e, inc.types, &b); err != nil {
			return err
		}
		for _, m := range p.mems {
			if int(e.chunk) >= m.FirstChunk() {
				if err := m.Restore(int(e.chunk), &b); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

// liveNames returns the numbers of the segments that tables have.
func (t *Tier) liveNames() map[uint32]bool {
	live := map[uint32]bool{}
	for _, st := range *t.tables.Load() {
		for _, s := range st.p.segs {
			live[s.num] = true
		}
	}
	return live
}

// unused closes a segment that nobody reads any more; its files go with the next checkpoint.
func (t *Tier) unused(s *seg) {
	if s.file != nil {
		t.counts.gone(s.file)
		if err := s.file.Close(); err != nil {
			t.o.Logger.Warn("close of a segment", "err", err)
		}
	}
	t.files.mu.Lock()
	t.files.mu.free[s.num] = true
	t.files.mu.Unlock()
}

// unusedAll is unused for several segments.
func (t *Tier) unusedAll(segs []*seg) {
	for _, s := range segs {
		t.unused(s)
	}
}

package rowstore

import (
	"bytes"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Space is what the memtables of one tier share: the memory that is ready for them, the LSNs that say what may be used
// again, and counters.
type Space struct {
	tracker *mem.Tracker
	spares  *spares
	clock   clock
	m       counters
}

// NewSpace returns a space whose memory is charged to a tracker.
func NewSpace(t *mem.Tracker) *Space { return &Space{tracker: t, spares: newSpares()} }

// Advance says what was applied last, and which LSN no View is below. It belongs to the goroutine that applies.
func (s *Space) Advance(applied, watermark table.LSN) {
	s.clock.applied, s.clock.watermark = max(s.clock.applied, applied), max(s.clock.watermark, watermark)
}

// Applied returns the LSN that was applied last.
func (s *Space) Applied() table.LSN { return s.clock.applied }

// Close gives the memory back that is ready for memtables; those must have been destroyed.
func (s *Space) Close() { s.spares.close() }

// Counts returns how many chunks were filled, and how many were freed.
func (s *Space) Counts() (sealed, freed int64) { return s.m.sealed.Load(), s.m.freed.Load() }

// ChunkRows is the number of rows of a chunk.
const ChunkRows = chunkRows

// Memtable holds the rows of a table, or a part of them that arrived one after the other. Rows are known by numbers, which
// grow and are those of no other memtable of the table. One goroutine at a time changes it; readers take no lock.
type Memtable struct{ d *data }

// NewMemtable returns an empty memtable for rows of a definition, whose row numbers begin with those of a chunk.
func NewMemtable(s *Space, def *table.TableDef, firstChunk int) *Memtable {
	m := &Memtable{newData(def, &s.clock, s.tracker, s.spares, &s.m)}
	m.d.first = firstChunk
	m.d.rows.Store(uint64(firstChunk) << chunkShift)
	m.d.startAt(firstChunk)
	return m
}

// Destroy frees all memory; no reader may be left.
func (m *Memtable) Destroy() { m.d.destroy() }

// Types returns the types of the rows' columns, the hidden key's last if there is no primary key.
func (m *Memtable) Types() []types.Type { return m.d.types }

// Identity returns the columns of the primary key, or that of the hidden one.
func (m *Memtable) Identity() []int { return m.d.identity }

// Rows returns the bounds of the row numbers: the first, and one above the last.
func (m *Memtable) Rows() (first, end uint64) {
	return uint64(m.d.first) << chunkShift, m.d.rows.Load()
}

// EndChunk returns the number of the chunk after the last.
func (m *Memtable) EndChunk() int { return int((m.d.rows.Load() + chunkRows - 1) >> chunkShift) }

// FirstChunk returns the number of the first chunk.
func (m *Memtable) FirstChunk() int { return m.d.first }

// Live returns the number of rows that have not ended, and Dead of those that have and are not freed.
func (m *Memtable) Live() int64 { return m.d.live.Load() }

// Dead returns the number of row versions that have ended and are not freed.
func (m *Memtable) Dead() int64 { return m.d.dead.Load() }

// Bytes returns the memory that the memtable occupies, and the part of it that indexes take.
func (m *Memtable) Bytes() (all, indexes int64) { return m.d.arena.charged.Load(), m.d.indexBytes() }

// Insert appends rows that begin at an LSN, which is not below that of any before.
func (m *Memtable) Insert(lsn table.LSN, rows *vec.Batch) error { return m.d.insert(uint64(lsn), rows) }

// End ends the version of a key that was live before an LSN. It reports false if there is none: the row is elsewhere.
func (m *Memtable) End(lsn table.LSN, key []byte) (bool, error) {
	c, r := m.d.before(uint64(lsn), key)
	if c == nil || c.endOf(r) != never {
		return false, nil
	}
	m.d.endRow(c, r, uint64(lsn))
	return true, nil
}

// EndAt is End for a version whose number is known. It reports false if there is no such version that lives: it may be
// elsewhere.
func (m *Memtable) EndAt(lsn table.LSN, row uint64, key []byte) bool {
	if first, end := m.Rows(); row < first || row >= end {
		return false
	}
	c, r := m.d.of(row)
	if c == nil || c.begin[r] >= uint64(lsn) || c.endOf(r) != never {
		return false
	}
	if invariants.Enabled {
		invariants.Assert(bytes.Equal(m.d.appendKey(nil, row), key), "row %d to end has another key", row)
	}
	m.d.endRow(c, r, uint64(lsn))
	return true
}

// before returns the newest version of a key that began before an LSN; the chunk is nil if there is none.
func (d *data) before(lsn uint64, key []byte) (*chunk, int) {
	row, ok := getKey(d.primary, key)
	for ok && row != noRow {
		c, r := d.of(row)
		if c == nil || c.begin[r] < lsn {
			return c, r
		}
		p := c.prev.Load()
		if p == nil {
			break
		}
		row = p[r]
	}
	return nil, 0
}

// Vacuum frees wholly dead chunks that no View sees, looking at a few of them.
func (m *Memtable) Vacuum() { m.d.vacuum(retireChunks) }

// Sight is what a memtable knows of a key.
type Sight uint8

// The sights: nothing that concerns the reader, a version that it sees, the end of one that it would see.
const (
	Unknown Sight = iota
	Visible
	Ended
)

// Find returns the version of a key that an LSN sees.
func (m *Memtable) Find(key []byte, lsn table.LSN) (row uint64, s Sight) {
	d := m.d
	row, ok := getKey(d.primary, key)
	for ok && row != noRow {
		c, r := d.of(row)
		if c == nil {
			break
		}
		if c.begin[r] <= uint64(lsn) {
			if c.endOf(r) > uint64(lsn) {
				return row, Visible
			}
			return row, Ended
		}
		p := c.prev.Load()
		if p == nil {
			break
		}
		row = p[r]
	}
	return 0, Unknown
}

// Version is a row version: its number, where it began, and where it ended (table.MaxLSN if it has not).
type Version struct {
	Row        uint64
	Begin, End table.LSN
}

// Newest returns the newest version of the row that key number k leads to: the primary or hidden key if k is negative.
func (m *Memtable) Newest(k int, key []byte) (Version, bool) {
	t := m.d.primary
	if k >= 0 && m.d.unique[k] != nil {
		t = m.d.unique[k]
	}
	row, end, ok := m.d.newest(t, key)
	if !ok {
		return Version{}, false
	}
	c, r := m.d.of(row)
	if c == nil {
		return Version{}, false
	}
	return Version{row, table.LSN(c.begin[r]), lsnOfEnd(end)}, true
}

func lsnOfEnd(end uint64) table.LSN {
	if end == never {
		return table.MaxLSN
	}
	return table.LSN(end)
}

// Of returns the version with a number; false if it was freed.
func (m *Memtable) Of(row uint64) (Version, bool) {
	c, r := m.d.of(row)
	if c == nil {
		return Version{}, false
	}
	return Version{row, table.LSN(c.begin[r]), lsnOfEnd(c.endOf(r))}, true
}

// Before returns the version of the same key that was there before a version, in this memtable.
func (m *Memtable) Before(row uint64) (Version, bool) {
	c, r := m.d.of(row)
	if c == nil {
		return Version{}, false
	}
	p := c.prev.Load()
	if p == nil || p[r] == noRow {
		return Version{}, false
	}
	return m.Of(p[r])
}

// AppendKey appends the encoded key of a row.
func (m *Memtable) AppendKey(dst []byte, row uint64) []byte { return m.d.appendKey(dst, row) }

// AppendRow appends columns of a row version; NULLs if it was freed.
func (m *Memtable) AppendRow(dst types.Row, row uint64, cols []int) types.Row {
	return m.d.appendRow(dst, row, cols)
}

// FetchInto appends columns of a row version to a batch being built.
func (m *Memtable) FetchInto(bb *vec.BatchBuilder, row uint64, cols []int) error {
	return m.d.fetchInto(bb, row, cols)
}

// Stats returns estimates about the rows.
func (m *Memtable) Stats() table.Stats { return m.d.estimates() }

// Scan begins a scan of the rows that an LSN sees. Its references are row numbers.
func (m *Memtable) Scan(spec *table.ScanSpec, lsn table.LSN, tier string) (table.Scan, error) {
	return m.d.scan(spec, lsn, tier)
}

// Deletions calls f for the rows that ended after an LSN, chunk by chunk, in the order of their ends within each.
func (m *Memtable) Deletions(after table.LSN, f func(row uint64, end table.LSN)) {
	cs := *m.d.chunks.Load()
	for i := m.d.first; i < m.EndChunk(); i++ {
		c := cs[i].Load()
		if c == nil {
			continue
		}
		l := c.dels.Load()
		if l == nil {
			continue
		}
		n := int(l.n.Load())
		from := n
		for from > 0 && l.lsn[from-1] > uint64(after) {
			from--
		}
		for k := from; k < n; k++ {
			f(uint64(i)<<chunkShift|uint64(l.row[k]), table.LSN(l.lsn[k]))
		}
	}
}

// Changed returns when a row of a chunk was inserted or ended last; ok is false if the chunk was freed.
func (m *Memtable) Changed(i int) (lsn table.LSN, ok bool) {
	c := m.d.chunk(i)
	if c == nil {
		return 0, false
	}
	return table.LSN(c.changed.Load()), true
}

// Chunk makes dst the rows of a chunk that an LSN sees, in place, and returns their numbers in the memory of rows. If there
// are none it leaves dst alone.
func (m *Memtable) Chunk(i int, lsn table.LSN, dst *vec.Batch, rows []uint64) []uint64 {
	rows = rows[:0]
	c := m.d.chunk(i)
	if c == nil {
		return rows
	}
	n := c.visible(m.d.published(i, c), uint64(lsn))
	sel := c.liveRows(n, uint64(lsn))
	if len(sel) == 0 {
		return rows
	}
	dst.Single(len(sel), c.vectors(n), sel)
	for _, r := range sel {
		rows = append(rows, uint64(i)<<chunkShift|uint64(r))
	}
	return rows
}

// Restore appends the rows that a snapshot has of a chunk, which become its first.
func (m *Memtable) Restore(i int, rows *vec.Batch) error {
	m.d.startAt(i)
	if err := m.d.insert(0, rows); err != nil {
		return err
	}
	m.d.chunk(m.d.used - 1).changed.Store(0)
	m.d.fresh = true
	return nil
}

// MoveAfter appends the live rows that began after an LSN to another memtable, which they were to be in. No View reads
// either.
func (m *Memtable) MoveAfter(lsn table.LSN, to *Memtable) error {
	cs := *m.d.chunks.Load()
	for i := m.d.first; i < m.EndChunk(); i++ {
		c := cs[i].Load()
		if c == nil {
			continue
		}
		n := m.d.published(i, c)
		for r := c.visible(n, uint64(lsn)); r < n; {
			begin := c.begin[r]
			var sel []uint16
			for ; r < n && c.begin[r] == begin; r++ {
				if c.endOf(r) == never {
					sel = append(sel, uint16(r))
				}
			}
			if len(sel) == 0 {
				continue
			}
			var b vec.Batch
			b.Single(len(sel), c.vectors(n), sel)
			if err := to.Insert(table.LSN(begin), &b); err != nil {
				return err
			}
		}
	}
	return nil
}

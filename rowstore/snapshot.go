package rowstore

import (
	"sync/atomic"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// tableSet is the immutable set of tables at an LSN.
type tableSet map[table.ObjectID]*tableState

// tableState is a table as one version of its definition sees it.
type tableState struct {
	def *table.TableDef
	d   *data
}

// snapshot is a table.TierSnapshot: the tables as they were when lsn had been applied, and an LSN to read at.
type snapshot struct {
	lsn    table.LSN
	tables tableSet
	// last is what Table returned last: many statements in a row look at one table.
	last atomic.Pointer[tableSnapshot]
}

// Table returns the table at the snapshot.
func (s *snapshot) Table(id table.ObjectID) table.TableSnapshot {
	if ts := s.last.Load(); ts != nil && ts.id == id {
		return ts
	}
	t := s.tables[id]
	if t == nil {
		return nil
	}
	ts := &tableSnapshot{id: id, s: s, t: t, d: t.d}
	s.last.Store(ts)
	return ts
}

type tableSnapshot struct {
	id table.ObjectID
	s  *snapshot
	t  *tableState
	d  *data
}

var _ table.TableSnapshot = (*tableSnapshot)(nil)

func (s *tableSnapshot) Def() *table.TableDef { return s.t.def }

func (s *tableSnapshot) LSN() table.LSN { return s.s.lsn }

// Get finds the version of a row that the snapshot sees.
func (s *tableSnapshot) Get(key []byte) (table.RowRef, bool) {
	row, ok := s.d.find(key, s.s.lsn)
	return table.RowRef(row), ok
}

// Newest finds the newest version of a row and the LSN of its last writer.
func (s *tableSnapshot) Newest(key []byte) (ref table.RowRef, last table.LSN, live, found bool) {
	row, end, ok := s.d.newest(s.d.primary, key)
	switch {
	case !ok:
		return 0, 0, false, false
	case end != never:
		return table.RowRef(row), table.LSN(end), false, true
	}
	return table.RowRef(row), s.Written(table.RowRef(row)), true, true
}

// Lives reports whether a version has not ended.
func (s *tableSnapshot) Lives(ref table.RowRef) bool {
	c, r := s.d.of(uint64(ref))
	return c != nil && c.endOf(r) == never
}

// Written returns the LSN that wrote a version.
func (s *tableSnapshot) Written(ref table.RowRef) table.LSN {
	c, r := s.d.of(uint64(ref))
	if c == nil {
		return 0
	}
	return table.LSN(c.begin[r])
}

// Unbroken follows the versions back to the one that an LSN saw: each must have ended when the next one began. One that
// is being replaced ends a moment later.
func (s *tableSnapshot) Unbroken(ref table.RowRef, since table.LSN) bool {
	c, r := s.d.of(uint64(ref))
	for c != nil && c.begin[r] > uint64(since) {
		p := c.prev.Load()
		if p == nil || p[r] == noRow {
			return false
		}
		began := c.begin[r]
		if c, r = s.d.of(p[r]); c == nil {
			return false
		}
		if e := c.endOf(r); e != began && e != never {
			return false
		}
	}
	return c != nil
}

// SameRows reports whether both snapshots are of the same chunks.
func (s *tableSnapshot) SameRows(other table.TableSnapshot) bool {
	o, ok := other.(*tableSnapshot)
	return ok && o.d == s.d
}

// NewestUnique finds the newest live row with a key value.
func (s *tableSnapshot) NewestUnique(k int, key []byte) (table.RowRef, bool) {
	t := s.d.unique[k]
	if t == nil {
		t = s.d.primary
	}
	row, end, ok := s.d.newest(t, key)
	return table.RowRef(row), ok && end == never
}

// AppendKey appends the encoded key of a row.
func (s *tableSnapshot) AppendKey(dst []byte, ref table.RowRef) []byte {
	return s.d.appendKey(dst, uint64(ref))
}

// AppendRow appends columns of one row version.
func (s *tableSnapshot) AppendRow(dst types.Row, ref table.RowRef, cols []int) types.Row {
	return s.d.appendRow(dst, uint64(ref), cols)
}

// Fetch fills dst with rows by reference, on memory of its own.
func (s *tableSnapshot) Fetch(refs []table.RowRef, cols []int, dst *vec.Batch) error {
	ts := make([]types.Type, len(cols))
	for i, c := range cols {
		ts[i] = s.d.types[c]
	}
	bb := vec.NewBatchBuilder(ts, len(refs), nil)
	for _, ref := range refs {
		if err := s.d.fetchInto(bb, uint64(ref), cols); err != nil {
			return err
		}
		if err := bb.Commit(); err != nil {
			return err
		}
	}
	*dst = *bb.Batch()
	return nil
}

// FetchInto appends columns of one row version to a batch being built.
func (s *tableSnapshot) FetchInto(bb *vec.BatchBuilder, ref table.RowRef, cols []int) error {
	return s.d.fetchInto(bb, uint64(ref), cols)
}

// Stats returns estimates.
func (s *tableSnapshot) Stats() table.Stats { return s.d.estimates() }

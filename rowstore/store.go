package rowstore

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Options configure a Store.
type Options struct {
	// Tracker is charged for rows and indexes.
	Tracker *mem.Tracker
}

// tierName is the access method of the tables of a Store.
const tierName = "memory"

// Store is the tier of memory tables: their rows are gone at the end.
type Store struct {
	space  *Space
	tables atomic.Pointer[tableSet]
	// dropped is data that went with DROP or TRUNCATE; its memory goes when no View is older than lsn.
	dropped []droppedData
	closed  struct {
		sync.Mutex
		yes bool
	}
}

type droppedData struct {
	d   *data
	lsn table.LSN
}

var _ table.Tier = (*Store)(nil)

// Open opens a tier without tables.
func Open(o Options) (*Store, error) {
	s := &Store{space: NewSpace(o.Tracker)}
	s.tables.Store(&tableSet{})
	return s, nil
}

// with changes one entry of the table set; nil removes it.
func (s *Store) with(id table.ObjectID, t *tableState) {
	set := maps.Clone(*s.tables.Load())
	delete(set, id)
	if t != nil {
		set[id] = t
	}
	s.tables.Store(&set)
}

// newData returns empty data for rows of a definition.
func (s *Store) newData(def *table.TableDef) *data { return NewMemtable(s.space, def, 0).d }

// Define creates a table, or gives it a new version of its definition. A new layout begins without rows: the record
// that brings it has all of them.
func (s *Store) Define(lsn table.LSN, def *table.TableDef) error {
	s.space.Advance(lsn, 0)
	old := (*s.tables.Load())[def.ID]
	switch {
	case old == nil:
		s.with(def.ID, &tableState{def: def, d: s.newData(def)})
	case SameLayout(old.def, def):
		s.with(def.ID, &tableState{def: def, d: old.d})
	default:
		s.with(def.ID, &tableState{def: def, d: s.newData(def)})
		s.dropped = append(s.dropped, droppedData{old.d, lsn})
	}
	return nil
}

// SameLayout reports whether the rows of one version of a table are rows of the other.
func SameLayout(a, b *table.TableDef) bool {
	same := (a.Layout == b.Layout || invariants.Mutant("rowstore-forget-layout")) && len(a.Columns) == len(b.Columns) && len(a.Keys) == len(b.Keys)
	for i := 0; same && i < len(a.Columns); i++ {
		same = a.Columns[i].Type == b.Columns[i].Type
	}
	for i := 0; same && i < len(a.Keys); i++ {
		same = a.Keys[i].Primary == b.Keys[i].Primary && equalInts(a.Keys[i].Columns, b.Keys[i].Columns)
	}
	return same
}

func equalInts(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Drop removes a table.
func (s *Store) Drop(lsn table.LSN, id table.ObjectID) error {
	s.space.Advance(lsn, 0)
	t := (*s.tables.Load())[id]
	if t == nil {
		return nil
	}
	s.with(id, nil)
	s.dropped = append(s.dropped, droppedData{t.d, lsn})
	return nil
}

// Apply applies committed changes of one table.
func (s *Store) Apply(lsn table.LSN, e *table.Entry) error {
	s.space.Advance(lsn, 0)
	t := (*s.tables.Load())[e.Table]
	if t == nil {
		return sqlerr.Newf(sqlerr.InternalError, "rows for table %d, which does not exist", e.Table)
	}
	if e.Op == table.OpTruncate {
		s.with(e.Table, &tableState{def: t.def, d: s.newData(t.def)})
		s.dropped = append(s.dropped, droppedData{t.d, lsn})
		return nil
	}
	return t.d.apply(uint64(lsn), e)
}

// Snapshot returns the state at lsn.
func (s *Store) Snapshot(lsn table.LSN) table.TierSnapshot {
	return &snapshot{lsn: lsn, tables: *s.tables.Load()}
}

// Durable returns table.MaxLSN: a tier without files promises nothing.
func (s *Store) Durable() table.LSN { return table.MaxLSN }

// Retire frees what no View sees: a bounded number of chunks a call, and dropped tables.
func (s *Store) Retire(applied, watermark table.LSN) {
	s.space.Advance(applied, watermark)
	for len(s.dropped) > 0 && s.space.clock.passed(s.dropped[0].lsn) {
		s.dropped[0].d.destroy()
		s.dropped = s.dropped[1:]
	}
	for _, t := range *s.tables.Load() {
		t.d.vacuum(retireChunks)
	}
}

// retireChunks is the number of chunks of each table that one Retire looks at.
const retireChunks = 2

// Metrics counts what the tier holds.
func (s *Store) Metrics() table.TierMetrics {
	m := table.TierMetrics{Name: tierName}
	m.ChunksSealed, m.ChunksFreed = s.space.Counts()
	for id, t := range *s.tables.Load() {
		of := table.TableMetrics{
			ID: id, Tier: tierName, Rows: t.d.live.Load(), DeadRows: t.d.dead.Load(),
			MemoryBytes: t.d.arena.charged.Load(), IndexBytes: t.d.indexBytes(),
		}
		m.Tables++
		m.Rows += of.Rows
		m.DeadRows += of.DeadRows
		m.MemoryBytes += of.MemoryBytes
		m.IndexBytes += of.IndexBytes
		m.ByTable = append(m.ByTable, of)
	}
	slices.SortFunc(m.ByTable, func(a, b table.TableMetrics) int { return cmp.Compare(a.ID, b.ID) })
	return m
}

// Checkpoint does nothing.
func (s *Store) Checkpoint(context.Context, table.LSN) error { return nil }

// Close frees all memory; no View may be left.
func (s *Store) Close() error {
	s.closed.Lock()
	defer s.closed.Unlock()
	if s.closed.yes {
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "the tier is closed")
	}
	s.closed.yes = true
	for _, t := range *s.tables.Load() {
		t.d.destroy()
	}
	for _, x := range s.dropped {
		x.d.destroy()
	}
	s.tables.Store(&tableSet{})
	s.space.Close()
	return nil
}

package rowstore

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Options configure a Store.
type Options struct {
	// Name is the access method: "memory" or "columnar".
	Name string
	// Tracker is charged for rows and indexes.
	Tracker *mem.Tracker
	// Durable: checkpoints write the rows to snapshot files in Dir of FS.
	Durable bool
	FS      vfs.FS
	Dir     string
	// BeforeSync is called before a snapshot file is synced, with the highest LSN that it may contain: the log must be
	// durable up to there first. nil: nothing to do.
	BeforeSync func(upTo table.LSN) error
	ReadOnly   bool
}

// Store is a tier of tables whose rows are in memory.
type Store struct {
	o      Options
	clock  clock
	tables atomic.Pointer[tableSet]
	spares *spares
	m      counters
	// history are the table sets that older Views see, by the LSN from which each holds: a checkpoint writes that of its
	// own LSN.
	history struct {
		sync.Mutex
		sets []pastSet
	}
	// dropped is data that went with DROP or TRUNCATE; its memory goes when no View is older than lsn.
	dropped []droppedData
	snaps   snapFiles
	closed  struct {
		sync.Mutex
		yes bool
	}
}

type pastSet struct {
	from table.LSN
	set  tableSet
}

type droppedData struct {
	d   *data
	lsn table.LSN
}

var _ table.Tier = (*Store)(nil)

// Open opens a tier. The rows of a durable one are loaded as its tables are defined.
func Open(o Options) (*Store, error) {
	s := &Store{o: o, spares: newSpares()}
	s.tables.Store(&tableSet{})
	if !o.Durable {
		return s, nil
	}
	if err := s.snaps.open(o); err != nil {
		s.spares.close()
		return nil, err
	}
	s.clock.applied = s.snaps.upTo()
	return s, nil
}

// with changes one entry of the table set from lsn on; nil removes it.
func (s *Store) with(lsn table.LSN, id table.ObjectID, t *tableState) {
	old := *s.tables.Load()
	set := make(tableSet, len(old)+1)
	for k, v := range old {
		set[k] = v
	}
	delete(set, id)
	if t != nil {
		set[id] = t
	}
	s.tables.Store(&set)
	s.history.Lock()
	s.history.sets = append(s.history.sets, pastSet{lsn, set})
	s.history.Unlock()
}

// setAt returns the tables as of an LSN that a View holds.
func (s *Store) setAt(lsn table.LSN) tableSet {
	s.history.Lock()
	defer s.history.Unlock()
	set := tableSet{}
	for _, p := range s.history.sets {
		if p.from > lsn {
			break
		}
		set = p.set
	}
	return set
}

// forget drops table sets that no View sees any more.
func (s *Store) forget(watermark table.LSN) {
	s.history.Lock()
	defer s.history.Unlock()
	for len(s.history.sets) > 1 && s.history.sets[1].from <= watermark {
		s.history.sets = s.history.sets[1:]
	}
}

// Define creates a table, or gives it a new version of its definition. A durable tier loads the rows that its last
// checkpoint has of the table. A new layout begins without rows: the record that brings it has all of them.
func (s *Store) Define(lsn table.LSN, def *table.TableDef) error {
	s.clock.applied = max(s.clock.applied, lsn)
	if old := (*s.tables.Load())[def.ID]; old != nil {
		if !sameLayout(old.def, def) {
			s.with(lsn, def.ID, &tableState{def: def, d: newData(def, &s.clock, s.o.Tracker, s.spares, &s.m)})
			s.dropped = append(s.dropped, droppedData{old.d, lsn})
			return nil
		}
		s.with(lsn, def.ID, &tableState{def: def, d: old.d})
		return nil
	}
	d := newData(def, &s.clock, s.o.Tracker, s.spares, &s.m)
	if s.o.Durable && (lsn <= s.snaps.loaded || invariants.Mutant("rowstore-load-again")) { // later ones are new, or were here before and have no rows any more
		if err := s.snaps.load(def.ID, d); err != nil {
			d.destroy()
			return err
		}
	}
	s.with(lsn, def.ID, &tableState{def: def, d: d})
	return nil
}

// sameLayout reports whether the rows of one version of a table are rows of the other.
func sameLayout(a, b *table.TableDef) bool {
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
	s.clock.applied = max(s.clock.applied, lsn)
	t := (*s.tables.Load())[id]
	if t == nil {
		return nil
	}
	s.with(lsn, id, nil)
	s.dropped = append(s.dropped, droppedData{t.d, lsn})
	return nil
}

// Apply applies committed changes of one table; it does nothing at or below the LSN of the last checkpoint.
func (s *Store) Apply(lsn table.LSN, e *table.Entry) error {
	s.clock.applied = max(s.clock.applied, lsn)
	if s.o.Durable && lsn <= s.snaps.loaded && !invariants.Mutant("rowstore-ignore-durable") {
		return nil
	}
	t := (*s.tables.Load())[e.Table]
	if t == nil {
		return sqlerr.Newf(sqlerr.InternalError, "rows for table %d, which does not exist", e.Table)
	}
	if e.Op == table.OpTruncate {
		s.with(lsn, e.Table, &tableState{def: t.def, d: newData(t.def, &s.clock, s.o.Tracker, s.spares, &s.m)})
		s.dropped = append(s.dropped, droppedData{t.d, lsn})
		return nil
	}
	return t.d.apply(uint64(lsn), e)
}

// Snapshot returns the state at lsn.
func (s *Store) Snapshot(lsn table.LSN) table.TierSnapshot {
	return &snapshot{lsn: lsn, name: s.o.Name, tables: *s.tables.Load()}
}

// Durable returns the LSN of the last checkpoint; a tier without files is always "durable": it promises nothing.
func (s *Store) Durable() table.LSN {
	if !s.o.Durable {
		return table.MaxLSN
	}
	return s.snaps.upTo()
}

// Retire frees what no View sees: a bounded number of chunks a call, and dropped tables.
func (s *Store) Retire(applied, watermark table.LSN) {
	s.clock.applied, s.clock.watermark = max(s.clock.applied, applied), watermark
	for len(s.dropped) > 0 && s.clock.passed(s.dropped[0].lsn) {
		s.dropped[0].d.destroy()
		s.dropped = s.dropped[1:]
	}
	s.forget(watermark)
	for _, t := range *s.tables.Load() {
		t.d.vacuum(retireChunks)
	}
}

// retireChunks is the number of chunks of each table that one Retire looks at.
const retireChunks = 2

// Metrics counts what the tier holds.
func (s *Store) Metrics() table.TierMetrics {
	m := table.TierMetrics{Name: s.o.Name, ChunksSealed: s.m.sealed.Load(), ChunksFreed: s.m.freed.Load(),
		SnapshotChunksWritten: s.m.snapChunks.Load(), SnapBytes: s.snaps.bytes()}
	for id, t := range *s.tables.Load() {
		of := table.TableMetrics{
			ID: id, Tier: s.o.Name, Rows: t.d.live.Load(), DeadRows: t.d.dead.Load(),
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

// Checkpoint writes the rows as of upTo to snapshot files: only the chunks that changed since the last one.
func (s *Store) Checkpoint(ctx context.Context, upTo table.LSN) error {
	if !s.o.Durable {
		return nil
	}
	return s.snaps.write(ctx, &snapshot{lsn: upTo, name: s.o.Name, tables: s.setAt(upTo)}, &s.m)
}

// Recovered says that the log was read and leads on from the tier's files: what they do not need is removed.
func (s *Store) Recovered() error {
	if !s.o.Durable || s.o.ReadOnly {
		return nil
	}
	if invariants.Mutant("rowstore-sweep-unsynced") {
		return s.snaps.sweep()
	}
	// The process before may have ended right after it renamed the manifest.
	if err := syncDir(s.o.FS, s.o.Dir); err != nil {
		return ioError("sync directory", s.o.Dir, err)
	}
	return s.snaps.sweep()
}

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
	s.spares.close()
	return nil
}

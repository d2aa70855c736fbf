package columnar

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/rowstore"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Options configure a Tier.
type Options struct {
	// Tracker is charged for rows and indexes.
	Tracker *mem.Tracker
	FS      vfs.FS
	Dir     string
	// BeforeSync is called before a file with rows is synced, with the highest LSN that it may contain: the log must be
	// durable up to there first. nil: nothing to do.
	BeforeSync func(upTo table.LSN) error
	// Failed is told of an error after which nothing can be written, or read either. nil: nobody is.
	Failed   func(err error, reads bool)
	Logger   *slog.Logger
	ReadOnly bool
	// DeltaRows and DeltaBytes are the size at which a memtable is sealed; 0: 1,048,576 rows, 128 MiB.
	DeltaRows  int
	DeltaBytes int64
	// RelieveBytes is the size from which on a memtable is sealed when memory is short; 0: an eighth of DeltaBytes.
	RelieveBytes int64
	// SegmentRows bounds the rows of a segment; 0: 1,048,576.
	SegmentRows int
	// CacheBytes bounds what is kept of segments in memory; 0: 256 MiB. It is more, as long as CacheLends says of a number of
	// bytes that nobody else uses them; nil: never. ShrinkBytes are given back at a time.
	CacheBytes, ShrinkBytes int64
	CacheLends              func(bytes int64) bool

	DisableCompaction bool
	// MemoryBytes is what the whole database may use: loads take a part of it. 0: it is not known.
	MemoryBytes int64
	// MoveBytes of memory are kept for flushes, compactions and loads.
	MoveBytes int64
	// GroupBytes bounds what a row group takes while it is written: row groups have fewer rows than usual where memory is
	// small; 0: no bound.
	GroupBytes int64
}

// Defaults of Options.
const (
	deltaRowsDefault   = 1 << 20
	deltaBytesDefault  = 128 << 20
	segmentRowsDefault = 1 << 20
	cacheBytesDefault  = 256 << 20
	relievePart        = 8
)

func (o *Options) fill() {
	if o.DeltaRows <= 0 {
		o.DeltaRows = deltaRowsDefault
	}
	if o.DeltaBytes <= 0 {
		o.DeltaBytes = deltaBytesDefault
	}
	if o.RelieveBytes <= 0 {
		o.RelieveBytes = o.DeltaBytes / relievePart
	}
	if o.SegmentRows <= 0 {
		o.SegmentRows = segmentRowsDefault
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = cacheBytesDefault
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Failed == nil {
		o.Failed = func(error, bool) {}
	}
}

// tierName is the access method of the tier's tables.
const tierName = "columnar"

// Tier is the tier of columnar tables.
type Tier struct {
	o     Options
	space *rowstore.Space
	// moving is charged for what those need that write segments, which make room and are not refused any: once there is
	// something to write, MoveBytes are kept for them.
	moving *mem.Tracker
	keep   sync.Once
	cache  *segment.Cache
	tables atomic.Pointer[tableSet]
	epochs epochs
	pins   pins
	files  files
	jobs   jobs
	loads  loads
	counts counts
	// full are the tables whose newest memtable was filled; the applier alone uses it.
	full []*incarnation
	// changes counts how often parts were replaced.
	changes atomic.Int64
	// mu guards what Views read of old parts, and the files that wait for their removal.
	mu sync.Mutex
	// history are the table sets that older Views see, by the LSN from which each holds: a checkpoint writes that of its
	// own LSN.
	history struct {
		sync.Mutex
		sets []pastSet
	}
	// opened: the segments' files are open, and what replay has left was done.
	opened bool
	closed struct {
		sync.Mutex
		yes bool
	}
}

type pastSet struct {
	from table.LSN
	set  tableSet
}

var _ table.Tier = (*Tier)(nil)

// Open opens a tier. The rows that its files have of a table are loaded when it is defined.
func Open(o Options) (*Tier, error) {
	o.fill()
	t := &Tier{o: o, loads: newLoads(), space: rowstore.NewSpace(o.Tracker), cache: segment.NewElasticCache(o.Tracker.Spare("segment cache"), o.CacheBytes, o.CacheLends)}
	t.moving = o.Tracker.Obliged("rows on their way to segments")
	t.tables.Store(&tableSet{})
	if err := t.files.open(&t.o); err != nil {
		t.space.Close()
		return nil, err
	}
	t.space.Advance(t.files.loaded, 0)
	return t, nil
}

// with changes one entry of the table set from lsn on; nil removes it.
func (t *Tier) with(lsn table.LSN, id table.ObjectID, st *tableState) {
	set := maps.Clone(*t.tables.Load())
	delete(set, id)
	if st != nil {
		set[id] = st
	}
	t.tables.Store(&set)
	t.history.Lock()
	t.history.sets = append(t.history.sets, pastSet{lsn, set})
	t.history.Unlock()
}

// setAt returns the tables as of an LSN that a View holds.
func (t *Tier) setAt(lsn table.LSN) tableSet {
	t.history.Lock()
	defer t.history.Unlock()
	set := tableSet{}
	for _, p := range t.history.sets {
		if p.from > lsn {
			break
		}
		set = p.set
	}
	return set
}

// forget drops table sets that no View sees any more.
func (t *Tier) forget(watermark table.LSN) {
	t.history.Lock()
	defer t.history.Unlock()
	for len(t.history.sets) > 1 && t.history.sets[1].from <= watermark {
		t.history.sets = t.history.sets[1:]
	}
}

// Define creates a table, or gives it a new version of its definition. The rows that the last checkpoint has of the table
// are loaded. A new layout begins without rows: the record that brings it has all of them.
func (t *Tier) Define(lsn table.LSN, def *table.TableDef) error {
	t.space.Advance(lsn, 0)
	if old := (*t.tables.Load())[def.ID]; old != nil {
		if !rowstore.SameLayout(old.def, def) {
			t.renew(lsn, def, old.inc)
			return nil
		}
		old.inc.def.Store(def)
		t.with(lsn, def.ID, &tableState{def: def, inc: old.inc, p: old.p})
		return nil
	}
	t.keepRoom()
	inc := t.newIncarnation(def, lsn)
	if lsn <= t.files.loaded || invariants.Mutant("rowstore-load-again") { // later ones are new, or were here before and have no rows any more
		if err := t.files.load(inc); err != nil {
			inc.destroy()
			return err
		}
	}
	t.with(lsn, def.ID, &tableState{def: def, inc: inc, p: inc.cur.Load()})
	return nil
}

// keepRoom keeps memory for what writes segments, before the first of them.
func (t *Tier) keepRoom() { t.keep.Do(func() { t.moving.Keep(t.o.MoveBytes) }) }

// renew gives a table new content, without rows.
func (t *Tier) renew(lsn table.LSN, def *table.TableDef, old *incarnation) {
	inc := t.newIncarnation(def, lsn)
	t.with(lsn, def.ID, &tableState{def: def, inc: inc, p: inc.cur.Load()})
	t.epochs.retire(old.destroy)
}

// Drop removes a table.
func (t *Tier) Drop(lsn table.LSN, id table.ObjectID) error {
	t.space.Advance(lsn, 0)
	st := (*t.tables.Load())[id]
	if st == nil {
		return nil
	}
	t.with(lsn, id, nil)
	t.epochs.retire(st.inc.destroy)
	return nil
}

// Apply applies committed changes of one table; it does nothing at or below the LSN of the last checkpoint.
func (t *Tier) Apply(lsn table.LSN, e *table.Entry) error {
	t.space.Advance(lsn, 0)
	if lsn <= t.files.loaded && !invariants.Mutant("rowstore-ignore-durable") {
		return nil
	}
	st := (*t.tables.Load())[e.Table]
	if st == nil {
		return sqlerr.Newf(sqlerr.InternalError, "rows for table %d, which does not exist", e.Table)
	}
	if e.Op == table.OpTruncate {
		t.renew(lsn, st.def, st.inc)
		return nil
	}
	if e.Op == table.OpLoadRows {
		return st.inc.applyLoad(lsn, e)
	}
	return st.inc.apply(lsn, e)
}

// Snapshot returns the state at lsn.
func (t *Tier) Snapshot(lsn table.LSN) table.TierSnapshot {
	if err := t.Recovered(); err != nil {
		t.o.Failed(err, true)
	}
	t.sealFull(lsn)
	return &snapshot{t: t, lsn: lsn, tables: *t.tables.Load(), epoch: t.epochs.hold()}
}

// Durable returns the LSN of the last checkpoint.
func (t *Tier) Durable() table.LSN { return t.files.upTo() }

// Retire frees what no View sees: a bounded number of chunks a call.
func (t *Tier) Retire(applied, watermark table.LSN) {
	t.space.Advance(applied, watermark)
	t.forget(watermark)
	folded := uint64(t.pins.below(watermark))
	for _, st := range *t.tables.Load() {
		for _, m := range st.p.mems {
			m.Vacuum()
		}
		for _, s := range st.p.segs {
			if s.dv.Pending() >= foldMin {
				s.dv.Fold(folded)
				t.jobs.pokeDue() // so many may be deleted that it is to be written anew
			}
		}
	}
}

// foldMin is the number of deletions from which on they are folded into the bitmap.
const foldMin = 1024

// Checkpoint makes the tables durable as of upTo: it writes the chunks of memtables that changed since the last one, and
// the manifest.
func (t *Tier) Checkpoint(ctx context.Context, upTo table.LSN) error {
	changes := t.changes.Load() // before the tables, which then have all of these
	return t.checkpoint(ctx, upTo, t.setAt(upTo), changes)
}

// Close frees all memory; no View may be left.
func (t *Tier) Close() error {
	t.closed.Lock()
	defer t.closed.Unlock()
	if t.closed.yes {
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "the tier is closed")
	}
	t.closed.yes = true
	t.Stop()
	for _, f := range t.epochs.close() {
		f()
	}
	for _, st := range *t.tables.Load() {
		st.inc.destroy()
	}
	t.tables.Store(&tableSet{})
	t.cache.Close()
	t.space.Close()
	return nil
}

package store

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/columnar"
	"github.com/laminadb/lamina/internal/backup"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
	"github.com/laminadb/lamina/wal"
)

// Store is one database: log, transactions, catalog and tiers behind the contract of package table.
type Store struct {
	table.Unimplemented
	common        table.Common
	defaultMethod string
	readOnly      bool
	logger        *slog.Logger
	mem           *mem.Tracker
	// memFor are the children of mem: of write sets (the first), of what commits did, of the rows of each tier.
	memFor []*mem.Tracker
	// lsm and columnar are the knobs of the tiers.
	lsm      table.LSM
	columnar table.Columnar
	// failed are errors of tiers that cannot go on.
	failed struct{ writes, reads atomic.Pointer[error] }
	// recovery: the files of the log were synced while it was read; over: there is a pipeline.
	recovery struct {
		sync.Mutex
		synced bool
		over   atomic.Bool
	}

	dir     *directory // nil: in memory
	log     *wal.Log   // nil: in memory, or open for reading only
	commits committer
	// pipeline is commits if there is a log to write.
	pipeline *txn.Pipeline
	tiers    []tier
	views    *txn.ViewSet[*state]
	locks    *txn.LockManager
	ids      catalog.IDs
	txIDs    atomic.Uint64
	hidden   *hiddenKeys
	history  history
	// sequences are the values of sequences.
	sequences *sequences
	moves     moves
	// compiled maps table IDs to *compiled, so that a definition is compiled once.
	compiled sync.Map
	analyses analyses
	// spares are write sets to use again.
	spares spareWrites

	// latest is the catalog of the published View.
	latest atomic.Pointer[catalog.Catalog]
	// appended is the catalog after everything that has an LSN. It belongs to the commit queue.
	appended *catalog.Catalog
	// applied belongs to whoever applies.
	applied appliedState

	checkpoints checkpointer
	sweeps      sweeps
	// backups holds the backup that is being made.
	backups chan struct{}
	stats   stats
	gate    gate
}

var _ table.TableStorage = (*Store)(nil)

// tier is a tier and what the store knows of it.
type tier struct {
	table.Tier
	method string
	// durable: rows outlive the process, so their changes go to the log.
	durable bool
	// verify reads the tier's files and reports damage.
	verify func(ctx context.Context, report func(table.Damage) bool) (blocks int, err error)
	// recovered tells the tier that the log was read and leads on from its files.
	recovered func() error
	// admit waits until the tier can take more, before a statement that writes takes locks. nil: it always can.
	admit func(ctx context.Context) error
	// relieve makes memory free, and reports whether there is reason to look again; nil: it cannot.
	relieve func(ctx context.Context) (bool, error)
	// lent returns how many bytes the tier has that relieve takes back at once; nil: there are none.
	lent func() int64
	// copies is charged for the rows that the tier copies into memory when they are applied; nil: it bounds them itself.
	copies *mem.Tracker
	// report shows what the tier consists of; nil: nothing to show.
	report func() []table.ReportSection
	// vacuum frees a part of what no View shows of a table: see rowstore.Store.Vacuum.
	vacuum func(id table.ObjectID, applied, watermark table.LSN, from int) (next int)
	// folder is the name of the folder of the tier's files, and backup adds to another one what the files have now: at least
	// what the last checkpoint made durable, at most what the log has durably, however many checkpoints are made meanwhile.
	folder string
	// manifest returns the name of the file that says which files the tier has.
	manifest func() string
	backup   func(ctx context.Context, to *backup.Target) error
	// backupLog adds what the log names besides, once that was copied; nil: there is nothing. backupEnded ends what backup
	// began, whether that succeeded or not; nil: there is nothing to end.
	backupLog   func(ctx context.Context, to *backup.Target) error
	backupEnded func()
	// replay repeats a node-local record; nil: the tier makes none.
	replay func(kind columnar.RecordKind, payload []byte) error
	// start begins, and stop ends, the tier's work in the background; nil: there is none.
	start, stop func()
	// compact writes a table anew; nil: there is nothing to gain.
	compact func(ctx context.Context, id table.ObjectID) error
}

// state is what a View shows.
type state struct {
	catalog *catalog.Catalog
	time    int64                // commit timestamp of the newest record
	tiers   []table.TierSnapshot // as Store.tiers
	ended   int64                // row versions that have ended so far
}

type view = txn.View[*state]

// release gives up what a View that nobody holds any more kept of the tiers.
func (st *state) release() {
	for _, ts := range st.tiers {
		if r, ok := ts.(table.SnapshotReleaser); ok {
			r.Release()
		}
	}
}

// table returns a table's snapshot, nil if the View does not have it.
func (st *state) table(s *Store, def *table.TableDef) table.TableSnapshot {
	i := s.tierOf(def.Method)
	if i < 0 {
		return nil
	}
	return st.tiers[i].Table(def.ID)
}

// tierOf returns the position of the tier for an access method, or -1.
func (s *Store) tierOf(method string) int {
	for i := range s.tiers {
		if s.tiers[i].method == method {
			return i
		}
	}
	return -1
}

// newest returns the newest committed catalog.
func (s *Store) newest() *catalog.Catalog { return s.latest.Load() }

// stats are counters since the store was opened.
type stats struct {
	commits, aborts, readOnlyCommits, conflicts atomic.Int64
	inserted, updated, deleted                  atomic.Int64
	checkpoints, checkpointBytes                atomic.Int64
	commitTimes, checkpointTimes                table.Histogram
}

// gate counts the transactions that are open and lets no more in once the store is closed.
type gate struct {
	mu struct {
		sync.Mutex
		open   int
		closed bool
		// last is called when the store is closed and the last transaction has left.
		last func()
	}
	closed atomic.Bool
}

func (s *Store) enter() error {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	if s.gate.mu.closed {
		return errClosed
	}
	s.gate.mu.open++
	return nil
}

func (s *Store) leave() {
	s.gate.mu.Lock()
	s.gate.mu.open--
	var last func()
	if s.gate.mu.open == 0 {
		last, s.gate.mu.last = s.gate.mu.last, nil
	}
	s.gate.mu.Unlock()
	if last != nil {
		last()
	}
}

// shut lets nobody in any more, and counts the caller as the last who came in. It reports false if that
// was done before. last is called when everybody has left.
func (g *gate) shut(last func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mu.closed {
		return false
	}
	g.mu.closed = true
	g.mu.open++
	g.mu.last = last
	g.closed.Store(true)
	return true
}

// usable refuses work in a store that is closed.
func (s *Store) usable() error {
	if s.gate.closed.Load() {
		return errClosed
	}
	return nil
}

// tracker returns the tracker of a transaction's write sets.
func (t *Tx) tracker() *mem.Tracker {
	if t.mem == nil {
		t.mem = t.s.memFor[0].Child("write set", t.o.WriteBytes)
	}
	return t.mem
}

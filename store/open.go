package store

import (
	"errors"
	"log/slog"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
	"github.com/laminadb/lamina/wal"
)

// Defaults of table.Common.
const (
	logFileBytesDefault = 16 << 20
	logBytesMaxDefault  = 1 << 30
)

// Open opens the database that a configuration describes.
func Open(cfg table.Config) (table.TableStorage, error) {
	switch c := cfg.(type) {
	case table.Memory:
		return openMemory(c.Common)
	case table.Columnar:
		return openDurable(c.Common, "columnar", table.LSM{Dir: c.Dir}, c)
	case table.LSM:
		return openDurable(c.Common, "lsm", c, table.Columnar{Dir: c.Dir})
	case table.Cluster:
		return nil, sqlerr.Unsupported("a replicated database (Cluster)")
	}
	return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "unknown storage configuration %T", cfg)
}

// newStore returns a store without tiers.
func newStore(c table.Common, method string) (*Store, error) {
	var errs []error
	if c.MemoryBytes < 0 || c.LogFileBytes < 0 || c.LogBytesMax < 0 {
		errs = append(errs, sqlerr.New(sqlerr.InvalidParameterValue, "negative size in the storage configuration"))
	}
	if c.DefaultMethod != "" {
		method = c.DefaultMethod
	}
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MemoryBytes == 0 {
		c.MemoryBytes = mem.Available() / 2
	}
	if c.LogFileBytes == 0 {
		c.LogFileBytes = logFileBytesDefault
	}
	if c.LogBytesMax == 0 {
		c.LogBytesMax = logBytesMaxDefault
	}
	s := &Store{
		common: c, defaultMethod: method, readOnly: c.ReadOnly, logger: c.Logger,
		mem: mem.NewTracker("storage", c.MemoryBytes), hidden: newHiddenKeys(), sequences: newSequences(),
		backups: make(chan struct{}, 1),
	}
	s.memoryFor("write sets")
	s.history.tracker = s.memoryFor("remembered commits")
	s.moves.init(s.history.tracker)
	s.locks = txn.NewLockManager(txn.LockOptions{Describe: s.describe})
	s.applied.catalog = catalog.New()
	return s, errors.Join(errs...)
}

// describe names what is locked, for the detail of a deadlock.
func (s *Store) describe(t txn.Target) string {
	o := s.newest().ByID(t.Object)
	if o == nil || t.Space != txn.TableSpace {
		return t.String()
	}
	return "relation \"" + o.Head().Name + "\""
}

func openMemory(c table.Common) (table.TableStorage, error) {
	s, err := newStore(c, "memory")
	if err != nil {
		return nil, err
	}
	if err := s.addTiers(nil, nil); err != nil {
		return nil, err
	}
	if s.tierOf(s.defaultMethod) < 0 {
		return nil, errors.Join(s.closeTiers(), sqlerr.Newf(sqlerr.UndefinedObject,
			"access method \"%s\" does not exist in a database without a directory", s.defaultMethod))
	}
	s.begin(0)
	d := &direct{apply: s.applyRequest, publish: s.publish}
	s.commits = d
	return s, nil
}

// begin publishes the first View: what was recovered.
func (s *Store) begin(pos wal.Position) {
	st := s.snapshot(s.applied.lsn)
	s.appended = st.catalog
	s.latest.Store(st.catalog)
	s.ids.Seed(st.catalog)
	s.views = txn.NewViewSet(st, s.applied.lsn, pos, (*state).release)
}

// openDurable opens a database in a directory. method is that of tables that name none, knobs and columns say where it is
// and how LSM tables and columnar ones are kept.
func openDurable(c table.Common, method string, knobs table.LSM, columns table.Columnar) (st table.TableStorage, err error) {
	s, err := newStore(c, method)
	if err != nil {
		return nil, err
	}
	s.lsm, s.columnar = knobs, columns
	if s.dir, err = openDirectory(s.common.FS, knobs.Dir, c.ReadOnly); err != nil {
		return nil, err
	}
	if err := s.recover(); err != nil {
		if s.log != nil {
			err = errors.Join(err, s.log.Close())
		}
		return nil, errors.Join(err, s.closeTiers(), s.dir.close())
	}
	return s, nil
}

// stopTiers ends what tiers do in the background.
func (s *Store) stopTiers() {
	for i := range s.tiers {
		if f := s.tiers[i].stop; f != nil {
			f()
		}
	}
}

func (s *Store) closeTiers() error {
	var errs []error
	for i := range s.tiers {
		errs = append(errs, s.tiers[i].Close())
	}
	s.tiers = nil
	s.moves.forget(table.MaxLSN)
	return errors.Join(errs...)
}

// Close ends the storage: nothing is begun any more, commits in flight are finished, the end of the
// log is marked. A checkpoint before that keeps the directory small and the next opening quick. Memory
// that open transactions still read goes with the last of them.
func (s *Store) Close() error {
	if !s.gate.shut(s.freeMemory) {
		return errClosed
	}
	defer s.leave()
	s.checkpoints.stop()
	s.stopTiers()
	s.returnReserved()
	s.checkpointAtClose()
	if s.commits != nil {
		s.commits.Close()
	}
	var errs []error
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	if s.dir != nil {
		errs = append(errs, s.dir.close())
	}
	return errors.Join(errs...)
}

// freeMemory runs when the store is closed and no transaction is open.
func (s *Store) freeMemory() {
	if err := s.closeTiers(); err != nil {
		s.logger.Error("close of a tier", "err", err)
	}
}

package store

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/catalog"
	"github.com/laminadb/lamina/columnar"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/lsm"
	"github.com/laminadb/lamina/rowstore"
	"github.com/laminadb/lamina/table"
)

// tiersDirName is the folder of the tiers' own files.
const tiersDirName = "columnar"

// memoryFor returns a new tracker of memory for one use.
func (s *Store) memoryFor(use string) *mem.Tracker {
	t := s.mem.Child(use, 0)
	s.memFor = append(s.memFor, t)
	return t
}

// addTiers opens the tiers: that of memory tables, and with a directory, of which c is the
// checkpoint or nil, those of columnar and LSM ones.
func (s *Store) addTiers(d *directory, c *checkpoint) error {
	rows := s.memoryFor("memory tables")
	memory, err := rowstore.Open(rowstore.Options{Tracker: rows})
	if err != nil {
		return err
	}
	s.tiers = append(s.tiers, tier{Tier: memory, method: "memory", vacuum: memory.Vacuum, copies: rows})
	if d == nil {
		return nil
	}
	path := d.join(tiersDirName)
	if _, err := d.fs.Stat(path); err != nil && !s.readOnly {
		if err := d.fs.MkdirAll(path, 0o755); err != nil {
			return fileError("create directory", path, err)
		}
		if err := syncDir(d.fs, d.path); err != nil {
			return err
		}
	}
	if err := s.addColumnar(d, path); err != nil {
		return err
	}
	return s.addLSM(d, c)
}

// addColumnar opens the tier of columnar tables in a folder.
func (s *Store) addColumnar(d *directory, path string) error {
	c, rows := s.columnar, s.memoryFor("columnar tables")
	t, err := columnar.Open(columnar.Options{
		Tracker: rows, FS: d.fs, Dir: path, BeforeSync: s.logBeforeData, Failed: s.tierFailed,
		Logger: s.logger, ReadOnly: s.readOnly,
		MemoryBytes: s.mem.Limit(), RelieveBytes: deltaBytes(0, s.common.MemoryBytes) / relievePart,
		GroupBytes: s.common.MemoryBytes / groupPart, MoveBytes: min(moveBytesMax, s.common.MemoryBytes/movePart),
		DeltaRows: c.DeltaRows, DeltaBytes: deltaBytes(c.DeltaBytes, s.common.MemoryBytes), SegmentRows: c.SegmentRows,
		CacheBytes: s.common.MemoryBytes / columnarCachePart, CacheLends: s.lends, ShrinkBytes: shrinkBytes(s.mem.Limit()),
		DisableCompaction: c.DisableCompaction,
	})
	if err != nil {
		return err
	}
	s.mem.Relieve(t.Shrink)
	s.tiers = append(s.tiers, tier{
		folder: tiersDirName, manifest: t.ManifestName, backup: t.Backup, backupLog: t.BackupLog, backupEnded: t.BackupEnded,
		Tier: t, method: "columnar", durable: true, verify: t.Verify, recovered: t.Recovered, admit: t.Admit, relieve: t.Relieve, lent: t.Lent,
		replay: t.Replay, start: func() { t.Start(&host{s}) }, stop: t.Stop, compact: t.Compact, vacuum: t.Vacuum,
		report: t.Report, copies: rows,
	})
	return nil
}

const (
	// columnarCachePart is the part of the memory that is the cache of columns' own; it takes more while nobody else does.
	columnarCachePart = 4
	// A memtable may take this part of the memory, but not more than the bytes.
	deltaPart     = 8
	deltaBytesMax = 128 << 20
	deltaBytesMin = 4 << 20
	// groupPart is the part of the memory that a row group may take while it is written.
	groupPart = 16
	// movePart is the part of the memory that is kept for what moves rows to files, but not more than the bytes.
	movePart     = 4
	moveBytesMax = 64 << 20
	// When memory is short, memtables are sealed that occupy at least this part of one that is full.
	relievePart = 8
)

// deltaBytes returns the size of a memtable that is not given.
func deltaBytes(given, memory int64) int64 {
	if given > 0 {
		return given
	}
	return max(deltaBytesMin, min(deltaBytesMax, memory/deltaPart))
}

// lsmDirName is the folder of the LSM tier's files. It is made with the first table.
const lsmDirName = "lsm"

// addLSM opens the tier of LSM tables.
func (s *Store) addLSM(d *directory, c *checkpoint) error {
	k := s.lsm
	t, err := lsm.Open(lsm.Options{
		FS: d.fs, Dir: d.join(lsmDirName), ReadOnly: s.readOnly, Durable: c.durableOf("lsm"), Logger: s.logger, Tracker: s.memoryFor("LSM tables"),
		BeforeSync: s.logBeforeData, Failed: s.tierFailed, MemoryBytes: s.common.MemoryBytes,
		MemtableBytes: k.MemtableBytes, MemtablesMax: k.MemtablesMax, BloomFalsePositiveRate: k.BloomFalsePositiveRate,
		DisableCompaction: k.DisableCompaction, CompactionThreshold: k.CompactionThreshold, Compression: k.Compression,
	})
	if err != nil {
		return err
	}
	s.tiers = append(s.tiers, tier{
		Tier: t, method: "lsm", durable: true, verify: t.Verify, recovered: t.Recovered, admit: t.Admit, relieve: t.Relieve,
		folder: lsmDirName, manifest: t.ManifestName, backup: t.Backup, report: t.Report,
	})
	return nil
}

// tierFailed is told of an error after which a tier does not go on: nothing is committed any more, and, if what was read
// may not be what is there, nothing is read.
func (s *Store) tierFailed(err error, reads bool) {
	s.logger.Error("tier", "err", err)
	s.failed.writes.CompareAndSwap(nil, &err)
	if reads {
		s.failed.reads.CompareAndSwap(nil, &err)
	}
}

// readable returns the error of a tier that could not read, nil if there was none. Most look-ups cannot report an error
// themselves.
func (s *Store) readable() error {
	if p := s.failed.reads.Load(); p != nil {
		return *p
	}
	return nil
}

// writable returns the error of a tier that cannot go on.
func (s *Store) writable() error {
	if p := s.failed.writes.Load(); p != nil {
		return *p
	}
	return nil
}

// logBeforeData makes the log durable up to an LSN before a file with what that LSN did is synced:
// no tier is ever ahead of the log.
func (s *Store) logBeforeData(upTo table.LSN) error {
	if !s.recovery.over.Load() {
		return s.syncRecovered()
	}
	if invariants.Mutant("store-data-before-log") {
		return nil
	}
	return s.pipeline.EnsureDurable(context.Background(), upTo)
}

// syncRecovered makes durable what a recovery reads of the log: the last process may have ended before it was.
func (s *Store) syncRecovered() error {
	s.recovery.Lock()
	defer s.recovery.Unlock()
	if s.recovery.synced {
		return nil
	}
	path := s.dir.join(logName)
	names, err := s.dir.fs.List(path)
	if err != nil {
		return fileError("list", path, err)
	}
	for _, name := range names {
		if err := syncFile(s.dir.fs, s.dir.fs.PathJoin(path, name)); err != nil {
			return err
		}
	}
	if err := syncDir(s.dir.fs, path); err != nil {
		return err
	}
	s.recovery.synced = true
	return nil
}

func syncFile(fs vfs.FS, name string) error {
	f, err := fs.OpenReadWrite(name, diskCategory)
	if err != nil {
		return fileError("open", name, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fileError("sync", name, err)
	}
	return nil
}

// defineAll tells a tier of all its tables as of an LSN.
func (s *Store) defineAll(t *tier, lsn table.LSN, c *catalog.Catalog) error {
	var errs []error
	for _, o := range c.List(table.KindTable) {
		if def := o.(*table.TableDef); def.Method == t.method {
			errs = append(errs, t.Define(lsn, def))
		}
	}
	return errors.Join(errs...)
}

package columnar

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/internal/backup"
	"github.com/laminadb/lamina/internal/invariants"
)

// Backup adds the last checkpoint to a backup: its manifest and the files that it names. No file is removed from now on
// until BackupEnded. What the log names besides comes with BackupLog.
func (t *Tier) Backup(_ context.Context, to *backup.Target) error {
	f := &t.files
	f.mu.Lock()
	f.mu.pins++
	f.mu.Unlock()
	if err := to.Make(); err != nil {
		return err
	}
	f.reading.RLock() // no checkpoint replaces the manifest while its files are linked
	defer f.reading.RUnlock()
	b, err := readFile(f.o.FS, f.path(f.manifestName()))
	if errors.Is(err, fs.ErrNotExist) {
		return to.Sync()
	}
	if err != nil {
		return ioError("read", f.manifestName(), err)
	}
	named := &files{o: f.o}
	named.mu.entries, named.mu.tables = map[snapKey]snapEntry{}, tableRecords{}
	if err := named.parseManifest(b); err != nil {
		return err
	}
	list := map[uint32]bool{}
	for _, e := range named.mu.entries {
		list[e.file] = true
	}
	for _, n := range slices.Sorted(maps.Keys(list)) {
		if err := to.Link(f.path(f.fileName(n)), f.fileName(n)); err != nil {
			return err
		}
	}
	if err := f.linkSegments(to, named.mu.tables.segments()); err != nil {
		return err
	}
	if err := to.Write(f.manifestName(), b); err != nil {
		return err
	}
	return to.Sync()
}

// BackupLog adds, after the log was copied, the segments that its records may name: those that were finished since the
// manifest. Some that no record names are among them, which an opening removes.
func (t *Tier) BackupLog(_ context.Context, to *backup.Target) error {
	f := &t.files
	names, err := f.o.FS.List(f.o.Dir)
	if err != nil {
		return ioError("list", f.o.Dir, err)
	}
	copied, err := f.o.FS.List(to.Dir())
	if err != nil {
		return ioError("list", to.Dir(), err)
	}
	list := map[uint32]bool{}
	t.files.mu.Lock()
	for n := range f.mu.finished {
		list[n] = true
	}
	t.files.mu.Unlock()
	for _, name := range copied {
		if n, ok := parseSegmentName(name); ok {
			delete(list, n)
		}
	}
	for n := range list {
		if !slices.Contains(names, segmentName(n)+segment.SegmentSuffix) {
			delete(list, n)
		}
	}
	if invariants.Mutant("columnar-backup-manifest-only") {
		list = nil
	}
	if err := f.linkSegments(to, list); err != nil {
		return err
	}
	return to.Sync()
}

// BackupEnded lets files be removed again.
func (t *Tier) BackupEnded() {
	t.files.mu.Lock()
	defer t.files.mu.Unlock()
	t.files.mu.pins--
}

func (f *files) linkSegments(to *backup.Target, list map[uint32]bool) error {
	for _, n := range slices.Sorted(maps.Keys(list)) {
		for _, suffix := range []string{segment.SegmentSuffix, segment.SidecarSuffix} {
			name := segmentName(n) + suffix
			if err := to.Link(f.path(name), name); err != nil {
				return err
			}
		}
	}
	return nil
}

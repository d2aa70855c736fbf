package rowstore

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/laminadb/lamina/internal/backup"
)

// Backup adds the last checkpoint to a backup: its manifest and the files that it names. Checkpoints made meanwhile remove
// nothing before this has ended.
func (s *Store) Backup(_ context.Context, to *backup.Target) error {
	f := &s.snaps
	if err := to.Make(); err != nil {
		return err
	}
	f.reading.RLock()
	defer f.reading.RUnlock()
	b, err := readFile(f.o.FS, f.path(f.manifestName()))
	if errors.Is(err, fs.ErrNotExist) {
		return to.Sync()
	}
	if err != nil {
		return ioError("read", f.manifestName(), err)
	}
	named := &snapFiles{o: f.o}
	named.mu.entries = map[snapKey]snapEntry{}
	if err := named.parseManifest(b); err != nil {
		return err
	}
	files := map[uint32]bool{}
	for _, e := range named.mu.entries {
		files[e.file] = true
	}
	for _, n := range slices.Sorted(maps.Keys(files)) {
		if err := to.Link(f.path(f.fileName(n)), f.fileName(n)); err != nil {
			return err
		}
	}
	if err := to.Write(f.manifestName(), b); err != nil {
		return err
	}
	return to.Sync()
}

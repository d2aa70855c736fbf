package rowstore

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Verify reads the manifest and every block that it names, and reports what is damaged. Checkpoints go on meanwhile.
func (s *Store) Verify(ctx context.Context, report func(table.Damage) bool) (blocks int, err error) {
	if !s.o.Durable {
		return 0, nil
	}
	if goOn, err := damageOf(s.snaps.verifyManifest(), "", report); err != nil || !goOn {
		return 0, err
	}
	s.snaps.mu.Lock()
	keys := slices.Collect(maps.Keys(s.snaps.mu.entries))
	s.snaps.mu.Unlock()
	slices.SortFunc(keys, func(a, b snapKey) int {
		return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.chunk, b.chunk))
	})
	for _, k := range keys {
		if err := ctx.Err(); err != nil {
			return blocks, err
		}
		t := (*s.tables.Load())[k.table]
		if t == nil {
			continue
		}
		blocks++
		goOn, err := damageOf(s.snaps.verifyChunk(k), t.def.Name, report)
		if err != nil || !goOn {
			return blocks, err
		}
	}
	return blocks, nil
}

// damageOf reports err if it is damage, and returns it otherwise.
func damageOf(err error, object string, report func(table.Damage) bool) (goOn bool, _ error) {
	if err == nil {
		return true, nil
	}
	if sqlerr.CodeOf(err) != sqlerr.DataCorrupted {
		return false, err
	}
	d := table.Damage{Object: object, Err: err}
	d.File, d.Offset, _ = table.PlaceOf(err)
	return report(d), nil
}

// verifyManifest reads the manifest again.
func (f *snapFiles) verifyManifest() error {
	f.reading.RLock()
	defer f.reading.RUnlock()
	f.mu.Lock()
	upTo := f.mu.upTo
	f.mu.Unlock()
	if upTo == 0 {
		return nil // no checkpoint has been made
	}
	b, err := readFile(f.o.FS, f.path(f.manifestName()))
	if errors.Is(err, fs.ErrNotExist) {
		return f.damaged(f.manifestName(), 0, "the file is missing")
	}
	if err != nil {
		return ioError("read", f.manifestName(), err)
	}
	again := snapFiles{o: f.o}
	again.mu.entries = map[snapKey]snapEntry{}
	return again.parseManifest(b)
}

// verifyChunk reads a chunk where the newest checkpoint has it. Its rows are not decoded: the table may have got
// another layout since.
func (f *snapFiles) verifyChunk(k snapKey) error {
	f.reading.RLock()
	defer f.reading.RUnlock()
	f.mu.Lock()
	e, ok := f.mu.entries[k]
	f.mu.Unlock()
	if !ok {
		return nil
	}
	_, err := f.readBlock(e)
	return err
}

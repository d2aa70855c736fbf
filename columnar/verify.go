package columnar

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
func (t *Tier) Verify(ctx context.Context, report func(table.Damage) bool) (blocks int, err error) {
	if goOn, err := damageOf(t.files.verifyManifest(), "", report); err != nil || !goOn {
		return 0, err
	}
	t.files.mu.Lock()
	keys := slices.Collect(maps.Keys(t.files.mu.entries))
	t.files.mu.Unlock()
	slices.SortFunc(keys, func(a, b snapKey) int {
		return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.chunk, b.chunk))
	})
	for _, k := range keys {
		if err := ctx.Err(); err != nil {
			return blocks, err
		}
		st := (*t.tables.Load())[k.table]
		if st == nil {
			continue
		}
		blocks++
		goOn, err := damageOf(t.files.verifyChunk(k), st.def.Name, report)
		if err != nil || !goOn {
			return blocks, err
		}
	}
	n, err := t.verifySegments(ctx, report)
	return blocks + n, err
}

// verifySegments reads the segments that tables have.
func (t *Tier) verifySegments(ctx context.Context, report func(table.Damage) bool) (n int, err error) {
	defer t.jobs.collectEpoch(&t.epochs, t.epochs.hold())
	for _, st := range *t.tables.Load() {
		for _, g := range st.inc.cur.Load().segs {
			n++
			goOn, err := damageOf(g.file.Verify(ctx), st.def.Name, report)
			if err != nil || !goOn {
				return n, err
			}
		}
	}
	return n, nil
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
func (f *files) verifyManifest() error {
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
	again := files{o: f.o}
	again.mu.entries, again.mu.tables = map[snapKey]snapEntry{}, tableRecords{}
	return again.parseManifest(b)
}

// verifyChunk reads a chunk where the newest checkpoint has it. Its rows are not decoded: the table may have got
// another layout since.
func (f *files) verifyChunk(k snapKey) error {
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

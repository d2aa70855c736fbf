package columnar

import (
	"cmp"
	"context"
	"hash/crc32"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
	"github.com/laminadb/lamina/vec/veccodec"
)

// checkpoint writes the chunks of the memtables of set that changed since the last one, then the manifest that names
// them and the segments. changes are those of parts that set has for sure.
func (t *Tier) checkpoint(ctx context.Context, upTo table.LSN, set tableSet, changes int64) error {
	f := &t.files
	f.mu.Lock()
	prev, prevUpTo, num, bytes := f.mu.entries, f.mu.upTo, f.mu.next, f.mu.bytes
	if upTo <= prevUpTo && prevUpTo > 0 && (upTo < prevUpTo || f.mu.changes == changes) {
		f.mu.Unlock()
		return nil
	}
	if !invariants.Mutant("rowstore-reuse-file-number") {
		f.mu.next++ // a checkpoint that fails may have left a file, and a manifest that names it
	}
	f.mu.Unlock()
	live := int64(0)
	for _, e := range prev {
		live += int64(e.size)
	}
	w := &snapWriter{f: f, num: num, counts: &t.counts}
	defer w.abandon()
	entries := map[snapKey]snapEntry{}
	tables := tableRecords{}
	for _, id := range sortedIDs(set) {
		st := set[id]
		r, err := st.record(upTo)
		if err != nil {
			return err
		}
		tables[id] = r
		for i := len(st.p.mems) - 1; i >= 0; i-- {
			m := st.p.mems[i]
			for c := m.FirstChunk(); c < m.EndChunk(); c++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				k := snapKey{id, uint32(c)}
				changed, ok := m.Changed(c)
				if !ok {
					continue
				}
				unchanged := changed <= prevUpTo || invariants.Mutant("rowstore-keep-old-chunks")
				if old, ok := prev[k]; ok && bytes <= 2*live+rewriteSlackBytes && unchanged && f.born(id) == r.born {
					entries[k] = old
					continue
				}
				if err := w.chunk(m, k, upTo, entries); err != nil {
					return err
				}
			}
		}
	}
	return f.commit(w, upTo, entries, tables, changes)
}

func sortedIDs(t tableSet) []table.ObjectID {
	ids := make([]table.ObjectID, 0, len(t))
	for id := range t {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// commit syncs the new file, then replaces the manifest, and removes what no manifest names any more.
func (f *files) commit(w *snapWriter, upTo table.LSN, entries map[snapKey]snapEntry, tables tableRecords, changes int64) error {
	if f.o.BeforeSync != nil {
		if err := f.o.BeforeSync(upTo); err != nil {
			return err
		}
	}
	if err := w.finish(); err != nil {
		return err
	}
	m := manifest{upTo: upTo, next: w.num + 1, tables: tables.sorted()}
	for _, e := range entries {
		m.chunks = append(m.chunks, e)
	}
	slices.SortFunc(m.chunks, func(a, b snapEntry) int {
		return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.chunk, b.chunk))
	})
	f.mu.Lock()
	m.segment = f.mu.segment
	f.mu.Unlock()
	if err := f.writeManifest(m.encode()); err != nil {
		return err
	}
	f.mu.Lock()
	f.mu.entries, f.mu.upTo, f.mu.tables, f.mu.changes = entries, upTo, tables, changes
	f.mu.Unlock()
	return f.sweep(nil)
}

// snapWriter appends chunks to one new file, made when the first comes.
type snapWriter struct {
	f      *files
	num    uint32
	file   vfs.File
	off    uint64
	buf    []byte
	rows   []uint64
	counts *counts
}

// chunk writes the rows of a chunk that live at an LSN.
func (w *snapWriter) chunk(m *memtable, k snapKey, upTo table.LSN, entries map[snapKey]snapEntry) error {
	var b vec.Batch
	if w.rows = m.Chunk(int(k.chunk), upTo, &b, w.rows); len(w.rows) == 0 {
		return nil
	}
	w.buf = veccodec.Append(append(w.buf[:0], make([]byte, blockHeader)...), &b)
	le.PutUint32(w.buf, uint32(len(w.buf)-blockHeader))
	le.PutUint32(w.buf[4:], crc32.Checksum(w.buf[blockHeader:], castagnoli))
	if err := w.write(); err != nil {
		return ioError("write", w.f.fileName(w.num), err)
	}
	entries[k] = snapEntry{table: k.table, chunk: k.chunk, file: w.num, rows: uint32(b.N), off: w.off, size: uint64(len(w.buf))}
	w.off += uint64(len(w.buf))
	w.counts.snapChunks.Add(1)
	return nil
}

func (w *snapWriter) write() error {
	if w.file == nil {
		file, err := w.f.o.FS.Create(w.f.path(w.f.fileName(w.num)), diskCategory)
		if err != nil {
			return err
		}
		w.file = file
		h := le.AppendUint32(le.AppendUint32(nil, snapMagic), snapVersion)
		if _, err := file.Write(h); err != nil {
			return err
		}
		w.off = snapHeader
	}
	_, err := w.file.Write(w.buf)
	return err
}

// finish syncs the file and its directory.
func (w *snapWriter) finish() error {
	if w.file == nil {
		return nil
	}
	err := error(nil)
	if !invariants.Mutant("rowstore-skip-snapshot-sync") {
		err = w.file.Sync()
	}
	if cerr := w.file.Close(); err == nil {
		err = cerr
	}
	w.file = nil
	if err != nil {
		return ioError("sync", w.f.fileName(w.num), err)
	}
	return ioErrorIf("sync directory", w.f.o.Dir, syncDir(w.f.o.FS, w.f.o.Dir))
}

// abandon closes the file of a checkpoint that failed; the next open or checkpoint removes it.
func (w *snapWriter) abandon() {
	if w.file != nil {
		_ = w.file.Close() // the error that led here counts
		w.file = nil
	}
}

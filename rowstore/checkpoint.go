package rowstore

import (
	"cmp"
	"context"
	"hash/crc32"
	"slices"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
	"github.com/laminadb/lamina/vec/veccodec"
)

// startAt makes the next append open chunk i.
func (d *data) startAt(i int) {
	cs := *d.chunks.Load()
	for n := len(cs); n <= i; n = len(cs) {
		more := make([]atomic.Pointer[chunk], 2*n)
		for k := range cs {
			more[k].Store(cs[k].Load())
		}
		d.chunks.Store(&more)
		cs = more
	}
	d.used = max(d.used, i)
	d.fresh = true
}

// write writes the chunks that changed since the last checkpoint, then the manifest that names them.
func (f *snapFiles) write(ctx context.Context, snap *snapshot, m *counters) error {
	f.mu.Lock()
	prev, prevUpTo, num, bytes := f.mu.entries, f.mu.upTo, f.mu.next, f.mu.bytes
	if snap.lsn <= prevUpTo && prevUpTo > 0 {
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
	w := &snapWriter{f: f, num: num, m: m}
	defer w.abandon()
	entries := map[snapKey]snapEntry{}
	rewrite := bytes > 2*live+rewriteSlackBytes
	for _, id := range sortedIDs(snap.tables) {
		d := snap.tables[id].d
		cs := *d.chunks.Load()
		for i := range cs {
			c := cs[i].Load()
			if c == nil {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			k := snapKey{id, uint32(i)}
			unchanged := c.changed.Load() <= uint64(prevUpTo) || invariants.Mutant("rowstore-keep-old-chunks")
			if old, ok := prev[k]; ok && !rewrite && unchanged {
				entries[k] = old
				continue
			}
			if err := w.chunk(d, k, c, snap.lsn, entries); err != nil {
				return err
			}
		}
	}
	return f.commit(w, snap.lsn, entries)
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
func (f *snapFiles) commit(w *snapWriter, upTo table.LSN, entries map[snapKey]snapEntry) error {
	if f.o.BeforeSync != nil {
		if err := f.o.BeforeSync(upTo); err != nil {
			return err
		}
	}
	if err := w.finish(); err != nil {
		return err
	}
	list := make([]snapEntry, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b snapEntry) int {
		return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.chunk, b.chunk))
	})
	if err := f.writeManifest(encodeManifest(upTo, w.num+1, list)); err != nil {
		return err
	}
	f.mu.Lock()
	f.mu.entries, f.mu.upTo = entries, upTo
	f.mu.Unlock()
	return f.sweep()
}

// snapWriter appends chunks to one new file, made when the first comes.
type snapWriter struct {
	f    *snapFiles
	num  uint32
	file vfs.File
	off  uint64
	buf  []byte
	m    *counters
}

func (w *snapWriter) chunk(d *data, k snapKey, c *chunk, upTo table.LSN, entries map[snapKey]snapEntry) error {
	var b vec.Batch
	var words [chunkRows / 64]uint64
	n := c.visible(d.published(int(k.chunk), c), uint64(upTo))
	for i := range words {
		words[i] = ^uint64(0)
	}
	for _, r := range c.deleted(uint64(upTo)) {
		if !invariants.Mutant("rowstore-snapshot-deleted") {
			words[r>>6] &^= 1 << (r & 63)
		}
	}
	sel := make([]uint16, 0, n)
	for r := range n {
		if words[r>>6]>>(r&63)&1 != 0 {
			sel = append(sel, uint16(r))
		}
	}
	if len(sel) == 0 {
		return nil
	}
	cols := make([]vec.Vector, len(c.cols))
	for i := range cols {
		cols[i] = c.cols[i].vector(0, n)
		if p := c.cols[i].nulls.Load(); p != nil {
			bits := make([]uint64, chunkRows/64)
			for r, x := range p[:n] {
				bits[r>>6] |= uint64(x^1) << (r & 63)
			}
			cols[i].Valid = bits
		}
	}
	b.Single(len(sel), cols, sel)
	w.buf = veccodec.Append(append(w.buf[:0], make([]byte, blockHeader)...), &b)
	le.PutUint32(w.buf, uint32(len(w.buf)-blockHeader))
	le.PutUint32(w.buf[4:], crc32.Checksum(w.buf[blockHeader:], castagnoli))
	if err := w.write(); err != nil {
		return ioError("write", w.f.fileName(w.num), err)
	}
	entries[k] = snapEntry{table: k.table, chunk: k.chunk, file: w.num, rows: uint32(len(sel)), off: w.off, size: uint64(len(w.buf))}
	w.off += uint64(len(w.buf))
	w.m.snapChunks.Add(1)
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

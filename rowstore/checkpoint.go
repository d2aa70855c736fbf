package rowstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
	"github.com/laminadb/lamina/vec/veccodec"
)

// Snapshot files: see docs/format/rowstore.md.
const (
	snapMagic     = 0x4e534d4c // "LMSN"
	manifestMagic = 0x464d4d4c // "LMMF"
	snapVersion   = 1
	// manifestHead is what stands before the entries of a manifest: magic, version, LSN, next file, count.
	manifestHead = 24
	snapHeader   = 8
	blockHeader  = 8
	// rewriteSlackBytes: files are rewritten whole when they hold this much more than twice what is live.
	rewriteSlackBytes = 4 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
var le = binary.LittleEndian

// snapEntry says where the last snapshot of a chunk is.
type snapEntry struct {
	table table.ObjectID
	chunk uint32
	file  uint32
	rows  uint32
	off   uint64
	size  uint64
}

type snapKey struct {
	table table.ObjectID
	chunk uint32
}

// snapFiles are the snapshot files of a tier and the manifest that names what is valid in them.
type snapFiles struct {
	o Options
	// loaded is the LSN of the checkpoint that was there at open: entries up to it are not applied again.
	loaded table.LSN
	mu     struct {
		sync.Mutex
		entries map[snapKey]snapEntry
		upTo    table.LSN
		next    uint32 // file number
		bytes   int64  // of all files
	}
}

func (f *snapFiles) upTo() table.LSN {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.upTo
}

func (f *snapFiles) bytes() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.bytes
}

func (f *snapFiles) path(name string) string { return f.o.FS.PathJoin(f.o.Dir, name) }

func (f *snapFiles) manifestName() string { return f.o.Name + ".manifest" }

func (f *snapFiles) fileName(n uint32) string { return fmt.Sprintf("%s-%08d.snap", f.o.Name, n) }

// open reads the manifest, if there is one, and removes files that it does not name.
func (f *snapFiles) open(o Options) error {
	f.o = o
	f.mu.entries = map[snapKey]snapEntry{}
	f.mu.next = 1
	b, err := readFile(o.FS, f.path(f.manifestName()))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return f.sweep()
		}
		return sqlerr.Newf(sqlerr.IOError, "read %s: %w", f.manifestName(), err)
	}
	if err := f.parseManifest(b); err != nil {
		return err
	}
	f.loaded = f.mu.upTo
	return f.sweep()
}

func readFile(fsys vfs.FS, path string) ([]byte, error) {
	file, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	st, err := file.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, st.Size())
	if _, err := io.ReadFull(file, b); err != nil {
		return nil, err
	}
	return b, nil
}

func (f *snapFiles) damaged(file string, off int64, what string) error {
	return sqlerr.Newf(sqlerr.DataCorrupted, "snapshot file %s is damaged at offset %d: %s", file, off, what)
}

func (f *snapFiles) parseManifest(b []byte) error {
	name := f.manifestName()
	if len(b) < manifestHead+4 || le.Uint32(b) != manifestMagic {
		return f.damaged(name, 0, "no manifest")
	}
	if v := le.Uint32(b[4:]); v != snapVersion {
		return sqlerr.Newf(sqlerr.FeatureNotSupported, "snapshot manifest %s has format version %d: a newer program wrote it", name, v)
	}
	body, sum := b[:len(b)-4], le.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return f.damaged(name, int64(len(body)), "wrong checksum")
	}
	f.mu.upTo = table.LSN(le.Uint64(b[8:]))
	f.mu.next = le.Uint32(b[16:])
	n := int(le.Uint32(b[20:]))
	rest := body[24:]
	if len(rest) != n*32 {
		return f.damaged(name, 24, "wrong length")
	}
	for ; len(rest) > 0; rest = rest[32:] {
		e := snapEntry{table: table.ObjectID(le.Uint32(rest)), chunk: le.Uint32(rest[4:]), file: le.Uint32(rest[8:]),
			rows: le.Uint32(rest[12:]), off: le.Uint64(rest[16:]), size: le.Uint64(rest[24:])}
		f.mu.entries[snapKey{e.table, e.chunk}] = e
	}
	return nil
}

// encodeManifest is the inverse of parseManifest.
func encodeManifest(upTo table.LSN, next uint32, entries []snapEntry) []byte {
	b := le.AppendUint32(nil, manifestMagic)
	b = le.AppendUint32(b, snapVersion)
	b = le.AppendUint64(b, uint64(upTo))
	b = le.AppendUint32(b, next)
	b = le.AppendUint32(b, uint32(len(entries)))
	for _, e := range entries {
		b = le.AppendUint32(b, uint32(e.table))
		b = le.AppendUint32(b, e.chunk)
		b = le.AppendUint32(b, e.file)
		b = le.AppendUint32(b, e.rows)
		b = le.AppendUint64(b, e.off)
		b = le.AppendUint64(b, e.size)
	}
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// sweep removes snapshot files that the manifest does not name, and adds up the others.
func (f *snapFiles) sweep() error {
	used := map[string]bool{}
	for _, e := range f.mu.entries {
		used[f.fileName(e.file)] = true
	}
	names, err := f.o.FS.List(f.o.Dir)
	if err != nil {
		return sqlerr.Newf(sqlerr.IOError, "list %s: %w", f.o.Dir, err)
	}
	f.mu.bytes = 0
	for _, name := range names {
		mine := strings.HasPrefix(name, f.o.Name+"-") && strings.HasSuffix(name, ".snap")
		stale := mine && !used[name] || name == f.manifestName()+".tmp"
		if stale && !f.o.ReadOnly {
			if err := f.o.FS.Remove(f.path(name)); err != nil {
				return sqlerr.Newf(sqlerr.IOError, "remove %s: %w", name, err)
			}
			continue
		}
		if mine || name == f.manifestName() {
			if st, err := f.o.FS.Stat(f.path(name)); err == nil {
				f.mu.bytes += st.Size()
			}
		}
	}
	return nil
}

// load reads a table's chunks back, each into its place.
func (f *snapFiles) load(id table.ObjectID, d *data) error {
	var mine []snapEntry
	for _, e := range f.mu.entries {
		if e.table == id {
			mine = append(mine, e)
		}
	}
	slices.SortFunc(mine, func(a, b snapEntry) int { return int(a.chunk) - int(b.chunk) })
	for _, e := range mine {
		var b vec.Batch
		if err := f.readChunk(e, d, &b); err != nil {
			return err
		}
		d.startAt(int(e.chunk))
		if err := d.insert(0, &b); err != nil {
			return err
		}
		d.chunk(d.used - 1).changed.Store(0)
	}
	d.fresh = true
	return nil
}

// readChunk reads and checks one chunk's rows.
func (f *snapFiles) readChunk(e snapEntry, d *data, dst *vec.Batch) error {
	name := f.fileName(e.file)
	file, err := f.o.FS.Open(f.path(name))
	if err != nil {
		return sqlerr.Newf(sqlerr.DataCorrupted, "open snapshot file %s: %w", name, err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	b := make([]byte, e.size)
	if _, err := file.ReadAt(b, int64(e.off)); err != nil {
		return f.damaged(name, int64(e.off), err.Error())
	}
	if len(b) < blockHeader || uint64(le.Uint32(b)) != e.size-blockHeader || crc32.Checksum(b[blockHeader:], castagnoli) != le.Uint32(b[4:]) {
		return f.damaged(name, int64(e.off), "wrong checksum")
	}
	rest, err := veccodec.Decode(b[blockHeader:], d.types, dst)
	if err != nil || len(rest) > 0 || dst.N != int(e.rows) {
		return f.damaged(name, int64(e.off), "rows do not decode")
	}
	return nil
}

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
	f.mu.Unlock()
	if snap.lsn <= prevUpTo && prevUpTo > 0 {
		return nil
	}
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
			if old, ok := prev[k]; ok && !rewrite && c.changed.Load() <= uint64(prevUpTo) {
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
		if a.table != b.table {
			return int(a.table) - int(b.table)
		}
		return int(a.chunk) - int(b.chunk)
	})
	if err := f.writeManifest(encodeManifest(upTo, w.num+1, list)); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.entries, f.mu.upTo, f.mu.next = entries, upTo, w.num+1
	return f.sweep()
}

func (f *snapFiles) writeManifest(b []byte) error {
	fs, tmp := f.o.FS, f.path(f.manifestName()+".tmp")
	fail := func(err error) error { return sqlerr.Newf(sqlerr.IOError, "write %s: %w", f.manifestName(), err) }
	file, err := fs.Create(tmp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fail(err)
	}
	_, err = file.Write(b)
	if err == nil {
		err = file.Sync()
	}
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = fs.Rename(tmp, f.path(f.manifestName()))
	}
	if err == nil {
		err = syncDir(fs, f.o.Dir)
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
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
		words[r>>6] &^= 1 << (r & 63)
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
		return sqlerr.Newf(sqlerr.IOError, "write %s: %w", w.f.fileName(w.num), err)
	}
	entries[k] = snapEntry{table: k.table, chunk: k.chunk, file: w.num, rows: uint32(len(sel)), off: w.off, size: uint64(len(w.buf))}
	w.off += uint64(len(w.buf))
	w.m.snapChunks.Add(1)
	return nil
}

func (w *snapWriter) write() error {
	if w.file == nil {
		file, err := w.f.o.FS.Create(w.f.path(w.f.fileName(w.num)), vfs.WriteCategoryUnspecified)
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
	err := w.file.Sync()
	if cerr := w.file.Close(); err == nil {
		err = cerr
	}
	w.file = nil
	if err == nil {
		err = syncDir(w.f.o.FS, w.f.o.Dir)
	}
	if err != nil {
		return sqlerr.Newf(sqlerr.IOError, "sync %s: %w", w.f.fileName(w.num), err)
	}
	return nil
}

// abandon closes the file of a checkpoint that failed; the next open or checkpoint removes it.
func (w *snapWriter) abandon() {
	if w.file != nil {
		_ = w.file.Close() // the error that led here counts
		w.file = nil
	}
}

// Verify reads every block that the manifest names and reports the damaged ones.
func (s *Store) Verify(ctx context.Context, report func(table.Damage) bool) (blocks int, err error) {
	s.snaps.mu.Lock()
	entries := s.snaps.mu.entries
	s.snaps.mu.Unlock()
	if s.o.Durable {
		for k, e := range entries {
			if err := ctx.Err(); err != nil {
				return blocks, err
			}
			t := (*s.tables.Load())[k.table]
			if t == nil {
				continue
			}
			var b vec.Batch
			blocks++
			if err := s.snaps.readChunk(e, t.d, &b); err != nil {
				if !report(table.Damage{File: s.snaps.fileName(e.file), Offset: int64(e.off), Object: t.def.Name, Err: err}) {
					return blocks, nil
				}
			}
		}
	}
	return blocks, nil
}

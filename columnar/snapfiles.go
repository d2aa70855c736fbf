package columnar

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
	"github.com/laminadb/lamina/vec/veccodec"
)

// Snapshot files: see docs/format/columnar.md.
const (
	snapMagic     = 0x4e534d4c // "LMSN"
	manifestMagic = 0x464d4d4c // "LMMF"
	snapVersion   = 1
	// manifestVersion is 2 since there are segments; version 1 has chunks only, which are of one memtable a table.
	manifestVersion    = 2
	manifestVersionOld = 1
	// manifestHead is what stands before the entries of a manifest: magic, version, LSN, next file, count.
	manifestHead  = 24
	manifestEntry = 32
	snapHeader    = 8
	blockHeader   = 8
	// snapBlockMax bounds what is read of a block.
	snapBlockMax = 1 << 30
	tempSuffix   = ".tmp"
	// rewriteSlackBytes: files are rewritten whole when they hold this much more than twice what is live.
	rewriteSlackBytes = 4 << 20
	// diskCategory names the tier's writes to the file system's statistics.
	diskCategory vfs.DiskWriteCategory = "lamina-snapshots"
)

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

// files are the snapshot files of a tier and the manifest that names what is valid in them.
type files struct {
	o *Options
	// loaded is the LSN of the checkpoint that was there at open: entries up to it are not applied again.
	loaded table.LSN
	// reading keeps files from being removed while they are read.
	reading sync.RWMutex
	mu      struct {
		sync.Mutex
		entries map[snapKey]snapEntry
		upTo    table.LSN
		next    uint32 // file number; one that was given out is never given out again
		bytes   int64  // of the snapshot files
		// tables are those of the manifest; segment is the next number of a segment, which is never given out again.
		tables  tableRecords
		segment uint32
		// free are the segments that no View has.
		free map[uint32]bool
		// finished are the segments that were finished since the store was opened, and are not removed.
		finished map[uint32]bool
		// pins: no file is removed while there are some.
		pins int
		// changes is Tier.changes when the manifest was made.
		changes int64
	}
}

func (f *files) upTo() table.LSN {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.upTo
}

func (f *files) bytes() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.bytes
}

func (f *files) path(name string) string { return f.o.FS.PathJoin(f.o.Dir, name) }

// ManifestName returns the name of the file that says which files the tier has.
func (t *Tier) ManifestName() string { return t.files.manifestName() }

func (f *files) manifestName() string { return tierName + ".manifest" }

func (f *files) fileName(n uint32) string { return fmt.Sprintf("%s-%08d.snap", tierName, n) }

// parseFileName is the inverse of fileName.
func (f *files) parseFileName(name string) (n uint32, ok bool) {
	digits, ok := strings.CutPrefix(name, tierName+"-")
	if !ok {
		return 0, false
	}
	if digits, ok = strings.CutSuffix(digits, ".snap"); !ok {
		return 0, false
	}
	v, err := strconv.ParseUint(digits, 10, 32)
	return uint32(v), err == nil && f.fileName(uint32(v)) == name
}

// open reads the manifest, if there is one. Files that it does not name stay until sweep: whether the manifest is the
// one that the log wants is known only after the log was read.
func (f *files) open(o *Options) error {
	f.o = o
	f.mu.entries = map[snapKey]snapEntry{}
	f.mu.tables, f.mu.free = tableRecords{}, map[uint32]bool{}
	f.mu.next, f.mu.segment = 1, 1
	f.mu.finished = map[uint32]bool{}
	b, err := readFile(o.FS, f.path(f.manifestName()))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return ioError("read", f.manifestName(), err)
	default:
		if err := f.parseManifest(b); err != nil {
			return err
		}
	}
	f.loaded = f.mu.upTo
	return f.measure()
}

// measure adds up the sizes of the files, and keeps the numbers of those there are from being used again.
func (f *files) measure() error {
	names, err := f.o.FS.List(f.o.Dir)
	if err != nil {
		return ioError("list", f.o.Dir, err)
	}
	f.mu.bytes = 0
	for _, name := range names {
		n, mine := f.parseFileName(name)
		if mine {
			f.mu.next = max(f.mu.next, n+1)
		}
		if n, ok := parseSegmentName(name); ok {
			f.mu.segment = max(f.mu.segment, n+1)
		}
		if mine || name == f.manifestName() {
			if st, err := f.o.FS.Stat(f.path(name)); err == nil {
				f.mu.bytes += st.Size()
			}
		}
	}
	return nil
}

// ioError gives an error of the file system a SQLSTATE and says what was attempted.
func ioError(what, name string, err error) error {
	if vfs.IsNoSpaceError(err) {
		return sqlerr.Newf(sqlerr.DiskFull, "%s %s: %w", what, name, err)
	}
	return sqlerr.Newf(sqlerr.IOError, "%s %s: %w", what, name, err)
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

func (f *files) damaged(file string, off int64, what string) error {
	return &table.DamageError{What: "snapshot file", File: file, Offset: off, Reason: what}
}

func (f *files) parseManifest(b []byte) error {
	name := f.manifestName()
	if len(b) < manifestHead+4 || le.Uint32(b) != manifestMagic {
		return f.damaged(name, 0, "no manifest")
	}
	body, sum := b[:len(b)-4], le.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return f.damaged(name, 0, "wrong checksum")
	}
	v := le.Uint32(b[4:])
	if v != manifestVersion && v != manifestVersionOld {
		return sqlerr.Newf(sqlerr.FeatureNotSupported, "snapshot manifest %s has format version %d: a newer program wrote it", name, v)
	}
	f.mu.upTo = table.LSN(le.Uint64(b[8:]))
	f.mu.next = le.Uint32(b[16:])
	rest, n := body[manifestHead:], int64(le.Uint32(b[20:]))
	if int64(len(rest)) < n*manifestEntry || v == manifestVersionOld && int64(len(rest)) != n*manifestEntry {
		return f.damaged(name, manifestHead, "wrong length")
	}
	for ; n > 0; n-- {
		e := snapEntry{table: table.ObjectID(le.Uint32(rest)), chunk: le.Uint32(rest[4:]), file: le.Uint32(rest[8:]),
			rows: le.Uint32(rest[12:]), off: le.Uint64(rest[16:]), size: le.Uint64(rest[24:])}
		f.mu.entries[snapKey{e.table, e.chunk}] = e
		rest = rest[manifestEntry:]
	}
	if v == manifestVersionOld {
		return nil
	}
	if err := f.parseTables(rest); err != nil {
		return f.damaged(name, int64(len(body)-len(rest)), err.Error())
	}
	return nil
}

// manifest is what a manifest says.
type manifest struct {
	upTo    table.LSN
	next    uint32 // snapshot file
	segment uint32 // next
	chunks  []snapEntry
	tables  []*tableRecord
}

// encode is the inverse of parseManifest.
func (m *manifest) encode() []byte {
	b := le.AppendUint32(nil, manifestMagic)
	b = le.AppendUint32(b, manifestVersion)
	b = le.AppendUint64(b, uint64(m.upTo))
	b = le.AppendUint32(b, m.next)
	b = le.AppendUint32(b, uint32(len(m.chunks)))
	for _, e := range m.chunks {
		b = le.AppendUint32(b, uint32(e.table))
		b = le.AppendUint32(b, e.chunk)
		b = le.AppendUint32(b, e.file)
		b = le.AppendUint32(b, e.rows)
		b = le.AppendUint64(b, e.off)
		b = le.AppendUint64(b, e.size)
	}
	b = m.appendTables(b)
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// sweep removes the snapshot files that the manifest does not name, and of segments those that no View has either, or, at
// open, all but those of live. The manifest's name was made durable before.
func (f *files) sweep(live map[uint32]bool) error {
	f.reading.Lock()
	defer f.reading.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.pins > 0 {
		return f.measure()
	}
	used := map[uint32]bool{}
	for _, e := range f.mu.entries {
		used[e.file] = true
	}
	named := f.mu.tables.segments()
	names, err := f.o.FS.List(f.o.Dir)
	if err != nil {
		return ioError("list", f.o.Dir, err)
	}
	for _, name := range names {
		n, mine := f.parseFileName(name)
		gone := mine && !used[n] || name == f.manifestName()+tempSuffix
		if n, ok := parseSegmentName(name); ok {
			gone = !named[n] && (f.mu.free[n] || live != nil && !live[n])
		}
		if gone {
			if err := f.o.FS.Remove(f.path(name)); err != nil {
				return ioError("remove", name, err)
			}
		}
	}
	for n := range f.mu.free {
		if !named[n] {
			delete(f.mu.free, n)
			delete(f.mu.finished, n)
		}
	}
	return f.measure()
}

// recovered removes what neither the manifest nor the log names.
func (f *files) recovered(live map[uint32]bool) error {
	if invariants.Mutant("rowstore-sweep-unsynced") {
		return f.sweep(live)
	}
	// The process before may have ended right after it renamed the manifest.
	if err := syncDir(f.o.FS, f.o.Dir); err != nil {
		return ioError("sync directory", f.o.Dir, err)
	}
	return f.sweep(live)
}

// readChunk reads one chunk's rows.
func (f *files) readChunk(e snapEntry, ts []types.Type, dst *vec.Batch) error {
	b, err := f.readBlock(e)
	if err != nil {
		return err
	}
	rest, err := veccodec.Decode(b, ts, dst)
	if err != nil || len(rest) > 0 || dst.N != int(e.rows) {
		return f.damaged(f.fileName(e.file), int64(e.off), "rows do not decode")
	}
	return nil
}

// readBlock reads and checks the block of a chunk.
func (f *files) readBlock(e snapEntry) ([]byte, error) {
	name := f.fileName(e.file)
	file, err := f.o.FS.Open(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, f.damaged(name, 0, "the file is missing")
	}
	if err != nil {
		return nil, ioError("open", name, err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	var head [snapHeader]byte
	if err := f.readAt(file, name, head[:], 0); err != nil {
		return nil, err
	}
	if le.Uint32(head[:]) != snapMagic || le.Uint32(head[4:]) != snapVersion {
		return nil, f.damaged(name, 0, "the file's header is not intact")
	}
	if e.size > snapBlockMax {
		return nil, f.damaged(name, int64(e.off), "impossible size")
	}
	b := make([]byte, e.size)
	if err := f.readAt(file, name, b, int64(e.off)); err != nil {
		return nil, err
	}
	if len(b) < blockHeader || uint64(le.Uint32(b)) != e.size-blockHeader || crc32.Checksum(b[blockHeader:], castagnoli) != le.Uint32(b[4:]) {
		return nil, f.damaged(name, int64(e.off), "wrong checksum")
	}
	return b[blockHeader:], nil
}

// readAt fills b from an offset of a file. That the file ends before is damage.
func (f *files) readAt(file vfs.File, name string, b []byte, off int64) error {
	switch n, err := file.ReadAt(b, off); {
	case n == len(b):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return f.damaged(name, off, "the file is too short")
	default:
		return ioError("read", name, err)
	}
}

// writeManifest replaces the manifest: it is written under another name, which it loses once it is on disk.
func (f *files) writeManifest(b []byte) error {
	tmp, name := f.path(f.manifestName()+tempSuffix), f.path(f.manifestName())
	file, err := f.o.FS.Create(tmp, diskCategory)
	if err != nil {
		return ioError("create", tmp, err)
	}
	_, err = file.Write(b)
	if err == nil && !invariants.Mutant("rowstore-skip-manifest-sync") {
		err = file.Sync()
	}
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return ioError("write", tmp, err)
	}
	if err := f.o.FS.Rename(tmp, name); err != nil {
		return ioError("rename to", name, err)
	}
	if invariants.Mutant("rowstore-skip-manifest-dirsync") {
		return nil
	}
	return ioErrorIf("sync directory", f.o.Dir, syncDir(f.o.FS, f.o.Dir))
}

func ioErrorIf(what, name string, err error) error {
	if err == nil {
		return nil
	}
	return ioError(what, name, err)
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

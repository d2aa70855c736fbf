package rowstore

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
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
	// reading keeps files from being removed while they are read.
	reading sync.RWMutex
	mu      struct {
		sync.Mutex
		entries map[snapKey]snapEntry
		upTo    table.LSN
		next    uint32 // file number; one that was given out is never given out again
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

// parseFileName is the inverse of fileName.
func (f *snapFiles) parseFileName(name string) (n uint32, ok bool) {
	digits, ok := strings.CutPrefix(name, f.o.Name+"-")
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
func (f *snapFiles) open(o Options) error {
	f.o = o
	f.mu.entries = map[snapKey]snapEntry{}
	f.mu.next = 1
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
func (f *snapFiles) measure() error {
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

func (f *snapFiles) damaged(file string, off int64, what string) error {
	return &table.DamageError{What: "snapshot file", File: file, Offset: off, Reason: what}
}

func (f *snapFiles) parseManifest(b []byte) error {
	name := f.manifestName()
	if len(b) < manifestHead+4 || le.Uint32(b) != manifestMagic {
		return f.damaged(name, 0, "no manifest")
	}
	body, sum := b[:len(b)-4], le.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return f.damaged(name, 0, "wrong checksum")
	}
	if v := le.Uint32(b[4:]); v != snapVersion {
		return sqlerr.Newf(sqlerr.FeatureNotSupported, "snapshot manifest %s has format version %d: a newer program wrote it", name, v)
	}
	f.mu.upTo = table.LSN(le.Uint64(b[8:]))
	f.mu.next = le.Uint32(b[16:])
	rest := body[manifestHead:]
	if int64(len(rest)) != int64(le.Uint32(b[20:]))*manifestEntry {
		return f.damaged(name, manifestHead, "wrong length")
	}
	for ; len(rest) > 0; rest = rest[manifestEntry:] {
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

// sweep removes the files that the manifest does not name. The manifest's name was made durable before.
func (f *snapFiles) sweep() error {
	f.reading.Lock()
	defer f.reading.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	used := map[uint32]bool{}
	for _, e := range f.mu.entries {
		used[e.file] = true
	}
	names, err := f.o.FS.List(f.o.Dir)
	if err != nil {
		return ioError("list", f.o.Dir, err)
	}
	for _, name := range names {
		n, mine := f.parseFileName(name)
		if mine && !used[n] || name == f.manifestName()+tempSuffix {
			if err := f.o.FS.Remove(f.path(name)); err != nil {
				return ioError("remove", name, err)
			}
		}
	}
	return f.measure()
}

// load reads a table's chunks back, each into its place.
func (f *snapFiles) load(id table.ObjectID, d *data) error {
	var mine []snapEntry
	f.mu.Lock() // a checkpoint may be made while a new table is defined
	for _, e := range f.mu.entries {
		if e.table == id {
			mine = append(mine, e)
		}
	}
	f.mu.Unlock()
	slices.SortFunc(mine, func(a, b snapEntry) int { return cmp.Compare(a.chunk, b.chunk) })
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

// readChunk reads one chunk's rows.
func (f *snapFiles) readChunk(e snapEntry, d *data, dst *vec.Batch) error {
	b, err := f.readBlock(e)
	if err != nil {
		return err
	}
	rest, err := veccodec.Decode(b, d.types, dst)
	if err != nil || len(rest) > 0 || dst.N != int(e.rows) {
		return f.damaged(f.fileName(e.file), int64(e.off), "rows do not decode")
	}
	return nil
}

// readBlock reads and checks the block of a chunk.
func (f *snapFiles) readBlock(e snapEntry) ([]byte, error) {
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
func (f *snapFiles) readAt(file vfs.File, name string, b []byte, off int64) error {
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
func (f *snapFiles) writeManifest(b []byte) error {
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

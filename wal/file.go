package wal

import (
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

const (
	fileHeaderBytes = 64
	// formatVersion is raised when a reader of the version before could misread a file.
	formatVersion = 1
	fileMagic     = "LAMINLOG"
	// diskCategory names the log's writes to the file system's statistics.
	diskCategory vfs.DiskWriteCategory = "lamina-wal"
)

// ID tells the logs of different databases apart.
type ID [16]byte

// seed is what the checksums of a log's record headers start from.
func (id ID) seed() uint32 { return crc32.Checksum(id[:], castagnoli) }

// fileHeader begins each file. It links the file to its predecessor.
type fileHeader struct {
	sum     uint32 // of the bytes before it
	version uint32
	epoch   uint32
	id      ID
	prev    Position  // where the predecessor ended; all before it was durable
	nextLSN table.LSN // of the first replicated record from here on
	time    int64     // of the last replicated record before
	chain   uint32    // sum of the last record before
}

// put encodes the header and sets its checksum.
func (h *fileHeader) put(b []byte) {
	_ = b[fileHeaderBytes-1]
	copy(b, fileMagic)
	le.PutUint32(b[8:], h.version)
	le.PutUint32(b[12:], h.epoch)
	copy(b[16:], h.id[:])
	le.PutUint64(b[32:], uint64(h.prev))
	le.PutUint64(b[40:], uint64(h.nextLSN))
	le.PutUint64(b[48:], uint64(h.time))
	le.PutUint32(b[56:], h.chain)
	h.sum = crc32.Checksum(b[:60], castagnoli)
	le.PutUint32(b[60:], h.sum)
}

// parseFileHeader reports false for anything but an intact header, of whatever version.
func parseFileHeader(b []byte) (h fileHeader, ok bool) {
	if len(b) < fileHeaderBytes || string(b[:8]) != fileMagic {
		return h, false
	}
	h.sum = le.Uint32(b[60:])
	if crc32.Checksum(b[:60], castagnoli) != h.sum {
		return h, false
	}
	h.version = le.Uint32(b[8:])
	h.epoch = le.Uint32(b[12:])
	h.id = ID(b[16:32])
	h.prev = Position(le.Uint64(b[32:]))
	h.nextLSN = table.LSN(le.Uint64(b[40:]))
	h.time = int64(le.Uint64(b[48:]))
	h.chain = le.Uint32(b[56:])
	return h, true
}

const (
	filePrefix = "wal-"
	tempPrefix = "tmp-wal-"
)

// fileName returns the name of the file of an epoch; names sort as epochs do.
func fileName(epoch uint32) string { return fmt.Sprintf("%s%010d", filePrefix, epoch) }

// parseFileName returns the epoch of a log file's name.
func parseFileName(name string) (epoch uint32, ok bool) {
	digits, ok := strings.CutPrefix(name, filePrefix)
	if !ok || len(digits) != 10 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), err == nil && n > 0
}

// logFile is a file open for writing.
type logFile struct {
	vfs.File
	name  string
	epoch uint32
	size  int64
}

// createZeroed writes a file of zeros and syncs it: only written blocks are overwritten in place,
// so that a later sync of data needs no change of the file's metadata.
func createZeroed(fs vfs.FS, path string, size int64) (err error) {
	f, err := fs.Create(path, diskCategory)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	buf := make([]byte, min(size, 1<<20))
	for off := int64(0); off < size; {
		n := min(size-off, int64(len(buf)))
		clear(buf[:n]) // a vfs.File may overwrite what it was given
		if _, err := f.Write(buf[:n]); err != nil {
			return err
		}
		off += n
	}
	return f.Sync()
}

// syncDir makes the names in a directory durable.
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

// readFull reads len(b) bytes at off.
func readFull(f io.ReaderAt, b []byte, off int64) error {
	n, err := f.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// ioError gives err a SQLSTATE and says what was attempted.
func ioError(what, name string, err error) error {
	if vfs.IsNoSpaceError(err) {
		return sqlerr.Newf(sqlerr.DiskFull, "%s log file %s: %w", what, name, err)
	}
	return sqlerr.Newf(sqlerr.IOError, "%s log file %s: %w", what, name, err)
}

// DamageError reports that the log is not what was written. It carries SQLSTATE XX001.
type DamageError struct {
	File   string
	Offset int64
	Reason string
}

// Error says what is wrong and where.
func (e *DamageError) Error() string {
	return fmt.Sprintf("log file %s is damaged at offset %d: %s", e.File, e.Offset, e.Reason)
}

// Unwrap gives the error its SQLSTATE.
func (e *DamageError) Unwrap() error { return sqlerr.New(sqlerr.DataCorrupted, e.Error()) }

// Place returns file and offset.
func (e *DamageError) Place() (file string, offset int64) { return e.File, e.Offset }

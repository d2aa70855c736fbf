package segment

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	le         = binary.LittleEndian
)

// diskCategory names the package's writes to the file system's statistics.
const diskCategory vfs.DiskWriteCategory = "lamina-segments"

const (
	sinkBytes = 256 << 10
	// dirtyBytes is how much of a file is written before the disk is given it: the log does not wait for a whole segment
	// when it is synced.
	dirtyBytes = 1 << 20
)

// sink writes a file through a buffer and keeps the checksum of all of it.
type sink struct {
	file vfs.File
	name string
	buf  []byte
	off  int64
	// written is what the file has got, and begun how much of it the disk has been given.
	written, begun int64
	crc            uint32
	err            error
}

func createSink(fs vfs.FS, path, name string) (*sink, error) {
	f, err := fs.Create(path, diskCategory)
	if err != nil {
		return nil, ioError("create", name, err)
	}
	return &sink{file: f, name: name, buf: make([]byte, 0, sinkBytes)}, nil
}

// Write implements io.Writer; the first error is final.
func (s *sink) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	s.crc = crc32.Update(s.crc, castagnoli, p)
	s.off += int64(len(p))
	if len(s.buf)+len(p) > cap(s.buf) {
		s.flush()
	}
	if len(p) >= cap(s.buf) {
		s.writeOut(p)
	} else {
		s.buf = append(s.buf, p...)
	}
	return len(p), s.err
}

func (s *sink) flush() {
	s.writeOut(s.buf)
	s.buf = s.buf[:0]
}

func (s *sink) writeOut(p []byte) {
	if s.err != nil || len(p) == 0 {
		return
	}
	if _, err := s.file.Write(p); err != nil {
		s.err = ioError("write", s.name, err)
		return
	}
	if s.written += int64(len(p)); s.written-s.begun >= dirtyBytes {
		if _, err := s.file.SyncTo(s.written); err != nil {
			s.err = ioError("sync", s.name, err)
		}
		s.begun = s.written
	}
}

// sync writes what is buffered and makes the file durable.
func (s *sink) sync() error {
	s.flush()
	if s.err == nil && !invariants.Mutant("segment-skip-sync") {
		if err := s.file.Sync(); err != nil {
			s.err = ioError("sync", s.name, err)
		}
	}
	return s.err
}

// close closes the file, once.
func (s *sink) close() error {
	if s.file == nil {
		return s.err
	}
	if err := s.file.Close(); err != nil && s.err == nil {
		s.err = ioError("close", s.name, err)
	}
	s.file = nil
	return s.err
}

// ioError gives an error of the file system a SQLSTATE and says what was attempted.
func ioError(what, name string, err error) error {
	if vfs.IsNoSpaceError(err) {
		return sqlerr.Newf(sqlerr.DiskFull, "%s %s: %w", what, name, err)
	}
	return sqlerr.Newf(sqlerr.IOError, "%s %s: %w", what, name, err)
}

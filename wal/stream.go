package wal

import (
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/invariants"
)

// Stream is a write set that goes to the log in chunks before its transaction commits. Until a
// record that refers to it is behind a checkpoint, or it is dropped, its files are kept. It is used
// by one goroutine at a time.
type Stream struct {
	log    *Log
	chunks []Position // guarded by log.mu, as are the fields below
	sealed Position   // the end of the record that refers to the stream
	flags  uint8
}

// NewStream begins a stream. Of a split stream the chunks are the beginning of the record's own
// payload, and replay joins them.
func (l *Log) NewStream(split bool) *Stream {
	s := &Stream{log: l, flags: flagStream}
	if split {
		s.flags |= flagSplit
	}
	l.mu.Lock()
	l.mu.streams[s] = struct{}{}
	l.mu.Unlock()
	return s
}

// Chunk appends a part of the stream. As for Append, Room was asked before.
func (s *Stream) Chunk(payload []byte, sum uint32) (pos, end Position) {
	pos, end = s.log.Append(&Entry{Kind: Chunk, Payload: payload, Sum: sum})
	s.log.mu.Lock()
	s.chunks = append(s.chunks, pos)
	s.log.mu.Unlock()
	return pos, end
}

// Len returns the number of chunks.
func (s *Stream) Len() int { return len(s.chunks) }

// Cut forgets the chunks after the first n.
func (s *Stream) Cut(n int) {
	s.log.mu.Lock()
	s.chunks = s.chunks[:n]
	s.log.mu.Unlock()
}

// Seal returns the payload of the record that refers to the stream: the list of its chunks, then
// rest.
func (s *Stream) Seal(rest []byte) []byte {
	b := make([]byte, 0, s.ListBytes()+len(rest))
	return append(appendChunkList(b, s.chunks), rest...)
}

// ListBytes returns the size of the list that Seal puts before the rest.
func (s *Stream) ListBytes() int { return 4 + 8*len(s.chunks) }

// Drop gives up a stream that no record refers to.
func (s *Stream) Drop() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	if s.sealed == 0 {
		delete(s.log.mu.streams, s)
	}
}

func (s *Stream) sealedLocked(end Position) {
	invariants.Assert(s.sealed == 0, "stream committed twice")
	s.sealed = end
}

// chunkReader reads chunks by position.
type chunkReader struct {
	fs   vfs.FS
	dir  string
	seed uint32
	open struct {
		epoch uint32
		file  vfs.File
	}
}

func (r *chunkReader) close() {
	if r.open.file != nil {
		_ = r.open.file.Close()
		r.open.file = nil
	}
}

func (r *chunkReader) file(epoch uint32) (vfs.File, error) {
	if r.open.file != nil && r.open.epoch == epoch {
		return r.open.file, nil
	}
	r.close()
	name := fileName(epoch)
	f, err := r.fs.Open(r.fs.PathJoin(r.dir, name))
	if err != nil {
		return nil, ioError("open", name, err)
	}
	r.open.epoch, r.open.file = epoch, f
	return f, nil
}

// read returns the payload of the chunk at pos, in buf if that is large enough.
func (r *chunkReader) read(pos Position, buf []byte) ([]byte, error) {
	f, err := r.file(pos.Epoch())
	if err != nil {
		return nil, err
	}
	name := fileName(pos.Epoch())
	damage := func(reason string) error { return &DamageError{name, int64(pos.Offset()), reason} }
	var b [recordHeaderBytes]byte
	if err := readFull(f, b[:], int64(pos.Offset())); err != nil {
		return nil, ioError("read", name, err)
	}
	h, ok := parseRecordHeader(b[:], r.seed, pos)
	if !ok || h.kind != Chunk {
		return nil, damage("no chunk where a record refers to one")
	}
	if h.length > recordBytesMax {
		return nil, damage("chunk of impossible length")
	}
	buf = slices.Grow(buf[:0], int(h.length))[:h.length]
	if err := readFull(f, buf, int64(pos.Offset())+recordHeaderBytes); err != nil {
		return nil, ioError("read", name, err)
	}
	if PayloadSum(buf) != h.payloadSum {
		return nil, damage("checksum of chunk does not match")
	}
	return buf, nil
}

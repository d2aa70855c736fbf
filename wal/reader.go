package wal

import (
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
)

// readerBytes is how much a Reader reads ahead.
const readerBytes = 128 << 10

// Reader reads the records of an open log, up to what is durable: for change streams, replicas
// and archives. It pins the files that it has yet to read. It is used by one goroutine at a time.
type Reader struct {
	log    *Log
	pin    *Pin
	pos    Position
	file   vfs.File
	name   string
	buf    []byte // bytes of the file from bufOff on
	bufOff int64
	chunks chunkReader
	rec    Record
}

// NewReader returns a reader that begins at pos, where a record begins or the log ended: the Pos or
// End of a record, or the position of a View. What was truncated is gone: 58P01.
func (l *Log) NewReader(pos Position) (*Reader, error) {
	pin, ok := l.Pin(pos)
	if !ok {
		return nil, sqlerr.Newf(sqlerr.UndefinedFile, "the log before %v has been removed, reading from %v is impossible",
			NewPosition(l.oldestEpoch(), 0), pos)
	}
	return &Reader{log: l, pin: pin, pos: pos, chunks: chunkReader{fs: l.fs, dir: l.dir, seed: l.seed}}, nil
}

func (l *Log) oldestEpoch() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.live[0].epoch
}

// Position returns where the next record will be read.
func (r *Reader) Position() Position { return r.pos }

// Next returns the next durable record, chunks and marks left out, or io.EOF when there is none
// yet: the call may be repeated later. The record is borrowed until the next call.
func (r *Reader) Next() (*Record, error) {
	for {
		h, payload, err := r.step()
		if err != nil {
			return nil, err
		}
		if h.kind == Chunk || h.kind == Mark {
			continue
		}
		r.rec = Record{
			Kind: h.kind, Pos: h.pos, End: r.pos, Durable: h.durable, LSN: h.lsn, Time: h.time, Payload: payload,
			reader: &r.chunks,
		}
		return &r.rec, r.rec.resolve(r.name, h.flags)
	}
}

// step reads the record at r.pos and moves behind it.
func (r *Reader) step() (h recordHeader, payload []byte, err error) {
	durable := r.log.Durable()
	if err := r.enterFile(durable); err != nil {
		return h, nil, err
	}
	b, err := r.bytes(recordHeaderBytes, durable)
	if err != nil {
		return h, nil, err
	}
	h, ok := parseRecordHeader(b, r.log.seed, r.pos)
	if !ok {
		return h, nil, r.damage("there is no intact record header")
	}
	size := recordBytes(h.length)
	if b, err = r.bytes(size, durable); err != nil {
		return h, nil, err
	}
	payload = b[recordHeaderBytes : recordHeaderBytes+h.length]
	if PayloadSum(payload) != h.payloadSum {
		return h, nil, r.damage("the checksum of the record's payload does not match")
	}
	if slices.ContainsFunc(b[recordHeaderBytes+h.length:size], func(c byte) bool { return c != 0 }) {
		return h, nil, r.damage("the record's padding is not zero")
	}
	r.pos += Position(size)
	return h, payload, nil
}

func (r *Reader) damage(reason string) error {
	return &DamageError{r.name, int64(r.pos.Offset()), reason}
}

// enterFile opens the file of r.pos, or of the next record if r.pos is a file's end. It returns
// io.EOF if that record is not durable yet.
func (r *Reader) enterFile(durable Position) error {
	if r.pos >= durable {
		return io.EOF
	}
	l := r.log
	l.mu.Lock()
	i := slices.IndexFunc(l.mu.live, func(f liveFile) bool { return f.epoch >= r.pos.Epoch() })
	f, off := l.mu.live[i], r.pos.Offset()
	for f.epoch != r.pos.Epoch() && f.end == fileHeaderBytes || f.epoch == r.pos.Epoch() && f.end != 0 && off >= f.end {
		i++ // a power loss can leave a file with nothing but a header
		f = l.mu.live[i]
	}
	l.mu.Unlock()
	if f.epoch != r.pos.Epoch() || r.pos.Offset() < fileHeaderBytes {
		next := NewPosition(f.epoch, fileHeaderBytes)
		if next >= durable {
			return io.EOF
		}
		r.pos = next
		r.pin.Advance(next)
	}
	if name := fileName(f.epoch); r.file == nil || name != r.name {
		r.closeFile()
		h, err := l.fs.Open(l.path(name), vfs.SequentialReadsOption)
		if err != nil {
			return ioError("open", name, err)
		}
		r.file, r.name = h, name
	}
	return nil
}

func (r *Reader) closeFile() {
	if r.file != nil {
		_ = r.file.Close()
	}
	r.file, r.buf, r.bufOff = nil, r.buf[:0], 0
}

// bytes returns n bytes at r.pos, reading ahead as far as the log is durable.
func (r *Reader) bytes(n int64, durable Position) ([]byte, error) {
	off := int64(r.pos.Offset())
	if off >= r.bufOff && off+n <= r.bufOff+int64(len(r.buf)) {
		return r.buf[off-r.bufOff:][:n], nil
	}
	st, err := r.file.Stat()
	if err != nil {
		return nil, ioError("stat", r.name, err)
	}
	end := st.Size()
	if durable.Epoch() == r.pos.Epoch() {
		end = min(end, int64(durable.Offset()))
	}
	if off+n > end {
		return nil, r.damage("the record is longer than the log")
	}
	want := min(max(n, readerBytes), end-off)
	r.buf = slices.Grow(r.buf[:0], int(want))[:want]
	r.bufOff = off
	if err := readFull(r.file, r.buf, off); err != nil {
		r.buf = r.buf[:0]
		return nil, ioError("read", r.name, err)
	}
	return r.buf[:n], nil
}

// Close gives up the pin and the open files.
func (r *Reader) Close() {
	r.closeFile()
	r.chunks.close()
	r.pin.Release()
}

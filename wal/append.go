package wal

import (
	"context"
	"errors"
	"time"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
)

// Entry is what Append takes.
type Entry struct {
	Kind Kind
	// LSN of a replicated kind is that of the record before, plus one.
	LSN table.LSN
	// Time is the commit timestamp of a replicated kind, larger than that of the record before.
	Time    int64
	Payload []byte
	// Sum is PayloadSum(Payload).
	Sum uint32
	// Stream names the chunks that precede the payload; Payload then comes from Stream.Seal.
	Stream *Stream
}

// errNoRoom: the record needs a file that is still being prepared.
var errNoRoom = errors.New("no log file is ready")

// Room reports whether a record with a payload of n bytes can be appended now. While it is nil,
// and nobody else appends, Append cannot fail. Otherwise it says that the log is poisoned or
// closed, or IsNoRoom is true for the error and WaitRoom waits. Urgent records may use the space
// that is kept for the work that frees space.
func (l *Log) Room(n int, urgent bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.roomLocked(n, urgent)
}

func (l *Log) roomLocked(n int, urgent bool) error {
	if err := l.refusedLocked(); err != nil {
		return err
	}
	if n > l.MaxRecord() {
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded,
			"log record of %d bytes exceeds the limit of %d", n, l.MaxRecord())
	}
	if int64(l.mu.end.Offset())+recordBytes(n) <= l.mu.cur.size {
		return nil
	}
	keep := mandatoryReserve
	if urgent {
		keep = 0
	}
	if len(l.mu.ready) <= keep {
		return errNoRoom
	}
	return nil
}

// IsNoRoom reports whether err asks the caller to WaitRoom.
func IsNoRoom(err error) bool { return errors.Is(err, errNoRoom) }

// WaitRoom waits until a record of n bytes may find room, and makes the preparer try again if it
// had failed. A full disk is 53100; a failed wait changes nothing.
func (l *Log) WaitRoom(ctx context.Context, n int, urgent bool) error {
	l.mu.Lock()
	before := l.mu.attempts // they met the disk as it was
	for {
		err := l.roomLocked(n, urgent)
		if !IsNoRoom(err) {
			l.mu.Unlock()
			return err
		}
		if l.mu.failed > before {
			err := l.mu.prepareErr
			l.mu.Unlock()
			return err
		}
		changed := l.mu.changed
		l.mu.prepareErr = nil
		l.mu.Unlock()
		l.wakePreparer()
		select {
		case <-changed:
		case <-ctx.Done():
			return sqlerr.Wrap(sqlerr.QueryCanceled, context.Cause(ctx))
		}
		l.mu.Lock()
	}
}

// Append adds a record to the open group and returns its position and its end. Room has said, under
// a lock that keeps other appenders out, that there is room.
func (l *Log) Append(e *Entry) (pos, end Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.assertOrder(e)
	need := recordBytes(len(e.Payload))
	if int64(l.mu.end.Offset())+need > l.mu.cur.size {
		l.rotateLocked()
	}
	s := l.segmentLocked()
	h := recordHeader{
		length: uint32(len(e.Payload)), pos: l.mu.end, durable: l.mu.durable, lsn: e.LSN, time: e.Time,
		prev: l.mu.chain, payloadSum: e.Sum, kind: e.Kind,
	}
	if e.Stream != nil {
		h.flags = e.Stream.flags
		e.Stream.sealedLocked(h.pos + Position(need))
	}
	at := len(s.buf)
	s.buf = append(s.buf, zeros[:recordHeaderBytes]...)
	s.buf = append(s.buf, e.Payload...)
	if pad := need - recordHeaderBytes - int64(len(e.Payload)); pad > 0 {
		s.buf = append(s.buf, zeros[:pad]...)
	}
	h.put(s.buf[at:], l.seed)
	l.mu.chain = h.sum
	l.mu.end += Position(need)
	if e.Kind.Replicated() {
		l.mu.lastLSN, l.mu.lastTime = e.LSN, e.Time
	}
	l.stats.records.Add(1)
	l.stats.bytes.Add(need)
	return h.pos, l.mu.end
}

var zeros [recordHeaderBytes + recordAlign]byte

// segmentLocked returns the segment of the open group that ends at mu.end.
func (l *Log) segmentLocked() *segment {
	if n := len(l.mu.segments); n > 0 && l.mu.segments[n-1].file == l.mu.cur {
		return &l.mu.segments[n-1]
	}
	l.mu.segments = append(l.mu.segments, segment{file: l.mu.cur, off: int64(l.mu.end.Offset()), buf: l.bufferLocked()})
	return &l.mu.segments[len(l.mu.segments)-1]
}

func (l *Log) bufferLocked() []byte {
	if n := len(l.mu.spare); n > 0 {
		b := l.mu.spare[n-1]
		l.mu.spare = l.mu.spare[:n-1]
		return b
	}
	return make([]byte, 0, 64<<10)
}

// rotateLocked makes the first ready file the current one and adds its header to the group.
func (l *Log) rotateLocked() {
	invariants.Assert(len(l.mu.ready) > 0, "rotation without a ready file")
	f := l.mu.ready[0]
	l.mu.ready = l.mu.ready[1:]
	h := fileHeader{
		version: formatVersion, epoch: f.epoch, id: l.id, prev: l.mu.end, nextLSN: l.mu.lastLSN + 1,
		time: l.mu.lastTime, chain: l.mu.chain,
	}
	if n := len(l.mu.live); n > 0 {
		l.mu.live[n-1].end = l.mu.end.Offset()
	}
	l.mu.cur, l.mu.end = f, NewPosition(f.epoch, 0)
	l.mu.live = append(l.mu.live, liveFile{epoch: f.epoch, size: f.size})
	l.mu.used++
	s := l.segmentLocked()
	s.after = h.prev
	s.buf = append(s.buf, make([]byte, fileHeaderBytes)...)
	h.put(s.buf)
	l.mu.chain, l.mu.end = h.sum, NewPosition(f.epoch, fileHeaderBytes)
	l.wakePreparer()
}

// Batch is a group of records cut off for writing.
type Batch struct {
	segments []segment
	end      Position
}

// End returns the position after the batch's last record.
func (b *Batch) End() Position { return b.end }

// Cut ends the open group and hands it out. Batches are written in the order of their cuts.
func (l *Log) Cut() Batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := Batch{l.mu.segments, l.mu.end}
	l.mu.segments = nil
	if n := len(l.mu.lists); n > 0 {
		l.mu.segments, l.mu.lists = l.mu.lists[n-1], l.mu.lists[:n-1]
	}
	return b
}

// PendingBytes returns the size of the open group.
func (l *Log) PendingBytes() (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.mu.segments {
		n += int64(len(l.mu.segments[i].buf))
	}
	return n
}

// Now returns the time in the unit of commit timestamps: microseconds since 1970.
func Now() int64 { return time.Now().UnixMicro() }

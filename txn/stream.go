package txn

import (
	"context"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/wal"
)

// streamChunksMax bounds the list of chunks that a record carries.
const streamChunksMax = 1 << 16

// Stream is a write set that goes to the log before its transaction commits, because it is too
// large to be held in memory. It is used by one goroutine at a time.
type Stream struct {
	p      *Pipeline
	chunks *wal.Stream
	bytes  int64
}

// NewStream begins a stream. It ends as Request.Stream of a Commit, or in Drop.
func (p *Pipeline) NewStream() *Stream { return &Stream{p: p, chunks: p.log.NewStream(false)} }

// ChunkBytes returns the size of the largest chunk.
func (p *Pipeline) ChunkBytes() int { return p.log.MaxRecord() }

// Append writes one chunk to the log, unsynced, and returns when it is written. Replay hands chunks
// out as they were appended. ctx ends the wait only; a chunk whose write was cancelled belongs to
// the stream.
func (s *Stream) Append(ctx context.Context, payload []byte) error {
	if s.chunks.Len() >= s.limit() {
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "transaction has more than %d log chunks", s.chunks.Len())
	}
	e := wal.Entry{Kind: wal.Chunk, Payload: payload, Sum: wal.PayloadSum(payload)}
	if err := s.p.appendOnly(ctx, e, s.chunks, false); err != nil {
		return err
	}
	s.bytes += int64(len(payload))
	return nil
}

// limit keeps the list of chunks within one record, with half of it left for the rest.
func (s *Stream) limit() int { return min(streamChunksMax, s.p.log.MaxRecord()/16) }

// Len returns the number of chunks, as a mark for Cut.
func (s *Stream) Len() int { return s.chunks.Len() }

// Bytes returns the size of all chunks appended.
func (s *Stream) Bytes() int64 { return s.bytes }

// Cut forgets the chunks after the first n: ROLLBACK TO.
func (s *Stream) Cut(n int) { s.chunks.Cut(n) }

// Drop gives the stream up: its transaction does not commit.
func (s *Stream) Drop() { s.chunks.Drop() }

// split writes all but the end of a large payload as chunks.
func (p *Pipeline) split(ctx context.Context, payload []byte) (*wal.Stream, []byte, error) {
	s := &Stream{p: p, chunks: p.log.NewStream(true)}
	size := p.log.MaxRecord()
	for len(payload) > size/2 {
		n := min(size, len(payload))
		if err := s.Append(ctx, payload[:n]); err != nil {
			s.Drop()
			return nil, nil, err
		}
		payload = payload[n:]
	}
	return s.chunks, payload, nil
}

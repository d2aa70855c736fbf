package wal

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/laminadb/lamina/table"
)

const (
	recordHeaderBytes = 56
	recordAlign       = 8
)

// The flags of a record header.
const (
	// flagStream: the payload begins with the list of the chunks of a stream.
	flagStream = 1 << iota
	// flagSplit: the chunks are the beginning of the payload, which was too large for one record.
	flagSplit
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	le         = binary.LittleEndian
)

// PayloadSum returns the checksum of a payload, to be computed outside of any lock.
func PayloadSum(payload []byte) uint32 { return crc32.Checksum(payload, castagnoli) }

// recordHeader is the fixed part of a record.
type recordHeader struct {
	sum        uint32 // of the bytes that follow it, seeded by the log's identity
	length     uint32 // of the payload
	pos        Position
	durable    Position
	lsn        table.LSN
	time       int64
	prev       uint32 // sum of the record before, or of the file's header
	payloadSum uint32
	kind       Kind
	flags      uint8
}

// put encodes the header and sets its checksum.
func (h *recordHeader) put(b []byte, seed uint32) {
	_ = b[recordHeaderBytes-1]
	le.PutUint32(b[4:], h.length)
	le.PutUint64(b[8:], uint64(h.pos))
	le.PutUint64(b[16:], uint64(h.durable))
	le.PutUint64(b[24:], uint64(h.lsn))
	le.PutUint64(b[32:], uint64(h.time))
	le.PutUint32(b[40:], h.prev)
	le.PutUint32(b[44:], h.payloadSum)
	b[48], b[49] = byte(h.kind), h.flags
	clear(b[50:recordHeaderBytes])
	h.sum = crc32.Update(seed, castagnoli, b[4:recordHeaderBytes])
	le.PutUint32(b, h.sum)
}

// parseRecordHeader decodes the header that lies at pos. It reports false if the header is not
// intact or was written for another place: a copy of a record inside a payload never passes.
func parseRecordHeader(b []byte, seed uint32, pos Position) (h recordHeader, ok bool) {
	if len(b) < recordHeaderBytes || Position(le.Uint64(b[8:])) != pos {
		return h, false
	}
	h.sum = le.Uint32(b)
	if crc32.Update(seed, castagnoli, b[4:recordHeaderBytes]) != h.sum {
		return h, false
	}
	h.length = le.Uint32(b[4:])
	h.pos = pos
	h.durable = Position(le.Uint64(b[16:]))
	h.lsn = table.LSN(le.Uint64(b[24:]))
	h.time = int64(le.Uint64(b[32:]))
	h.prev = le.Uint32(b[40:])
	h.payloadSum = le.Uint32(b[44:])
	h.kind, h.flags = Kind(b[48]), b[49]
	return h, true
}

// recordBytes returns what a record with a payload of n bytes occupies.
func recordBytes[T int | uint32](n T) int64 {
	return (recordHeaderBytes + int64(n) + recordAlign - 1) &^ (recordAlign - 1)
}

// appendChunkList encodes the list of chunks that begins the payload of a record with flagStream.
func appendChunkList(dst []byte, chunks []Position) []byte {
	dst = le.AppendUint32(dst, uint32(len(chunks)))
	for _, p := range chunks {
		dst = le.AppendUint64(dst, uint64(p))
	}
	return dst
}

// parseChunkList splits such a payload into the chunks and the rest.
func parseChunkList(b []byte) (chunks []Position, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int64(le.Uint32(b))
	if int64(len(b)-4) < 8*n {
		return nil, nil, false
	}
	chunks = make([]Position, n)
	for i := range chunks {
		chunks[i] = Position(le.Uint64(b[4+8*i:]))
	}
	return chunks, b[4+8*n:], true
}

package mem

import (
	"encoding/binary"
	"slices"
)

// Queue keeps entries outside the Go heap in the order in which they came, finds them by hashes, and drops them from the
// oldest on. It takes no memory while it is empty. Methods that change it exclude all others.
//
// An entry stands in a chunk as
//
//	payload bytes (4) · 0 (4) · for each hash: hash (8), position of the entry before in its bucket (8) · payload
//
// and begins at a multiple of 8. Positions grow without end: a chunk has queueChunkBytes of them, even if it is larger, for one
// entry that is. 0 is none. What a bucket leads to becomes older and older, so that a list ends where it comes
// to what was dropped: dropping needs no search.
type Queue struct {
	tracker *Tracker
	chunks  []queueChunk
	// head is the position of the oldest entry, tail that of the next one. The first of chunks begins at or before head.
	head, tail uint64
	n          int
	bytes      int64
	buckets    []Slab // for each hash
	mask       uint64 // buckets - 1
}

// queueChunk has entries in its first used bytes.
type queueChunk struct {
	Slab
	used int
}

const (
	queueChunkBytes = 64 << 10
	queueHeadBytes  = 8
	queueHashBytes  = 16
	queueBucketsMin = 1 << 9
)

// NewQueue returns an empty queue of entries with so many hashes, whose memory is charged to a tracker, beyond its limits.
func NewQueue(t *Tracker, hashes int) Queue {
	return Queue{tracker: t, buckets: make([]Slab, hashes), head: queueChunkBytes, tail: queueChunkBytes}
}

// Len returns the number of entries, and Bytes the memory that they take.
func (q *Queue) Len() int     { return q.n }
func (q *Queue) Bytes() int64 { return q.bytes }

// chunk returns the one that has a position.
func (q *Queue) chunk(pos uint64) *queueChunk {
	return &q.chunks[pos/queueChunkBytes-q.head/queueChunkBytes]
}

// at returns what follows a position in its chunk.
func (q *Queue) at(pos uint64) []byte { return q.chunk(pos).B[pos%queueChunkBytes:] }

// entryBytes is the room that an entry with a payload of so many bytes takes.
func (q *Queue) entryBytes(payload int) int {
	return (queueHeadBytes + len(q.buckets)*queueHashBytes + payload + 7) &^ 7
}

// payload returns that of the entry at a position.
func (q *Queue) payload(pos uint64) []byte {
	b := q.at(pos)
	from := queueHeadBytes + len(q.buckets)*queueHashBytes
	return b[from : from+int(binary.LittleEndian.Uint32(b))]
}

// Push adds an entry, the parts of whose payload are copied.
func (q *Queue) Push(hashes []uint64, payload ...[]byte) {
	size := 0
	for _, p := range payload {
		size += len(p)
	}
	pos := q.room(q.entryBytes(size))
	b := q.at(pos)
	binary.LittleEndian.PutUint64(b, uint64(size))
	b = b[queueHeadBytes:]
	for i, h := range hashes {
		binary.LittleEndian.PutUint64(b[i*queueHashBytes:], h)
	}
	b = b[len(hashes)*queueHashBytes:]
	for _, p := range payload {
		b = b[copy(b, p):]
	}
	if q.n++; q.mask == 0 || uint64(q.n) > q.mask {
		q.rehash()
	} else {
		q.link(pos)
	}
}

// room returns the position of a new entry of so many bytes.
func (q *Queue) room(size int) uint64 {
	if len(q.chunks) == 0 || q.chunks[len(q.chunks)-1].used+size > queueChunkBytes {
		if q.tail = (q.tail + queueChunkBytes - 1) &^ (queueChunkBytes - 1); q.n == 0 {
			q.head = q.tail
		}
		s := MustAlloc(q.tracker, max(queueChunkBytes, size))
		q.chunks, q.bytes = append(q.chunks, queueChunk{Slab: s}), q.bytes+int64(s.Bytes())
	}
	c := &q.chunks[len(q.chunks)-1]
	pos := q.tail&^(queueChunkBytes-1) + uint64(c.used)
	c.used += size
	q.tail = pos + uint64(min(size, queueChunkBytes))
	return pos
}

// link puts an entry before all others of its buckets.
func (q *Queue) link(pos uint64) {
	b := q.at(pos)[queueHeadBytes:]
	for i := range q.buckets {
		bucket := &Of[uint64](&q.buckets[i], int(q.mask)+1)[binary.LittleEndian.Uint64(b[i*queueHashBytes:])&q.mask]
		binary.LittleEndian.PutUint64(b[i*queueHashBytes+8:], *bucket)
		*bucket = pos
	}
}

// rehash makes more buckets.
func (q *Queue) rehash() {
	n := max(queueBucketsMin, 2*(int(q.mask)+1))
	for i := range q.buckets {
		q.bytes -= int64(q.buckets[i].Bytes())
		q.buckets[i].Free()
		q.buckets[i] = MustAlloc(q.tracker, n*8)
		q.bytes += int64(q.buckets[i].Bytes())
	}
	q.mask = uint64(n) - 1
	for pos := q.head; pos < q.tail; pos = q.next(pos) {
		q.link(pos)
	}
}

// next returns the position of the entry after one, which is tail if that was the newest.
func (q *Queue) next(pos uint64) uint64 {
	at := int(pos%queueChunkBytes) + q.entryBytes(len(q.payload(pos)))
	if at < q.chunk(pos).used {
		return pos&^(queueChunkBytes-1) + uint64(at)
	}
	return min(q.tail, pos&^(queueChunkBytes-1)+queueChunkBytes)
}

// Oldest returns the payload of the oldest entry, which is valid until it is dropped. There must be one.
func (q *Queue) Oldest() []byte { return q.payload(q.head) }

// Drop removes the oldest entry.
func (q *Queue) Drop() {
	if q.n--; q.n == 0 {
		q.Clear()
		return
	}
	next := q.next(q.head)
	if next/queueChunkBytes != q.head/queueChunkBytes {
		q.bytes -= int64(q.chunks[0].Bytes())
		q.chunks[0].Free()
		q.chunks = slices.Delete(q.chunks, 0, 1)
	}
	q.head = next
}

// Clear removes all entries.
func (q *Queue) Clear() {
	for i := range q.chunks {
		q.chunks[i].Free()
	}
	for i := range q.buckets {
		q.buckets[i].Free()
	}
	q.chunks, q.n, q.bytes, q.mask, q.head = nil, 0, 0, 0, q.tail
}

// Find hands the payloads of entries whose i-th hash may be hash to f, the newest first, until it returns true.
func (q *Queue) Find(i int, hash uint64, f func(payload []byte) bool) {
	if q.n == 0 {
		return
	}
	pos := Of[uint64](&q.buckets[i], int(q.mask)+1)[hash&q.mask]
	for pos >= q.head && pos != 0 {
		b := q.at(pos)[queueHeadBytes+i*queueHashBytes:]
		if binary.LittleEndian.Uint64(b) == hash && f(q.payload(pos)) {
			return
		}
		pos = binary.LittleEndian.Uint64(b[8:])
	}
}

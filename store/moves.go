package store

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/zeebo/xxh3"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
)

// moves remembers the updates that changed a row's key, so that whoever waited for the old row finds
// the new one, and the rows whose key another row got in the same transaction: versions do not tell that from an update.
// Those at or below the watermark are forgotten: nobody can still refer to the old row. They are outside the Go heap, since
// a View that is held keeps many of them.
type moves struct {
	n  atomic.Int64 // moves kept, for readers without the lock
	mu struct {
		sync.Mutex
		queue mem.Queue // in the order of their LSNs
	}
}

// moveTo is where a row went: to another key, or nowhere, when its key was given to another row at once.
type moveTo struct {
	lsn  table.LSN
	to   string
	gone bool
}

// move is one changed key.
type move struct {
	table    table.ObjectID
	from, to string
	gone     bool
}

func (m *moves) init(t *mem.Tracker) { m.mu.queue = mem.NewQueue(t, 1) }

// moveHeadBytes is what an entry of the queue has before both keys: LSN (8), table (4), the length of the old key and
// whether the row is gone (4).
const moveHeadBytes = 16

func moveHash(id table.ObjectID, key string) uint64 { return xxh3.HashStringSeed(key, uint64(id)) }

// add notes the moves of the entry at lsn.
func (m *moves) add(lsn table.LSN, list []move) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, x := range list {
		var head [moveHeadBytes]byte
		binary.LittleEndian.PutUint64(head[:], uint64(lsn))
		binary.LittleEndian.PutUint32(head[8:], uint32(x.table))
		length := uint32(len(x.from)) << 1
		if x.gone {
			length++
		}
		binary.LittleEndian.PutUint32(head[12:], length)
		m.mu.queue.Push([]uint64{moveHash(x.table, x.from)}, head[:], []byte(x.from), []byte(x.to))
	}
	m.n.Store(int64(m.mu.queue.Len()))
}

// moveLSN returns that of an entry.
func moveLSN(b []byte) table.LSN { return table.LSN(binary.LittleEndian.Uint64(b)) }

// moveOf reads an entry, if it is of a key of a table.
func moveOf(b []byte, id table.ObjectID, key string) (to moveTo, ok bool) {
	length := binary.LittleEndian.Uint32(b[12:])
	from, rest := b[moveHeadBytes:][:length>>1], b[moveHeadBytes+int(length>>1):]
	if table.ObjectID(binary.LittleEndian.Uint32(b[8:])) != id || string(from) != key {
		return moveTo{}, false
	}
	return moveTo{moveLSN(b), string(rest), length&1 != 0}, true
}

// find returns where the row that had a key at an LSN went to, and when. The first move after that LSN
// is the row's own: what had the key later is another row.
func (m *moves) find(id table.ObjectID, key []byte, at table.LSN) (to moveTo, moved bool) {
	if m.n.Load() == 0 {
		return moveTo{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	from := string(key)
	m.mu.queue.Find(0, moveHash(id, from), func(b []byte) bool {
		if moveLSN(b) <= at {
			return true
		}
		if x, ok := moveOf(b, id, from); ok {
			to, moved = x, true // unless there is an older one
		}
		return false
	})
	return to, moved
}

// forget drops what happened at or below the watermark.
func (m *moves) forget(watermark table.LSN) {
	if m.n.Load() == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for q := &m.mu.queue; q.Len() > 0 && moveLSN(q.Oldest()) <= watermark; {
		q.Drop()
	}
	m.n.Store(int64(m.mu.queue.Len()))
}

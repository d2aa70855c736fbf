package store

import (
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/table"
)

// moves remembers the updates that changed a row's key, so that whoever waited for the old row finds
// the new one, and the rows whose key another row got in the same transaction: versions do not tell that from an update. Those at or below the watermark are forgotten: nobody can still refer to the old row.
type moves struct {
	n  atomic.Int64 // moves kept, for readers without the lock
	mu struct {
		sync.Mutex
		by   map[moveKey][]moveTo
		list []moveKey // in the order of their LSNs
		lsns []table.LSN
	}
}

type moveKey struct {
	table table.ObjectID
	from  string
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

// add notes the moves of the entry at lsn.
func (m *moves) add(lsn table.LSN, list []move) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.by == nil {
		m.mu.by = make(map[moveKey][]moveTo, len(list))
	}
	for _, x := range list {
		k := moveKey{x.table, x.from}
		m.mu.by[k] = append(m.mu.by[k], moveTo{lsn, x.to, x.gone})
		m.mu.list, m.mu.lsns = append(m.mu.list, k), append(m.mu.lsns, lsn)
	}
	m.n.Store(int64(len(m.mu.list)))
}

// find returns where the row that had a key at an LSN went to, and when. The first move after that LSN
// is the row's own: what had the key later is another row.
func (m *moves) find(id table.ObjectID, key []byte, at table.LSN) (to moveTo, moved bool) {
	if m.n.Load() == 0 {
		return moveTo{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, x := range m.mu.by[moveKey{id, string(key)}] {
		if x.lsn > at {
			return x, true
		}
	}
	return moveTo{}, false
}

// forget drops what happened at or below the watermark.
func (m *moves) forget(watermark table.LSN) {
	if m.n.Load() == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	i := 0
	for ; i < len(m.mu.list) && m.mu.lsns[i] <= watermark; i++ {
		k := m.mu.list[i]
		if rest := m.mu.by[k][1:]; len(rest) > 0 {
			m.mu.by[k] = rest
		} else {
			delete(m.mu.by, k)
		}
	}
	if i > 0 {
		m.mu.list, m.mu.lsns = append([]moveKey(nil), m.mu.list[i:]...), append([]table.LSN(nil), m.mu.lsns[i:]...)
		m.n.Store(int64(len(m.mu.list)))
	}
}

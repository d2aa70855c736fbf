package store

import "github.com/laminadb/lamina/table"

// readSet records what a transaction has read, for the validation of SERIALIZABLE: rows by key, and
// scans by their conditions. It is bounded: beyond the limit a table counts as read as a whole.
type readSet struct {
	tables map[table.ObjectID]*tableReads
	n      int
}

// tableReads are the reads of one table.
type tableReads struct {
	// all: every row counts as read; points and scans are empty then.
	all    bool
	points map[string]struct{}
	scans  [][]table.Conjunct
}

// readsMax bounds the reads that are kept one by one.
const readsMax = 1 << 16

func (r *readSet) of(id table.ObjectID) *tableReads {
	if r.tables == nil {
		r.tables = make(map[table.ObjectID]*tableReads)
	}
	t := r.tables[id]
	if t == nil {
		t = &tableReads{}
		r.tables[id] = t
	}
	return t
}

// point notes a look-up by key, whether it found a row or not.
func (r *readSet) point(id table.ObjectID, key []byte) {
	t := r.of(id)
	if t.all || r.full(t) {
		return
	}
	if t.points == nil {
		t.points = make(map[string]struct{})
	}
	if _, known := t.points[string(key)]; !known {
		t.points[string(key)] = struct{}{}
		r.n++
	}
}

// scan notes a scan for rows that meet all conjuncts. The conditions are not used up to now by a
// narrower form, so that a scan without any reads the table.
func (r *readSet) scan(id table.ObjectID, where []table.Conjunct) {
	t := r.of(id)
	if t.all || r.full(t) {
		return
	}
	if len(where) == 0 {
		r.widen(t)
		return
	}
	t.scans = append(t.scans, append([]table.Conjunct(nil), where...))
	r.n++
}

// full widens to the whole table when there is no room for another read.
func (r *readSet) full(t *tableReads) bool {
	if r.n < readsMax {
		return false
	}
	r.widen(t)
	return true
}

func (r *readSet) widen(t *tableReads) {
	r.n -= len(t.points) + len(t.scans)
	*t = tableReads{all: true}
}

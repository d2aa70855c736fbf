package store

import (
	"slices"
	"strings"
	"sync"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// readSet records what a SERIALIZABLE transaction has read and validates it: rows by key, and scans by
// their conditions. It is bounded: beyond the limits a table counts as read as a whole. Readers of one
// statement may use it side by side.
type readSet struct {
	mu     sync.Mutex
	tables map[table.ObjectID]*tableReads
	bytes  int
	// checked is the LSN up to which all reads but the fresh ones are known to be valid.
	checked table.LSN
	// probes: unique keys were looked up in a newer state than the View. probed: and the transaction knows what was found,
	// though it may have written nothing.
	probes, probed bool
}

// tableReads are the reads of one table: fresh are those since the last validation.
type tableReads struct {
	old, fresh reads
}

// reads are rows and predicates of one table.
type reads struct {
	// all: every row counts as read; points and scans are empty then.
	all    bool
	points map[string]table.LSN // by encoded primary key
	scans  []scanRead
}

// scanRead is a scan for the rows that meet all conjuncts.
type scanRead struct {
	where []table.Conjunct
	at    table.LSN
}

// Bounds of the reads that are kept one by one: the memory of those of a transaction, the scans of a table.
const (
	readBytesMax = 8 << 20
	scansMax     = 1 << 10
)

// Memory that a read takes besides the values that it names.
const (
	pointBytes    = 64
	conjunctBytes = 128
	datumBytes    = 48
)

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

// point notes a look-up by primary key in the state at an LSN, whether it found a row or not.
func (r *readSet) point(id table.ObjectID, key []byte, found bool, at table.LSN) {
	if !found && invariants.Mutant("store-forget-missed-read") {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.of(id)
	if t.all() || r.full(t) {
		return
	}
	if was, known := t.old.points[string(key)]; known && was <= at {
		return
	}
	if was, known := t.fresh.points[string(key)]; known && was <= at {
		return
	}
	if t.fresh.points == nil {
		t.fresh.points = make(map[string]table.LSN)
	}
	t.fresh.points[string(key)] = at
	r.bytes += pointBytes + len(key)
}

// scan notes a scan for rows that meet all conjuncts, in the state at an LSN. Sets of keys that were found while the
// statement ran are left out: what was read is then wider than what was looked at, which is safe whatever they were
// made of. For the same reason nothing narrows a scan that was noted.
func (r *readSet) scan(id table.ObjectID, where []table.Conjunct, at table.LSN) {
	if invariants.Mutant("store-forget-scan") {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.of(id)
	if t.all() || r.full(t) {
		return
	}
	kept := make([]table.Conjunct, 0, len(where))
	for i := range where {
		if where[i].Op != table.OpFilter {
			kept = append(kept, cloneConjunct(where[i]))
		}
	}
	known := func(s scanRead) bool { return s.at <= at && slices.EqualFunc(s.where, kept, sameConjunct) }
	switch {
	case len(kept) == 0 || len(t.old.scans)+len(t.fresh.scans) >= scansMax:
		r.widen(t)
	case slices.ContainsFunc(t.old.scans, known) || slices.ContainsFunc(t.fresh.scans, known):
	default:
		t.fresh.scans = append(t.fresh.scans, scanRead{kept, at})
		r.bytes += scanBytes(kept)
	}
}

func scanBytes(where []table.Conjunct) (n int) {
	for i := range where {
		n += conjunctBytes + len(where[i].Value.S)
		for j := range where[i].Values {
			n += datumBytes + len(where[i].Values[j].S)
		}
	}
	return n
}

// cloneConjunct copies what a conjunct borrows.
func cloneConjunct(c table.Conjunct) table.Conjunct {
	c.Value.S = strings.Clone(c.Value.S)
	c.Values = slices.Clone(c.Values)
	for i := range c.Values {
		c.Values[i].S = strings.Clone(c.Values[i].S)
	}
	return c
}

func sameConjunct(a, b table.Conjunct) bool {
	return a.Col == b.Col && a.Op == b.Op && types.Identical(a.Value, b.Value) && slices.EqualFunc(a.Values, b.Values, types.Identical)
}

// full widens to the whole table when there is no room for another read.
func (r *readSet) full(t *tableReads) bool {
	if r.bytes < readBytesMax {
		return false
	}
	r.widen(t)
	return true
}

func (t *tableReads) all() bool { return t.old.all || t.fresh.all }

func (r *readSet) widen(t *tableReads) {
	for _, x := range []*reads{&t.old, &t.fresh} {
		for key := range x.points {
			r.bytes -= pointBytes + len(key)
		}
		for i := range x.scans {
			r.bytes -= scanBytes(x.scans[i].where)
		}
	}
	*t = tableReads{fresh: reads{all: true}}
}

// settle makes the fresh reads old ones: all are valid up to an LSN.
func (r *readSet) settle(upTo table.LSN) {
	for _, t := range r.tables {
		if t.fresh.all {
			t.old = reads{all: true}
		}
		if t.old.all {
			t.fresh = reads{}
			continue
		}
		if t.old.points == nil {
			t.old.points, t.fresh.points = t.fresh.points, nil
		}
		for key, at := range t.fresh.points {
			t.old.points[key] = at
		}
		clear(t.fresh.points)
		t.old.scans = append(t.old.scans, t.fresh.scans...)
		t.fresh.scans = nil
	}
	r.checked = upTo
}

func (r *reads) empty() bool { return !r.all && len(r.points) == 0 && len(r.scans) == 0 }

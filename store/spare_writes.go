package store

import (
	"sync"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec"
)

// spareWrites keeps the memory of small write sets for the next transactions that write to the same table: most
// commits are of a few rows, and would otherwise spend their time on making garbage.
type spareWrites struct {
	tables sync.Map // of *tableSpares by table.ObjectID
}

// tableSpares are the spare write sets of one definition of a table.
type tableSpares struct {
	def  *table.TableDef
	pool sync.Pool // of *writes
}

// Bounds of what is kept.
const (
	spareRowsMax  = 256
	spareBytesMax = 32 << 10
)

// take returns an empty write set for a definition of a table.
func (s *spareWrites) take(def *table.TableDef, tracker *mem.Tracker) *writes {
	x, ok := s.tables.Load(def.ID)
	if !ok || x.(*tableSpares).def != def {
		x = &tableSpares{def: def}
		s.tables.Store(def.ID, x)
	}
	home := x.(*tableSpares)
	if w, ok := home.pool.Get().(*writes); ok {
		w.tracker = tracker
		return w
	}
	w := newWrites(def, tracker)
	w.home = home
	return w
}

// newWrites returns an empty write set that is not kept.
func newWrites(def *table.TableDef, tracker *mem.Tracker) *writes {
	return &writes{def: def, types: rowTypes(def), tracker: tracker, keys: make([]keyTable, len(def.Keys))}
}

// forget drops the spares of a table that is gone.
func (s *spareWrites) forget(id table.ObjectID) { s.tables.Delete(id) }

// recycle empties the write set for the next transaction; false if it is too large to be kept. Nobody looks at it any
// more: the transaction and all scans have ended, and what it committed was copied. Invariants builds overwrite the
// rows and keep nothing, so that somebody who looks all the same is found.
func (w *writes) recycle() bool {
	small := len(w.chunks) <= 1 && len(w.dropped) == 0 && cap(w.log) <= spareRowsMax && cap(w.ended) <= spareRowsMax &&
		len(w.byRef.slots) <= 2*spareRowsMax && cap(w.endKeys.Data) <= spareBytesMax
	for k := range w.keys {
		small = small && w.keys[k].bytes() <= spareBytesMax
	}
	if !small || w.home == nil || invariants.Enabled {
		return false
	}
	c := w.spare
	if len(w.chunks) == 1 {
		c = w.chunks[0]
	}
	if c != nil && (!c.onHeap || c.sealed || vec.BuilderBytes(c.rows) > spareBytesMax) {
		return false
	}
	if c != nil {
		c.reset()
	}
	for k := range w.keys {
		w.keys[k].reset()
	}
	w.byRef.reset()
	w.scratch.reset()
	*w = writes{
		def: w.def, types: w.types, keys: w.keys, home: w.home, spare: c, chunks: w.chunks[:0], scratch: w.scratch,
		ended: w.ended[:0], endKeys: table.Keys{Data: w.endKeys.Data[:0], Ends: w.endKeys.Ends[:0]}, byRef: w.byRef,
		log: w.log[:0], loads: w.loads[:0],
	}
	return true
}

// reset forgets the rows and keeps the memory.
func (c *chunk) reset() {
	c.rows.Reset()
	c.first, c.begin, c.end, c.origins = 0, c.begin[:0], c.end[:0], c.origins[:0]
}

// reset forgets the keys and keeps the memory.
func (t *keyTable) reset() {
	clear(t.slots)
	t.entries, t.data, t.ascending = t.entries[:0], t.data[:0], false
}

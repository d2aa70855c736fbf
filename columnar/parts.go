package columnar

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/columnar/deletion"
	"github.com/laminadb/lamina/columnar/segment"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/rowstore"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// tableSet is the immutable set of tables at a moment.
type tableSet map[table.ObjectID]*tableState

// tableState is a table with a version of its definition and its parts.
type tableState struct {
	def *table.TableDef
	inc *incarnation
	p   *parts
}

// incarnation is the content of a table between two moments at which all its rows are replaced: by another layout, or
// TRUNCATE.
type incarnation struct {
	t    *Tier
	id   table.ObjectID
	born table.LSN
	def  atomic.Pointer[table.TableDef]
	// types are those of the columns, the hidden key's last if there is no primary key; identity are the key's columns.
	types    []types.Type
	identity []int
	cur      atomic.Pointer[parts]
	// old are memtables and segments whose rows have moved, as long as a View may read them.
	old atomic.Pointer[parts]
	// readers is held for reading by who looks into old parts that a younger View need not have: see readOld.
	readers sync.RWMutex
	moves   atomic.Uint64
	// flushing is held while memtables are flushed, and compacting while segments of a class of levels are merged: one job
	// of each at a time. publishing is held from when a move has its number until it is done: their records stand in the
	// order of these.
	flushing, publishing sync.Mutex
	compacting           [classes]sync.Mutex

	stats statsCache
	// pending are deletions of rows in segments that replay has met: see resolve.
	pending []pendingDeletion
}

// parts are what a table consists of. They are immutable.
type parts struct {
	moves uint64      // that led to them
	mems  []*memtable // newest first; rows go to the first
	segs  []*seg      // in the order of their numbers
}

// memtable is a memtable of a table.
type memtable struct {
	*rowstore.Memtable
	moved
	// last is the LSN of the last record that had rows for it, or took some from it; the applier alone uses it.
	last table.LSN
	// full: it is to be sealed after the record with LSN last. The applier alone uses it.
	full bool
	// sealed is the LSN at which the last row may have begun; 0: it is still filled. It is set before the memtable is
	// no longer the first.
	sealed table.LSN
	// ended are deletions after it was sealed of rows that are not in it: it was read from a checkpoint.
	ended []pendingDeletion
}

// seg is a segment of a table.
type seg struct {
	moved
	num   uint32
	level uint8 // 0: from a flush or a load; n: from a compaction of those of level n-1
	// cut is the LSN at which all its rows lived: those of a load began there.
	cut  table.LSN
	info segment.Info
	file *segment.Segment // nil before the first snapshot is taken
	dv   *deletion.Vector
	// width is about the size of a row, once it was asked for.
	width atomic.Pointer[float64]
	// since says when each row began, or when it lived. It is there while a View may not see all of them.
	since atomic.Pointer[[]table.LSN]
}

// begin says that all rows of a segment begin at an LSN.
func (s *seg) begin(lsn table.LSN) {
	s.cut, s.dv = lsn, deletion.New(s.info.Rows, uint64(lsn))
}

func (inc *incarnation) newMem(first int) *memtable {
	return &memtable{Memtable: rowstore.NewMemtable(inc.t.space, inc.def.Load(), first)}
}

func (t *Tier) newIncarnation(def *table.TableDef, born table.LSN) *incarnation {
	inc := &incarnation{t: t, id: def.ID, born: born}
	inc.def.Store(def)
	m := inc.newMem(0)
	inc.types, inc.identity = m.Types(), m.Identity()
	inc.old.Store(&parts{})
	inc.cur.Store(&parts{mems: []*memtable{m}})
	return inc
}

// replace returns the parts without some, and with others.
func (p *parts) replace(m *memtable, segs, with []*seg, moves uint64) *parts {
	n := &parts{moves: moves}
	for _, x := range p.mems {
		if x != m {
			n.mems = append(n.mems, x)
		}
	}
	for _, s := range p.segs {
		if !slices.Contains(segs, s) {
			n.segs = append(n.segs, s)
		}
	}
	n.segs = append(n.segs, with...)
	return n
}

// install makes parts the present ones of the incarnation, and of its table.
func (inc *incarnation) install(lsn table.LSN, p *parts) {
	inc.moves.Store(p.moves)
	inc.cur.Store(p)
	t := inc.t
	if st := (*t.tables.Load())[inc.id]; st != nil && st.inc == inc {
		t.with(lsn, inc.id, &tableState{def: st.def, inc: inc, p: p})
	}
	t.changes.Add(1) // after it can be seen: a checkpoint that counts it has it
}

// exchange puts segments in the place of a memtable, or of others. Where the rows went must be known: who finds the new
// parts may be asked for rows of the old ones. These are kept until no View has them, and until then the new segments
// know when their rows began.
func (inc *incarnation) exchange(lsn table.LSN, m *memtable, segs, added []*seg, moves uint64) {
	inc.t.mu.Lock()
	o := inc.old.Load()
	n := &parts{mems: slices.Clone(o.mems), segs: append(slices.Clone(o.segs), segs...)}
	if m != nil {
		n.mems = append(n.mems, m)
	}
	inc.old.Store(n) // before they leave the present parts: who looks for a row finds it in either
	inc.t.mu.Unlock()
	inc.install(lsn, inc.cur.Load().replace(m, segs, added, moves))
	inc.t.epochs.retire(func() { inc.forget(m, segs, added) })
}

// readOld returns the old parts to somebody who looks for a key in all of them, and what is to be called when that is done;
// nothing of them is freed until then.
//
// A View alone is not enough for that. It keeps what was in the present parts at any moment since it was made: such a part
// is retired in the View's epoch or in a later one, and freed after both. But a part may be old already when a View is
// made, because of older Views; it goes with the last of those, and it goes in the midst of a look-up, whose memory would
// be somebody else's. Who has a reference needs no more than its View: the part that it leads to was a present one.
func (inc *incarnation) readOld() (old *parts, done func()) {
	inc.readers.RLock()
	return inc.old.Load(), inc.readers.RUnlock
}

// forget frees what was retired: once it has left the old parts, and those who read them have ended, nobody finds it.
func (inc *incarnation) forget(m *memtable, segs, added []*seg) {
	if !invariants.Mutant("columnar-free-beside-readers") {
		inc.readers.Lock()
		defer inc.readers.Unlock()
	}
	inc.t.mu.Lock()
	inc.old.Store(inc.old.Load().replace(m, segs, nil, 0))
	inc.t.mu.Unlock()
	for _, s := range added {
		s.since.Store(nil)
	}
	if m != nil {
		m.Destroy()
	}
	inc.t.unusedAll(segs)
}

// destroy frees all that is left of an incarnation. A compaction that still reads its segments ends first: it holds no
// View.
func (inc *incarnation) destroy() {
	for class := range inc.compacting {
		inc.compacting[class].Lock()
		defer inc.compacting[class].Unlock()
	}
	for _, p := range []*parts{inc.cur.Load(), inc.old.Load()} {
		for _, m := range p.mems {
			m.Destroy()
		}
		inc.t.unusedAll(p.segs)
	}
	inc.cur.Store(&parts{})
	inc.old.Store(&parts{})
}

// epochs know which Views there are, so that what a part of them may read is freed after them.
type epochs struct {
	sync.Mutex
	list   []*epoch // the last is the present one
	closed bool
}

// epoch is the time between two changes of parts.
type epoch struct {
	held    int
	garbage []func() // of what left the parts at its end
}

// hold counts a View in the present epoch.
func (e *epochs) hold() *epoch {
	e.Lock()
	defer e.Unlock()
	if len(e.list) == 0 {
		e.list = append(e.list, &epoch{})
	}
	x := e.list[len(e.list)-1]
	x.held++
	return x
}

// retire has f called when every View of the present and of earlier epochs is gone.
func (e *epochs) retire(f func()) {
	e.Lock()
	defer e.Unlock()
	if len(e.list) == 0 {
		e.list = append(e.list, &epoch{})
	}
	x := e.list[len(e.list)-1]
	x.garbage = append(x.garbage, f)
	e.list = append(e.list, &epoch{})
}

// drop ends a View, and returns what is garbage now.
func (e *epochs) drop(x *epoch) (garbage []func()) {
	e.Lock()
	defer e.Unlock()
	x.held--
	return e.collect()
}

// collect takes the epochs off that nobody is in.
func (e *epochs) collect() (garbage []func()) {
	if e.closed {
		return nil
	}
	for len(e.list) > 1 && e.list[0].held == 0 {
		garbage = append(garbage, e.list[0].garbage...)
		e.list = e.list[1:]
	}
	return garbage
}

// close returns all garbage that is left: no View is.
func (e *epochs) close() (garbage []func()) {
	e.Lock()
	defer e.Unlock()
	for _, x := range e.list {
		garbage = append(garbage, x.garbage...)
	}
	e.list, e.closed = nil, true
	return garbage
}

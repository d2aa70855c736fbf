package store

import (
	"sync"

	"github.com/laminadb/lamina/table"
)

// relocation is how a write set follows the rows of a table that move between memtables and segments: it refers to the
// committed rows that it has ended. The View from which the first of them is, is held until the transaction ends, so
// that what the others may mean stays known, too.
type relocation struct {
	mover table.Mover // nil: rows of the table do not move, or none was ended
	view  *view
	// moves is the number of moves that the references of the write set have seen.
	moves uint64
	mu    sync.Mutex // index look-ups of a statement run in several goroutines
}

// follow has the write set follow the rows of a snapshot that a statement has.
func (w *writes) follow(ts table.TableSnapshot, v *view) {
	m, ok := ts.(table.Moving)
	if !ok || w.relocation.mover != nil {
		return
	}
	w.relocation.mover, w.relocation.view = m.Mover(), v.Retain()
	w.relocation.moves = m.At()
}

// unfollow ends that.
func (w *writes) unfollow() {
	if w.relocation.view != nil {
		w.relocation.view.Release()
	}
	w.relocation.view, w.relocation.mover, w.relocation.moves = nil, nil, 0
}

// endedAt returns the position in ended of a committed row, or -1. The reference may be of any moment since the first
// row was ended.
func (w *writes) endedAt(ref table.RowRef) int32 {
	r := &w.relocation
	if r.mover == nil {
		return w.byRef.find(ref)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	w.catchUp()
	return w.byRef.find(r.mover.Moved(ref, r.moves))
}

// catchUp gives the write set the references that its rows have now.
func (w *writes) catchUp() {
	r := &w.relocation
	if r.mover == nil {
		return
	}
	n := r.mover.Moves()
	if n == r.moves {
		return
	}
	w.unshare()
	w.byRef.reset()
	for i := range w.ended {
		w.ended[i].ref = r.mover.Moved(w.ended[i].ref, n)
		w.byRef.add(w.ended[i].ref, int32(i))
	}
	r.moves = n
}

// sameVersion reports whether two references that were read at different moments mean one row version.
func sameVersion(ts table.TableSnapshot, a, b table.RowRef) bool {
	if a == b {
		return true
	}
	m, ok := ts.(table.Moving)
	if !ok {
		return false
	}
	mover := m.Mover()
	n := mover.Moves()
	return mover.Moved(a, n) == mover.Moved(b, n)
}

package store

import (
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
)

// txTable is what a transaction knows of one table (or, for its lock alone, of another object).
type txTable struct {
	tx *Tx
	id table.ObjectID
	// locked has a bit for each table lock mode that was taken since the last rollback to a savepoint.
	locked uint16
	// created: the table is this transaction's own, though it may have been undone; its hidden keys count from 1.
	created    bool
	hiddenNext int64
	w          *writes // nil: nothing was written
}

func (tt *txTable) wrote() bool { return tt.w != nil && !tt.w.empty() }

func (tt *txTable) mark() writesMark { return tt.w.mark() }

// undo returns to a place, which may be in a write set of an earlier layout.
func (tt *txTable) undo(m writesMark) {
	for tt.w != nil && tt.w != m.of && tt.w.rewritten && !invariants.Mutant("store-keep-layout") {
		tt.pop()
	}
	if tt.w != nil {
		tt.w.undo(m)
	}
}

// push makes w, which has the rows of the table in a new layout, the write set.
func (tt *txTable) push(w *writes) {
	w.rewritten, w.before = true, tt.w
	tt.w = w
}

// pop returns to the write set of the layout before.
func (tt *txTable) pop() {
	w := tt.w
	tt.w = w.before
	w.release()
}

func (tt *txTable) release() {
	for tt.w != nil {
		tt.pop()
	}
}

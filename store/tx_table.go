package store

import (
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

func (tt *txTable) undo(m writesMark) {
	if tt.w != nil {
		tt.w.undo(m)
	}
}

func (tt *txTable) release() {
	if tt.w != nil {
		tt.w.release()
		tt.w = nil
	}
}

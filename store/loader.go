package store

import (
	"context"
	"errors"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
	"github.com/laminadb/lamina/vec"
)

// loader is a bulk load: an insert of many batches that saves the locks on single rows if no other
// transaction writes to the table.
type loader struct {
	w     *Writer
	at    writesMark
	alone bool // other writers are kept out
	done  bool
	out   table.Outcome
}

var errLoadEnded = sqlerr.New(sqlerr.InvalidTransactionState, "the load has ended")

// Load begins a bulk load.
func (w *Writer) Load(ctx context.Context, _ table.LoadOptions) (table.Loader, error) {
	if err := w.usable(ctx); err != nil {
		return nil, err
	}
	l := &loader{w: w, at: w.tt.w.mark(), alone: w.tt.created}
	if !l.alone {
		t := w.st.tx
		err := t.lock(ctx, txn.TableKey(w.def.ID), txn.TableMode(table.ShareRowExclusive), table.NoWait)
		if err != nil && !errors.Is(err, errBusy) {
			return nil, err
		}
		l.alone = err == nil
	}
	return l, nil
}

// Append adds rows.
func (l *loader) Append(ctx context.Context, rows *vec.Batch) error {
	if l.done {
		return errLoadEnded
	}
	w := l.w
	if err := w.usable(ctx); err != nil {
		return err
	}
	if err := w.checkBatch(rows, w.allColumns()); err != nil {
		return err
	}
	if rows.N == 0 {
		return nil
	}
	if err := w.checkRows(ctx, rows); err != nil {
		return err
	}
	out, err := w.insert(ctx, rows, table.OnConflict{Key: -1}, !l.alone)
	l.out.Rows += out.Rows
	return err
}

// Finish ends the load; its rows stay in the transaction.
func (l *loader) Finish(ctx context.Context) (table.Outcome, error) {
	if l.done {
		return table.Outcome{}, errLoadEnded
	}
	l.done = true
	return l.out, l.w.usable(ctx)
}

// Abort drops the rows loaded. After Finish it does nothing.
func (l *loader) Abort() error {
	if l.done || l.w.st.closed.Load() || l.w.st.tx.done {
		return nil
	}
	l.done = true
	l.w.tt.w.undo(l.at)
	return nil
}

package store

import (
	"context"
	"errors"
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
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
	// expected is how many rows there may be; part are those that went to files, nil if none did.
	expected int64
	part     *loadPart
}

var errLoadEnded = sqlerr.New(sqlerr.InvalidTransactionState, "the load has ended")

// Load begins a bulk load.
func (w *Writer) Load(ctx context.Context, o table.LoadOptions) (table.Loader, error) {
	if err := w.writable(ctx); err != nil {
		return nil, err
	}
	l := &loader{w: w, at: w.tt.w.mark(), expected: o.RowsExpected}
	w.tt.w.loads = append(w.tt.w.loads, &l.at)
	return l, l.keepOut(ctx)
}

// keepOut keeps other writers out if there are none, and says whether it does. A rollback to a savepoint may have let
// them in again.
func (l *loader) keepOut(ctx context.Context) error {
	w := l.w
	if l.alone = w.tt.created || invariants.Mutant("store-load-beside-others"); l.alone {
		return nil
	}
	err := w.st.tx.lock(ctx, txn.TableKey(w.def.ID), txn.TableMode(table.ShareRowExclusive), table.NoWait)
	if err != nil && !errors.Is(err, errBusy) {
		return err
	}
	l.alone = err == nil
	return nil
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
	rows, err := generate(ctx, w.def, w.funcs, rows)
	if err != nil {
		return err
	}
	if err := w.checkRows(ctx, rows); err != nil {
		return err
	}
	if err := l.keepOut(ctx); err != nil {
		return err
	}
	if err := w.room(ctx); err != nil {
		return err
	}
	if taken, err := l.appendPart(ctx, rows); taken || err != nil {
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
	l.end()
	err := l.w.usable(ctx)
	if err == nil && l.part != nil {
		err = l.part.finish(ctx)
	}
	return l.out, err
}

// Abort drops the rows loaded. After Finish it does nothing.
func (l *loader) Abort() error {
	if l.done || l.w.st.closed.Load() || l.w.st.tx.done {
		return nil
	}
	l.w.tt.w.undo(l.at)
	l.end()
	return nil
}

func (l *loader) end() {
	l.done = true
	if ws := l.w.tt.w; ws != nil { // nil: the transaction has ended
		ws.loads = slices.DeleteFunc(ws.loads, func(at *writesMark) bool { return at == &l.at })
	}
}

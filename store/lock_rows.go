package store

import (
	"context"
	"errors"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
)

// lockRow locks a row by its encoded key until the transaction ends.
func (t *Tx) lockRow(ctx context.Context, id table.ObjectID, key []byte, mode table.RowLock, wait table.Wait) error {
	return t.lock(ctx, txn.RowKey(id, key), txn.RowMode(mode), wait)
}

// Locker returns a writer that only locks rows.
func (st *Statement) Locker(ctx context.Context, id table.ObjectID) (table.Writer, error) {
	if err := st.usable(); err != nil {
		return nil, err
	}
	if st.tx.readOnly {
		return nil, errReadOnly("row locks")
	}
	def, ts, err := st.table(ctx, id, table.RowShare)
	if err != nil {
		return nil, err
	}
	if err := st.tx.checkNewestLayout(def); err != nil {
		return nil, err
	}
	if err := st.tx.table(id).settle(ctx, st.command); err != nil {
		return nil, err
	}
	st.used = true
	return st.locker(def, ts), nil
}

func (st *Statement) locker(def *table.TableDef, ts table.TableSnapshot) *Writer {
	st.read = true
	tt := st.tx.table(def.ID)
	if tt.w == nil {
		tt.w = st.tx.s.spares.take(def, st.tx.tracker())
	}
	return &Writer{st: st, tt: tt, def: def, ts: ts, emptied: st.emptied(def, ts), locksOnly: true}
}

// Lock locks rows and says what became of each.
func (w *Writer) Lock(ctx context.Context, refs []table.RowRef, mode table.RowLock, wait table.Wait, out []table.LockResult) error {
	if err := w.usable(ctx); err != nil {
		return err
	}
	if len(out) != len(refs) || mode > table.ForUpdate || wait > table.SkipLocked {
		return sqlerr.Newf(sqlerr.InternalError, "%d results for %d rows to lock", len(out), len(refs))
	}
	locked := &w.tt.w.scratch.locked
	locked.begin(w.st, mode)
	for i, ref := range refs {
		var err error
		if out[i], err = w.lockOne(ctx, ref, mode, wait); err != nil {
			if errors.Is(err, errBusy) {
				return sqlerr.Newf(sqlerr.LockNotAvailable, "could not obtain lock on row in relation \"%s\"", w.def.Name)
			}
			return err
		}
		if o := &out[i]; o.Ref&privateRef == 0 && (o.Status == table.Unchanged || o.Status == table.Moved) {
			locked.add(o.Ref, w.key)
		}
	}
	return nil
}

// lockedRows are the committed rows that one call of Lock has found to be the newest versions, in its order: as long as
// they are locked nobody else can replace them, so that whoever changes them next need not look again.
type lockedRows struct {
	st *Statement
	// command and returns are those of the time: statements use their memory again, and a return to a savepoint gives
	// locks back.
	command uint32
	returns uint64
	mode    table.RowLock
	refs    []table.RowRef
	keys    table.Keys
	at      int // where the next one is looked for
}

// begin forgets the rows.
func (l *lockedRows) begin(st *Statement, mode table.RowLock) {
	l.st, l.command, l.returns, l.mode = st, st.command, st.tx.returns, mode
	l.refs, l.keys.Data, l.keys.Ends, l.at = l.refs[:0], l.keys.Data[:0], l.keys.Ends[:0], 0
}

func (l *lockedRows) add(ref table.RowRef, key []byte) {
	l.refs = append(l.refs, ref)
	l.keys.Append(key)
}

// next returns the key of a row if it is locked in the mode, or in a stronger one; rows are asked for in the order in
// which they were locked.
func (l *lockedRows) next(st *Statement, ref table.RowRef, mode table.RowLock) (key []byte, ok bool) {
	if l.st != st || l.command != st.command || l.mode < mode {
		return nil, false
	}
	if l.returns != st.tx.returns && !invariants.Mutant("store-trust-returned-locks") {
		return nil, false
	}
	for ; l.at < len(l.refs); l.at++ {
		if l.refs[l.at] == ref {
			l.at++
			return l.keys.At(l.at - 1), true
		}
	}
	return nil, false
}

func (w *Writer) lockOne(ctx context.Context, ref table.RowRef, mode table.RowLock, wait table.Wait) (table.LockResult, error) {
	ws := w.tt.w
	if ref&privateRef != 0 {
		row := ws.row(ref)
		if row < 0 {
			return table.LockResult{}, errNoRow
		}
		if !ws.isLive(row) {
			return table.LockResult{Status: table.Gone}, nil
		}
		err := w.lockOwn(ctx, row, mode, wait)
		if errors.Is(err, errBusy) && wait == table.SkipLocked {
			return table.LockResult{Status: table.Skipped, Ref: ref}, nil
		}
		return table.LockResult{Status: table.Unchanged, Ref: ref}, err
	}
	if _, ended := ws.hasEnded(ref); ended {
		return table.LockResult{Status: table.Gone}, nil
	}
	if w.emptied {
		if w.st.tx.o.Isolation != table.ReadCommitted {
			return table.LockResult{}, errConcurrentDelete
		}
		return table.LockResult{Status: table.Gone}, nil
	}
	ts := w.source()
	if ts == nil {
		return table.LockResult{}, errNoRow
	}
	w.key = ts.AppendKey(w.key[:0], ref)
	return w.follow(ctx, ref, mode, wait)
}

// lockOwn locks the committed row that an own row replaces, which others see, and which may have been locked in a
// weaker mode when it was replaced.
func (w *Writer) lockOwn(ctx context.Context, row int32, mode table.RowLock, wait table.Wait) error {
	c, at := w.tt.w.at(row)
	if o := c.origin(at); o > 0 {
		return w.st.tx.lockRow(ctx, w.def.ID, w.tt.w.endKeys.At(int(o-1)), mode, wait)
	}
	return nil
}

// follow locks the row with the key in w.key, and under READ COMMITTED what it has become by the time
// the lock is granted, wherever its key has moved.
func (w *Writer) follow(ctx context.Context, ref table.RowRef, mode table.RowLock, wait table.Wait) (table.LockResult, error) {
	t := w.st.tx
	at, other := max(w.st.view.LSN(), w.source().Written(ref)), false
	for {
		err := t.lockRow(ctx, w.def.ID, w.key, mode, wait)
		if errors.Is(err, errBusy) && wait == table.SkipLocked {
			return table.LockResult{Status: table.Skipped, Ref: ref}, nil
		}
		if err != nil {
			return table.LockResult{}, err
		}
		ts := w.st.current(w.def)
		if ts == nil {
			if t.o.Isolation != table.ReadCommitted {
				return table.LockResult{}, errConcurrentUpdate // the table is in another tier, or gone
			}
			return table.LockResult{Status: table.Gone}, nil
		}
		if !other && (ts.Lives(ref) || invariants.Mutant("store-trust-the-view")) {
			return table.LockResult{Status: table.Unchanged, Ref: ref}, nil
		}
		now, _, live, found := ts.Newest(w.key)
		live = live && found
		if live && !other && sameVersion(ts, now, ref) {
			return table.LockResult{Status: table.Unchanged, Ref: ref}, nil
		}
		next, moved := t.s.moves.find(w.def.ID, w.key, at)
		if moved && next.gone || !moved && live && !ts.Unbroken(now, at) {
			moved, live = false, false // another row has the key
		}
		if t.o.Isolation != table.ReadCommitted {
			if live || moved {
				return table.LockResult{}, errConcurrentUpdate
			}
			return table.LockResult{}, errConcurrentDelete
		}
		if moved {
			w.key = append(w.key[:0], next.to...)
			at, other = next.lsn, true // whatever is there is another version
			continue
		}
		if _, ended := w.tt.w.hasEnded(now); !live || ended {
			return table.LockResult{Status: table.Gone}, nil
		}
		return table.LockResult{Status: table.Moved, Ref: now}, nil
	}
}

package store

import (
	"context"
	"errors"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/rowstore"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// uniqueCheck is a unique key that more than one row had when a row was written.
type uniqueCheck struct {
	w   *Writer
	k   int
	key string
	// values are those of the key, for the error.
	values types.Row
}

// uniqueChecksMax bounds the checks that are left for the end of a statement: beyond it a violation
// is reported at once.
const uniqueChecksMax = 1 << 20

// Insert adds rows with all columns.
func (w *Writer) Insert(ctx context.Context, rows *vec.Batch, oc table.OnConflict) (out table.Outcome, err error) {
	if err := w.writable(ctx); err != nil {
		return out, err
	}
	if err := w.checkBatch(rows, w.allColumns()); err != nil {
		return out, err
	}
	if rows.N == 0 {
		return out, nil
	}
	if rows, err = generate(ctx, w.def, w.funcs, rows); err != nil {
		return out, err
	}
	if err := w.checkRows(ctx, rows); err != nil {
		return out, err
	}
	return w.insert(ctx, rows, oc, true /* lock */)
}

func (w *Writer) allColumns() []int { return allColumns(w.def) }

// allColumns returns the numbers of all columns of a table.
func allColumns(def *table.TableDef) []int {
	cols := make([]int, len(def.Columns))
	for i := range cols {
		cols[i] = i
	}
	return cols
}

// insert adds checked rows.
func (w *Writer) insert(ctx context.Context, rows *vec.Batch, oc table.OnConflict, lock bool) (out table.Outcome, err error) {
	if err := w.room(ctx); err != nil {
		return out, err
	}
	ws := w.tt.w
	first := ws.rows
	defer func() {
		if err != nil {
			ws.dropKeys(first)
		}
	}()
	checks := len(w.st.checks)
	accepted := int32(0)
	w.lookAhead(rows)
	defer func() { w.ahead = nil }()
	for i := range rows.N {
		if w.ahead != nil {
			w.ahead.row = i
		}
		other, skip, err := w.admit(ctx, rows, i, first+accepted, oc, lock)
		if err != nil {
			w.st.checks = w.st.checks[:checks]
			return out, err
		}
		if skip {
			ws.dropKeys(first + accepted)
			out.Skipped, out.Conflicts = append(out.Skipped, i), append(out.Conflicts, other)
			w.st.read = true // the caller has a reference that the View keeps
			continue
		}
		accepted++
	}
	if len(out.Skipped) > 0 {
		rows = pick(rows, without(rows.N, out.Skipped))
	}
	if rows.N == 0 {
		return out, nil
	}
	hidden, err := w.st.tx.hiddenKeys(ctx, w.def, rows.N)
	if err != nil {
		return out, err
	}
	if err := w.patiently(ctx, func() error { return ws.add(w.st.command, rows, hidden, nil) }); err != nil {
		return out, err
	}
	w.noteInserted(first, rows.N)
	ws.inserted += int64(rows.N)
	out.Rows = int64(rows.N)
	out.Refs = refsFrom(first, rows.N)
	return out, w.patiently(ctx, ws.reserve)
}

// without returns 0 … n-1 but for skipped.
func without(n int, skipped []int) []int {
	at := make([]int, 0, n)
	for i := range n {
		if len(skipped) > 0 && skipped[0] == i {
			skipped = skipped[1:]
			continue
		}
		at = append(at, i)
	}
	return at
}

func refsFrom(row int32, n int) []table.RowRef {
	refs := make([]table.RowRef, n)
	for i := range refs {
		refs[i] = privateRef | table.RowRef(row+int32(i))
	}
	return refs
}

// admit locks the unique keys of row i of a batch, which is to become an own row, and notes them. It
// reports that the row is to be left out if another has one of its keys and oc says so; then nothing stays locked.
func (w *Writer) admit(
	ctx context.Context, b *vec.Batch, i int, row int32, oc table.OnConflict, lock bool,
) (other table.RowRef, skip bool, err error) {
	t := w.st.tx
	mark := t.owner.Mark()
	for k := range w.def.Keys {
		key, ok := index.AppendBatch(w.key[:0], b, w.def.Keys[k].Columns, i)
		w.key = key
		if !ok {
			continue // a NULL is equal to nothing
		}
		if err := checkKeyLength(w.def, k, key); err != nil {
			return 0, false, err
		}
		taken, err := w.claimKey(ctx, k, key, oc.DoNothing, lock)
		if err != nil {
			return 0, false, err
		}
		if taken {
			if oc.DoNothing && (oc.Key < 0 || oc.Key == k) {
				w.noteProbe(b, i, k, key)
				t.s.locks.ReleaseTo(t.owner, mark)
				return w.holder(k, key), true, nil
			}
			if err := w.checkLater(b, i, k, key); err != nil {
				return 0, false, err
			}
		} else if len(t.saves) > 0 {
			w.noteProbe(b, i, k, key)
		}
		w.tt.w.keys[k].add(key, row)
	}
	return 0, false, nil
}

// holder returns the row that has a value of Keys[k], which is taken.
func (w *Writer) holder(k int, key []byte) table.RowRef {
	if row, ok := w.tt.w.oneWith(k, key); ok {
		return privateRef | table.RowRef(row)
	}
	ref, _ := w.committed(k, key)
	return ref
}

// checkKeyLength refuses a key that no index takes. It has to be found before the commit: what is in the log is applied.
func checkKeyLength(def *table.TableDef, k int, key []byte) error {
	if len(key) <= rowstore.KeyBytesMax || invariants.Mutant("store-key-of-any-length") {
		return nil
	}
	return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "index row size %d exceeds maximum %d for index \"%s\"",
		len(key), rowstore.KeyBytesMax, def.Keys[k].Name)
}

// claimKey locks a value of Keys[k] that a new row has, and reports whether another row has it. Such a row is kept from
// going away, and waited for only if it is about to: others may have locked or changed it.
func (w *Writer) claimKey(ctx context.Context, k int, key []byte, snapshot, lock bool) (taken bool, err error) {
	if !lock {
		return w.taken(k, key, snapshot)
	}
	t := w.st.tx
	err = w.lockKey(ctx, k, key, table.ForUpdate, table.NoWait)
	for errors.Is(err, errBusy) {
		if taken, err = w.taken(k, key, false); err != nil {
			return false, err
		}
		if !taken {
			err = w.lockKey(ctx, k, key, table.ForUpdate, table.WaitBlock)
			break
		}
		mark := t.owner.Mark()
		if err = w.lockKey(ctx, k, key, table.ForKeyShare, table.WaitBlock); err != nil {
			return false, err
		}
		if taken, err = w.taken(k, key, snapshot); err != nil || taken {
			return taken, err
		}
		t.s.locks.ReleaseTo(t.owner, mark) // it is gone; two that hold this would wait for each other
		err = w.lockKey(ctx, k, key, table.ForUpdate, table.NoWait)
	}
	if err != nil {
		return false, err
	}
	return w.taken(k, key, snapshot)
}

// lockKey locks a value of Keys[k]: that of the primary key is the row itself.
func (w *Writer) lockKey(ctx context.Context, k int, key []byte, mode table.RowLock, wait table.Wait) error {
	if invariants.Mutant("store-forget-unique-lock") {
		return nil
	}
	t := w.st.tx
	if w.def.Keys[k].Primary {
		return t.lockRow(ctx, w.def.ID, key, mode, wait)
	}
	return t.lock(ctx, txn.UniqueKey(w.indexOf(k), key), txn.RowMode(mode), wait)
}

// indexOf returns the ID of the index behind Keys[k].
func (w *Writer) indexOf(k int) table.ObjectID {
	if o := w.st.tx.catalog().LookupRelation(w.def.Schema, w.def.Keys[k].Name); o != nil {
		return o.Head().ID
	}
	return w.def.ID // unreachable: a constraint has its index
}

// taken reports whether a row has a value of Keys[k]: one of this transaction, or a committed one,
// however new, that this transaction has not ended.
func (w *Writer) taken(k int, key []byte, snapshot bool) (bool, error) {
	if w.tt.w.liveWith(k, key) > 0 {
		return true, nil
	}
	ref, found := w.committed(k, key)
	if !found || !snapshot || w.st.tx.o.Isolation == table.ReadCommitted {
		return found, nil
	}
	// A row that the snapshot does not show cannot be the reason for doing nothing.
	ts := w.st.current(w.def)
	if _, last, _, ok := ts.Newest(ts.AppendKey(nil, ref)); ok && last > w.st.view.LSN() {
		return false, errConcurrentUpdate
	}
	return true, nil
}

// committed finds the newest committed row with a value of Keys[k], unless this transaction has ended
// it.
func (w *Writer) committed(k int, key []byte) (table.RowRef, bool) {
	ws := w.tt.w
	if w.tt.created || ws.truncated != 0 {
		return 0, false
	}
	ts := w.st.current(w.def)
	if ts == nil {
		return 0, false
	}
	ref, found := w.newestUnique(ts, k, key)
	if !found {
		return 0, false
	}
	if _, ended := ws.hasEnded(ref); ended {
		return 0, false
	}
	return ref, true
}

// checkLater leaves a unique key to be checked at the end of the statement, when the row that has it
// too may have got another.
func (w *Writer) checkLater(b *vec.Batch, i, k int, key []byte) error {
	values := keyValues(b, i, w.def.Keys[k].Columns)
	if len(w.st.checks) >= uniqueChecksMax {
		if w.st.tx.reads != nil {
			if err := w.st.tx.validate(); err != nil {
				return err
			}
		}
		return w.st.duplicate(&uniqueCheck{w, k, string(key), values})
	}
	w.st.checks = append(w.st.checks, uniqueCheck{w, k, string(key), values})
	return nil
}

// keyValues returns some columns of row i.
func keyValues(b *vec.Batch, i int, cols []int) types.Row {
	values := make(types.Row, len(cols))
	for j, c := range cols {
		values[j] = b.BatchDatum(c, i)
	}
	return values
}

// duplicate is the error of a unique key that more than one row has. That another transaction's row has it is something
// that was read, in a newer state than that of the View.
func (st *Statement) duplicate(c *uniqueCheck) error {
	if r := st.tx.reads; r != nil {
		c.w.probe(c.k, []byte(c.key), c.values)
		r.probed = true
	}
	return st.tx.s.errDuplicate(st.tx, c.w.def, c.k, c.values)
}

// noteProbe notes that a row of the newest state has, or has not, the value of Keys[k] of row i. That none has it need not
// be noted while the value stays locked: until the transaction ends, or returns to a savepoint.
func (w *Writer) noteProbe(b *vec.Batch, i, k int, key []byte) {
	if w.st.tx.reads != nil {
		w.probe(k, key, keyValues(b, i, w.def.Keys[k].Columns))
	}
}

func (w *Writer) probe(k int, key []byte, values types.Row) {
	def, r, at := &w.def.Keys[k], w.st.tx.reads, w.st.view.LSN()
	if w.st.newest != nil {
		at = w.st.newest.LSN()
	}
	r.probes = true
	if def.Primary {
		r.point(w.def.ID, key, true, at)
		return
	}
	where := make([]table.Conjunct, len(def.Columns))
	for i, c := range def.Columns {
		where[i] = table.Conjunct{Col: c, Op: table.OpEq, Value: values[i]}
	}
	r.scan(w.def.ID, where, at)
}

// checkUnique reports the first unique key that more than one row has now.
func (st *Statement) checkUnique() error {
	for i := range st.checks {
		c := &st.checks[i]
		n := c.w.tt.w.liveWith(c.k, []byte(c.key))
		if _, found := c.w.committed(c.k, []byte(c.key)); found {
			n++
		}
		if n > 1 {
			return st.duplicate(c)
		}
	}
	return nil
}

// hiddenKeys reserves the hidden keys of n new rows; nil if the table has a primary key.
func (t *Tx) hiddenKeys(ctx context.Context, def *table.TableDef, n int) (keys []int64, err error) {
	if def.PrimaryKey() != nil {
		return nil, nil
	}
	var first int64
	// A table that had a primary key until now has no hidden keys outside of the transaction either.
	if tt := t.table(def.ID); tt.created || tt.hiddenNext > 0 || t.s.hidden.find(def.ID) == nil {
		first = max(tt.hiddenNext, 1)
		tt.hiddenNext = first + int64(n)
	} else if first, err = t.s.takeHidden(ctx, def, int64(n)); err != nil {
		return nil, err
	}
	keys = make([]int64, n)
	for i := range keys {
		keys[i] = first + int64(i)
	}
	return keys, nil
}

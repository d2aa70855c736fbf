package store

import (
	"context"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// reference finds the rows that a constraint of a table references.
type reference struct {
	st     *Statement
	def    *table.TableDef // that has the constraint
	f      *table.ForeignKey
	parent *table.TableDef
	w      Writer // of parent, for looking only
	k      int    // position of the referenced key in parent.Keys
	from   []int  // columns of def in the order of that key's
	// newest: what is found is not older than the transaction's View, at any level; nothing is locked, since the table is.
	newest bool
	// seen are keys that were found.
	seen map[string]struct{}
	row  types.Row
	key  []byte
}

// seenMax bounds the keys that are not looked for again.
const seenMax = 1 << 16

// reference opens what a constraint references, under a ROW SHARE lock.
func (st *Statement) reference(ctx context.Context, def *table.TableDef, f *table.ForeignKey) (*reference, error) {
	t := st.tx
	if err := t.lockTable(ctx, f.Table, table.RowShare, table.WaitBlock); err != nil {
		return nil, err
	}
	x := &reference{st: st, def: def, f: f, parent: t.catalog().Table(f.Table), seen: map[string]struct{}{}}
	if x.parent == nil {
		return nil, errConcurrentUpdate // only above READ COMMITTED
	}
	var cols []int
	if x.k, cols = x.parent.RefKey(f.RefColumns); x.k < 0 {
		return nil, errConcurrentUpdate
	}
	for _, c := range x.parent.Keys[x.k].Columns {
		for i := range cols {
			if cols[i] == c {
				x.from = append(x.from, f.Columns[i])
			}
		}
	}
	x.w = Writer{st: st, tt: t.table(f.Table), def: x.parent}
	if err := x.w.tt.settle(ctx, st.command+1); err != nil {
		return nil, err
	}
	st.touch(f.Table)
	return x, nil
}

// encode puts the key that a row references, given by its columns in the order of f.Columns, into x.key, and says what is
// to be done with it.
func (x *reference) encode(values types.Row) (state refState) {
	nulls := 0
	for i := range values {
		if !values[i].Valid {
			nulls++
		}
	}
	switch {
	case nulls > 0 && x.f.Full && nulls < len(values):
		return refMixed
	case nulls > 0:
		return refNone
	}
	x.row = x.row[:0]
	for i, c := range x.from {
		d, ok := values[indexOf(x.f.Columns, c)], true
		if d, ok = table.ReferenceValue(d, x.parent.Columns[x.parent.Keys[x.k].Columns[i]].Type.Kind); !ok {
			return refMissing
		}
		x.row = append(x.row, d)
	}
	x.key, _ = index.AppendValues(x.key[:0], x.row)
	return refKey
}

func indexOf(list []int, c int) int {
	for i := range list {
		if list[i] == c {
			return i
		}
	}
	return -1
}

// refState is what a row's values are as a reference: to a key; to nothing, which is allowed; NULL in part, which MATCH FULL
// forbids; or to a key that no row can have.
type refState uint8

const (
	refKey refState = iota
	refNone
	refMixed
	refMissing
)

// check checks the values of one row, in the order of f.Columns.
func (x *reference) check(ctx context.Context, values types.Row) error {
	switch x.encode(values) {
	case refNone:
		return nil
	case refMixed:
		return x.st.tx.errMatchFull(x.def, x.f)
	case refMissing:
		return x.st.tx.errNoReferenced(x.def, x.f, x.parent, values)
	}
	if _, seen := x.seen[string(x.key)]; seen {
		return nil
	}
	found, err := x.find(ctx)
	if err != nil {
		return err
	}
	if !found {
		x.noteMissing()
		return x.st.tx.errNoReferenced(x.def, x.f, x.parent, values)
	}
	if len(x.seen) >= seenMax {
		clear(x.seen)
	}
	x.seen[string(x.key)] = struct{}{}
	return nil
}

// find looks for the row with the key in x.key: one of the transaction's own, or a committed one, which stays locked.
// Under READ COMMITTED the newest state counts, above it that of the transaction's View.
func (x *reference) find(ctx context.Context) (bool, error) {
	if w := x.w.tt.w; w != nil && w.liveWith(x.k, x.key) > 0 {
		return true, nil
	}
	ref, found := x.newestRef()
	t, at := x.st.tx, table.LSN(0)
	if x.st.newest != nil {
		at = x.st.newest.LSN()
	}
	if above := t.o.Isolation != table.ReadCommitted && !x.newest && !x.w.tt.created; above {
		var err error
		if found, err = x.visible(ctx, ref, found); err != nil || !found {
			return false, err
		}
		at = t.snapshot().LSN()
	}
	if !found || x.newest {
		return found, nil
	}
	return x.hold(ctx, ref, at)
}

// newestRef returns the newest committed row with the key, unless the transaction has ended it.
func (x *reference) newestRef() (table.RowRef, bool) {
	if x.w.tt.w == nil || x.w.tt.w.empty() {
		if x.w.tt.created {
			return 0, false
		}
		if ts := x.st.current(x.parent); ts != nil {
			return ts.NewestUnique(x.k, x.key)
		}
		return 0, false
	}
	return x.w.committed(x.k, x.key)
}

// visible reports whether the transaction's View has a row with the key: that with the newest reference, if there is one.
// One that the View shows and that has lost the key since is a conflict.
func (x *reference) visible(ctx context.Context, ref table.RowRef, found bool) (bool, error) {
	t := x.st.tx
	ts := t.committed(t.snapshot().State, x.parent)
	if ts == nil || !sameLayout(ts.Def(), x.parent) {
		return false, errConcurrentUpdate
	}
	if found {
		x.w.key = x.st.current(x.parent).AppendKey(x.w.key[:0], ref)
		if was, ok := ts.Get(x.w.key); ok {
			row := ts.AppendRow(nil, was, x.parent.Keys[x.k].Columns)
			if key, ok := index.AppendValues(nil, row); ok && string(key) == string(x.key) {
				return true, nil
			}
		}
	}
	gone, err := x.wasThere(ctx, ts)
	if err == nil && gone {
		err = errConcurrentUpdate
	}
	return false, err
}

// wasThere reports whether a row of the View had the key that none has now, or another one.
func (x *reference) wasThere(ctx context.Context, ts table.TableSnapshot) (bool, error) {
	if x.parent.Keys[x.k].Primary {
		ref, ok := ts.Get(x.key)
		return ok && !x.ended(ref), nil
	}
	cols := x.parent.Keys[x.k].Columns
	spec := table.ScanSpec{Cols: cols, Refs: true}
	for i, c := range cols {
		spec.Where = append(spec.Where, table.Conjunct{Col: c, Op: table.OpEq, Value: x.row[i]})
	}
	s, err := ts.Scan(&spec)
	if err != nil {
		return false, err
	}
	there := false
	err = scanAll(ctx, s, func(c *rowCheck) error {
		for i := range c.batch.N {
			row := c.batch.Row(i, nil)
			key, ok := index.AppendValues(nil, row[:len(cols)])
			there = there || ok && string(key) == string(x.key) && !x.ended(table.RowRef(row[len(cols)].I))
		}
		return nil
	})
	return there, err
}

func (x *reference) ended(ref table.RowRef) bool {
	w := x.w.tt.w
	if w == nil {
		return false
	}
	_, ended := w.hasEnded(ref)
	return ended
}

// hold locks the row that was found, in the state at an LSN, and reports whether it is still there, with the key, once the
// lock is granted. What is there instead under the same key is another row, which was not to be seen.
func (x *reference) hold(ctx context.Context, ref table.RowRef, at table.LSN) (bool, error) {
	t, ts := x.st.tx, x.st.current(x.parent)
	if ts == nil {
		return false, errConcurrentUpdate
	}
	row := ts.AppendKey(nil, ref)
	for {
		if !invariants.Mutant("store-forget-referenced-lock") {
			if err := t.lockRow(ctx, x.parent.ID, row, table.ForKeyShare, table.WaitBlock); err != nil {
				return false, err
			}
		}
		next, moved := t.s.moves.find(x.parent.ID, row, at)
		if !moved {
			break
		}
		if next.gone || t.o.Isolation != table.ReadCommitted {
			return x.lost()
		}
		row, at = append(row[:0], next.to...), next.lsn
	}
	now, found := x.newestRef()
	if !found {
		return x.lost()
	}
	ts = x.st.current(x.parent)
	x.w.key = ts.AppendKey(x.w.key[:0], now)
	if string(x.w.key) != string(row) || !ts.Unbroken(now, at) {
		return x.lost()
	}
	if t.reads != nil && len(t.saves) > 0 {
		t.holds = append(t.holds, heldRead{x.parent.ID, x.read(), t.owner.Mark()})
	}
	return true, nil
}

// lost is the answer when a row has lost the key while its lock was waited for.
func (x *reference) lost() (bool, error) {
	if x.st.tx.o.Isolation != table.ReadCommitted {
		return false, errConcurrentUpdate
	}
	return false, nil
}

// heldRead is a key that was found to be referenced, and that need not count as read as long as its row stays locked: until
// the locks above a mark are given back.
type heldRead struct {
	id   table.ObjectID
	read keyRead
	mark int
}

// keyRead is a look-up of a key: a primary key, encoded, or conditions.
type keyRead struct {
	point []byte
	where []table.Conjunct
}

// read describes the look-up of x.key.
func (x *reference) read() (k keyRead) {
	key := &x.parent.Keys[x.k]
	if key.Primary {
		k.point = append(k.point, x.key...)
		return k
	}
	for i, c := range key.Columns {
		k.where = append(k.where, table.Conjunct{Col: c, Op: table.OpEq, Value: ownDatum(x.row[i])})
	}
	return k
}

// note notes a look-up in the state of the transaction's View.
func (t *Tx) note(id table.ObjectID, k keyRead) {
	if k.point != nil {
		t.reads.point(id, k.point, true, t.snapshot().LSN())
		return
	}
	t.reads.scan(id, k.where, t.snapshot().LSN())
}

// noteMissing notes that the View has no row with the key: the client learns it.
func (x *reference) noteMissing() {
	if x.st.tx.reads != nil && !x.newest {
		x.st.tx.note(x.parent.ID, x.read())
	}
}

// unhold makes the look-ups count as read whose locks are given back to a mark.
func (t *Tx) unhold(mark int) {
	for n := len(t.holds); n > 0 && t.holds[n-1].mark > mark; n-- {
		t.note(t.holds[n-1].id, t.holds[n-1].read)
		t.holds = t.holds[:n-1]
	}
}

// checkRows checks that rows of a write set that are still there reference rows.
func (st *Statement) checkRows(ctx context.Context, c *refCheck) error {
	w := c.tt.w
	if w == nil || invariants.Mutant("store-forget-reference") {
		return nil
	}
	refs := make([]*reference, len(c.foreign))
	var values types.Row
	for _, span := range c.rows {
		for row := span.first; row < span.first+span.n && row < w.rows; row++ {
			if !w.isLive(row) {
				continue
			}
			chunk, at := w.at(row)
			for i, f := range c.foreign {
				if refs[i] == nil {
					var err error
					if refs[i], err = st.reference(ctx, c.def, &c.def.Foreign[f]); err != nil {
						return err
					}
				}
				values = chunk.appendRow(values[:0], at, c.def.Foreign[f].Columns)
				if err := refs[i].check(ctx, values); err != nil {
					return err
				}
			}
		}
		if ctx.Err() != nil {
			return sqlerr.Canceled(ctx)
		}
	}
	return nil
}

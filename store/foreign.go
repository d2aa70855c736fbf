package store

import (
	"bytes"
	"context"
	"slices"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Foreign keys. What a statement writes is noted and checked when it ends, or, for constraints that are deferred, when the
// transaction does:
//
//	refCheck ── rows written to a table with constraints: each must find the row that it references
//	refChange ─ keys that rows of a referenced table had and have no more: no row may still reference them, or
//	            the rows that do are deleted or updated
//
// That no reference is ever to nothing rests on these rules:
//
//   - Whoever has found a referenced row holds FOR KEY SHARE on it to its end, and has seen after the lock was granted that
//     the row is still there. One of its own, not yet committed, goes only with what was written after it.
//   - Whoever takes a key away holds FOR UPDATE on its row first, and then looks for references on the newest View: those who
//     made some before have committed by then, and those who want to make one wait.
//   - The locks are released when the View with the commit is published, as all are.
//   - A table becomes referenced under a SHARE ROW EXCLUSIVE lock, and gets another version of its definition: a write set
//     made without knowing it is refused at its commit.
//   - A durable table references durable tables only.
//
// A statement works its list off in order; what the actions write is appended to the same list, so that it ends with
// everything checked.

// refEvent is something to be checked: one of both is nil.
type refEvent struct {
	check  *refCheck
	change *refChange
}

// refCheck is rows of a write set that must reference rows.
type refCheck struct {
	tt  *txTable
	def *table.TableDef
	// foreign are positions in def.Foreign.
	foreign []int
	rows    []rowSpan
}

// rowSpan is consecutive rows of a write set.
type rowSpan struct{ first, n int32 }

// refChange is keys that rows of a referenced table have lost.
type refChange struct {
	def, child *table.TableDef
	foreign    *table.ForeignKey
	cols       []int // referenced columns in def
	update     bool
	// again: it is checked once more, as by NO ACTION, that nothing references the keys.
	again bool
	// keys are the values before in the order of cols, encoded, and old the same as values; now are those after, of updates.
	keys     table.Keys
	old, now types.Row
	// charged is what the write set of def's table was charged for it.
	charged int64
}

// referrer is a constraint that references the table of a Writer.
type referrer struct {
	child   *table.TableDef
	foreign int
	cols    []int
}

// referrersOf returns the constraints that reference a table, in the order in which they were made.
func referrersOf(def *table.TableDef, children []*table.TableDef) (list []referrer) {
	for _, child := range children {
		for i := range child.Foreign {
			if child.Foreign[i].Table != def.ID {
				continue
			}
			if _, cols := def.RefKey(child.Foreign[i].RefColumns); len(cols) > 0 {
				list = append(list, referrer{child, i, cols})
			}
		}
	}
	slices.SortFunc(list, func(a, b referrer) int {
		return int(int64(a.child.Foreign[a.foreign].ID) - int64(b.child.Foreign[b.foreign].ID))
	})
	return list
}

// top returns the statement whose end the checks of this one wait for: a statement that an action of a constraint runs
// leaves them to the one that caused it.
func (st *Statement) top() *Statement {
	for st.outer != nil {
		st = st.outer
	}
	return st
}

// noteWritten notes new rows, whose constraints at the given positions are to be checked.
func (w *Writer) noteWritten(first int32, n int, foreign []int) {
	if n == 0 || len(foreign) == 0 {
		return
	}
	st := w.st.top()
	if i := len(st.refs) - 1; i >= st.refsDone {
		if c := st.refs[i].check; c != nil && c.tt == w.tt && c.def == w.def && slices.Equal(c.foreign, foreign) {
			if last := &c.rows[len(c.rows)-1]; last.first+last.n == first {
				last.n += int32(n)
			} else {
				c.rows = append(c.rows, rowSpan{first, int32(n)})
			}
			return
		}
	}
	st.refs = append(st.refs, refEvent{check: &refCheck{
		tt: w.tt, def: w.def, foreign: slices.Clone(foreign), rows: []rowSpan{{first, int32(n)}},
	}})
}

// noteInserted notes inserted rows.
func (w *Writer) noteInserted(first int32, n int) {
	if len(w.def.Foreign) == 0 {
		return
	}
	all := make([]int, len(w.def.Foreign))
	for i := range all {
		all[i] = i
	}
	w.noteWritten(first, n, all)
}

// noteUpdated notes the new versions of rows, from the row first on, of which old and b have all columns.
func (w *Writer) noteUpdated(rows []claimed, old, b *vec.Batch, first int32, cols []int) {
	for i := range w.referrers {
		r := &w.referrers[i]
		if overlap(r.cols, cols) {
			for j := range rows {
				w.noteLost(r, old, b, j)
			}
		}
	}
	var foreign []int
	for j := range rows {
		foreign = foreign[:0]
		for i := range w.def.Foreign {
			f := &w.def.Foreign[i]
			// A new version of a row that this transaction wrote is checked in its place.
			if rows[j].own >= 0 || overlap(f.Columns, cols) && !sameValues(old, b, j, f.Columns) {
				foreign = append(foreign, i)
			}
		}
		w.noteWritten(first+int32(j), 1, foreign)
	}
}

func sameValues(old, b *vec.Batch, i int, cols []int) bool {
	for _, c := range cols {
		if !types.Identical(old.BatchDatum(c, i), b.BatchDatum(c, i)) {
			return false
		}
	}
	return true
}

// noteLost notes the key that row i had, if it was without NULL and is now another; b is nil if the row is gone.
func (w *Writer) noteLost(r *referrer, old, b *vec.Batch, i int) {
	key, ok := index.AppendBatch(w.key[:0], old, r.cols, i)
	w.key = key
	if !ok {
		return
	}
	if b != nil {
		now, ok := index.AppendBatch(nil, b, r.cols, i)
		if ok && bytes.Equal(now, key) {
			return
		}
	}
	c := w.lostOf(r, b != nil)
	c.keys.Append(key)
	size := int64(2*(len(key)+4) + 2*datumBytes*len(r.cols))
	c.charged += size
	w.tt.w.noted += size // reserved with the rows
	for _, col := range r.cols {
		c.old = append(c.old, ownDatum(old.BatchDatum(col, i)))
		if b != nil {
			c.now = append(c.now, ownDatum(b.BatchDatum(col, i)))
		}
	}
}

// ownDatum returns a value that borrows nothing.
func ownDatum(d types.Datum) types.Datum {
	d.S = string(append([]byte(nil), d.S...))
	return d
}

// lostOf returns the event that keys of a constraint are noted in.
func (w *Writer) lostOf(r *referrer, update bool) *refChange {
	st, f := w.st.top(), &r.child.Foreign[r.foreign]
	for i := len(st.refs) - 1; i >= max(st.refsDone, len(st.refs)-len(w.referrers)-1); i-- {
		if c := st.refs[i].change; c != nil && c.foreign == f && c.update == update && !c.again {
			return c
		}
	}
	c := &refChange{def: w.def, child: r.child, foreign: f, cols: r.cols, update: update}
	st.refs = append(st.refs, refEvent{change: c})
	return c
}

// noteDeleted notes rows that are about to be deleted.
func (w *Writer) noteDeleted(ctx context.Context, rows []claimed) error {
	if len(w.referrers) == 0 || len(rows) == 0 {
		return nil
	}
	old := &w.tt.w.scratch.old
	if err := w.fetch(ctx, rows, old); err != nil {
		return err
	}
	for i := range w.referrers {
		for j := range rows {
			w.noteLost(&w.referrers[i], old, nil, j)
		}
	}
	return nil
}

// unnote gives back what was charged for what has been checked.
func (tt *txTable) unnote(n int64) error {
	if tt.w == nil || n == 0 {
		return nil
	}
	tt.w.noted = max(0, tt.w.noted-n)
	return tt.w.reserve()
}

// dropRefs gives back what was charged for what is not going to be checked.
func (st *Statement) dropRefs() {
	for i := range st.refs {
		if c := st.refs[i].change; c != nil && !c.again {
			if tt := st.tx.table(c.def.ID); tt.w != nil {
				tt.w.noted = max(0, tt.w.noted-c.charged)
			}
		}
	}
}

// checkForeign checks what the statement, and the actions that follow from it, has done to foreign keys.
func (st *Statement) checkForeign() error {
	if st.outer != nil {
		return nil
	}
	for st.refsDone < len(st.refs) {
		e := st.refs[st.refsDone]
		st.refsDone++
		if !st.deferring {
			e = st.tx.putOff(e)
		}
		var err error
		switch {
		case e.check != nil:
			err = st.checkRows(st.ctx, e.check)
		case e.change != nil:
			err = st.runChange(st.ctx, e.change)
		}
		if err != nil {
			return err
		}
		if c := e.change; c != nil && !c.again {
			if err := st.tx.table(c.def.ID).unnote(c.charged); err != nil {
				return err
			}
		}
		st.refs[st.refsDone-1] = refEvent{}
	}
	return st.checkTruncated()
}

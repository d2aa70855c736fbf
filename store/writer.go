package store

import (
	"context"
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Writer changes one table on behalf of a statement.
type Writer struct {
	st  *Statement
	tt  *txTable
	def *table.TableDef
	ts  table.TableSnapshot // nil: the View has no such table
	// funcs are the compiled CHECK constraints; nil: there are none.
	funcs *table.RowFuncs
	// emptied: the committed rows that the statement sees are gone.
	emptied bool
	// locksOnly: it was handed out by Locker.
	locksOnly bool
	// referrers are the constraints of tables that reference this one.
	referrers []referrer
	// ahead is what is known of the keys of the rows that are being inserted; nil: nothing.
	ahead *lookahead
	key   []byte
	row   types.Row
}

var _ table.Writer = (*Writer)(nil)

// Writer returns a writer of a table, under a ROW EXCLUSIVE lock.
func (st *Statement) Writer(ctx context.Context, id table.ObjectID) (table.Writer, error) {
	if err := st.usable(); err != nil {
		return nil, err
	}
	t := st.tx
	if t.readOnly {
		return nil, errReadOnly("data changes")
	}
	if err := st.admit(ctx, id); err != nil {
		return nil, err
	}
	def, ts, err := st.table(ctx, id, table.RowExclusive)
	if err != nil {
		return nil, err
	}
	if err := t.checkNewestLayout(def); err != nil {
		return nil, err
	}
	funcs, err := t.s.rowFuncs(def)
	if err != nil {
		return nil, err
	}
	if err := t.table(id).settle(ctx, st.command); err != nil {
		return nil, err
	}
	if !st.wrote {
		if err := t.settleOpen(ctx); err != nil {
			return nil, err
		}
		var space []tableMark
		if st.space != nil {
			space = st.space.marks[:0]
		}
		st.wrote, st.at = true, t.mark(space)
	}
	st.used, st.ctx = true, ctx
	st.writers++
	tt := t.table(id)
	if tt.w == nil {
		tt.w = t.s.spares.take(def, t.tracker())
	} else if same := sameLayout(tt.w.def, def); !same || tt.w.empty() && tt.w.def != def {
		if !same && !tt.w.empty() {
			return nil, sqlerr.Newf(sqlerr.InternalError, "rows of table \"%s\" were written with another layout", def.Name)
		}
		tt.w.release()
		tt.w = t.s.spares.take(def, t.tracker())
	}
	w := st.newWriter(Writer{st: st, tt: tt, def: def, ts: ts, funcs: funcs, emptied: st.emptied(def, ts)})
	if children := t.catalog().Referencing(id); len(children) > 0 {
		w.referrers = referrersOf(def, children)
	}
	return w, nil
}

// admit waits until the tier of a table can take more.
func (st *Statement) admit(ctx context.Context, id table.ObjectID) error {
	s := st.tx.s
	def := st.tx.catalog().Table(id)
	if def == nil {
		return nil // what follows says so
	}
	if i := s.tierOf(def.Method); i >= 0 && s.tiers[i].admit != nil {
		return s.tiers[i].admit(ctx)
	}
	return nil
}

// newWriter puts a writer where there is room for it.
func (st *Statement) newWriter(w Writer) *Writer {
	to := &st.tx.first.writer
	switch x := st.space; {
	case x != nil && x.writer.st == nil:
		to, w.key = &x.writer, x.wkey[:0]
	case x != nil || st != &st.tx.first.statement || to.st != nil:
		to = &Writer{}
	}
	*to = w
	return to
}

// checkNewestLayout refuses to write under the definition of a snapshot whose rows have got another form since. The
// table is locked, so it keeps the one that it has.
func (t *Tx) checkNewestLayout(def *table.TableDef) error {
	if t.o.Isolation == table.ReadCommitted || t.table(def.ID).created || invariants.Mutant("store-forget-newest-layout") {
		return nil
	}
	was, now := t.snapshot().State.catalog.Table(def.ID), t.s.newest().Table(def.ID)
	if was != nil && (now == nil || was.Method != now.Method || !sameLayout(was, now)) {
		return errConcurrentUpdate
	}
	return nil
}

// Def returns the definition that the statement sees.
func (w *Writer) Def() *table.TableDef { return w.def }

func (w *Writer) usable(ctx context.Context) error {
	if w.st.closed.Load() {
		return errStatementEnded
	}
	if ctx.Err() != nil {
		return sqlerr.Canceled(ctx)
	}
	return w.st.tx.usable()
}

// writable is usable for what changes rows.
func (w *Writer) writable(ctx context.Context) error {
	if w.locksOnly {
		return sqlerr.Newf(sqlerr.InternalError, "a change of table \"%s\" through what only locks its rows", w.def.Name)
	}
	if err := w.usable(ctx); err != nil {
		return err
	}
	return w.tt.settle(ctx, w.st.command+1)
}

// checkBatch refuses a batch that is not one of the given columns.
func (w *Writer) checkBatch(b *vec.Batch, cols []int) error {
	if b.N < 0 || b.N > vec.Size {
		return sqlerr.Newf(sqlerr.InternalError, "a batch of %d rows, at most %d are allowed", b.N, vec.Size)
	}
	if n := b.NumCols(); n != len(cols) {
		return sqlerr.Newf(sqlerr.InternalError, "%d columns for %d of table \"%s\"", n, len(cols), w.def.Name)
	}
	for i, c := range cols {
		if v, _ := b.Col(i); v.Type.Class() != w.def.Columns[c].Type.Class() {
			return sqlerr.Newf(sqlerr.InternalError, "a value of type %s for column \"%s\" of type %s",
				v.Type, w.def.Columns[c].Name, w.def.Columns[c].Type)
		}
	}
	return nil
}

// checkRows enforces NOT NULL and CHECK on complete rows.
func (w *Writer) checkRows(ctx context.Context, b *vec.Batch) error {
	bad, badCol := b.N, 0
	for c := range w.def.Columns {
		if !w.def.Columns[c].NotNull {
			continue
		}
		if i := firstNull(b, c); i < bad {
			bad, badCol = i, c
		}
	}
	if bad < b.N {
		return w.st.tx.s.errNotNull(w.st.tx, w.def, badCol, b.Row(bad, nil))
	}
	if w.funcs != nil && w.funcs.Check != nil {
		return w.st.tx.located(w.def, w.funcs.Check(ctx, b))
	}
	return nil
}

// firstNull returns the first live row that is NULL in a column, or b.N.
func firstNull(b *vec.Batch, c int) int {
	v, g := b.Col(c)
	if v.Form != vec.InRows && v.Valid == nil {
		return b.N
	}
	for i := range b.N {
		if v.Form == vec.InRows {
			if b.BatchDatum(c, i).IsNull() {
				return i
			}
		} else if v.IsNull(g.Pos(i)) {
			return i
		}
	}
	return b.N
}

// pick returns the live rows of b at the given places.
func pick(b *vec.Batch, at []int) *vec.Batch {
	out := &vec.Batch{N: len(at), Groups: make([]vec.Group, len(b.Groups))}
	for i := range b.Groups {
		g := &b.Groups[i]
		sel := make([]uint16, len(at))
		for j, a := range at {
			sel[j] = uint16(g.Pos(a))
		}
		out.Groups[i] = vec.Group{Cols: g.Cols, Sel: sel}
		if g.RowIDs != nil {
			ids := make([]uint32, len(at))
			for j, a := range at {
				ids[j] = g.RowIDs[a]
			}
			out.Groups[i].RowIDs = ids
		}
	}
	return out
}

// Truncate removes all rows.
func (w *Writer) Truncate(ctx context.Context) error {
	if err := w.writable(ctx); err != nil {
		return err
	}
	t := w.st.tx
	if err := t.lockTable(ctx, w.def.ID, table.AccessExclusive, table.WaitBlock); err != nil {
		return err
	}
	if t.o.Isolation != table.ReadCommitted && !w.tt.created {
		if ts := w.st.current(w.def); ts == nil || !sameLayout(ts.Def(), w.def) {
			return errConcurrentUpdate
		}
	}
	if err := t.checkPending("TRUNCATE", w.def); err != nil {
		return err
	}
	if st := w.st.top(); !slices.Contains(st.truncated, w.def.ID) {
		st.truncated = append(st.truncated, w.def.ID)
	}
	w.tt.w.truncate(w.st.command)
	return w.tt.w.reserve()
}

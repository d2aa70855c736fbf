package query

import (
	"context"
	"io"
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// modifier runs INSERT, UPDATE and DELETE: the rows of a read pipeline change a table.
type modifier struct {
	s       *Session
	m       *plan.Modify
	q       rowSource
	stmt    table.Statement
	w       table.Writer
	r       table.Reader
	ctx     *expr.Context
	root    plan.Node // of the read pipeline
	rows    int64
	scratch *modifyScratch
	// returning collects the rows of RETURNING.
	returning []types.Row
	// touched are the rows that INSERT with DO UPDATE has written.
	touched map[table.RowRef]bool
	// seen are the rows already changed, where a join may yield a row twice: the first match counts.
	seen map[table.RowRef]bool
	// others are the rows that the statement's parts have changed, by table; nil: there is one part.
	others map[table.ObjectID]map[table.RowRef]bool
}

// returningRowsMax bounds the rows that RETURNING keeps in memory.
const returningRowsMax = 10_000_000

// modifyScratch is memory for changing a batch of rows.
type modifyScratch struct {
	refs    []table.RowRef
	at      []int
	locked  []table.LockResult
	targets []target
	out     []table.RowRef // of the targets
	row     types.Row
	bb      *vec.BatchBuilder // of the assigned columns
}

// run makes the change.
func (m *modifier) run(ctx context.Context) error {
	if x, ok := m.q.(*exec.Query); ok {
		m.ctx = x.Expr() // RETURNING and SET may use results of subplans
	}
	var err error
	if m.w, err = m.stmt.Writer(ctx, m.m.Table.ID); err != nil {
		return err
	}
	switch m.m.Kind {
	case plan.Insert:
		return m.insert(ctx)
	case plan.Update, plan.Delete, plan.MergeRows:
		if m.m.Kind == plan.MergeRows {
			return m.merge(ctx)
		}
		if m.others != nil {
			if m.seen = m.others[m.m.Table.ID]; m.seen == nil {
				m.seen = map[table.RowRef]bool{}
				m.others[m.m.Table.ID] = m.seen
			}
		} else if !isPlainScan(m.root) {
			m.seen = map[table.RowRef]bool{}
		}
		return m.change(ctx)
	}
	return sqlerr.Newf(sqlerr.InternalError, "unknown data change %d", m.m.Kind)
}

// isPlainScan reports whether a plan yields each row of its table at most once.
func isPlainScan(n plan.Node) bool {
	for {
		switch x := n.(type) {
		case *plan.Scan:
			return true
		case *plan.Filter:
			n = x.Input
		case *plan.Project:
			n = x.Input
		default:
			return false
		}
	}
}

// insert streams: a statement never sees its own rows, so reading and writing may overlap.
func (m *modifier) insert(ctx context.Context) error {
	oc := table.OnConflict{Key: -1}
	if m.m.OnConflict != nil {
		oc = *m.m.OnConflict
	}
	plain := m.m.OnConflict == nil && m.m.Upsert == nil && m.m.Returning == nil
	to := bulk{w: m.w}
	for {
		b, err := m.q.Next(ctx)
		if err == io.EOF {
			m.rows += to.rows
			return to.finish(ctx)
		}
		if err != nil {
			return err
		}
		if b.N == 0 {
			continue
		}
		if plain {
			if err := to.insert(ctx, b); err != nil {
				return err
			}
			continue
		}
		if m.m.Upsert != nil {
			if err := m.upsert(ctx, b, oc); err != nil {
				return err
			}
			continue
		}
		out, err := m.w.Insert(ctx, b, oc)
		if err != nil {
			return err
		}
		m.rows += out.Rows
		if err := m.returnInserted(ctx, b, out); err != nil {
			return err
		}
	}
}

func (m *modifier) returnInserted(ctx context.Context, b *vec.Batch, out table.Outcome) error {
	if m.m.Returning == nil {
		return nil
	}
	if len(m.m.Table.GeneratedColumns()) > 0 {
		return m.returnFetched(ctx, out.Refs)
	}
	skipped := 0
	row := make(types.Row, b.NumCols())
	for i := range b.N {
		if skipped < len(out.Skipped) && out.Skipped[skipped] == i {
			skipped++
			continue
		}
		for c := range row {
			row[c] = b.BatchDatum(c, i)
		}
		if err := m.returnRow(row, nil); err != nil {
			return err
		}
	}
	return nil
}

// returnFetched evaluates RETURNING on new rows as they were stored.
func (m *modifier) returnFetched(ctx context.Context, refs []table.RowRef) error {
	cols := make([]int, len(m.m.Table.Columns))
	for i := range cols {
		cols[i] = i
	}
	var rows vec.Batch
	if err := m.fetch(ctx, refs, cols, &rows); err != nil {
		return err
	}
	for i := range refs {
		if err := m.returnRow(rows.Row(i, nil), nil); err != nil {
			return err
		}
	}
	return nil
}

// fetch reads rows of the table by reference.
func (m *modifier) fetch(ctx context.Context, refs []table.RowRef, cols []int, dst *vec.Batch) (err error) {
	if m.r == nil {
		if m.r, err = m.stmt.Reader(ctx, m.m.Table.ID); err != nil {
			return err
		}
	}
	return m.r.Fetch(ctx, refs, cols, dst)
}

// returnRow evaluates RETURNING on a row of the table followed by the read pipeline's row.
func (m *modifier) returnRow(row, root types.Row) error {
	if len(m.returning) >= returningRowsMax {
		return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "RETURNING yields more than %d rows", returningRowsMax)
	}
	in := append(append(make(types.Row, 0, len(row)+len(root)), row...), root...)
	out := make(types.Row, len(m.m.Returning))
	for i, e := range m.m.Returning {
		d, err := expr.EvalRow(m.ctx, e, in)
		if err != nil {
			return err
		}
		out[i] = d
	}
	m.returning = append(m.returning, out)
	return nil
}

// change runs UPDATE and DELETE: read everything, then lock and write batch by batch.
func (m *modifier) change(ctx context.Context) error {
	if x, ok := m.q.(*shortSource); ok { // its only batch stays valid
		b, err := x.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		return m.changeBatch(ctx, b)
	}
	return m.eachCopied(ctx, m.changeBatch)
}

// eachCopied calls f with the batches of the read pipeline once that has ended, so that it reads nothing that f has changed.
func (m *modifier) eachCopied(ctx context.Context, f func(context.Context, *vec.Batch) error) error {
	var all []*vec.Batch
	for {
		b, err := m.q.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if b.N > 0 {
			c, err := vec.Copy(b, m.s.e.mem)
			if err != nil {
				return err
			}
			defer c.Release()
			all = append(all, c.Batch())
		}
	}
	for _, b := range all {
		if err := f(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// target is a row to change: its place in the batch, its newest version, and, if it has moved since the
// snapshot, the read pipeline's row with the newest values.
type target struct {
	at    int
	ref   table.RowRef
	moved types.Row
}

func (m *modifier) changeBatch(ctx context.Context, b *vec.Batch) error {
	sc := m.scratch
	refs, at := sc.refs[:0], sc.at[:0]
	for i := range b.N {
		d := b.BatchDatum(m.m.RefCol, i)
		if !d.Valid {
			continue // the empty side of an outer join
		}
		ref := table.RowRef(d.I)
		if m.seen != nil {
			if m.seen[ref] {
				continue
			}
			m.seen[ref] = true
		}
		refs, at = append(refs, ref), append(at, i)
	}
	sc.refs, sc.at = refs, at
	if len(refs) == 0 {
		return nil
	}
	sc.locked = slices.Grow(sc.locked[:0], len(refs))[:len(refs)]
	locked := sc.locked
	clear(locked)
	if err := m.w.Lock(ctx, refs, m.lockMode(), table.WaitBlock, locked); err != nil {
		return err
	}
	targets := sc.targets[:0]
	for i, l := range locked {
		t := target{at: at[i], ref: refs[i]}
		switch l.Status {
		case table.Gone, table.Skipped:
			continue
		case table.Moved:
			if m.m.Rerun && !invariants.Mutant("query-forget-rerun") {
				return exec.ErrRerun
			}
			ok, err := m.recheck(ctx, b, &t, l.Ref)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
		}
		targets = append(targets, t)
	}
	sc.targets = targets
	if len(targets) == 0 {
		return nil
	}
	if m.m.Kind == plan.Delete {
		return m.delete(ctx, b, targets)
	}
	return m.update(ctx, b, targets)
}

func (m *modifier) lockMode() table.RowLock {
	if m.m.Kind == plan.Delete {
		return table.ForUpdate
	}
	cols := m.m.SetCols
	if m.m.Upsert != nil {
		cols = m.m.Upsert.SetCols
	}
	for _, k := range m.m.Table.Keys {
		for _, c := range k.Columns {
			for _, s := range cols {
				if s == c {
					return table.ForUpdate
				}
			}
		}
	}
	return table.ForNoKeyUpdate
}

// recheck reads the newest version of a row that changed while its lock was waited for, and evaluates
// WHERE on it again (READ COMMITTED).
func (m *modifier) recheck(ctx context.Context, b *vec.Batch, t *target, ref table.RowRef) (bool, error) {
	row := make(types.Row, b.NumCols())
	for c := range row {
		row[c] = b.BatchDatum(c, t.at)
	}
	cols := make([]int, len(m.m.Cols))
	for i, cm := range m.m.Cols {
		cols[i] = cm.Column
	}
	var now vec.Batch
	if err := m.fetch(ctx, []table.RowRef{ref}, cols, &now); err != nil {
		return false, err
	}
	for i, cm := range m.m.Cols {
		row[cm.Input] = now.BatchDatum(i, 0)
	}
	row[m.m.RefCol] = types.NewInt(types.Int8, int64(ref))
	if m.m.Recheck != nil {
		ok, err := expr.EvalRow(m.ctx, m.m.Recheck, row)
		if err != nil || !ok.Valid || !ok.Bool() {
			return false, err
		}
	}
	for i, e := range m.m.Set {
		d, err := expr.EvalRow(m.ctx, e, row)
		if err != nil {
			return false, err
		}
		row[m.m.SetFrom+i] = d
	}
	t.ref, t.moved = ref, row
	return true, nil
}

// rootRow returns the read pipeline's row of a target.
func rootRow(b *vec.Batch, t target) types.Row {
	if t.moved != nil {
		return t.moved
	}
	row := make(types.Row, b.NumCols())
	for c := range row {
		row[c] = b.BatchDatum(c, t.at)
	}
	return row
}

func appendRefs(dst []table.RowRef, targets []target) []table.RowRef {
	for _, t := range targets {
		dst = append(dst, t.ref)
	}
	return dst
}

func (m *modifier) delete(ctx context.Context, b *vec.Batch, targets []target) error {
	refs := appendRefs(m.scratch.out[:0], targets)
	m.scratch.out = refs
	if m.m.Returning != nil {
		if err := m.returnStored(ctx, b, targets, refs); err != nil {
			return err
		}
	}
	out, err := m.w.Delete(ctx, refs)
	m.rows += out.Rows
	return err
}

func (m *modifier) update(ctx context.Context, b *vec.Batch, targets []target) error {
	sc := m.scratch
	if sc.bb == nil {
		ts := make([]types.Type, len(m.m.SetCols))
		for i, c := range m.m.SetCols {
			ts[i] = m.m.Table.Columns[c].Type
		}
		sc.bb, sc.row = vec.NewBatchBuilder(ts, len(targets), nil), make(types.Row, len(ts))
	}
	bb, row := sc.bb, sc.row
	bb.Reset()
	for _, t := range targets {
		for i := range row {
			if t.moved != nil {
				row[i] = t.moved[m.m.SetFrom+i]
			} else {
				row[i] = b.BatchDatum(m.m.SetFrom+i, t.at)
			}
		}
		if err := bb.AppendRow(row); err != nil {
			return err
		}
	}
	sc.out = appendRefs(sc.out[:0], targets)
	out, err := m.w.Update(ctx, sc.out, m.m.SetCols, bb.Batch())
	if err != nil {
		return err
	}
	m.rows += out.Rows
	if m.m.Returning != nil {
		return m.returnStored(ctx, b, targets, out.Refs)
	}
	return nil
}

// returnStored evaluates RETURNING on stored row versions.
func (m *modifier) returnStored(ctx context.Context, b *vec.Batch, targets []target, refs []table.RowRef) error {
	cols := make([]int, len(m.m.Table.Columns))
	for i := range cols {
		cols[i] = i
	}
	for len(refs) > 0 {
		n := min(len(refs), vec.Size)
		var rows vec.Batch
		if err := m.fetch(ctx, refs[:n], cols, &rows); err != nil {
			return err
		}
		row := make(types.Row, len(cols))
		for i := range n {
			for c := range row {
				row[c] = rows.BatchDatum(c, i)
			}
			if err := m.returnRow(row, rootRow(b, targets[i])); err != nil {
				return err
			}
		}
		refs, targets = refs[n:], targets[n:]
	}
	return nil
}

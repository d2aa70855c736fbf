package query

import (
	"context"

	"github.com/laminadb/lamina/query/bind"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

var errSecondTouch = sqlerr.New(sqlerr.CardinalityViolation, "ON CONFLICT DO UPDATE command cannot affect row a second time").
	WithHint("Ensure that no rows proposed for insertion within the same command have duplicate constrained values.")

// upsert inserts a batch, row by row if what one does may change whether the next conflicts, or if their order
// shows.
func (m *modifier) upsert(ctx context.Context, b *vec.Batch, oc table.OnConflict) error {
	if m.touched == nil {
		m.touched = map[table.RowRef]bool{}
	}
	if m.lockMode() != table.ForUpdate && m.m.Returning == nil {
		return m.upsertRows(ctx, b, oc)
	}
	for i := range b.N {
		if err := m.upsertRows(ctx, rowOf(b, i), oc); err != nil {
			return err
		}
	}
	return nil
}

// rowOf returns row i of a batch as a batch.
func rowOf(b *vec.Batch, i int) *vec.Batch {
	one := &vec.Batch{N: 1}
	for _, g := range b.Groups {
		at := uint16(i)
		if g.Sel != nil {
			at = g.Sel[i]
		}
		g.Sel = []uint16{at}
		if g.RowIDs != nil {
			g.RowIDs = g.RowIDs[i : i+1]
		}
		one.Groups = append(one.Groups, g)
	}
	return one
}

// upsertRows inserts rows and updates those that are there already. A row that goes away before it is locked
// is tried again.
func (m *modifier) upsertRows(ctx context.Context, b *vec.Batch, oc table.OnConflict) error {
	out, err := m.w.Insert(ctx, b, oc)
	if err != nil {
		return err
	}
	m.rows += out.Rows
	for _, ref := range out.Refs {
		m.touched[ref] = true
	}
	if err := m.returnInserted(ctx, b, out); err != nil {
		return err
	}
	for i, at := range out.Skipped {
		row := rowOf(b, at)
		done, err := m.updateConflict(ctx, row, out.Conflicts[i])
		if err == nil && !done {
			if err = ctx.Err(); err == nil {
				err = m.upsertRows(ctx, row, oc)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// updateConflict updates the row that is there; false if it is not any more.
func (m *modifier) updateConflict(ctx context.Context, b *vec.Batch, ref table.RowRef) (bool, error) {
	if m.touched[ref] {
		return false, errSecondTouch
	}
	var got [1]table.LockResult
	if err := m.w.Lock(ctx, []table.RowRef{ref}, m.lockMode(), table.WaitBlock, got[:]); err != nil {
		return false, err
	}
	switch got[0].Status {
	case table.Gone, table.Moved: // what has moved may have another key
		return false, nil
	}
	row, err := m.conflictRow(ctx, b, ref)
	if err != nil {
		return false, err
	}
	u := m.m.Upsert
	if u.Where != nil {
		d, err := expr.EvalRow(m.ctx, u.Where, row)
		if err != nil || !d.Valid || !d.Bool() {
			return true, err
		}
	}
	set, ts := make(types.Row, len(u.Set)), make([]types.Type, len(u.Set))
	for i, e := range u.Set {
		if set[i], err = expr.EvalRow(m.ctx, e, row); err != nil {
			return false, err
		}
		ts[i] = m.m.Table.Columns[u.SetCols[i]].Type
	}
	bb := vec.NewBatchBuilder(ts, 1, nil)
	defer bb.Release()
	if err := bb.AppendRow(set); err != nil {
		return false, err
	}
	out, err := m.w.Update(ctx, []table.RowRef{ref}, u.SetCols, bb.Batch())
	if err != nil {
		return false, err
	}
	m.rows += out.Rows
	for _, r := range out.Refs {
		m.touched[r] = true
	}
	if m.m.Returning == nil {
		return true, nil
	}
	if len(m.m.Table.GeneratedColumns()) > 0 {
		return true, m.returnFetched(ctx, out.Refs)
	}
	now := row[:len(m.m.Table.Columns):len(m.m.Table.Columns)].Clone()
	for i, c := range u.SetCols {
		now[c] = set[i]
	}
	return true, m.returnRow(now, nil)
}

// conflictRow returns the columns of the row that is there, then those of the one that is not inserted.
func (m *modifier) conflictRow(ctx context.Context, b *vec.Batch, ref table.RowRef) (types.Row, error) {
	n := len(m.m.Table.Columns)
	cols := make([]int, n)
	for i := range cols {
		cols[i] = i
	}
	var old vec.Batch
	if err := m.fetch(ctx, []table.RowRef{ref}, cols, &old); err != nil {
		return nil, err
	}
	row := make(types.Row, 2*n)
	for i := range cols {
		row[i], row[n+i] = old.BatchDatum(i, 0), b.BatchDatum(i, 0)
	}
	for _, c := range m.m.Table.GeneratedColumns() { // what the row would have had
		e, err := bind.GeneratedExpr(m.m.Table, c)
		if err == nil {
			row[n+c], err = expr.EvalRow(m.ctx, e, row[n:])
		}
		if err != nil {
			return nil, err
		}
	}
	return row, nil
}

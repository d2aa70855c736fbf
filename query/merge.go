package query

import (
	"context"
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

var errMergeTwice = sqlerr.New(sqlerr.CardinalityViolation, "MERGE command cannot affect row a second time").
	WithHint("Ensure that not more than one source row matches any one target row.")

// mergeNames are the values of MERGE_ACTION().
var mergeNames = map[plan.ModifyKind]string{plan.Insert: "INSERT", plan.Update: "UPDATE", plan.Delete: "DELETE"}

// mergeRow is a row of the read pipeline, and the clause that is for it.
type mergeRow struct {
	row    types.Row
	ref    table.RowRef // of the target's row, if there is one
	match  plan.MergeMatch
	clause *plan.MergeClause
}

// merge reads everything, then changes batch by batch.
func (m *modifier) merge(ctx context.Context) error {
	m.seen = map[table.RowRef]bool{}
	return m.eachCopied(ctx, m.mergeBatch)
}

// mergeBatch finds the clause for each row, locks the target's rows that change, and makes the changes, clause by clause.
// A row that a clause has nothing to do with is not locked.
func (m *modifier) mergeBatch(ctx context.Context, b *vec.Batch) error {
	rows := make([]*mergeRow, 0, b.N)
	for i := range b.N {
		r, err := m.mergeRow(b, i)
		if err != nil {
			return err
		}
		if r.clause != nil {
			rows = append(rows, r)
		}
	}
	rows, err := m.lockMerged(ctx, rows)
	if err != nil {
		return err
	}
	for _, kind := range []plan.ModifyKind{plan.Delete, plan.Update, plan.Insert} {
		for i := range m.m.Merge.Clauses {
			c := &m.m.Merge.Clauses[i]
			if c.Action != kind {
				continue
			}
			var its []*mergeRow
			for _, r := range rows {
				if r.clause == c {
					its = append(its, r)
				}
			}
			if err := m.applyClause(ctx, c, its); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *modifier) mergeRow(b *vec.Batch, i int) (*mergeRow, error) {
	r := &mergeRow{row: b.Row(i, nil)}
	ref, present := r.row[m.m.RefCol], r.row[m.m.Merge.Present]
	r.ref = table.RowRef(ref.I)
	switch {
	case !ref.Valid:
		r.match = plan.NotMatchedByTarget
	case !present.Valid:
		r.match = plan.NotMatchedBySource
	}
	return r, m.chooseClause(r)
}

// chooseClause finds the first clause for a row; nil if there is none, or if it does nothing.
func (m *modifier) chooseClause(r *mergeRow) error {
	r.clause = nil
	for i := range m.m.Merge.Clauses {
		c := &m.m.Merge.Clauses[i]
		if c.Match != r.match {
			continue
		}
		if c.Cond != nil {
			d, err := expr.EvalRow(m.ctx, c.Cond, r.row)
			if err != nil {
				return err
			}
			if !d.Valid || !d.Bool() {
				continue
			}
		}
		if c.Action != 0 {
			r.clause = c
		}
		return nil
	}
	return nil
}

// lockMerged locks the rows that change, and returns what is to be done after that: rows that have changed meanwhile are
// matched again.
func (m *modifier) lockMerged(ctx context.Context, rows []*mergeRow) (out []*mergeRow, err error) {
	for len(rows) > 0 {
		n := 1 // rows of one clause are locked together
		for n < len(rows) && rows[n].clause == rows[0].clause {
			n++
		}
		part := rows[:n]
		rows = rows[n:]
		if part[0].clause.Action == plan.Insert {
			out = append(out, part...)
			continue
		}
		refs := make([]table.RowRef, n)
		for i, r := range part {
			if m.seen[r.ref] {
				return nil, errMergeTwice
			}
			m.seen[r.ref] = true
			refs[i] = r.ref
		}
		locked := make([]table.LockResult, n)
		if err := m.w.Lock(ctx, refs, m.mergeLock(part[0].clause), table.WaitBlock, locked); err != nil {
			return nil, err
		}
		for i, r := range part {
			now := []*mergeRow{r}
			if locked[i].Status == table.Moved && m.m.Rerun {
				return nil, exec.ErrRerun
			}
			if locked[i].Status != table.Unchanged {
				if now, err = m.matchAgain(ctx, r, locked[i]); err != nil {
					return nil, err
				}
			}
			out = append(out, now...)
		}
	}
	return out, nil
}

func (m *modifier) mergeLock(c *plan.MergeClause) table.RowLock {
	if c.Action == plan.Delete {
		return table.ForUpdate
	}
	for _, k := range m.m.Table.Keys {
		if slices.ContainsFunc(k.Columns, func(col int) bool { return slices.Contains(c.SetCols, col) }) {
			return table.ForUpdate
		}
	}
	return table.ForNoKeyUpdate
}

// matchAgain decides anew about a row of the target that another transaction has changed or deleted meanwhile (READ
// COMMITTED): it may match still, or its source and itself go separate ways.
func (m *modifier) matchAgain(ctx context.Context, r *mergeRow, l table.LockResult) ([]*mergeRow, error) {
	var list []*mergeRow
	delete(m.seen, r.ref) // it has not been changed here
	if l.Status == table.Moved {
		now := &mergeRow{row: r.row.Clone(), ref: l.Ref, match: r.match}
		if err := m.refetch(ctx, now); err != nil {
			return nil, err
		}
		if r.match == plan.Matched && m.m.Merge.On != nil {
			d, err := expr.EvalRow(m.ctx, m.m.Merge.On, now.row)
			if err != nil {
				return nil, err
			}
			if (!d.Valid || !d.Bool()) && !invariants.Mutant("query-merge-recheck") {
				now.match = plan.NotMatchedBySource
				m.clearSide(now, false)
			}
		}
		list = append(list, now)
		if now.match == r.match {
			return m.choose(ctx, list)
		}
	}
	if r.match == plan.Matched {
		alone := &mergeRow{row: r.row.Clone(), match: plan.NotMatchedByTarget}
		m.clearSide(alone, true)
		list = append(list, alone)
	}
	return m.choose(ctx, list)
}

// choose finds the clauses of rows that were matched again; a stronger lock is taken if one needs it.
func (m *modifier) choose(ctx context.Context, list []*mergeRow) (out []*mergeRow, err error) {
	for _, r := range list {
		if err := m.chooseClause(r); err != nil {
			return nil, err
		}
		if r.clause == nil {
			continue
		}
		if r.clause.Action != plan.Insert {
			var got [1]table.LockResult
			if err := m.w.Lock(ctx, []table.RowRef{r.ref}, m.mergeLock(r.clause), table.WaitBlock, got[:]); err != nil {
				return nil, err
			}
			if got[0].Status == table.Moved { // its lock is held: nobody else can have changed it
				r.ref = got[0].Ref
			}
			if m.seen[r.ref] {
				return nil, errMergeTwice
			}
			m.seen[r.ref] = true
		}
		out = append(out, r)
	}
	return out, nil
}

// refetch puts the newest version of the target's row into a row of the read pipeline.
func (m *modifier) refetch(ctx context.Context, r *mergeRow) error {
	cols := make([]int, len(m.m.Cols))
	for i, cm := range m.m.Cols {
		cols[i] = cm.Column
	}
	var now vec.Batch
	if err := m.fetch(ctx, []table.RowRef{r.ref}, cols, &now); err != nil {
		return err
	}
	for i, cm := range m.m.Cols {
		r.row[cm.Input] = now.BatchDatum(i, 0)
	}
	r.row[m.m.RefCol] = types.NewInt(types.Int8, int64(r.ref))
	return nil
}

// clearSide makes the target's columns of a row NULL, or the source's.
func (m *modifier) clearSide(r *mergeRow, target bool) {
	for i := range r.row {
		own := i == m.m.RefCol || slices.ContainsFunc(m.m.Cols, func(c plan.ColMap) bool { return c.Input == i })
		if own == target {
			r.row[i] = types.NullOf(r.row[i].K)
		}
	}
}

// applyClause does what a clause does with its rows.
func (m *modifier) applyClause(ctx context.Context, c *plan.MergeClause, rows []*mergeRow) error {
	if len(rows) == 0 {
		return nil
	}
	if c.Action == plan.Insert {
		return m.mergeInsert(ctx, c, rows)
	}
	refs := make([]table.RowRef, len(rows))
	for i, r := range rows {
		refs[i] = r.ref
	}
	if c.Action == plan.Delete {
		if err := m.returnMerged(ctx, rows, refs); err != nil {
			return err
		}
		out, err := m.w.Delete(ctx, refs)
		m.rows += out.Rows
		return err
	}
	b, err := m.evalRows(rows, c.Set, func(i int) types.Type { return m.m.Table.Columns[c.SetCols[i]].Type })
	if err != nil {
		return err
	}
	out, err := m.w.Update(ctx, refs, c.SetCols, b)
	if err != nil {
		return err
	}
	m.rows += out.Rows
	return m.returnMerged(ctx, rows, out.Refs)
}

func (m *modifier) mergeInsert(ctx context.Context, c *plan.MergeClause, rows []*mergeRow) error {
	b, err := m.evalRows(rows, c.Values, func(i int) types.Type { return m.m.Table.Columns[i].Type })
	if err != nil {
		return err
	}
	out, err := m.w.Insert(ctx, b, table.OnConflict{Key: -1})
	if err != nil {
		return err
	}
	m.rows += out.Rows
	return m.returnMerged(ctx, rows, out.Refs)
}

// evalRows evaluates expressions on rows.
func (m *modifier) evalRows(rows []*mergeRow, list []expr.Expr, typ func(i int) types.Type) (*vec.Batch, error) {
	ts := make([]types.Type, len(list))
	for i := range ts {
		ts[i] = typ(i)
	}
	bb, row := vec.NewBatchBuilder(ts, len(rows), nil), make(types.Row, len(list))
	for _, r := range rows {
		for i, e := range list {
			var err error
			if row[i], err = expr.EvalRow(m.ctx, e, r.row); err != nil {
				return nil, err
			}
		}
		if err := bb.AppendRow(row); err != nil {
			return nil, err
		}
	}
	return bb.Batch(), nil
}

// returnMerged evaluates RETURNING on stored rows.
func (m *modifier) returnMerged(ctx context.Context, rows []*mergeRow, refs []table.RowRef) error {
	if m.m.Returning == nil {
		return nil
	}
	cols := make([]int, len(m.m.Table.Columns))
	for i := range cols {
		cols[i] = i
	}
	action := types.NewString(types.Text, mergeNames[rows[0].clause.Action])
	for i, r := range rows {
		var stored vec.Batch
		if err := m.fetch(ctx, refs[i:i+1], cols, &stored); err != nil {
			return err
		}
		if err := m.returnRow(stored.Row(0, nil), append(r.row[:len(r.row):len(r.row)], action)); err != nil {
			return err
		}
	}
	return nil
}

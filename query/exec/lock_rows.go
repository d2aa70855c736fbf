package exec

import (
	"context"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// ErrRerun is returned when a row to be locked has changed since the snapshot and the plan cannot decide
// alone whether its new version still qualifies (plan.LockRows.Rerun): the statement must run again.
var ErrRerun = sqlerr.New(sqlerr.SerializationFailure, "could not serialize access due to concurrent update")

// lockRun locks the rows of each batch and passes them on. Rows are locked one by one, each only when the
// one before is through: a LIMIT above leaves later rows unlocked.
type lockRun struct {
	q    *Query
	n    *plan.LockRows
	in   *vec.Batch
	at   int
	keep []int // input columns that are output
	row  types.Row
	bb   *vec.BatchBuilder
	open []lockTable
	refs [1]table.RowRef
	got  [1]table.LockResult
}

// lockTable is a table whose rows are locked.
type lockTable struct {
	w    table.Writer
	r    table.Reader
	cols []int
}

func (q *Query) lockRows(n *plan.LockRows) (*flow, error) {
	f, err := q.flowOf(n.Input)
	if err != nil {
		return nil, err
	}
	f.serial = true
	stats := q.statsOf(n, n.ID, "lock rows")
	refs := make(map[int]bool, len(n.Items))
	for _, it := range n.Items {
		refs[it.RefCol] = true
	}
	var keep []int
	for c := range n.Input.Columns() {
		if !refs[c] {
			keep = append(keep, c)
		}
	}
	f.pipe(func(_ *worker, next operator) (operator, error) {
		r := &lockRun{q: q, n: n, keep: keep, row: make(types.Row, len(n.Input.Columns()))}
		r.bb = vec.NewBatchBuilder(typesOf(n.Columns()), 1, q.mem)
		return &stage{t: r, next: next, stats: stats}, nil
	})
	return f, nil
}

func (r *lockRun) start(ctx context.Context, b *vec.Batch) error {
	r.in, r.at = b, 0
	if r.open != nil {
		return nil
	}
	for _, it := range r.n.Items {
		w, err := r.q.env.Stmt.Locker(ctx, it.Table.ID)
		if err != nil {
			return err
		}
		rd, err := r.q.env.Stmt.Reader(ctx, it.Table.ID)
		if err != nil {
			return err
		}
		t := lockTable{w: w, r: rd}
		for _, c := range it.Cols {
			t.cols = append(t.cols, c.Column)
		}
		r.open = append(r.open, t)
	}
	return nil
}

func (r *lockRun) produce(ctx context.Context) (*vec.Batch, error) {
	for r.at < r.in.N {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for c := range r.row {
			r.row[c] = r.in.BatchDatum(c, r.at)
		}
		r.at++
		ok, err := r.lock(ctx)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		out := make(types.Row, len(r.keep))
		for i, c := range r.keep {
			out[i] = r.row[c]
		}
		r.bb.Reset()
		if err := r.bb.AppendRow(out); err != nil {
			return nil, err
		}
		return r.bb.Batch(), nil
	}
	return nil, nil
}

// lock locks the row at hand in all tables. A row that has moved is refreshed and must qualify again.
func (r *lockRun) lock(ctx context.Context) (bool, error) {
	moved := false
	for i := range r.n.Items {
		it := &r.n.Items[i]
		ref := r.row[it.RefCol]
		if ref.IsNull() { // the NULL row of an outer join
			continue
		}
		r.refs[0] = table.RowRef(ref.I)
		if err := r.open[i].w.Lock(ctx, r.refs[:], it.Mode, it.Wait, r.got[:]); err != nil {
			return false, err
		}
		switch r.got[0].Status {
		case table.Gone, table.Skipped:
			return false, nil
		case table.Moved:
			if r.n.Rerun {
				return false, ErrRerun
			}
			moved = true
			if err := r.refresh(ctx, i, r.got[0].Ref); err != nil {
				return false, err
			}
		}
	}
	if !moved || r.n.Recheck == nil {
		return true, nil
	}
	d, err := expr.EvalRow(r.q.env.Expr, r.n.Recheck, r.row)
	return err == nil && d.Valid && d.Bool(), err
}

// refresh reads the columns of a row's newest version.
func (r *lockRun) refresh(ctx context.Context, i int, ref table.RowRef) error {
	it, t := &r.n.Items[i], &r.open[i]
	r.row[it.RefCol] = types.NewInt(types.Int8, int64(ref))
	if len(t.cols) == 0 {
		return nil
	}
	var now vec.Batch
	r.refs[0] = ref
	if err := t.r.Fetch(ctx, r.refs[:], t.cols, &now); err != nil {
		return err
	}
	for k, c := range it.Cols {
		r.row[c.Input] = now.BatchDatum(k, 0)
	}
	return nil
}

func (r *lockRun) close() { r.bb.Release() }

package query

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/laminadb/lamina/query/exec"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// A statement at READ COMMITTED that has waited for a row checks its newest version again. Where the condition or the new
// values have subqueries in them, the row alone does not say what comes of it: the statement is undone and runs again with a
// new snapshot. It keeps the locks, so that it gets on.

// rerunsMax bounds how often a statement runs again because rows changed while it waited for them.
const rerunsMax = 1000

// mustRerun reports whether a statement has to run again, after having done so a number of times.
func mustRerun(err error, reruns int) bool {
	return err != nil && errors.Is(err, exec.ErrRerun) && reruns < rerunsMax
}

// mayRerun reports whether a query locks rows in a way that may make it run again.
func mayRerun(q *plan.Query) bool {
	for i := range q.Subplans {
		if lockMayRerun(q.Subplans[i].Root) {
			return true
		}
	}
	for i := range q.Shared {
		if lockMayRerun(q.Shared[i].Root) {
			return true
		}
	}
	return lockMayRerun(q.Root)
}

func lockMayRerun(n plan.Node) bool {
	if n == nil {
		return false
	}
	if l, ok := n.(*plan.LockRows); ok && l.Rerun {
		return true
	}
	for _, in := range n.Inputs() {
		if lockMayRerun(in) {
			return true
		}
	}
	return false
}

// drain runs a query to its end before the first row is handed out, so that it can run again.
func (s *Session) drain(ctx context.Context, q *plan.Query, x *exec.Query, stmt table.Statement) (*Result, error) {
	rows, err := allRows(ctx, x)
	if cerr := x.Close(); err == nil {
		err = cerr
	}
	if err = stmt.Close(err); err != nil {
		return nil, err
	}
	r := &Result{s: s, Columns: q.Root.Columns(), verb: "SELECT", counts: true}
	r.held, err = batchesOf(r.Columns, rows)
	return r, err
}

func allRows(ctx context.Context, x *exec.Query) (rows []types.Row, err error) {
	for {
		b, err := x.Next(ctx)
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		if len(rows)+b.N > returningRowsMax {
			return nil, sqlerr.Newf(sqlerr.ProgramLimitExceeded, "a query that may have to run again yields more than %d rows", returningRowsMax)
		}
		for i := range b.N {
			row := b.Row(i, make(types.Row, 0, b.NumCols()))
			for c := range row {
				row[c].S = strings.Clone(row[c].S)
			}
			rows = append(rows, row)
		}
	}
}

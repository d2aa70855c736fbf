package exec

import (
	"errors"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// compile compiles expressions over an input with the given columns, parameters and stable functions
// folded.
func (q *Query) compile(exprs []expr.Expr, input []types.Type) (*expr.Program, error) {
	folded := make([]expr.Expr, len(exprs))
	for i, e := range exprs {
		folded[i] = expr.Fold(e, q.env.Expr)
		q.noteVolatile(e)
	}
	return expr.Compile(folded, input)
}

// noteVolatile notes that the query has a volatile expression, before its workers begin.
func (q *Query) noteVolatile(e expr.Expr) {
	if !q.volatile && expr.IsVolatile(e) {
		q.volatile = true
	}
}

// compileCopies compiles the columns of rows as they are: what keeps rows evaluates them, whatever forms they come in.
func (q *Query) compileCopies(ts []types.Type) (*expr.Program, error) {
	cols := make([]expr.Expr, len(ts))
	for i, t := range ts {
		cols[i] = &expr.Column{Node: expr.Node{Typ: t}, ID: i}
	}
	return q.compile(cols, ts)
}

// evaluator returns an evaluator for one worker.
func (q *Query) evaluator(p *expr.Program) *expr.Evaluator { return p.NewEvaluator(q.env.Expr, q.mem) }

// typesOf returns the types of a node's output.
func typesOf(cols []plan.OutColumn) []types.Type {
	ts := make([]types.Type, len(cols))
	for i := range cols {
		ts[i] = cols[i].Type
	}
	return ts
}

// asColumn returns the column that e is.
func asColumn(e expr.Expr) (int, bool) {
	c, ok := e.(*expr.Column)
	if !ok {
		return 0, false
	}
	return c.ID, true
}

// evalAll evaluates the first len(out) expressions over b. It returns the number of rows for which all
// of them have a value: all, or those before the first row that fails, with its error.
func evalAll(ev *expr.Evaluator, b *vec.Batch, out []*vec.Vector) (int, error) {
	ev.Begin(b)
	n := b.N
	var first error
	for i := range out {
		v, err := ev.Eval(i)
		out[i] = v
		if err == nil {
			continue
		}
		row, ok := errors.AsType[*expr.RowError](err)
		if !ok || row.Row >= n {
			return 0, err
		}
		// The entries before the row are good, and what follows is evaluated for them alone.
		n, first = row.Row, row.Err
	}
	return n, first
}

// rowsBefore splits an evaluation error: that of a row leaves the result for the rows before it.
func rowsBefore(err error) (row int, cause error, ok bool) {
	e, ok := errors.AsType[*expr.RowError](err)
	if !ok {
		return 0, err, false
	}
	return e.Row, e.Err, true
}

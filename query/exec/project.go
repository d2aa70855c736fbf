package exec

import (
	"context"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// projectRun computes expressions. Columns that pass through keep their group's index: nothing is
// gathered for them.
type projectRun struct {
	items []projectItem
	ev    *expr.Evaluator // nil if nothing is computed
	vecs  []*vec.Vector
	in    *vec.Batch
	out   vec.Batch
	cols  []vec.Vector
}

// projectItem is an output column: input column col, expression expr of the program, or neither.
type projectItem struct {
	typ  types.Type
	col  int // -1: none
	expr int // -1: none
}

func (q *Query) project(n *plan.Project) (*flow, error) {
	f, err := q.flowOf(n.Input)
	if err != nil {
		return nil, err
	}
	op, err := q.projectOp(n.Exprs, q.needs[n], typesOf(n.Input.Columns()), q.statsOf(n, n.ID, "project"))
	if err != nil {
		return nil, err
	}
	f.pipe(op)
	return f, nil
}

// projectOp makes operators that compute those of exprs that are needed.
func (q *Query) projectOp(exprs []expr.Expr, need []bool, input []types.Type, stats *opStats) (factory, error) {
	var computed []expr.Expr
	items := make([]projectItem, len(exprs))
	for i, e := range exprs {
		items[i] = projectItem{typ: e.Type(), col: -1, expr: -1}
		if !need[i] && !expr.IsVolatile(e) {
			continue
		}
		if c, ok := asColumn(e); ok {
			items[i].col = c
			continue
		}
		items[i].expr = len(computed)
		computed = append(computed, e)
	}
	var prog *expr.Program
	if len(computed) > 0 {
		var err error
		if prog, err = q.compile(computed, input); err != nil {
			return nil, err
		}
	}
	return func(w *worker, next operator) (operator, error) {
		r := &projectRun{items: items, vecs: make([]*vec.Vector, len(computed)), cols: make([]vec.Vector, len(items))}
		if prog != nil {
			r.ev = q.evaluator(prog)
		}
		return &stage{t: r, next: next, stats: stats}, nil
	}, nil
}

func (r *projectRun) start(_ context.Context, b *vec.Batch) error {
	r.in = b
	return nil
}

func (r *projectRun) produce(context.Context) (*vec.Batch, error) {
	b := r.in
	if b == nil {
		return nil, nil
	}
	r.in = nil
	n := b.N
	var err error
	if r.ev != nil {
		if n, err = evalAll(r.ev, b, r.vecs); n == 0 && err != nil {
			return nil, err
		}
	}
	r.assemble(b, n)
	return &r.out, err
}

// assemble makes the output of the first n rows: neighbours of one input group share a group.
func (r *projectRun) assemble(b *vec.Batch, n int) {
	r.out.N = n
	r.out.Groups = r.out.Groups[:0]
	var from *vec.Group // input group of the open output group; nil: computed
	open := false
	for i, it := range r.items {
		var g *vec.Group
		switch {
		case it.col >= 0:
			var v *vec.Vector
			v, g = b.Col(it.col)
			r.cols[i] = *v
		case it.expr >= 0:
			r.cols[i] = *r.vecs[it.expr]
		default:
			r.cols[i] = nullVector(it.typ)
		}
		if open && g == from {
			last := &r.out.Groups[len(r.out.Groups)-1]
			last.Cols = last.Cols[:len(last.Cols)+1]
			continue
		}
		out := vec.Group{Cols: r.cols[i : i+1]}
		if g != nil {
			if g.Sel != nil {
				out.Sel = g.Sel[:n]
			}
			if g.RowIDs != nil {
				out.RowIDs = g.RowIDs[:n]
			}
		}
		r.out.Groups = append(r.out.Groups, out)
		open, from = true, g
	}
	if len(r.items) == 0 {
		r.out.Groups = append(r.out.Groups, vec.Group{})
	}
}

func (r *projectRun) close() {
	if r.ev != nil {
		r.ev.Close()
	}
}

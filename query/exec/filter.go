package exec

import (
	"context"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/vec"
)

// filterRun keeps the rows for which a condition is true.
type filterRun struct {
	ev   *expr.Evaluator
	in   *vec.Batch
	sel  []uint16
	comp composer
}

func (q *Query) filter(n *plan.Filter) (*flow, error) {
	f, err := q.flowOf(n.Input)
	if err != nil {
		return nil, err
	}
	prog, err := q.compile([]expr.Expr{n.Cond}, typesOf(n.Input.Columns()))
	if err != nil {
		return nil, err
	}
	f.pipe(q.filterOp(prog, q.statsOf(n, n.ID, "filter")))
	return f, nil
}

// filterOp makes operators for the condition that is the first expression of prog.
func (q *Query) filterOp(prog *expr.Program, stats *opStats) factory {
	return func(w *worker, next operator) (operator, error) {
		sel, err := makeSlice[uint16](&w.arena, batchRows+1)
		if err != nil {
			return nil, err
		}
		r := &filterRun{ev: q.evaluator(prog), sel: sel}
		r.comp.a = &w.arena
		return &stage{t: r, next: next, stats: stats}, nil
	}
}

func (r *filterRun) start(_ context.Context, b *vec.Batch) error {
	r.in = b
	return nil
}

func (r *filterRun) produce(context.Context) (*vec.Batch, error) {
	b := r.in
	if b == nil {
		return nil, nil
	}
	r.in = nil
	r.ev.Begin(b)
	sel, err := r.ev.Filter(0, r.sel[:0])
	if err != nil {
		_, cause, ok := rowsBefore(err)
		if !ok {
			return nil, err
		}
		err = cause
	}
	if err == nil && len(sel) == b.N {
		return b, nil
	}
	out, cerr := r.comp.compose(b, sel, 0)
	if cerr != nil {
		return nil, cerr
	}
	return out, err
}

func (r *filterRun) close() { r.ev.Close() }

package exec

import (
	"context"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// uniqueRun passes the first row of each run of rows with equal keys.
type uniqueRun struct {
	ev   *expr.Evaluator
	vs   []*vec.Vector
	last types.Row // keys of the row before
	some bool      // there was one
	in   *vec.Batch
	pos  []uint16
	comp composer
}

func (q *Query) unique(n *plan.Unique) (*flow, error) {
	f, err := q.flowOf(n.Input)
	if err != nil {
		return nil, err
	}
	prog, err := q.compile(n.Keys, typesOf(n.Input.Columns()))
	if err != nil {
		return nil, err
	}
	stats := q.statsOf(n, n.ID, "unique")
	f.serial = true
	last := make(types.Row, len(n.Keys))
	var shared *uniqueRun // runs may go on from one branch to the next
	f.pipe(func(w *worker, next operator) (operator, error) {
		pos, err := makeSlice[uint16](&w.arena, batchRows)
		if err != nil {
			return nil, err
		}
		r := &uniqueRun{ev: q.evaluator(prog), vs: make([]*vec.Vector, len(n.Keys)), last: last, pos: pos}
		r.comp.a = &w.arena
		r.some = shared != nil && shared.some
		shared = r
		return &stage{t: r, next: next, stats: stats}, nil
	})
	return f, nil
}

func (r *uniqueRun) start(_ context.Context, b *vec.Batch) error {
	r.in = b
	return nil
}

func (r *uniqueRun) produce(context.Context) (*vec.Batch, error) {
	b := r.in
	if b == nil {
		return nil, nil
	}
	r.in = nil
	n, cause := evalAll(r.ev, b, r.vs)
	if n == 0 && cause != nil {
		return nil, cause
	}
	k := 0
	for i := range n {
		same := r.some
		for j, v := range r.vs {
			d := v.Datum(i)
			l := r.last[j]
			same = same && d.Valid == l.Valid && (!d.Valid || types.Equal(d, l))
			r.last[j] = d
		}
		if !same {
			r.pos[k] = uint16(i)
			k++
		}
		r.some = true
	}
	out, err := r.comp.compose(b, r.pos[:k], 0)
	if err != nil {
		return nil, err
	}
	return out, cause
}

func (r *uniqueRun) close() { r.ev.Close() }

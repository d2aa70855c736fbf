package exec

import (
	"context"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// setOperation is INTERSECT or EXCEPT: the rows of both sides, those of the left first, are grouped by all columns, NULL
// equal to NULL. A further column is one for rows of the left, so that its sum, beside the number of a group's rows, says
// how often the group is output. Groups come in the order of their first rows: where the left has some, in its order.
//
//	left  + 1 ─┐
//	           ├─ aggregation: columns, sum, count ─ repetition
//	right + 0 ─┘
type setOperation struct {
	n     *plan.SetOp
	stats *opStats
	agg   aggregation
	// counts are the sum and the count of a group.
	counts *expr.Program
}

func (q *Query) setOp(n *plan.SetOp) (*flow, error) {
	s := &setOperation{n: n, stats: q.statsOf(n, n.ID, "set operation")}
	in := &flow{}
	for i, side := range []plan.Node{n.L, n.R} {
		f, err := q.flowOf(side)
		if err != nil {
			return nil, err
		}
		f.pipe(markSide(int64(1 - i)))
		in.branches = append(in.branches, f.branches...)
		in.serial = in.serial || f.serial
	}
	a := &s.agg
	ts := append(typesOf(n.Columns()), types.T(types.Int4))
	*a = aggregation{q: q, nk: len(ts) - 1, stats: s.stats, positions: true}
	for c := range a.nk {
		a.exprs = append(a.exprs, &expr.Column{Node: expr.Node{Typ: ts[c]}, ID: c})
		a.keyAt = append(a.keyAt, c)
	}
	for _, g := range []*expr.Aggregate{
		{Node: expr.Node{Typ: types.T(types.Int8)}, Func: &expr.AggFunc{Name: "sum", Op: expr.AggSum, Ret: types.Int8},
			Args: []expr.Expr{&expr.Column{Node: expr.Node{Typ: ts[a.nk]}, ID: a.nk}}},
		{Node: expr.Node{Typ: types.T(types.Int8)}, Func: &expr.AggFunc{Name: "count", Op: expr.AggCountStar, Ret: types.Int8}},
	} {
		if err := a.add(g); err != nil {
			return nil, err
		}
	}
	a.layout()
	var err error
	if a.prog, err = q.compile(a.exprs, ts); err != nil {
		return nil, err
	}
	a.sink.a, a.sink.spill.a = a, a
	a.sink.arena.tracker = q.mem
	q.run(in, &a.sink, "set operation")
	ts = append(ts[:a.nk:a.nk], types.T(types.Int8), types.T(types.Int8))
	var counts []expr.Expr
	for c := a.nk; c < len(ts); c++ {
		counts = append(counts, &expr.Column{Node: expr.Node{Typ: ts[c]}, ID: c})
	}
	if s.counts, err = q.compile(counts, ts); err != nil {
		return nil, err
	}
	out := &flow{branches: []branch{{src: &aggSource{a: a}}}}
	out.pipe(s.repetition)
	return out, nil
}

// sideMark adds a column of a constant to batches.
type sideMark struct {
	value [1]int64
	cols  []vec.Vector
	in    *vec.Batch
	out   vec.Batch
}

func markSide(value int64) factory {
	return func(_ *worker, next operator) (operator, error) {
		m := &sideMark{value: [1]int64{value}}
		m.cols = []vec.Vector{{Type: types.T(types.Int4), Form: vec.Const, Width: 8, N: 1,
			Data: unsafe.Pointer(&m.value), NullBit: -1}}
		return &stage{t: m, next: next}, nil
	}
}

func (m *sideMark) start(_ context.Context, b *vec.Batch) error {
	m.in = b
	return nil
}

func (m *sideMark) produce(context.Context) (*vec.Batch, error) {
	if m.in == nil {
		return nil, nil
	}
	m.out.N = m.in.N
	m.out.Groups = append(append(m.out.Groups[:0], m.in.Groups...), vec.Group{Cols: m.cols})
	m.in = nil
	return &m.out, nil
}

func (m *sideMark) close() {}

// repetition outputs the columns of each group as often as its counts say.
type repetition struct {
	s    *setOperation
	ev   *expr.Evaluator
	vs   [2]*vec.Vector
	in   *vec.Batch
	i    int   // the next group
	left int64 // how often the group before it is still to be output
	pos  []uint16
	comp composer
}

func (s *setOperation) repetition(w *worker, next operator) (operator, error) {
	r := &repetition{s: s}
	r.comp.a = &w.arena
	var err error
	if r.pos, err = makeSlice[uint16](&w.arena, batchRows); err != nil {
		return nil, err
	}
	r.ev = s.agg.q.evaluator(s.counts)
	return &stage{t: r, next: next, stats: s.stats}, nil
}

func (r *repetition) start(_ context.Context, b *vec.Batch) error {
	r.in, r.i, r.left = b, 0, 0
	r.s.stats.rows.Add(-int64(b.N)) // groups are not the operation's rows
	_, err := evalAll(r.ev, b, r.vs[:])
	return err
}

func (r *repetition) produce(context.Context) (*vec.Batch, error) {
	k, limit := 0, r.s.agg.q.vectorRows
	for k < limit && (r.left > 0 || r.i < r.in.N) {
		if r.left == 0 {
			left := r.vs[0].Int(r.i)
			r.left = r.s.times(left, r.vs[1].Int(r.i)-left)
			r.i++
			continue
		}
		r.pos[k] = uint16(r.i - 1)
		k++
		r.left--
	}
	if k == 0 {
		return nil, nil
	}
	out, err := r.comp.compose(r.in, r.pos[:k], 0)
	if err != nil {
		return nil, err
	}
	out.Groups[0].Cols = out.Groups[0].Cols[:r.s.agg.nk]
	return out, nil
}

func (r *repetition) close() { r.ev.Close() }

// times returns how often a row that occurs l and r times is output.
func (s *setOperation) times(l, r int64) int64 {
	switch {
	case s.n.Kind == plan.Intersect && s.n.All:
		return min(l, r)
	case s.n.Kind == plan.Intersect:
		return int64(b2i(l > 0 && r > 0))
	case s.n.All:
		if invariants.Mutant("except-all-forgets-counts") && r > 0 {
			return 0
		}
		return max(l-r, 0)
	}
	return int64(b2i(l > 0 && r == 0))
}

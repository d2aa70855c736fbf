package exec

import (
	"context"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
)

// setOperation is INTERSECT or EXCEPT: both sides are grouped by all columns, NULL equal to NULL, and the
// groups' row counts say how often a row is output.
type setOperation struct {
	q     *Query
	n     *plan.SetOp
	stats *opStats
	sides [2]aggregation
	out   aggSource
}

func (q *Query) setOp(n *plan.SetOp) (*flow, error) {
	s := &setOperation{q: q, n: n, stats: q.statsOf(n, n.ID, "set operation")}
	for i, in := range []plan.Node{n.L, n.R} {
		f, err := q.flowOf(in)
		if err != nil {
			return nil, err
		}
		a := &s.sides[i]
		*a = aggregation{q: q, nk: len(in.Columns()), stats: s.stats, positions: true, single: true}
		for c := range in.Columns() {
			a.exprs = append(a.exprs, &expr.Column{Node: expr.Node{Typ: in.Columns()[c].Type}, ID: c})
			a.keyAt = append(a.keyAt, c)
		}
		a.layout()
		if a.prog, err = q.compile(a.exprs, typesOf(in.Columns())); err != nil {
			return nil, err
		}
		a.sink.a = a
		a.sink.arena.tracker = q.mem
		q.run(f, &a.sink, "set operation")
	}
	s.out.a = &s.sides[0]
	return &flow{branches: []branch{{src: s}}}, nil
}

// open decides how often each group of the left side is output, in its order.
func (s *setOperation) open(ctx context.Context) error {
	left, right := &s.sides[0], &s.sides[1]
	if len(left.sink.result.parts) == 0 {
		return s.out.open(ctx)
	}
	m, err := newMergeScratch(right)
	if err != nil {
		return err
	}
	defer m.free()
	var t *groupTable
	if len(right.sink.result.parts) > 0 {
		t = right.sink.result.parts[0].t
	}
	parts := left.sink.result.parts
	left.sink.result.parts = nil
	for _, p := range parts {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := error(nil)
		p.chunks(m.d.ids, func(ids []uint32) bool {
			err = s.count(p.t, t, ids, m)
			return err == nil
		})
		if err != nil {
			return err
		}
	}
	return s.out.open(ctx)
}

// chunks calls f with the groups of a part, up to batchRows at a time, until it returns false.
func (p *resultPart) chunks(scratch []uint32, f func(ids []uint32) bool) {
	n := int(p.to - p.from)
	if p.ids != nil {
		n = len(p.ids)
	}
	for at := 0; at < n; at += batchRows {
		k := min(batchRows, n-at)
		ids := scratch[:k]
		if p.ids != nil {
			ids = p.ids[at : at+k]
		} else {
			for i := range ids {
				ids[i] = p.from + uint32(at+i)
			}
		}
		if !f(ids) {
			return
		}
	}
}

// count adds the groups ids of left to the result as often as the counts of left and right say.
func (s *setOperation) count(left, right *groupTable, ids []uint32, m *mergeScratch) error {
	codes := m.codes[:len(ids)]
	if right != nil {
		vs := m.d.vectors(left, &left.coder, ids)
		if left.a.nk == 0 {
			clear(codes)
		} else if err := right.find(vs, len(ids), m.s, m.words, codes, m.pos, noBounds, &runState{}); err != nil {
			return err
		}
	}
	out := make([]uint32, 0, len(ids))
	for i, id := range ids {
		l, r := left.count(-1, id), int64(0)
		if right != nil {
			r = right.count(-1, codes[i])
		}
		for range s.times(l, r) {
			out = append(out, id)
		}
	}
	res := &s.sides[0].sink.result
	for len(out) > 0 {
		n := min(len(out), resultRows)
		res.parts = append(res.parts, resultPart{t: left, ids: out[:n]})
		out = out[n:]
	}
	return nil
}

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

func (s *setOperation) reader() (reader, error) { return s.out.reader() }
func (s *setOperation) close()                  {}

package exec

import (
	"context"
	"io"
	"math"

	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/vec"
)

// seriesSource yields an arithmetic series.
type seriesSource struct {
	q     *Query
	n     *plan.Series
	stats *opStats
	start int64
	step  int64
	count uint64 // values
	next  uint64 // of the next morsel
}

// seriesRows is the number of values of a morsel.
const seriesRows = 1 << 16

var errZeroStep = sqlerr.New(sqlerr.InvalidParameterValue, "step size cannot equal zero")

func (q *Query) series(n *plan.Series) (*flow, error) {
	s := &seriesSource{q: q, n: n, stats: q.statsOf(n, n.ID, "series")}
	return &flow{branches: []branch{{src: s}}}, nil
}

func (s *seriesSource) open(context.Context) error {
	s.next, s.count, s.step = 0, 0, 1
	start, err := s.q.constantOf(s.n.Start)
	if err != nil {
		return err
	}
	stop, err := s.q.constantOf(s.n.Stop)
	if err != nil {
		return err
	}
	if s.n.Step != nil {
		step, err := s.q.constantOf(s.n.Step)
		if err != nil {
			return err
		}
		if step.IsNull() {
			return nil
		}
		if s.step = step.I; s.step == 0 {
			return errZeroStep
		}
	}
	if start.IsNull() || stop.IsNull() {
		return nil
	}
	s.start = start.I
	switch {
	case s.step > 0 && start.I <= stop.I:
		s.count = (uint64(stop.I)-uint64(start.I))/uint64(s.step) + 1
	case s.step < 0 && start.I >= stop.I:
		s.count = (uint64(start.I)-uint64(stop.I))/-uint64(s.step) + 1
	}
	if s.count == 0 && (s.step == 1 || s.step == -1) && start.I != stop.I && (start.I < stop.I) == (s.step > 0) {
		s.count = math.MaxUint64 // all of int8: one value is out of reach
	}
	return nil
}

func (s *seriesSource) close() {}

func (s *seriesSource) reader() (reader, error) {
	r := &seriesReader{s: s, arena: arena{tracker: s.q.mem}, cols: make([]vec.Vector, 1)}
	var err error
	r.v, err = makeSlice[int64](&r.arena, batchRows)
	return r, err
}

// seriesReader makes the values of one morsel.
type seriesReader struct {
	s        *seriesSource
	at, left uint64
	v        []int64
	fact     vec.Fact
	cols     []vec.Vector
	out      vec.Batch
	arena    arena
}

func (r *seriesReader) claim(context.Context) error {
	s := r.s
	if s.next >= s.count {
		return io.EOF
	}
	r.at, r.left = s.next, min(seriesRows, s.count-s.next)
	s.next += r.left
	first := s.start + int64(r.at)*s.step
	last := first + int64(r.left-1)*s.step
	r.fact = vec.Fact{
		Min: min(first, last), Max: max(first, last), Bounded: true, NoNulls: true, Ascending: s.step > 0, LenMax: -1, Finite: true,
	}
	return nil
}

func (r *seriesReader) read(context.Context) (*vec.Batch, error) {
	n := int(min(r.left, uint64(r.s.q.vectorRows)))
	if n == 0 {
		return nil, nil
	}
	x := r.s.start + int64(r.at)*r.s.step
	for i := range n {
		r.v[i] = x
		x += r.s.step
	}
	r.at, r.left = r.at+uint64(n), r.left-uint64(n)
	r.cols[0] = vec.Vector{
		Type: r.s.n.Columns()[0].Type, Width: 8, N: n, Data: vec.DataOf(r.v), NullBit: -1, Fact: &r.fact,
	}
	r.out.Single(n, r.cols, nil)
	r.s.stats.out(n)
	return &r.out, nil
}

func (r *seriesReader) close() { r.arena.free() }

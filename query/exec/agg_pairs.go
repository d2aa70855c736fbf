package exec

import (
	"math"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// pairMoments are Youngs and Cramer's running sums for the covariance of pairs of floats, from which all
// aggregates of pairs are made. The arguments are Y and X, in this order.
type pairMoments struct {
	tracker *mem.Tracker
	m       column[pairSums]
	rows    floatRows
}

// pairSums are the number of pairs, the sums, and the sums of squared deviations and of their products.
type pairSums struct{ n, sx, sxx, sy, syy, sxy float64 }

func newPairMoments(t *groupTable) slowState { return &pairMoments{tracker: t.tracker} }

func (s *pairMoments) grow(groups int) error { return s.m.grow(s.tracker, groups) }

func (s *pairMoments) free() {
	s.m.free()
	s.rows.free()
}

func (s *pairMoments) update(codes []uint32, v, second *vec.Vector, live []uint16, n int) error {
	if err := s.rows.take(s.tracker, codes, v, second, live, n); err != nil {
		return err
	}
	all, ys, xs := s.m.v, s.rows.first[:len(s.rows.codes)], s.rows.second[:len(s.rows.codes)]
	for i, c := range s.rows.codes {
		if err := all[c].add(floatOfBits(uint64(ys[i])), floatOfBits(uint64(xs[i]))); err != nil {
			return err
		}
	}
	return nil
}

func (m *pairSums) add(y, x float64) error {
	before, sx, sy := m.n, m.sx, m.sy
	n := before + 1
	m.n, m.sx, m.sy = n, sx+x, sy+y
	if before == 0 {
		m.begin(y, x)
		return nil
	}
	dx, dy, scale := x*n-(sx+x), y*n-(sy+y), 1/(n*before)
	m.sxx += dx * dx * scale
	m.syy += dy * dy * scale
	m.sxy += dx * dy * scale
	if z := m.sxx - m.syy - m.sxy; z-z != 0 {
		return m.check(math.IsInf(sx, 0) || math.IsInf(x, 0), math.IsInf(sy, 0) || math.IsInf(y, 0))
	}
	return nil
}

// begin notes what of the first pair is not finite.
func (m *pairSums) begin(y, x float64) {
	if x-x != 0 {
		m.sxx, m.sxy = math.NaN(), math.NaN()
	}
	if y-y != 0 {
		m.syy, m.sxy = math.NaN(), math.NaN()
	}
}

// check raises an overflow, unless an infinity was put in: then the deviations are not numbers.
func (m *pairSums) check(infiniteX, infiniteY bool) error {
	overX, overY := math.IsInf(m.sx, 0) || math.IsInf(m.sxx, 0), math.IsInf(m.sy, 0) || math.IsInf(m.syy, 0)
	if overX && !infiniteX || overY && !infiniteY || math.IsInf(m.sxy, 0) && !infiniteX && !infiniteY {
		return errFloatSum
	}
	for _, d := range []*float64{&m.sxx, &m.syy, &m.sxy} {
		if math.IsInf(*d, 0) {
			*d = math.NaN()
		}
	}
	return nil
}

func (s *pairMoments) merge(codes []uint32, from slowState, ids []uint32) error {
	f := from.(*pairMoments)
	for i, id := range ids {
		a, b := &s.m.v[codes[i]], f.m.v[id]
		switch {
		case b.n == 0:
		case a.n == 0:
			*a = b
		default:
			if err := a.join(b); err != nil {
				return err
			}
		}
	}
	return nil
}

// join adds the pairs of b, which has some, as a has.
func (m *pairSums) join(b pairSums) error {
	a := *m
	m.n, m.sx, m.sy = a.n+b.n, a.sx+b.sx, a.sy+b.sy
	dx, dy, scale := a.sx/a.n-b.sx/b.n, a.sy/a.n-b.sy/b.n, a.n*b.n/m.n
	m.sxx = a.sxx + b.sxx + scale*dx*dx
	m.syy = a.syy + b.syy + scale*dy*dy
	m.sxy = a.sxy + b.sxy + scale*dx*dy
	return m.check(math.IsInf(a.sx, 0) || math.IsInf(b.sx, 0), math.IsInf(a.sy, 0) || math.IsInf(b.sy, 0))
}

// result is not used: finish needs to know the function.
func (s *pairMoments) result(uint32) (types.Datum, error) { return types.Null(), nil }

// finish returns an aggregate of the pairs: NULL without any, or where it is not defined.
func (m *pairSums) finish(op expr.AggOp) types.Datum {
	if m.n == 0 {
		return types.NullOf(types.Float8)
	}
	v, ok := 0.0, true
	switch op {
	case expr.AggRegrSXX:
		v = m.sxx
	case expr.AggRegrSYY:
		v = m.syy
	case expr.AggRegrSXY:
		v = m.sxy
	case expr.AggRegrAvgX:
		v = m.sx / m.n
	case expr.AggRegrAvgY:
		v = m.sy / m.n
	case expr.AggCovarPop:
		v = m.sxy / m.n
	case expr.AggCovarSamp:
		v, ok = m.sxy/(m.n-1), m.n > 1
	case expr.AggCorr:
		v, ok = m.sxy/math.Sqrt(m.sxx*m.syy), m.sxx != 0 && m.syy != 0
	default:
		v, ok = m.regression(op), m.sxx != 0
	}
	if !ok {
		return types.NullOf(types.Float8)
	}
	return types.NewFloat(types.Float8, v)
}

// regression returns a property of the line through pairs of different X.
func (m *pairSums) regression(op expr.AggOp) float64 {
	switch op {
	case expr.AggRegrSlope:
		return m.sxy / m.sxx
	case expr.AggRegrIntercept:
		return (m.sy - m.sx*m.sxy/m.sxx) / m.n
	}
	if m.syy == 0 { // AggRegrR2 of a horizontal line
		return 1
	}
	return m.sxy * m.sxy / (m.sxx * m.syy)
}

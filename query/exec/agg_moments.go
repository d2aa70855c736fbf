package exec

import (
	"math"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// floatMoments are Youngs and Cramer's running sums for the variance of floats: number, sum, and sum of
// squared deviations.
type floatMoments struct {
	tracker *mem.Tracker
	m       column[moments]
	rows    floatRows
}

type moments struct{ n, sum, dev float64 }

func newFloatMoments(t *groupTable) slowState { return &floatMoments{tracker: t.tracker} }

func (s *floatMoments) grow(groups int) error { return s.m.grow(s.tracker, groups) }

func (s *floatMoments) free() {
	s.m.free()
	s.rows.free()
}

func (s *floatMoments) update(codes []uint32, v, _ *vec.Vector, live []uint16, n int) error {
	if err := s.rows.take(s.tracker, codes, v, nil, live, n); err != nil {
		return err
	}
	all, values := s.m.v, s.rows.first[:len(s.rows.codes)]
	for i, c := range s.rows.codes {
		if err := all[c].add(floatOfBits(uint64(values[i]))); err != nil {
			return err
		}
	}
	return nil
}

func (m *moments) add(x float64) error {
	before, sum := m.n, m.sum
	m.n = before + 1
	m.sum = sum + x
	if before == 0 {
		if x-x != 0 {
			m.dev = math.NaN()
		}
		return nil
	}
	d := x*m.n - m.sum
	m.dev += d * d / (m.n * before)
	if y := m.sum - m.dev; y-y != 0 {
		return m.check(math.IsInf(sum, 0) || math.IsInf(x, 0))
	}
	return nil
}

// check raises an overflow, unless an infinity was put in.
func (m *moments) check(infinite bool) error {
	if math.IsInf(m.sum, 0) || math.IsInf(m.dev, 0) {
		if !infinite {
			return errFloatSum
		}
		m.dev = math.NaN()
	}
	return nil
}

func (s *floatMoments) merge(codes []uint32, from slowState, ids []uint32) error {
	f := from.(*floatMoments)
	for i, id := range ids {
		a, b := &s.m.v[codes[i]], f.m.v[id]
		switch {
		case b.n == 0:
		case a.n == 0:
			*a = b
		default:
			infinite := math.IsInf(a.sum, 0) || math.IsInf(b.sum, 0)
			d := a.sum/a.n - b.sum/b.n
			dev := a.dev + b.dev + a.n*b.n*d*d/(a.n+b.n)
			*a = moments{a.n + b.n, a.sum + b.sum, dev}
			if err := a.check(infinite); err != nil {
				return err
			}
		}
	}
	return nil
}

// result is not used: variance finishes the state.
func (s *floatMoments) result(uint32) (types.Datum, error) { return types.Null(), nil }

// exactMoments are the exact sums of values and of their squares, for integers and numerics.
type exactMoments struct {
	sum, squares numericSums
}

func newExactMoments(t *groupTable) slowState {
	return &exactMoments{numericSums{byteStore: newByteStore(t)}, numericSums{byteStore: newByteStore(t)}}
}

func (s *exactMoments) grow(groups int) error {
	if err := s.sum.grow(groups); err != nil {
		return err
	}
	return s.squares.grow(groups)
}

func (s *exactMoments) free() {
	s.sum.free()
	s.squares.free()
}

func (s *exactMoments) update(codes []uint32, v, _ *vec.Vector, live []uint16, n int) error {
	integer := v.Type.Class() == types.ClassInt
	return each(live, n, func(i int) error {
		d := v.Datum(i)
		if integer {
			d = types.NumericFromInt(d.I)
		}
		sq, err := types.NumericMul(d, d)
		if err != nil {
			return err
		}
		if err := s.sum.add(codes[i], d); err != nil {
			return err
		}
		return s.squares.add(codes[i], sq)
	})
}

func (s *exactMoments) merge(codes []uint32, from slowState, ids []uint32) error {
	f := from.(*exactMoments)
	if err := s.sum.merge(codes, &f.sum, ids); err != nil {
		return err
	}
	return s.squares.merge(codes, &f.squares, ids)
}

func (s *exactMoments) result(uint32) (types.Datum, error) { return types.Null(), nil }

// variance returns a variance or standard deviation of a group with n values.
func variance(s slowState, op expr.AggOp, id uint32, n int64) (types.Datum, error) {
	if f, ok := s.(*floatMoments); ok {
		return f.m.v[id].variance(op), nil
	}
	m := s.(*exactMoments)
	sum, err := m.sum.result(id)
	if err != nil {
		return sum, err
	}
	squares, err := m.squares.result(id)
	if err != nil {
		return sum, err
	}
	return exactVariance(sum, squares, op, n)
}

// spread says what of a variance a function is: of a sample, or its root.
func spread(op expr.AggOp) (sample, root bool) {
	return op == expr.AggVarSamp || op == expr.AggStddevSamp, op == expr.AggStddevSamp || op == expr.AggStddevPop
}

// variance returns a variance or standard deviation of floats.
func (m *moments) variance(op expr.AggOp) types.Datum {
	sample, root := spread(op)
	d := m.n
	if sample {
		d--
	}
	if d <= 0 {
		return types.Null()
	}
	x := m.dev / d
	if root {
		x = math.Sqrt(x)
	}
	return types.NewFloat(types.Float8, x)
}

// exactVariance computes (n·Σx² − (Σx)²) / (n·(n−1)) as PostgreSQL does, in its scale.
func exactVariance(sum, squares types.Datum, op expr.AggOp, n int64) (d types.Datum, err error) {
	sample, root := spread(op)
	if n == 0 || sample && n == 1 {
		return types.Null(), nil
	}
	if !sum.IsFinite() || !squares.IsFinite() {
		return types.NumericNaN(), nil
	}
	count := types.NumericFromInt(n)
	if sum, err = types.NumericMul(sum, sum); err != nil {
		return sum, err
	}
	if squares, err = types.NumericMul(count, squares); err != nil {
		return sum, err
	}
	up, err := types.NumericSub(squares, sum)
	if err != nil {
		return up, err
	}
	if types.NumericCmp(up, types.NumericFromInt(0)) <= 0 {
		return types.NumericFromInt(0), nil
	}
	other := count
	if sample {
		other = types.NumericFromInt(n - 1)
	}
	down, err := types.NumericMul(count, other)
	if err != nil {
		return down, err
	}
	v, err := types.NumericDiv(up, down)
	if err != nil || !root {
		return v, err
	}
	return types.NumericSqrtScale(v, int(v.Scale))
}

func floatOfBits(b uint64) float64 { return math.Float64frombits(b) }

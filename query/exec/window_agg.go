package exec

import (
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// rowAggregate is an aggregate that takes row by row, as a frame moves over them.
type rowAggregate interface {
	// add takes a row; the first argument is not NULL.
	add(args types.Row) error
	// remove takes back a row that was added; false if that cannot be done.
	remove(args types.Row) bool
	// result is the aggregate of the rows there are; it may be asked for again and again.
	result() (types.Datum, error)
	reset()
}

// newRowAggregate makes the state of an aggregate over arguments whose first has the given type.
func newRowAggregate(f *expr.AggFunc, arg, ret types.Type) (rowAggregate, error) {
	class := arg.Class()
	switch f.Op {
	case expr.AggCountStar, expr.AggCount:
		return &rowCount{}, nil
	case expr.AggSum, expr.AggAvg:
		return newRowSum(f.Op, class, ret), nil
	case expr.AggMin, expr.AggBoolAnd:
		return &rowExtreme{sign: -1}, nil
	case expr.AggMax, expr.AggBoolOr:
		return &rowExtreme{sign: 1}, nil
	case expr.AggAnyValue:
		return &rowExtreme{}, nil
	case expr.AggBitAnd, expr.AggBitOr, expr.AggBitXor:
		return &rowBits{op: f.Op}, nil
	case expr.AggStringAgg:
		return &rowStrings{}, nil
	case expr.AggStddevSamp, expr.AggStddevPop, expr.AggVarSamp, expr.AggVarPop:
		if class == types.ClassFloat {
			return &rowMoments{op: f.Op}, nil
		}
		return &rowExactMoments{op: f.Op, integer: class == types.ClassInt}, nil
	case expr.AggRegrSXX, expr.AggRegrSYY, expr.AggRegrSXY, expr.AggRegrAvgX, expr.AggRegrAvgY, expr.AggRegrR2,
		expr.AggRegrSlope, expr.AggRegrIntercept, expr.AggCovarPop, expr.AggCovarSamp, expr.AggCorr:
		return &rowPairs{op: f.Op}, nil
	}
	return nil, sqlerr.Unsupported("window function " + f.Name)
}

type rowCount struct{ n int64 }

func (c *rowCount) add(types.Row) error          { c.n++; return nil }
func (c *rowCount) remove(types.Row) bool        { c.n--; return true }
func (c *rowCount) result() (types.Datum, error) { return types.NewInt(types.Int8, c.n), nil }
func (c *rowCount) reset()                       { c.n = 0 }

func newRowSum(op expr.AggOp, class types.Class, ret types.Type) rowAggregate {
	switch class {
	case types.ClassInt:
		return &rowIntSum{op: op, kind: ret.Kind}
	case types.ClassFloat:
		return &rowFloatSum{op: op, kind: ret.Kind}
	case types.ClassInterval:
		return &rowSum{op: op, add2: types.IntervalAdd, interval: true}
	}
	return &rowSum{op: op, add2: types.NumericAdd}
}

// rowIntSum is sum or avg of integers, exact in 128 bits.
type rowIntSum struct {
	op   expr.AggOp
	kind types.Kind
	n    int64
	sum  types.Int128
}

func (s *rowIntSum) add(args types.Row) error {
	s.n++
	s.sum = s.sum.AddInt64(args[0].I)
	return nil
}

func (s *rowIntSum) remove(args types.Row) bool {
	s.n--
	s.sum = s.sum.Sub(types.Int128Of(args[0].I))
	return true
}

func (s *rowIntSum) result() (types.Datum, error) {
	switch {
	case s.n == 0:
		return types.Null(), nil
	case s.op == expr.AggAvg:
		return types.NumericDiv(types.NewInt128Numeric(s.sum, 0), types.NumericFromInt(s.n))
	case s.kind == types.Numeric:
		return types.NewInt128Numeric(s.sum, 0), nil
	case !s.sum.IsInt64():
		return types.Null(), errIntegerSum
	}
	return types.NewInt(s.kind, int64(s.sum.Lo)), nil
}

func (s *rowIntSum) reset() { s.n, s.sum = 0, types.Int128{} }

// rowSum is sum or avg of numerics or intervals.
type rowSum struct {
	op       expr.AggOp
	add2     func(a, b types.Datum) (types.Datum, error)
	interval bool
	n        int64
	sum      types.Datum
}

func (s *rowSum) add(args types.Row) (err error) {
	if s.n++; s.n == 1 {
		s.sum = args[0]
		return nil
	}
	s.sum, err = s.add2(s.sum, args[0])
	return err
}

// remove is not possible: the scale of what is left is not known.
func (s *rowSum) remove(types.Row) bool { return false }

func (s *rowSum) result() (types.Datum, error) {
	switch {
	case s.n == 0:
		return types.Null(), nil
	case s.op == expr.AggSum:
		return s.sum, nil
	case s.interval:
		return types.IntervalDiv(s.sum, float64(s.n))
	}
	return types.NumericDiv(s.sum, types.NumericFromInt(s.n))
}

func (s *rowSum) reset() { s.n = 0 }

// rowFloatSum is sum or avg of floats, added in order.
type rowFloatSum struct {
	op       expr.AggOp
	kind     types.Kind
	n        int64
	sum      float64
	infinite bool
}

func (s *rowFloatSum) add(args types.Row) error {
	x := args[0].Float()
	s.infinite = s.infinite || x-x != 0
	if s.n++; s.n == 1 && s.op == expr.AggSum {
		s.sum = x // of negative zeros it is one
		return nil
	}
	s.sum += x
	if s.kind == types.Float4 {
		s.sum = float64(float32(s.sum))
	}
	return nil
}

func (s *rowFloatSum) remove(types.Row) bool { return false }

func (s *rowFloatSum) result() (types.Datum, error) {
	if s.n == 0 {
		return types.Null(), nil
	}
	if s.sum-s.sum != 0 && !s.infinite {
		return types.Null(), errFloatSum
	}
	if s.op == expr.AggAvg {
		return types.NewFloat(types.Float8, s.sum/float64(s.n)), nil
	}
	return types.NewFloat(s.kind, s.sum), nil
}

func (s *rowFloatSum) reset() { s.n, s.sum, s.infinite = 0, 0, false }

// rowExtreme is min, max, bool_and, bool_or, or any_value (sign 0), of equal values the last.
type rowExtreme struct {
	sign int
	best types.Datum
}

func (s *rowExtreme) add(args types.Row) error {
	if !s.best.Valid || s.sign != 0 && types.Compare(args[0], s.best)*s.sign >= 0 {
		s.best = args[0]
	}
	return nil
}

func (s *rowExtreme) remove(types.Row) bool        { return false }
func (s *rowExtreme) result() (types.Datum, error) { return s.best, nil }
func (s *rowExtreme) reset()                       { s.best = types.Null() }

// rowBits is bit_and, bit_or or bit_xor.
type rowBits struct {
	op expr.AggOp
	v  types.Datum
}

func (s *rowBits) add(args types.Row) error {
	switch {
	case !s.v.Valid:
		s.v = args[0]
	case s.op == expr.AggBitAnd:
		s.v.I &= args[0].I
	case s.op == expr.AggBitOr:
		s.v.I |= args[0].I
	default:
		s.v.I ^= args[0].I
	}
	return nil
}

func (s *rowBits) remove(types.Row) bool        { return false }
func (s *rowBits) result() (types.Datum, error) { return s.v, nil }
func (s *rowBits) reset()                       { s.v = types.Null() }

// rowStrings is string_agg.
type rowStrings struct {
	kind types.Kind
	some bool
	text []byte
}

func (s *rowStrings) add(args types.Row) error {
	if s.some && args[1].Valid {
		s.text = append(s.text, args[1].S...)
	}
	s.kind, s.some = args[0].K, true
	s.text = append(s.text, args[0].S...)
	if len(s.text) > stringBytesMax {
		return errStringTooLong
	}
	return nil
}

func (s *rowStrings) remove(types.Row) bool { return false }

func (s *rowStrings) result() (types.Datum, error) {
	if !s.some {
		return types.Null(), nil
	}
	return types.NewString(s.kind, string(s.text)), nil
}

func (s *rowStrings) reset() { s.some, s.text = false, s.text[:0] }

// rowMoments is a variance of floats.
type rowMoments struct {
	op expr.AggOp
	m  moments
}

func (s *rowMoments) add(args types.Row) error     { return s.m.add(args[0].Float()) }
func (s *rowMoments) remove(types.Row) bool        { return false }
func (s *rowMoments) result() (types.Datum, error) { return s.m.variance(s.op), nil }
func (s *rowMoments) reset()                       { s.m = moments{} }

// rowExactMoments is a variance of integers or numerics.
type rowExactMoments struct {
	op           expr.AggOp
	integer      bool
	n            int64
	sum, squares types.Datum
}

func (s *rowExactMoments) add(args types.Row) error {
	d := args[0]
	if s.integer {
		d = types.NumericFromInt(d.I)
	}
	sq, err := types.NumericMul(d, d)
	if err != nil {
		return err
	}
	if s.n++; s.n == 1 {
		s.sum, s.squares = d, sq
		return nil
	}
	if s.sum, err = types.NumericAdd(s.sum, d); err != nil {
		return err
	}
	s.squares, err = types.NumericAdd(s.squares, sq)
	return err
}

func (s *rowExactMoments) remove(types.Row) bool { return false }

func (s *rowExactMoments) result() (types.Datum, error) {
	return exactVariance(s.sum, s.squares, s.op, s.n)
}

func (s *rowExactMoments) reset() { s.n = 0 }

// rowPairs is an aggregate of pairs of floats.
type rowPairs struct {
	op expr.AggOp
	m  pairSums
}

func (s *rowPairs) add(args types.Row) error {
	if !args[1].Valid {
		return nil
	}
	return s.m.add(args[0].Float(), args[1].Float())
}

func (s *rowPairs) remove(types.Row) bool        { return false }
func (s *rowPairs) result() (types.Datum, error) { return s.m.finish(s.op), nil }
func (s *rowPairs) reset()                       { s.m = pairSums{} }

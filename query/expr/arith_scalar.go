package expr

import (
	"math"
	"math/bits"

	"github.com/laminadb/lamina/types"
)

// errDivisionByZero is the error of / and % of every numeric type.
var errDivisionByZero error = types.ErrDivisionByZero

func sameDatum(_ *Context, args []types.Datum) (types.Datum, error) { return args[0], nil }

// intResult checks that v is a value of kind k. exact is false if v has already wrapped.
func intResult(k types.Kind, v int64, exact bool) (types.Datum, error) {
	if !exact || !types.IntInRange(k, v) {
		return types.Datum{}, types.OutOfRange(k)
	}
	return types.NewInt(k, v), nil
}

func addExact(a, b int64) (int64, bool) { s := a + b; return s, (a^s)&(b^s) >= 0 }
func subExact(a, b int64) (int64, bool) { s := a - b; return s, (a^b)&(a^s) >= 0 }

func mulExact(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	h := int64(hi) - a>>63&b - b>>63&a
	return int64(lo), h == int64(lo)>>63
}

func addInt(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		v, ok := addExact(args[0].I, args[1].I)
		return intResult(k, v, ok)
	}
}

func subInt(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		v, ok := subExact(args[0].I, args[1].I)
		return intResult(k, v, ok)
	}
}

func mulInt(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		v, ok := mulExact(args[0].I, args[1].I)
		return intResult(k, v, ok)
	}
}

func divInt(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		a, b := args[0].I, args[1].I
		if b == 0 {
			return types.Datum{}, errDivisionByZero
		}
		return intResult(k, a/b, a != math.MinInt64 || b != -1)
	}
}

func modInt(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		if args[1].I == 0 {
			return types.Datum{}, errDivisionByZero
		}
		return types.NewInt(k, args[0].I%args[1].I), nil
	}
}

func negInt(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		return intResult(k, -args[0].I, args[0].I != math.MinInt64)
	}
}

func absInt(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		v := args[0].I
		if v < 0 {
			v = -v
		}
		return intResult(k, v, v >= 0)
	}
}

func andInt(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewInt(args[0].K, args[0].I&args[1].I), nil
}

func orInt(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewInt(args[0].K, args[0].I|args[1].I), nil
}

func xorInt(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewInt(args[0].K, args[0].I^args[1].I), nil
}

func notInt(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewInt(args[0].K, ^args[0].I), nil
}

// shifted computes a << n, or a >> -n, as the processors do that PostgreSQL runs on: the count is
// taken modulo the width, which is 32 bits for int2.
func shifted(k types.Kind, a, n int64, left bool) int64 {
	if k == types.Int8 {
		if left {
			return a << (uint64(n) & 63)
		}
		return a >> (uint64(n) & 63)
	}
	v := int32(a)
	if left {
		v <<= uint64(n) & 31
	} else {
		v >>= uint64(n) & 31
	}
	if k == types.Int2 {
		return int64(int16(v))
	}
	return int64(v)
}

func shiftLeft(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		return types.NewInt(k, shifted(k, args[0].I, args[1].I, true /* left */)), nil
	}
}

func shiftRight(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		return types.NewInt(k, shifted(k, args[0].I, args[1].I, false /* left */)), nil
	}
}

// roundTo rounds r to kind k: float4 arithmetic in float64 rounded once is exact float4 arithmetic.
func roundTo(k types.Kind, r float64) float64 {
	if k == types.Float4 {
		return float64(float32(r))
	}
	return r
}

func addFloat(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		a, b := args[0].Float(), args[1].Float()
		return floatSum(k, a, b, roundTo(k, a+b))
	}
}

func subFloat(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		a, b := args[0].Float(), args[1].Float()
		return floatSum(k, a, b, roundTo(k, a-b))
	}
}

func floatSum(k types.Kind, a, b, r float64) (types.Datum, error) {
	if math.IsInf(r, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return types.Datum{}, types.ErrFloatOverflow
	}
	return types.NewFloat(k, r), nil
}

func mulFloat(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		a, b := args[0].Float(), args[1].Float()
		r := roundTo(k, a*b)
		if r == 0 && a != 0 && b != 0 {
			return types.Datum{}, types.ErrFloatUnderflow
		}
		return floatSum(k, a, b, r)
	}
}

func divFloat(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		a, b := args[0].Float(), args[1].Float()
		if b == 0 && a == a {
			return types.Datum{}, errDivisionByZero
		}
		r := roundTo(k, a/b)
		switch {
		case math.IsInf(r, 0) && !math.IsInf(a, 0):
			return types.Datum{}, types.ErrFloatOverflow
		case r == 0 && a != 0 && !math.IsInf(b, 0):
			return types.Datum{}, types.ErrFloatUnderflow
		}
		return types.NewFloat(k, r), nil
	}
}

func negFloat(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewFloat(args[0].K, -args[0].Float()), nil
}

func absFloat(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewFloat(args[0].K, math.Abs(args[0].Float())), nil
}

func numeric1(f func(types.Datum) types.Datum) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) { return f(args[0]), nil }
}

func numeric1E(f func(types.Datum) (types.Datum, error)) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) { return f(args[0]) }
}

func numeric2(f func(a, b types.Datum) (types.Datum, error)) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) { return f(args[0], args[1]) }
}

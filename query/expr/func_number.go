package expr

import (
	"math"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// numberFunctions are the functions of integers and floats.
var numberFunctions = []entry{
	{"abs(float4) float4", 1394, safe, absFloat, kernelAbs},
	{"abs(float8) float8", 1395, safe, absFloat, kernelAbs},
	{"abs(int8) int8", 1396, 0, absInt(types.Int8), kernelAbs},
	{"abs(int4) int4", 1397, 0, absInt(types.Int4), kernelAbs},
	{"abs(int2) int2", 1398, 0, absInt(types.Int2), kernelAbs},
	{"mod(int2,int2) int2", 940, 0, modInt(types.Int2), kernelMod},
	{"mod(int4,int4) int4", 941, 0, modInt(types.Int4), kernelMod},
	{"mod(int8,int8) int8", 947, 0, modInt(types.Int8), kernelMod},
	{"gcd(int4,int4) int4", 5044, 0, gcdInt(types.Int4), kernelNone},
	{"gcd(int8,int8) int8", 5045, 0, gcdInt(types.Int8), kernelNone},
	{"lcm(int4,int4) int4", 5046, 0, lcmInt(types.Int4), kernelNone},
	{"lcm(int8,int8) int8", 5047, 0, lcmInt(types.Int8), kernelNone},
	{"ceil(float8) float8", 2308, safe, float1(math.Ceil), kernelNone},
	{"ceiling(float8) float8", 2320, safe, float1(math.Ceil), kernelNone},
	{"floor(float8) float8", 2309, safe, float1(math.Floor), kernelNone},
	{"round(float8) float8", 1342, safe, float1(math.RoundToEven), kernelNone},
	{"trunc(float8) float8", 1343, safe, float1(math.Trunc), kernelNone},
	{"sign(float8) float8", 2310, safe, float1(signFloat), kernelNone},
	{"sqrt(float8) float8", 1344, 0, sqrtFloat, kernelNone},
	{"cbrt(float8) float8", 1345, 0, cbrtFloat, kernelNone},
	{"exp(float8) float8", 1347, 0, expFloat, kernelNone},
	{"ln(float8) float8", 1341, 0, logFloat(naturalLog), kernelNone},
	{"log(float8) float8", 1340, 0, logFloat(log10), kernelNone},
	{"log10(float8) float8", 1194, 0, logFloat(log10), kernelNone},
	{"power(float8,float8) float8", 1368, 0, powFloat, kernelNone},
	{"pow(float8,float8) float8", 1346, 0, powFloat, kernelNone},
	{"pi() float8", 1610, safe, piFloat, kernelNone},
	{"degrees(float8) float8", 1608, 0, checkedFloat(func(x float64) float64 { return x / (math.Pi / 180) }), kernelNone},
	{"radians(float8) float8", 1609, 0, checkedFloat(func(x float64) float64 { return x * (math.Pi / 180) }), kernelNone},
	{"sin(float8) float8", 1604, 0, trigFloat(math.Sin), kernelNone},
	{"cos(float8) float8", 1605, 0, trigFloat(math.Cos), kernelNone},
	{"tan(float8) float8", 1606, 0, trigFloat(math.Tan), kernelNone},
	{"cot(float8) float8", 1607, 0, trigFloat(func(x float64) float64 { return 1 / math.Tan(x) }), kernelNone},
	{"asin(float8) float8", 1600, 0, arcFloat(math.Asin), kernelNone},
	{"acos(float8) float8", 1601, 0, arcFloat(math.Acos), kernelNone},
	{"atan(float8) float8", 1602, safe, float1(math.Atan), kernelNone},
	{"atan2(float8,float8) float8", 1603, safe, atan2Float, kernelNone},
	{"sinh(float8) float8", 2462, safe, float1(math.Sinh), kernelNone},
	{"cosh(float8) float8", 2463, safe, float1(math.Cosh), kernelNone},
	{"tanh(float8) float8", 2464, safe, float1(math.Tanh), kernelNone},
	{"asinh(float8) float8", 2465, safe, float1(math.Asinh), kernelNone},
	{"acosh(float8) float8", 2466, 0, acoshFloat, kernelNone},
	{"atanh(float8) float8", 2467, 0, atanhFloat, kernelNone},
}

func float1(f func(float64) float64) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		return types.NewFloat(types.Float8, f(args[0].Float())), nil
	}
}

// checkedFloat refuses an infinite result of a finite argument, and zero of another.
func checkedFloat(f func(float64) float64) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		x := args[0].Float()
		r := f(x)
		if math.IsInf(r, 0) && !math.IsInf(x, 0) {
			return types.Datum{}, types.ErrFloatOverflow
		}
		if r == 0 && x != 0 {
			return types.Datum{}, types.ErrFloatUnderflow
		}
		return types.NewFloat(types.Float8, r), nil
	}
}

var errInputRange = sqlerr.New(sqlerr.NumericValueOutOfRange, "input is out of range")

// trigFloat refuses infinite arguments, arcFloat arguments beyond -1 and 1.
func trigFloat(f func(float64) float64) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		x := args[0].Float()
		if math.IsInf(x, 0) {
			return types.Datum{}, errInputRange
		}
		return types.NewFloat(types.Float8, f(x)), nil
	}
}

func arcFloat(f func(float64) float64) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		x := args[0].Float()
		if x < -1 || x > 1 {
			return types.Datum{}, errInputRange
		}
		return types.NewFloat(types.Float8, f(x)), nil
	}
}

func signFloat(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0 // of NaN too, unlike numeric's
}

func acoshFloat(_ *Context, args []types.Datum) (types.Datum, error) {
	x := args[0].Float()
	if x < 1 {
		return types.Datum{}, errInputRange
	}
	return types.NewFloat(types.Float8, math.Acosh(x)), nil
}

// atanhFloat is infinite at the ends of its range.
func atanhFloat(_ *Context, args []types.Datum) (types.Datum, error) {
	x := args[0].Float()
	if x < -1 || x > 1 {
		return types.Datum{}, errInputRange
	}
	return types.NewFloat(types.Float8, math.Atanh(x)), nil
}

func atan2Float(_ *Context, args []types.Datum) (types.Datum, error) {
	y, x := args[0].Float(), args[1].Float()
	// The result has the sign of y, also where y/x is too small for a float.
	return types.NewFloat(types.Float8, math.Copysign(math.Atan2(y, x), y)), nil
}

func piFloat(*Context, []types.Datum) (types.Datum, error) {
	return types.NewFloat(types.Float8, math.Pi), nil
}

var (
	errSqrtNegative = sqlerr.New(sqlerr.InvalidArgumentForPower, "cannot take square root of a negative number")
	errLogZero      = sqlerr.New(sqlerr.InvalidArgumentForLogarithm, "cannot take logarithm of zero")
	errLogNegative  = sqlerr.New(sqlerr.InvalidArgumentForLogarithm, "cannot take logarithm of a negative number")
	errPowZero      = sqlerr.New(sqlerr.InvalidArgumentForPower, "zero raised to a negative power is undefined")
	errPowComplex   = sqlerr.New(sqlerr.InvalidArgumentForPower,
		"a negative number raised to a non-integer power yields a complex result")
)

func sqrtFloat(_ *Context, args []types.Datum) (types.Datum, error) {
	x := args[0].Float()
	if x < 0 {
		return types.Datum{}, errSqrtNegative
	}
	return types.NewFloat(types.Float8, math.Sqrt(x)), nil
}

func cbrtFloat(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewFloat(types.Float8, math.Cbrt(args[0].Float())), nil
}

func expFloat(_ *Context, args []types.Datum) (types.Datum, error) {
	x := args[0].Float()
	r := math.Exp(x)
	switch {
	case math.IsInf(r, 0) && !math.IsInf(x, 0):
		return types.Datum{}, types.ErrFloatOverflow
	case r == 0 && !math.IsInf(x, 0):
		return types.Datum{}, types.ErrFloatUnderflow
	}
	return types.NewFloat(types.Float8, r), nil
}

func logFloat(f func(float64) float64) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		x := args[0].Float()
		switch {
		case x == 0:
			return types.Datum{}, errLogZero
		case x < 0:
			return types.Datum{}, errLogNegative
		}
		return types.NewFloat(types.Float8, f(x)), nil
	}
}

func powFloat(_ *Context, args []types.Datum) (types.Datum, error) {
	x, y := args[0].Float(), args[1].Float()
	switch {
	case x == 1 || y == 0:
		return types.NewFloat(types.Float8, 1), nil
	case x != x || y != y:
		return types.NewFloat(types.Float8, math.NaN()), nil
	case x == 0 && y < 0:
		return types.Datum{}, errPowZero
	case x < 0 && y != math.Floor(y):
		return types.Datum{}, errPowComplex
	}
	if math.IsInf(x, 0) || math.IsInf(y, 0) {
		return types.NewFloat(types.Float8, math.Pow(x, y)), nil
	}
	r := power(x, y)
	switch {
	case math.IsInf(r, 0):
		return types.Datum{}, types.ErrFloatOverflow
	case r == 0 && x != 0:
		return types.Datum{}, types.ErrFloatUnderflow
	}
	return types.NewFloat(types.Float8, r), nil
}

// gcd returns the greatest common divisor of two magnitudes.
func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

func gcdInt(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		g := gcd(magnitude(args[0].I), magnitude(args[1].I))
		return intResult(k, int64(g), g <= math.MaxInt64)
	}
}

func lcmInt(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		a, b := magnitude(args[0].I), magnitude(args[1].I)
		if a == 0 || b == 0 {
			return types.NewInt(k, 0), nil
		}
		q := a / gcd(a, b)
		if q > math.MaxInt64 || b > math.MaxInt64 {
			return types.Datum{}, types.OutOfRange(k)
		}
		v, ok := mulExact(int64(q), int64(b))
		return intResult(k, v, ok)
	}
}

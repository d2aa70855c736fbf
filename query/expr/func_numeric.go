package expr

import (
	"math"
	"math/big"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// numericFunctions are the functions of numerics.
var numericFunctions = []entry{
	{"abs(numeric) numeric", 1705, safe, numeric1(types.NumericAbs), kernelAbs},
	{"ceil(numeric) numeric", 1711, 0, numeric1E(types.NumericCeil), kernelNone},
	{"ceiling(numeric) numeric", 2167, 0, numeric1E(types.NumericCeil), kernelNone},
	{"floor(numeric) numeric", 1712, 0, numeric1E(types.NumericFloor), kernelNone},
	{"round(numeric) numeric", 1708, 0, numeric1E(func(d types.Datum) (types.Datum, error) { return types.NumericRound(d, 0) }), kernelNone},
	{"round(numeric,int4) numeric", 1707, 0, numericScaled(types.NumericRound), kernelNone},
	{"trunc(numeric) numeric", 1710, 0, numeric1E(func(d types.Datum) (types.Datum, error) { return types.NumericTrunc(d, 0) }), kernelNone},
	{"trunc(numeric,int4) numeric", 1709, 0, numericScaled(types.NumericTrunc), kernelNone},
	{"sign(numeric) numeric", 1706, safe, numeric1(types.NumericSign), kernelNone},
	{"mod(numeric,numeric) numeric", 1728, 0, numeric2(types.NumericMod), kernelNone},
	{"div(numeric,numeric) numeric", 1973, 0, numeric2(types.NumericDivTrunc), kernelNone},
	{"scale(numeric) int4", 3281, safe | nullable, numericScale, kernelNone},
	{"sqrt(numeric) numeric", 1730, 0, numeric1E(types.NumericSqrt), kernelNone},
	{"exp(numeric) numeric", 1732, 0, numeric1E(types.NumericExp), kernelNone},
	{"ln(numeric) numeric", 1734, 0, numeric1E(types.NumericLn), kernelNone},
	{"log(numeric) numeric", 1741, 0, numeric1E(log10Numeric), kernelNone},
	{"log10(numeric) numeric", 1481, 0, numeric1E(log10Numeric), kernelNone},
	{"log(numeric,numeric) numeric", 1736, 0, numeric2(types.NumericLog), kernelNone},
	{"min_scale(numeric) int4", 5042, safe | nullable, minScale, kernelNone},
	{"trim_scale(numeric) numeric", 5043, safe, trimScale, kernelNone},
	{"gcd(numeric,numeric) numeric", 5048, 0, numeric2(numericGCD), kernelNone},
	{"lcm(numeric,numeric) numeric", 5049, 0, numeric2(numericLCM), kernelNone},
	{"factorial(int8) numeric", 1376, 0, factorial, kernelNone},
	{"width_bucket(float8,float8,float8,int4) int4", 320, 0, widthBucketFloat, kernelNone},
	{"width_bucket(numeric,numeric,numeric,int4) int4", 2170, 0, widthBucketNumeric, kernelNone},
	{"power(numeric,numeric) numeric", 2169, 0, powNumeric, kernelNone},
	{"pow(numeric,numeric) numeric", 1738, 0, powNumeric, kernelNone},
}

func numericScaled(f func(types.Datum, int) (types.Datum, error)) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) { return f(args[0], int(args[1].I)) }
}

// numericScale is NULL for NaN and infinities.
func numericScale(_ *Context, args []types.Datum) (types.Datum, error) {
	if args[0].IsNull() || !args[0].IsFinite() {
		return types.NullOf(types.Int4), nil
	}
	return types.NewInt(types.Int4, int64(args[0].Scale)), nil
}

func powNumeric(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NumericPower(args[0], args[1])
}

var numericTen = types.NewDecimal(10, 0)

func log10Numeric(d types.Datum) (types.Datum, error) { return types.NumericLog(numericTen, d) }

// leastScale returns the fewest digits after the point that show a finite numeric exactly.
func leastScale(d types.Datum) int {
	lo, hi := 0, int(d.Scale)
	for lo < hi {
		mid := (lo + hi) / 2
		cut, err := types.NumericTrunc(d, mid)
		if err == nil && types.NumericCmp(cut, d) == 0 {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

func minScale(_ *Context, args []types.Datum) (types.Datum, error) {
	if args[0].IsNull() || !args[0].IsFinite() {
		return types.NullOf(types.Int4), nil
	}
	return types.NewInt(types.Int4, int64(leastScale(args[0]))), nil
}

func trimScale(_ *Context, args []types.Datum) (types.Datum, error) {
	if !args[0].IsFinite() {
		return args[0], nil
	}
	return types.NumericTrunc(args[0], leastScale(args[0]))
}

// numericGCD is NaN unless both are finite.
func numericGCD(a, b types.Datum) (types.Datum, error) {
	if !a.IsFinite() || !b.IsFinite() {
		return types.NumericNaN(), nil
	}
	scale := max(a.Scale, b.Scale)
	a, b = types.NumericAbs(a), types.NumericAbs(b)
	for types.NumericCmp(b, numericZero) != 0 {
		r, err := types.NumericMod(a, b)
		if err != nil {
			return types.Datum{}, err
		}
		a, b = b, r
	}
	return types.NumericRound(a, int(scale))
}

var numericZero = types.NewDecimal(0, 0)

func numericLCM(a, b types.Datum) (types.Datum, error) {
	if !a.IsFinite() || !b.IsFinite() {
		return types.NumericNaN(), nil
	}
	scale := int(max(a.Scale, b.Scale))
	if types.NumericCmp(a, numericZero) == 0 || types.NumericCmp(b, numericZero) == 0 {
		return types.NewDecimal(0, scale), nil
	}
	g, err := numericGCD(a, b)
	if err != nil {
		return g, err
	}
	q, err := types.NumericDivTrunc(a, g)
	if err != nil {
		return q, err
	}
	p, err := types.NumericMul(q, b)
	if err != nil {
		return p, err
	}
	return types.NumericRound(types.NumericAbs(p), scale)
}

// factorialMax is the argument beyond which the result has too many digits.
const factorialMax = 32177

func factorial(_ *Context, args []types.Datum) (types.Datum, error) {
	n := args[0].I
	switch {
	case n < 0:
		return types.Datum{}, sqlerr.New(sqlerr.NumericValueOutOfRange, "factorial of a negative number is undefined")
	case n > factorialMax:
		return types.Datum{}, types.ErrNumericOverflow
	}
	return types.NewBigNumeric(new(big.Int).MulRange(1, n), 0)
}

var (
	errBucketCount  = sqlerr.New(invalidBucketArgument, "count must be greater than zero")
	errBucketBounds = sqlerr.New(invalidBucketArgument, "lower bound cannot equal upper bound")
	errBucketNaN    = sqlerr.New(invalidBucketArgument, "operand, lower bound, and upper bound cannot be NaN")
	errBucketInf    = sqlerr.New(invalidBucketArgument, "lower and upper bounds must be finite")
)

const invalidBucketArgument = "2201G"

// widthBucketNumeric returns the bucket of x among n equal ones from lo to hi, which may run downwards.
func widthBucketNumeric(_ *Context, args []types.Datum) (types.Datum, error) {
	x, lo, hi, n := args[0], args[1], args[2], args[3].I
	nan := x.Form == types.NumNaN || lo.Form == types.NumNaN || hi.Form == types.NumNaN
	switch {
	case n <= 0:
		return types.Datum{}, errBucketCount
	case nan:
		return types.Datum{}, errBucketNaN
	case !lo.IsFinite() || !hi.IsFinite():
		return types.Datum{}, errBucketInf
	}
	order := types.NumericCmp(lo, hi)
	if order == 0 {
		return types.Datum{}, errBucketBounds
	}
	fromLo, toHi := types.NumericCmp(x, lo), types.NumericCmp(x, hi)
	if order > 0 {
		fromLo, toHi = -fromLo, -toHi
	}
	bucket := int64(0)
	switch {
	case fromLo < 0:
	case toHi >= 0:
		bucket = n + 1
	default:
		var err error
		if bucket, err = bucketInside(x, lo, hi, n); err != nil {
			return types.Datum{}, err
		}
	}
	return intResult(types.Int4, bucket, true)
}

// bucketInside returns floor((x-lo) * n / (hi-lo)) + 1.
func bucketInside(x, lo, hi types.Datum, n int64) (int64, error) {
	above, err := types.NumericSub(x, lo)
	if err != nil {
		return 0, err
	}
	width, err := types.NumericSub(hi, lo)
	if err != nil {
		return 0, err
	}
	scaled, err := types.NumericMul(above, types.NumericFromInt(n))
	if err != nil {
		return 0, err
	}
	q, err := types.NumericDivTrunc(scaled, width)
	if err != nil {
		return 0, err
	}
	v, err := types.NumericToInt(types.Int8, q)
	return v + 1, err
}

// widthBucketFloat is widthBucketNumeric for floats.
func widthBucketFloat(_ *Context, args []types.Datum) (types.Datum, error) {
	x, lo, hi, n := args[0].Float(), args[1].Float(), args[2].Float(), args[3].I
	switch {
	case n <= 0:
		return types.Datum{}, errBucketCount
	case math.IsNaN(x) || math.IsNaN(lo) || math.IsNaN(hi):
		return types.Datum{}, errBucketNaN
	case math.IsInf(lo, 0) || math.IsInf(hi, 0):
		return types.Datum{}, errBucketInf
	case lo == hi:
		return types.Datum{}, errBucketBounds
	}
	below, above := x < lo, x >= hi
	if lo > hi {
		below, above = x > lo, x <= hi
	}
	bucket := int64(0)
	switch {
	case below:
	case above:
		bucket = n + 1
	default:
		// Halves keep the difference of extreme bounds finite.
		width := hi - lo
		if math.IsInf(width, 0) {
			bucket = int64(float64(n) * ((x/2 - lo/2) / (hi/2 - lo/2)))
		} else {
			bucket = int64(float64(n) * ((x - lo) / width))
		}
		bucket = min(bucket, n-1) + 1 // rounding must not leave the range
	}
	return intResult(types.Int4, bucket, true)
}

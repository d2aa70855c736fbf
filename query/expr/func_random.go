package expr

import (
	"math"
	"math/big"
	"math/rand/v2"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// randomFunctions return random numbers.
var randomFunctions = []entry{
	{"random() float8", 1598, safe | volatile, randomFloat, kernelNone},
	{"random(int4,int4) int4", 6339, volatile, randomInt(types.Int4), kernelNone},
	{"random(int8,int8) int8", 6340, volatile, randomInt(types.Int8), kernelNone},
	{"random(numeric,numeric) numeric", 6341, volatile, randomNumeric, kernelNone},
	{"random_normal(float8,float8) float8", 6212, volatile | safe, randomNormal, kernelNone},
	{"random_normal(float8) float8", 0, volatile | safe, randomNormal, kernelNone},
	{"random_normal() float8", 0, volatile | safe, randomNormal, kernelNone},
}

func randomFloat(*Context, []types.Datum) (types.Datum, error) {
	return types.NewFloat(types.Float8, rand.Float64()), nil
}

var errRandomBounds = sqlerr.New(sqlerr.InvalidParameterValue, "lower bound must be less than or equal to upper bound")

// randomInt returns an integer between two bounds, both included.
func randomInt(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		lo, hi := args[0].I, args[1].I
		if lo > hi {
			return types.Datum{}, errRandomBounds
		}
		span := uint64(hi) - uint64(lo)
		if span == math.MaxUint64 {
			return types.NewInt(k, int64(rand.Uint64())), nil
		}
		return types.NewInt(k, int64(uint64(lo)+rand.Uint64N(span+1))), nil
	}
}

// randomNumeric returns a number between two bounds with the larger of their scales.
func randomNumeric(_ *Context, args []types.Datum) (types.Datum, error) {
	for i, what := range []string{"lower", "upper"} {
		switch {
		case args[i].Form == types.NumNaN:
			return types.Datum{}, sqlerr.Newf(sqlerr.InvalidParameterValue, "%s bound cannot be NaN", what)
		case !args[i].IsFinite():
			return types.Datum{}, sqlerr.Newf(sqlerr.InvalidParameterValue, "%s bound cannot be infinity", what)
		}
	}
	if types.NumericCmp(args[0], args[1]) > 0 {
		return types.Datum{}, errRandomBounds
	}
	span, err := types.NumericSub(args[1], args[0])
	if err != nil {
		return types.Datum{}, err
	}
	steps := new(big.Int).Add(span.Coefficient(), big.NewInt(1))
	b := make([]byte, len(steps.Bytes())+8) // the surplus makes the remainder uniform enough to be seen as such
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	pick := new(big.Int).SetBytes(b)
	d, err := types.NewBigNumeric(pick.Mod(pick, steps), int(span.Scale))
	if err != nil {
		return types.Datum{}, err
	}
	return types.NumericAdd(args[0], d)
}

// randomNormal takes a mean (0) and a standard deviation (1).
func randomNormal(_ *Context, args []types.Datum) (types.Datum, error) {
	mean, deviation := 0.0, 1.0
	if len(args) > 0 {
		mean = args[0].Float()
	}
	if len(args) > 1 {
		deviation = args[1].Float()
	}
	return types.NewFloat(types.Float8, mean+deviation*rand.NormFloat64()), nil
}

package expr

import (
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

func powNumeric(*Context, []types.Datum) (types.Datum, error) {
	return types.Datum{}, sqlerr.Unsupported("power of numeric")
}

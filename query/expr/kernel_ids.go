package expr

// The families of vector kernels. A function without one runs through the adapter: its scalar
// implementation, row by row.
const (
	kernelNone    KernelID = iota
	kernelCompare          // + comparison
	_
	_
	_
	_
	_
	kernelAdd
	kernelSub
	kernelMul
	kernelDiv
	kernelMod
	kernelNeg
	kernelAbs
	kernelPlus // unary +
	kernelBitAnd
	kernelBitOr
	kernelBitXor
	kernelBitNot
	kernelShiftLeft
	kernelShiftRight
	kernelCastInt      // integer to integer, checked
	kernelIntToFloat   // also to numeric, see the result kind
	kernelIntToNumeric // scale 0
	kernelRelabel      // same bytes, another kind
	kernelNumericToFloat
	kernelNumericScale // typmod coercion
	kernelDateToTimestamp
	kernelLike
	kernelNotLike
	kernelExtract
	kernelLength
	kernelSubstring
	kernelConcat
	kernelLower
	kernelUpper
)

package expr

import (
	"github.com/laminadb/lamina/types"
)

// digitsSafe is far below the number of digits that the numeric format holds.
const digitsSafe = 10000

// provedSafe reports whether a call whose function can fail cannot do so with these arguments: numeric
// sums and products overflow only beyond 131,072 digits, and division by a constant is never by zero.
func provedSafe(c *Call) bool {
	switch c.Func.Kernel {
	case kernelAdd, kernelSub, kernelMul:
		if c.Func.Ret != types.Numeric {
			return false
		}
		_, ok := digitsOf(c)
		return ok
	case kernelDiv, kernelMod:
		k, ok := c.Args[1].(*Const)
		if !ok || k.Value.IsNull() {
			return false
		}
		switch c.Func.Ret.Class() {
		case types.ClassInt:
			return k.Value.I != 0 && k.Value.I != -1
		case types.ClassNumeric:
			_, bounded := digitsOf(c.Args[0])
			return bounded && types.NumericCmp(k.Value, types.NewDecimal(0, 0)) != 0
		}
	}
	return safeByConstant(c)
}

// digitsOf returns a bound on the decimal digits, before and after the point together, that a numeric
// expression's value can have.
func digitsOf(e Expr) (int, bool) {
	if p, _, ok := e.Type().PrecisionScale(); ok {
		return p + 1000, true // the scale may be negative, or above the precision
	}
	switch e := e.(type) {
	case *Const:
		return len(e.Value.S)*3 + 40 + int(e.Value.Scale), len(e.Value.S) < digitsSafe/10
	case *Call:
		return digitsOfCall(e)
	}
	return 0, false
}

func digitsOfCall(c *Call) (n int, ok bool) {
	switch c.Func.Kernel {
	case kernelIntToNumeric:
		return 19, true
	case kernelAdd, kernelSub, kernelMul:
		a, okA := digitsOf(c.Args[0])
		b, okB := digitsOf(c.Args[1])
		return a + b + 1, okA && okB && a+b < digitsSafe
	case kernelNeg, kernelAbs, kernelPlus:
		return digitsOf(c.Args[0])
	}
	return 0, false
}

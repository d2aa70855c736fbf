package expr

import (
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// parseOptions returns the settings that reading a value depends on; ctx may be nil.
func (ctx *Context) parseOptions() *types.ParseOptions {
	if ctx == nil {
		return nil
	}
	o := &types.ParseOptions{Location: ctx.Location, Now: ctx.Now, Reg: ctx.Reg}
	if ctx.Text != nil {
		o.Order, o.IntervalStyle = ctx.Text.DateOrder, ctx.Text.IntervalStyle
	}
	return o
}

func (ctx *Context) textOptions() *types.TextOptions {
	switch {
	case ctx == nil:
		return nil
	case ctx.Text != nil:
		return ctx.Text
	}
	return &types.TextOptions{Location: ctx.Location}
}

// relabel gives a value another kind with the same physical form.
func relabel(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		d := args[0]
		d.K = k
		return d, nil
	}
}

func boolText(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		if args[0].Bool() {
			return types.NewString(k, "true"), nil
		}
		return types.NewString(k, "false"), nil
	}
}

func charToInt(_ *Context, args []types.Datum) (types.Datum, error) {
	if args[0].S == "" {
		return types.NewInt(types.Int4, 0), nil
	}
	return types.NewInt(types.Int4, int64(int8(args[0].S[0]))), nil
}

func intToChar(_ *Context, args []types.Datum) (types.Datum, error) {
	v := args[0].I
	switch {
	case v < -128 || v > 127:
		return types.Datum{}, sqlerr.New(sqlerr.NumericValueOutOfRange, "\"char\" out of range")
	case v == 0:
		return types.NewString(types.Char, ""), nil
	}
	return types.NewString(types.Char, string([]byte{byte(v)})), nil
}

func textToChar(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.Parse(types.T(types.Char), args[0].S)
}

// charToText shows a byte above ASCII in octal, as the output of "char" does: by itself it would not be UTF-8.
func charToText(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		return stringOfKind(k, types.T(types.Char).Text(args[0])), nil
	}
}

func textToName(_ *Context, args []types.Datum) (types.Datum, error) {
	return stringOfKind(types.Name, args[0].S), nil
}

func toBpChar(_ *Context, args []types.Datum) (types.Datum, error) {
	return stringOfKind(types.BpChar, args[0].S), nil
}

func intToInt(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) { return intResult(k, args[0].I, true) }
}

// intToOID reinterprets 32 bits.
func intToOID(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewInt(types.OID, int64(uint32(args[0].I))), nil
}

func oidToInt(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewInt(types.Int4, int64(int32(args[0].I))), nil
}

func intToFloat(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		if k == types.Float4 {
			return types.NewFloat(k, float64(float32(args[0].I))), nil // rounded once
		}
		return types.NewFloat(k, float64(args[0].I)), nil
	}
}

func intToNumeric(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NumericFromInt(args[0].I), nil
}

func intToBool(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NewBool(args[0].I != 0), nil
}

func floatToInt(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		v, err := types.FloatToInt(k, args[0].Float())
		return types.NewInt(k, v), err
	}
}

func floatToNumeric(_ *Context, args []types.Datum) (types.Datum, error) {
	return types.NumericFromFloat(args[0].K, args[0].Float()), nil
}

func floatToFloat4(_ *Context, args []types.Datum) (types.Datum, error) {
	f, err := types.FloatToFloat4(args[0].Float())
	return types.NewFloat(types.Float4, f), err
}

func numericToInt(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		v, err := types.NumericToInt(k, args[0])
		return types.NewInt(k, v), err
	}
}

func numericToFloat(k types.Kind) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		f, err := types.NumericToFloat(k, args[0])
		return types.NewFloat(k, f), err
	}
}

// typmodFunc applies the modifier in args[1] to a value; args[2] says whether the cast is explicit.
func typmodFunc(k types.Kind) *Func {
	return &Func{
		Name: k.Typname(), Syntax: SyntaxCast, Args: []types.Kind{k, types.Int4, types.Bool}, Ret: k,
		Strict: true, CanFail: true, Kernel: typmodKernel(k),
		Scalar: func(_ *Context, args []types.Datum) (types.Datum, error) {
			return types.Coerce(args[0], types.Type{Kind: k, Mod: int32(args[1].I)}, args[2].Bool())
		},
	}
}

func typmodKernel(k types.Kind) KernelID {
	if k == types.Numeric {
		return kernelNumericScale
	}
	return kernelNone
}

// typmodFuncs are the functions of the kinds that have modifiers.
var typmodFuncs = func() (t [types.NumKinds]*Func) {
	for _, k := range []types.Kind{
		types.Varchar, types.BpChar, types.Numeric, types.Timestamp, types.TimestampTZ, types.Time,
		types.TimeTZ, types.Interval,
	} {
		t[k] = typmodFunc(k)
	}
	return t
}()

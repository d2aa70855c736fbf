package expr

import (
	"unsafe"

	"github.com/laminadb/lamina/types"
)

// CastContext is the strength of a cast: an implicit one needs the loosest permission.
type CastContext uint8

// The contexts: in expressions, when storing into a column, and as CAST or ::.
const (
	Implicit CastContext = iota
	Assignment
	Explicit
)

// cast is an entry of pg_cast.
type cast struct {
	context CastContext
	fn      *Func
}

// casts holds the casts by source and target kind; conversions through text are not in it.
var casts = make(map[[2]types.Kind]cast)

// textCasts holds the conversions through text: to[k][i] prints k as the string kind i of
// stringKinds, from[k][i] reads k from it.
var textCasts struct {
	to, from [types.NumKinds][len(stringKinds)]*Func
}

var stringKinds = [...]types.Kind{types.Text, types.Varchar, types.BpChar, types.Name, types.Unknown}

func stringKindIndex(k types.Kind) int {
	for i, s := range stringKinds {
		if s == k {
			return i
		}
	}
	return -1
}

type castRow struct {
	kinds   string // source,target
	context CastContext
	oid     uint32
	traits  traits
	scalar  scalar
	kernel  KernelID
}

var castRows = []castRow{
	{"bool,int4", Explicit, 2558, safe, relabel(types.Int4), kernelRelabel},
	{"bool,text", Assignment, 2971, safe, boolText(types.Text), kernelNone},
	{"bool,bpchar", Assignment, 2971, safe, boolText(types.BpChar), kernelNone},
	{"bool,varchar", Assignment, 2971, safe, boolText(types.Varchar), kernelNone},
	{"char,int4", Explicit, 77, safe, charToInt, kernelNone},
	{"char,text", Implicit, 946, safe, charToText(types.Text), kernelNone},
	{"char,bpchar", Assignment, 860, safe, charToText(types.BpChar), kernelNone},
	{"char,varchar", Assignment, 946, safe, charToText(types.Varchar), kernelNone},
	{"name,text", Implicit, 406, safe, relabel(types.Text), kernelRelabel},
	{"name,bpchar", Assignment, 408, safe, toBpChar, kernelNone},
	{"name,varchar", Assignment, 1401, safe, relabel(types.Varchar), kernelRelabel},
	{"int8,int2", Assignment, 714, 0, intToInt(types.Int2), kernelCastInt},
	{"int8,int4", Assignment, 480, 0, intToInt(types.Int4), kernelCastInt},
	{"int8,oid", Implicit, 1287, 0, intToInt(types.OID), kernelCastInt},
	{"int8,float4", Implicit, 652, safe, intToFloat(types.Float4), kernelIntToFloat},
	{"int8,float8", Implicit, 482, safe, intToFloat(types.Float8), kernelIntToFloat},
	{"int8,numeric", Implicit, 1781, safe, intToNumeric, kernelIntToNumeric},
	{"int2,int8", Implicit, 754, safe, relabel(types.Int8), kernelRelabel},
	{"int2,int4", Implicit, 313, safe, relabel(types.Int4), kernelRelabel},
	{"int2,oid", Implicit, 313, safe, intToOID, kernelNone},
	{"int2,float4", Implicit, 236, safe, intToFloat(types.Float4), kernelIntToFloat},
	{"int2,float8", Implicit, 235, safe, intToFloat(types.Float8), kernelIntToFloat},
	{"int2,numeric", Implicit, 1782, safe, intToNumeric, kernelIntToNumeric},
	{"int4,bool", Explicit, 2557, safe, intToBool, kernelNone},
	{"int4,char", Explicit, 78, 0, intToChar, kernelNone},
	{"int4,int8", Implicit, 481, safe, relabel(types.Int8), kernelRelabel},
	{"int4,int2", Assignment, 314, 0, intToInt(types.Int2), kernelCastInt},
	{"int4,oid", Implicit, 0, safe, intToOID, kernelNone},
	{"int4,float4", Implicit, 318, safe, intToFloat(types.Float4), kernelIntToFloat},
	{"int4,float8", Implicit, 316, safe, intToFloat(types.Float8), kernelIntToFloat},
	{"int4,numeric", Implicit, 1740, safe, intToNumeric, kernelIntToNumeric},
	{"text,char", Assignment, 944, safe, textToChar, kernelNone},
	{"text,name", Implicit, 407, safe, textToName, kernelNone},
	{"text,bpchar", Implicit, 0, safe, toBpChar, kernelNone},
	{"text,varchar", Implicit, 0, safe, relabel(types.Varchar), kernelRelabel},
	{"oid,int8", Assignment, 1288, safe, relabel(types.Int8), kernelRelabel},
	{"oid,int4", Assignment, 0, safe, oidToInt, kernelNone},
	{"float4,int8", Assignment, 653, 0, floatToInt(types.Int8), kernelNone},
	{"float4,int2", Assignment, 238, 0, floatToInt(types.Int2), kernelNone},
	{"float4,int4", Assignment, 319, 0, floatToInt(types.Int4), kernelNone},
	{"float4,float8", Implicit, 311, safe, relabel(types.Float8), kernelRelabel},
	{"float4,numeric", Assignment, 1742, safe, floatToNumeric, kernelNone},
	{"float8,int8", Assignment, 483, 0, floatToInt(types.Int8), kernelNone},
	{"float8,int2", Assignment, 237, 0, floatToInt(types.Int2), kernelNone},
	{"float8,int4", Assignment, 317, 0, floatToInt(types.Int4), kernelNone},
	{"float8,float4", Assignment, 312, 0, floatToFloat4, kernelNone},
	{"float8,numeric", Assignment, 1743, safe, floatToNumeric, kernelNone},
	{"bpchar,char", Assignment, 944, safe, textToChar, kernelNone},
	{"bpchar,name", Implicit, 409, safe, textToName, kernelNone},
	{"bpchar,text", Implicit, 401, safe, relabel(types.Text), kernelRelabel},
	{"bpchar,varchar", Implicit, 401, safe, relabel(types.Varchar), kernelRelabel},
	{"varchar,char", Assignment, 944, safe, textToChar, kernelNone},
	{"varchar,name", Implicit, 1400, safe, textToName, kernelNone},
	{"varchar,text", Implicit, 0, safe, relabel(types.Text), kernelRelabel},
	{"varchar,bpchar", Implicit, 0, safe, toBpChar, kernelNone},
	{"int2,bytea", Explicit, 6367, safe, intToBytea(2), kernelNone},
	{"int4,bytea", Explicit, 6368, safe, intToBytea(4), kernelNone},
	{"int8,bytea", Explicit, 6369, safe, intToBytea(8), kernelNone},
	{"bytea,int2", Explicit, 6370, 0, byteaToInt(types.Int2, 2), kernelNone},
	{"bytea,int4", Explicit, 6371, 0, byteaToInt(types.Int4, 4), kernelNone},
	{"bytea,int8", Explicit, 6372, 0, byteaToInt(types.Int8, 8), kernelNone},
	{"numeric,int8", Assignment, 1779, 0, numericToInt(types.Int8), kernelNone},
	{"numeric,int2", Assignment, 1783, 0, numericToInt(types.Int2), kernelNone},
	{"numeric,int4", Assignment, 1744, 0, numericToInt(types.Int4), kernelNone},
	{"numeric,float4", Implicit, 1745, 0, numericToFloat(types.Float4), kernelNone},
	{"numeric,float8", Implicit, 1746, 0, numericToFloat(types.Float8), kernelNumericToFloat},
}

// addCasts fills casts and textCasts.
func addCasts() {
	for _, table := range [][]castRow{castRows, datetimeCasts, regCasts()} {
		for i := range table {
			addCast(&table[i])
		}
	}
	for k := types.Bool; int(k) < types.NumKinds; k++ {
		if categoryOf(k) == 0 {
			continue
		}
		for i, s := range stringKinds {
			if s != types.Unknown {
				textCasts.to[k][i] = printFunc(k, s)
			}
			textCasts.from[k][i] = readFunc(s, k)
		}
	}
}

func addCast(r *castRow) {
	kinds := kindList(r.kinds)
	f := &Func{
		OID: r.oid, Name: kinds[1].Typname(), Syntax: SyntaxCast, Args: kinds[:1], Ret: kinds[1], Strict: true,
		CanFail: r.traits&safe == 0, Scalar: r.scalar, Kernel: r.kernel,
	}
	if r.traits&stable != 0 {
		f.Volatility = Stable
	}
	casts[[2]types.Kind{kinds[0], kinds[1]}] = cast{r.context, f}
}

// CanCoerce reports whether a value of kind from can be cast to kind to in a context. Untyped literals
// can become anything.
func CanCoerce(from, to types.Kind, context CastContext) bool {
	if from == to || from == types.Unknown || to == AnyKind {
		return true
	}
	return castFunc(from, to, context) != nil
}

// castFunc returns the function that casts between two different kinds; nil if there is none.
func castFunc(from, to types.Kind, context CastContext) *Func {
	if c, ok := casts[[2]types.Kind{from, to}]; ok {
		if c.context <= context {
			return c.fn
		}
		return nil
	}
	if int(from) >= types.NumKinds || int(to) >= types.NumKinds || context == Implicit {
		return nil
	}
	if i := stringKindIndex(to); i >= 0 && categoryOf(to) == catString {
		return textCasts.to[from][i]
	}
	if i := stringKindIndex(from); i >= 0 && context == Explicit {
		return textCasts.from[to][i]
	}
	return nil
}

// printFunc converts a kind to a string kind through its text form.
func printFunc(from, to types.Kind) *Func {
	f := &Func{
		Name: to.Typname(), Syntax: SyntaxCast, Args: []types.Kind{from}, Ret: to, Strict: true,
		Scalar: func(ctx *Context, args []types.Datum) (types.Datum, error) {
			b := types.AppendText(nil, args[0], types.T(from), ctx.textOptions())
			return stringOfKind(to, unsafe.String(unsafe.SliceData(b), len(b))), nil
		},
	}
	switch from {
	case types.Float4, types.Float8, types.Date, types.Timestamp, types.TimestampTZ, types.Interval, types.Bytea,
		types.Regclass, types.Regtype, types.Regproc, types.Regnamespace, types.Regrole:
		f.Volatility = Stable // the session's zone, styles and digits; names of the catalog
	}
	return f
}

// readFunc converts a string kind to a kind through its text form.
func readFunc(from, to types.Kind) *Func {
	f := &Func{
		Name: to.Typname(), Syntax: SyntaxCast, Args: []types.Kind{from}, Ret: to, Strict: true, CanFail: true,
		Scalar: func(ctx *Context, args []types.Datum) (types.Datum, error) {
			return types.ParseWith(types.T(to), args[0].S, ctx.parseOptions())
		},
	}
	switch to {
	case types.Date, types.Timestamp, types.TimestampTZ, types.Time, types.TimeTZ, types.Interval,
		types.Regclass, types.Regtype, types.Regproc, types.Regnamespace, types.Regrole:
		f.Volatility = Stable // 'today', and the session's zone, date order and interval style
	}
	return f
}

// stringOfKind makes a string of text, with the rules of its kind.
func stringOfKind(k types.Kind, s string) types.Datum {
	switch k {
	case types.BpChar:
		s = types.TrimBlanks(s)
	case types.Name:
		d, _ := types.Coerce(types.NewString(types.Text, s), types.T(types.Name), true)
		return d
	}
	return types.NewString(k, s)
}

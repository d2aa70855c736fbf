package expr

import (
	"github.com/laminadb/lamina/types"
)

// comparison is one of the six comparison operators.
type comparison uint8

const (
	cmpEQ comparison = iota
	cmpNE
	cmpLT
	cmpLE
	cmpGT
	cmpGE
)

var comparisonSymbols = [6]string{"=", "<>", "<", "<=", ">", ">="}

// commuted[c] is the comparison with its sides exchanged, negated[c] the opposite one.
var (
	commuted = [6]comparison{cmpEQ, cmpNE, cmpGT, cmpGE, cmpLT, cmpLE}
	negated  = [6]comparison{cmpNE, cmpEQ, cmpGE, cmpGT, cmpLE, cmpLT}
)

// holds reports whether the comparison is true of operands that compare as c (-1, 0, 1).
func (op comparison) holds(c int) bool {
	switch op {
	case cmpEQ:
		return c == 0
	case cmpNE:
		return c != 0
	case cmpLT:
		return c < 0
	case cmpLE:
		return c <= 0
	case cmpGT:
		return c > 0
	}
	return c >= 0
}

// comparisons lists the pairs of kinds that can be compared, and the OIDs of the six operators'
// functions in the order of the constants above.
var comparisons = []struct {
	kinds string
	oids  [6]uint32
}{
	{"bool,bool", [6]uint32{60, 84, 56, 1691, 57, 1692}},
	{"bytea,bytea", [6]uint32{1948, 1953, 1949, 1950, 1951, 1952}},
	{"char,char", [6]uint32{61, 70, 1246, 72, 73, 74}},
	{"name,name", [6]uint32{62, 659, 655, 656, 657, 658}},
	{"name,text", [6]uint32{240, 245, 241, 242, 244, 243}},
	{"int8,int8", [6]uint32{467, 468, 469, 471, 470, 472}},
	{"int8,int2", [6]uint32{1856, 1857, 1858, 1860, 1859, 1861}},
	{"int8,int4", [6]uint32{474, 475, 476, 478, 477, 479}},
	{"int2,int8", [6]uint32{1850, 1851, 1852, 1854, 1853, 1855}},
	{"int2,int2", [6]uint32{63, 145, 64, 148, 146, 151}},
	{"int2,int4", [6]uint32{158, 164, 160, 166, 162, 168}},
	{"int4,int8", [6]uint32{852, 853, 854, 856, 855, 857}},
	{"int4,int2", [6]uint32{159, 165, 161, 167, 163, 169}},
	{"int4,int4", [6]uint32{65, 144, 66, 149, 147, 150}},
	{"text,name", [6]uint32{247, 252, 248, 249, 251, 250}},
	{"text,text", [6]uint32{67, 157, 740, 741, 742, 743}},
	{"oid,oid", [6]uint32{184, 185, 716, 717, 1638, 1639}},
	{"float4,float4", [6]uint32{287, 288, 289, 290, 291, 292}},
	{"float4,float8", [6]uint32{299, 300, 301, 302, 303, 304}},
	{"float8,float4", [6]uint32{305, 306, 307, 308, 309, 310}},
	{"float8,float8", [6]uint32{293, 294, 295, 296, 297, 298}},
	{"bpchar,bpchar", [6]uint32{1048, 1053, 1049, 1050, 1051, 1052}},
	{"date,date", [6]uint32{1086, 1091, 1087, 1088, 1089, 1090}},
	{"date,timestamp", [6]uint32{2340, 2343, 2338, 2339, 2341, 2342}},
	{"date,timestamptz", [6]uint32{2353, 2356, 2351, 2352, 2354, 2355}},
	{"time,time", [6]uint32{1145, 1106, 1102, 1103, 1104, 1105}},
	{"timetz,timetz", [6]uint32{1352, 1353, 1354, 1355, 1357, 1356}},
	{"timestamp,date", [6]uint32{2366, 2369, 2364, 2365, 2367, 2368}},
	{"timestamp,timestamp", [6]uint32{2052, 2053, 2054, 2055, 2057, 2056}},
	{"timestamp,timestamptz", [6]uint32{2522, 2525, 2520, 2521, 2523, 2524}},
	{"timestamptz,date", [6]uint32{2379, 2382, 2377, 2378, 2380, 2381}},
	{"timestamptz,timestamp", [6]uint32{2529, 2532, 2527, 2528, 2530, 2531}},
	{"timestamptz,timestamptz", [6]uint32{1152, 1153, 1154, 1155, 1157, 1156}},
	{"interval,interval", [6]uint32{1162, 1163, 1164, 1165, 1167, 1166}},
	{"numeric,numeric", [6]uint32{1718, 1719, 1722, 1723, 1720, 1721}},
	{"uuid,uuid", [6]uint32{2956, 2959, 2954, 2955, 2958, 2957}},
}

// addComparisons makes the comparison operators. They never fail.
func addComparisons() {
	for i := range comparisons {
		kinds := kindList(comparisons[i].kinds)
		for op := cmpEQ; op <= cmpGE; op++ {
			f := &Func{
				OID: comparisons[i].oids[op], Name: comparisonSymbols[op], Syntax: SyntaxOperator,
				Args: kinds, Ret: types.Bool, Strict: true, Kernel: kernelCompare + KernelID(op),
				Scalar: compareScalar(op, kinds[0], kinds[1]),
			}
			if kinds[0] != kinds[1] && (kinds[0] == types.TimestampTZ || kinds[1] == types.TimestampTZ) {
				f.Volatility = Stable // the time zone decides
			}
			operators[f.Name] = append(operators[f.Name], f)
		}
	}
}

func compareScalar(op comparison, l, r types.Kind) scalar {
	if l != r && isTimeKind(l) && isTimeKind(r) {
		return func(ctx *Context, args []types.Datum) (types.Datum, error) {
			return types.NewBool(op.holds(compareTimes(ctx, args[0], args[1]))), nil
		}
	}
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		return types.NewBool(op.holds(types.Compare(args[0], args[1]))), nil
	}
}

func isTimeKind(k types.Kind) bool {
	return k == types.Date || k == types.Timestamp || k == types.TimestampTZ
}

// comparisonOf returns which comparison f is.
func comparisonOf(f *Func) (comparison, bool) {
	if f.Kernel >= kernelCompare && f.Kernel <= kernelCompare+KernelID(cmpGE) {
		return comparison(f.Kernel - kernelCompare), true
	}
	return 0, false
}

// Comparison tells whether f is a comparison operator, and its symbol as if both arguments were
// exchanged.
func Comparison(f *Func) (symbol, exchanged string, ok bool) {
	op, ok := comparisonOf(f)
	if !ok {
		return "", "", false
	}
	return comparisonSymbols[op], comparisonSymbols[commuted[op]], true
}

// equalityOf returns the = operator of two values of kind k; nil if the kind has none.
func equalityOf(k types.Kind) *Func {
	if k == types.Varchar {
		k = types.Text
	}
	for _, f := range operators["="] {
		if f.Args[0] == k && f.Args[1] == k {
			return f
		}
	}
	return nil
}

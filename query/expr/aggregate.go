package expr

import (
	"strings"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// aggRow is a line of the catalogue of aggregates: "kinds result oid" for each signature.
type aggRow struct {
	names string
	op    AggOp
	sigs  string
}

var aggRows = []aggRow{
	{"count", AggCountStar, "- int8 2803"},
	{"count", AggCount, "any int8 2147"},
	{"sum", AggSum, "int8 numeric 2107;int4 int8 2108;int2 int8 2109;float4 float4 2110;float8 float8 2111;" +
		"interval interval 2113;numeric numeric 2114"},
	{"avg", AggAvg, "int8 numeric 2100;int4 numeric 2101;int2 numeric 2102;numeric numeric 2103;" +
		"float4 float8 2104;float8 float8 2105;interval interval 2106"},
	{"max", AggMax, "int8 int8 2115;int4 int4 2116;int2 int2 2117;oid oid 2118;float4 float4 2119;" +
		"float8 float8 2120;date date 2122;time time 2123;timetz timetz 2124;timestamp timestamp 2126;timestamptz timestamptz 2127;" +
		"interval interval 2128;text text 2129;numeric numeric 2130;bpchar bpchar 2244;bytea bytea 6395"},
	{"min", AggMin, "int8 int8 2131;int4 int4 2132;int2 int2 2133;oid oid 2134;float4 float4 2135;" +
		"float8 float8 2136;date date 2138;time time 2139;timetz timetz 2140;timestamp timestamp 2142;timestamptz timestamptz 2143;" +
		"interval interval 2144;text text 2145;numeric numeric 2146;bpchar bpchar 2245;bytea bytea 6396"},
	{"bool_and every", AggBoolAnd, "bool bool 2517"},
	{"bool_or", AggBoolOr, "bool bool 2518"},
	{"string_agg", AggStringAgg, "text,text text 3538;bytea,bytea bytea 3545"},
	{"stddev stddev_samp", AggStddevSamp, "int8 numeric 2712;int4 numeric 2713;int2 numeric 2714;" +
		"float4 float8 2715;float8 float8 2716;numeric numeric 2717"},
	{"stddev_pop", AggStddevPop, "int8 numeric 2724;int4 numeric 2725;int2 numeric 2726;float4 float8 2727;" +
		"float8 float8 2728;numeric numeric 2729"},
	{"variance var_samp", AggVarSamp, "int8 numeric 2641;int4 numeric 2642;int2 numeric 2643;" +
		"float4 float8 2644;float8 float8 2645;numeric numeric 2646"},
	{"var_pop", AggVarPop, "int8 numeric 2718;int4 numeric 2719;int2 numeric 2720;float4 float8 2721;" +
		"float8 float8 2722;numeric numeric 2723"},
	{"any_value", AggAnyValue, "any any 6291"},
	{"bit_and", AggBitAnd, "int2 int2 2236;int4 int4 2238;int8 int8 2240"},
	{"bit_or", AggBitOr, "int2 int2 2237;int4 int4 2239;int8 int8 2241"},
	{"bit_xor", AggBitXor, "int2 int2 6164;int4 int4 6165;int8 int8 6166"},
	{"regr_count", AggCount, "float8,float8 int8 2818"},
	{"regr_sxx", AggRegrSXX, pairOfFloats + "2819"},
	{"regr_syy", AggRegrSYY, pairOfFloats + "2820"},
	{"regr_sxy", AggRegrSXY, pairOfFloats + "2821"},
	{"regr_avgx", AggRegrAvgX, pairOfFloats + "2822"},
	{"regr_avgy", AggRegrAvgY, pairOfFloats + "2823"},
	{"regr_r2", AggRegrR2, pairOfFloats + "2824"},
	{"regr_slope", AggRegrSlope, pairOfFloats + "2825"},
	{"regr_intercept", AggRegrIntercept, pairOfFloats + "2826"},
	{"covar_pop", AggCovarPop, pairOfFloats + "2827"},
	{"covar_samp", AggCovarSamp, pairOfFloats + "2828"},
	{"corr", AggCorr, pairOfFloats + "2829"},
}

const pairOfFloats = "float8,float8 float8 "

// aggCandidates are the aggregates in the form that overload resolution takes.
var aggCandidates = make(map[*Func]*AggFunc)

var aggResolvers = make(map[string][]*Func)

func addAggregates() {
	for _, r := range aggRows {
		for _, name := range strings.Fields(r.names) {
			for _, sig := range strings.Split(r.sigs, ";") {
				addAggregate(name, r.op, strings.Fields(sig))
			}
		}
	}
}

func addAggregate(name string, op AggOp, sig []string) {
	a := &AggFunc{Name: name, Op: op, Ret: kindNamed(sig[1])}
	for _, c := range sig[2] {
		a.OID = a.OID*10 + uint32(c-'0')
	}
	if sig[0] != "-" {
		a.Args = kindList(sig[0])
	}
	aggregates[name] = append(aggregates[name], a)
	f := &Func{Name: name, Args: a.Args, Ret: a.Ret}
	aggResolvers[name] = append(aggResolvers[name], f)
	aggCandidates[f] = a
}

// NewAggregate calls an aggregate function; count without arguments is count(*). filter is nil if there
// is none.
func NewAggregate(name string, pos int, args []Expr, distinct bool, filter Expr) (*Aggregate, error) {
	kinds := kindsOf(args)
	f, err := resolveAggregate(name, kinds, pos)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, NoFunction(name, args, pos)
	}
	fn := aggCandidates[f]
	if distinct && len(args) == 0 {
		return nil, sqlerr.Newf(sqlerr.WrongObjectType, "DISTINCT specified, but %s is not an aggregate of arguments", name).At(pos)
	}
	a := &Aggregate{Node: Node{Typ: types.T(fn.Ret), At: pos}, Func: fn, Distinct: distinct}
	for i, arg := range args {
		k := f.param(i)
		if k == AnyKind {
			k = arg.Type().Kind
			if k == types.Unknown {
				k = types.Text
			}
		}
		c, err := coerceArg(arg, k)
		if err != nil {
			return nil, err
		}
		a.Args = append(a.Args, c)
	}
	if fn.Ret == AnyKind {
		a.Typ = a.Args[0].Type()
	}
	switch fn.Op {
	case AggMin, AggMax:
		if a.Typ.Kind == types.BpChar {
			a.Typ = a.Args[0].Type() // the length shows in the output
		}
	}
	if filter != nil {
		if a.Filter, err = RequireBool(filter, "FILTER"); err != nil {
			return nil, err
		}
	}
	if len(a.Args) == 2 && fn.Args[0] == types.Float8 {
		err = a.ofPairs()
	}
	return a, err
}

// ofPairs finishes an aggregate that ignores a pair if either value is NULL.
func (a *Aggregate) ofPairs() (err error) {
	if a.Distinct {
		return sqlerr.Unsupported("DISTINCT in " + a.Func.Name).At(a.At)
	}
	if a.Func.Op != AggCount {
		return nil
	}
	// regr_count(y, x) is count(y) of the rows that have an x.
	both := NewIsNull(a.At, a.Args[1], true)
	if a.Filter != nil {
		if both, err = NewAnd(a.At, a.Filter, both); err != nil {
			return err
		}
	}
	a.Filter, a.Args = both, a.Args[:1]
	return nil
}

func resolveAggregate(name string, kinds []types.Kind, pos int) (*Func, error) {
	list := aggResolvers[name]
	if f := exactMatch(list, kinds); f != nil {
		return f, nil
	}
	list = matching(list, kinds)
	switch len(list) {
	case 0:
		return nil, nil
	case 1:
		return list[0], nil
	}
	if f := selectCandidate(list, kinds); f != nil {
		return f, nil
	}
	return nil, ambiguousFunction(name, kinds, pos)
}

package expr

import (
	"strings"
	"unicode/utf8"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// argsMax bounds the arguments of one call, as in PostgreSQL.
const argsMax = 100

// NewOp applies an operator to one or two operands.
func NewOp(op string, pos int, args ...Expr) (Expr, error) {
	if op == "!=" {
		op = "<>"
	}
	f, err := resolveOperator(op, kindsOf(args), pos)
	if err != nil {
		return nil, err
	}
	if f.OID == oidTextAny || f.OID == oidAnyText {
		return newAnyConcat(pos, args)
	}
	return newCall(f, pos, args)
}

// The operators text || anything and anything || text: both sides become text.
const oidTextAny, oidAnyText = 2003, 2004

func newAnyConcat(pos int, args []Expr) (Expr, error) {
	both := make([]Expr, len(args))
	for i, a := range args {
		c, err := NewCast(a, types.T(types.Text), Explicit, a.Pos())
		if err != nil {
			return nil, err
		}
		both[i] = c
	}
	return newCall(exactMatch(operators["||"], []types.Kind{types.Text, types.Text}), pos, both)
}

// NewFunc calls a function by its (lower-case) name. Aggregates are not functions here. A call of a type's
// name with one argument is a cast.
func NewFunc(name string, pos int, args ...Expr) (Expr, error) {
	if len(args) > argsMax {
		return nil, sqlerr.Newf(sqlerr.TooManyArguments, "cannot pass more than %d arguments to a function", argsMax).At(pos)
	}
	switch name {
	case "coalesce":
		return NewCoalesce(pos, args...)
	case "greatest", "least":
		return NewGreatest(name == "least", pos, args...)
	case "nullif":
		if len(args) == 2 {
			return NewNullIf(pos, args[0], args[1])
		}
	case "pg_typeof":
		if c, ok := soleConst(args); ok && c.Typ.Kind == types.Unknown { // as an argument it would become text
			return NewConst(types.NewInt(types.Regtype, int64(types.Unknown.OID())), types.T(types.Regtype), pos), nil
		}
	}
	if f := unsupportedFunctions[name]; f != "" {
		return nil, sqlerr.Unsupported(f).At(pos)
	}
	f, err := resolveFunction(name, kindsOf(args), pos)
	if err != nil {
		return nil, err
	}
	if f != nil {
		return newCall(f, pos, args)
	}
	if len(args) == 1 {
		if k, ok := types.KindByTypname(name); ok && CanCoerce(args[0].Type().Kind, k, Explicit) {
			return NewCast(args[0], types.T(k), Explicit, pos)
		}
	}
	return nil, NoFunction(name, args, pos)
}

func soleConst(args []Expr) (*Const, bool) {
	if len(args) != 1 {
		return nil, false
	}
	c, ok := args[0].(*Const)
	return c, ok
}

// unsupportedFunctions are known functions that expressions do not have.
var unsupportedFunctions = map[string]string{
	"generate_series": "set-returning function generate_series",
	"unnest":          "set-returning function unnest",
	"array_agg":       "aggregate function array_agg",
}

// newCall converts the arguments to the kinds that f declares.
func newCall(f *Func, pos int, args []Expr) (Expr, error) {
	c := &Call{Node: Node{Typ: types.T(f.Ret), At: pos}, Func: f, Args: make([]Expr, len(args))}
	for i, a := range args {
		k := f.param(i)
		if k == AnyKind {
			k = a.Type().Kind
			if k == types.Unknown {
				k = types.Text
			}
		}
		var err error
		if c.Args[i], err = coerceArg(a, k); err != nil {
			return nil, err
		}
		if k == types.BpChar && (f.param(i) == AnyKind || blanksMatter[f.Name]) {
			c.Args[i] = padded(c.Args[i])
		}
	}
	if f.RetMod != nil {
		argTypes := make([]types.Type, len(c.Args))
		for i, a := range c.Args {
			argTypes[i] = a.Type()
		}
		c.Typ.Mod = f.RetMod(argTypes)
	}
	return c, nil
}

// blanksMatter names the functions that see the blanks at the end of a char(n): output and patterns do,
// comparison and length do not.
var blanksMatter = map[string]bool{
	"octet_length": true, "~~": true, "!~~": true, "~~*": true, "!~~*": true,
	"~": true, "!~": true, "~*": true, "!~*": true,
}

// padFunc appends the blanks of a char(n), whose values are kept without them.
var padFunc = &Func{
	Name: "bpchar", Syntax: SyntaxCast, Args: []types.Kind{types.BpChar, types.Int4}, Ret: types.BpChar, Strict: true,
	Scalar: func(_ *Context, args []types.Datum) (types.Datum, error) {
		if missing := int(args[1].I) - utf8.RuneCountInString(args[0].S); missing > 0 {
			return types.NewString(types.BpChar, args[0].S+strings.Repeat(" ", missing)), nil
		}
		return args[0], nil
	},
}

func padded(e Expr) Expr {
	n, ok := e.Type().Length()
	if !ok {
		return e
	}
	length := NewConst(types.NewInt(types.Int4, int64(n)), types.T(types.Int4), 0)
	return &Call{Node: Node{Typ: types.T(types.BpChar), At: e.Pos()}, Func: padFunc, Args: []Expr{e, length}}
}

func coerceArg(a Expr, k types.Kind) (Expr, error) {
	if a.Type().Kind == k {
		return a, nil
	}
	return NewCast(a, types.T(k), Implicit, a.Pos())
}

// NewGreatest is GREATEST or LEAST: the largest or smallest argument that is not NULL.
func NewGreatest(least bool, pos int, args ...Expr) (Expr, error) {
	what := "GREATEST"
	if least {
		what = "LEAST"
	}
	t, err := CommonType(args, what)
	if err != nil {
		return nil, err
	}
	args, err = CoerceAll(args, t, what)
	if err != nil {
		return nil, err
	}
	k := t.Kind
	if equalityOf(k) == nil {
		return nil, sqlerr.Newf(sqlerr.UndefinedFunction, "could not identify a comparison function for type %s", k).At(pos)
	}
	i := 0
	if least {
		i = 1
	}
	return &Call{Node: Node{Typ: t, At: pos}, Func: greatestFuncs[k][i], Args: args}, nil
}

// greatestFuncs are GREATEST and LEAST of each kind.
var greatestFuncs = func() (t [types.NumKinds][2]*Func) {
	for k := types.Bool; int(k) < types.NumKinds; k++ {
		for i, name := range []string{"greatest", "least"} {
			t[k][i] = &Func{Name: name, Args: []types.Kind{k}, Variadic: true, Ret: k, Scalar: greatest(i == 1)}
		}
	}
	return t
}()

func greatest(least bool) scalar {
	return func(_ *Context, args []types.Datum) (types.Datum, error) {
		best := args[0]
		for _, d := range args[1:] {
			if d.IsNull() {
				continue
			}
			if best.IsNull() || least && types.Compare(d, best) < 0 || !least && types.Compare(d, best) > 0 {
				best = d
			}
		}
		return best, nil
	}
}

// NewNullIf is NULLIF(a, b).
func NewNullIf(pos int, a, b Expr) (Expr, error) {
	e, err := NewOp("=", pos, a, b)
	if err != nil {
		return nil, err
	}
	eq := e.(*Call)
	return &Call{Node: Node{Typ: eq.Args[0].Type(), At: pos}, Func: nullIfFunc(eq.Func), Args: eq.Args}, nil
}

// nullIfFuncs are NULLIF by the equality that they use; read-only after init.
var nullIfFuncs = make(map[*Func]*Func)

func nullIfFunc(eq *Func) *Func { return nullIfFuncs[eq] }

func addNullIfs() {
	for _, eq := range operators["="] {
		nullIfFuncs[eq] = &Func{
			Name: "nullif", Args: eq.Args, Ret: eq.Args[0], Volatility: eq.Volatility,
			Scalar: func(ctx *Context, args []types.Datum) (types.Datum, error) {
				if args[0].IsNull() || args[1].IsNull() {
					return args[0], nil
				}
				d, err := eq.Scalar(ctx, args)
				if err != nil || !d.Bool() {
					return args[0], err
				}
				return types.NullOf(args[0].K), nil
			},
		}
	}
}

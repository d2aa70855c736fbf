package expr

import (
	"sync"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// NewConst returns a constant of type t.
func NewConst(d types.Datum, t types.Type, pos int) *Const {
	return &Const{Node: Node{Typ: t, At: pos}, Value: d}
}

// NewLiteral returns an untyped string literal.
func NewLiteral(text string, pos int) *Const {
	return NewConst(types.NewString(types.Unknown, text), types.T(types.Unknown), pos)
}

// NewNull returns an untyped NULL.
func NewNull(pos int) *Const { return NewConst(types.Null(), types.T(types.Unknown), pos) }

// NewCast converts e to a type, its modifier included. It fails with 42846 if there is no such cast in
// the context, and with the type's input error if e is an untyped literal that is no value of it. An
// untyped parameter gets the type.
func NewCast(e Expr, to types.Type, context CastContext, pos int) (Expr, error) {
	if c, ok := e.(*Const); ok && c.Typ.Kind == types.Unknown {
		return castLiteral(c, to, context)
	}
	r, err := castKind(e, to.Kind, context, pos)
	if err != nil {
		return nil, err
	}
	return castMod(r, to, context), nil
}

// castKind converts e to another kind, without modifier.
func castKind(e Expr, k types.Kind, context CastContext, pos int) (Expr, error) {
	from := e.Type().Kind
	if from == k {
		return e, nil
	}
	if p, ok := e.(*Param); ok && from == types.Unknown {
		p.Typ = types.T(k)
		return p, nil
	}
	var f *Func
	if from == types.Unknown {
		f = textCasts.from[k][stringKindIndex(types.Unknown)]
	} else {
		f = castFunc(from, k, context)
	}
	if f == nil {
		return nil, NoCast(from, k, pos)
	}
	if from == types.BpChar && (k == types.Char || f == textCasts.from[k][stringKindIndex(from)]) {
		e = padded(e) // what reads the text sees the blanks
	}
	return &Call{Node: Node{Typ: types.T(k), At: pos}, Func: f, Args: []Expr{e}}, nil
}

// NoCast is the 42846 error for two kinds without a cast.
func NoCast(from, to types.Kind, pos int) error {
	return sqlerr.Newf(sqlerr.CannotCoerce, "cannot cast type %s to %s", from, to).At(pos)
}

// castMod applies the modifier of a type to a value of its kind.
func castMod(e Expr, to types.Type, context CastContext) Expr {
	from := e.Type()
	if to.Mod < 0 || from.Mod == to.Mod || types.CoerceIsIdentity(from, to) {
		return withMod(e, to)
	}
	f := typmodFuncs[to.Kind]
	if f == nil {
		return e
	}
	return &Call{Node: Node{Typ: to, At: e.Pos()}, Func: f, Args: []Expr{
		e,
		NewConst(types.NewInt(types.Int4, int64(to.Mod)), types.T(types.Int4), 0),
		NewConst(types.NewBool(context == Explicit), types.T(types.Bool), 0),
	}}
}

// withMod marks a value that satisfies a modifier anyway as being of the type.
func withMod(e Expr, to types.Type) Expr {
	if to.Mod < 0 || e.Type() == to {
		return e
	}
	switch e := e.(type) {
	case *Const:
		return NewConst(e.Value, to, e.At)
	case *Call:
		c := *e
		c.Typ = to
		return &c
	}
	return &Call{Node: Node{Typ: to, At: e.Pos()}, Func: relabelFuncs[to.Kind], Args: []Expr{e}}
}

// relabelFuncs change a value's modifier only.
var relabelFuncs = func() (t [types.NumKinds]*Func) {
	for k := types.Bool; int(k) < types.NumKinds; k++ {
		t[k] = &Func{Name: k.Typname(), Syntax: SyntaxCast, Args: []types.Kind{k}, Ret: k, Strict: true,
			Scalar: sameDatum, Kernel: kernelRelabel}
	}
	return t
}()

// castLiteral reads an untyped literal as a value of a type. What it means may depend on the session
// ('today', a timestamptz without zone): then the conversion is left to execution.
func castLiteral(c *Const, to types.Type, context CastContext) (Expr, error) {
	switch to.Kind {
	case types.Unknown, AnyKind:
		return c, nil
	case types.Void, types.Record:
		return nil, NoCast(types.Unknown, to.Kind, c.At)
	}
	if c.Value.IsNull() {
		return NewConst(types.NullOf(to.Kind), to, c.At), nil
	}
	if to.Kind.IsReg() {
		return regLiteral(c, to), nil
	}
	t := types.T(to.Kind)
	if to.Kind == types.Interval {
		t = to // the fields of the type decide what the text means
	}
	d, err := types.Parse(t, c.Value.S)
	if isTimeKind(to.Kind) || to.Kind == types.Time || to.Kind == types.TimeTZ || to.Kind == types.Interval {
		if fixed := err == nil && sameInAllSessions(t, c.Value.S, d); !fixed {
			if err != nil && !parsesInSomeSession(t, c.Value.S) {
				return nil, At(err, c.At)
			}
			call := &Call{Node: Node{Typ: t, At: c.At}, Args: []Expr{c}}
			call.Func = textCasts.from[to.Kind][stringKindIndex(types.Unknown)]
			if to.Kind == types.Interval && to.Mod >= 0 {
				call.Func, call.Args = intervalOfFields, append(call.Args, NewConst(types.NewInt(types.Int4, int64(to.Mod)), types.T(types.Int4), c.At))
			}
			return castMod(call, to, context), nil
		}
	}
	if err != nil {
		return nil, At(err, c.At)
	}
	r := NewConst(d, t, c.At)
	if t == to {
		return r, nil
	}
	// The modifier is applied now if that works; an assignment that does not fit fails at run time.
	if d, err := types.Coerce(d, to, context == Explicit); err == nil {
		return NewConst(d, to, c.At), nil
	}
	return castMod(r, to, context), nil
}

// intervalOfFields reads an interval whose type says what its numbers count.
var intervalOfFields = &Func{
	Name: "interval", Syntax: SyntaxCast, Args: []types.Kind{types.Unknown, types.Int4}, Ret: types.Interval,
	Strict: true, CanFail: true, Volatility: Stable,
	Scalar: func(ctx *Context, args []types.Datum) (types.Datum, error) {
		return types.ParseWith(types.Type{Kind: types.Interval, Mod: int32(args[1].I)}, args[0].S, ctx.parseOptions())
	},
}

// probes are settings whose readings of a text are compared with the default's.
var probes = []*types.ParseOptions{
	{Location: time.FixedZone("probe", 3600), Order: types.DMY, IntervalStyle: types.IntervalSQLStandard, NoAbbreviations: true},
	{Order: types.YMD},
}

// sameInAllSessions reports whether the text of a date, time or interval means the same under other settings.
func sameInAllSessions(t types.Type, text string, d types.Datum) bool {
	for _, o := range probes {
		if other, err := types.ParseWith(t, text, o); err != nil || !types.Identical(d, other) {
			return false
		}
	}
	return true
}

// abbreviated is a zone that has had the abbreviation that most zones have had, LMT.
var abbreviated = sync.OnceValue(func() *time.Location {
	loc, err := types.SessionZone("Europe/London")
	if err != nil {
		return time.UTC
	}
	return loc
})

// parsesInSomeSession reports whether the text is a value once the current time is known, or with another order
// of the fields of dates.
func parsesInSomeSession(t types.Type, text string) bool {
	if _, err := types.ParseWith(t, text, &types.ParseOptions{Location: abbreviated()}); err == nil {
		return true
	}
	for order := types.MDY; order <= types.YMD; order++ {
		if _, err := types.ParseWith(t, text, &types.ParseOptions{Now: time.Unix(0, 0).UTC(), Order: order}); err == nil {
			return true
		}
	}
	return false
}

// At gives an error a position in the statement, unless it has one.
func At(err error, pos int) error {
	if err == nil || pos <= 0 {
		return err
	}
	return sqlerr.From(err).At(pos)
}

// NewAssignment converts e for storing it into a column, with PostgreSQL's error (42804) if there is no
// assignment cast.
func NewAssignment(e Expr, to types.Type, column string) (Expr, error) {
	from := e.Type().Kind
	if !CanCoerce(from, to.Kind, Assignment) {
		return nil, sqlerr.Newf(sqlerr.DatatypeMismatch,
			"column \"%s\" is of type %s but expression is of type %s", column, to.Kind, from).
			WithHint("You will need to rewrite or cast the expression.").At(e.Pos())
	}
	return NewCast(e, to, Assignment, e.Pos())
}

// CommonType chooses the type that all expressions can be converted to, by PostgreSQL's rules for CASE,
// UNION and the like; what names the construct in the error (42804). All untyped: text.
func CommonType(exprs []Expr, what string) (types.Type, error) {
	if len(exprs) == 0 {
		return types.T(types.Text), nil
	}
	t := exprs[0].Type()
	common := t.Kind
	for _, e := range exprs[1:] {
		k := e.Type().Kind
		switch {
		case k == types.Unknown || k == common:
		case common == types.Unknown:
			common = k
		case categoryOf(k) != categoryOf(common):
			return types.Type{}, sqlerr.Newf(sqlerr.DatatypeMismatch, "%s types %s and %s cannot be matched",
				what, common, k).At(e.Pos())
		case !preferred(common) && CanCoerce(common, k, Implicit) && !CanCoerce(k, common, Implicit):
			common = k
		}
	}
	if common == types.Unknown {
		return types.T(types.Text), nil
	}
	t = types.Type{Kind: common, Mod: exprs[0].Type().Mod}
	for _, e := range exprs {
		if e.Type() != t {
			return types.T(common), nil
		}
	}
	return t, nil
}

// hasCommonType reports whether CommonType would succeed.
func hasCommonType(exprs []Expr) bool {
	_, err := CommonType(exprs, "")
	return err == nil
}

// CoerceAll converts all expressions to a type found by CommonType.
func CoerceAll(exprs []Expr, t types.Type, what string) ([]Expr, error) {
	out := make([]Expr, len(exprs))
	for i, e := range exprs {
		if from := e.Type().Kind; !CanCoerce(from, t.Kind, Implicit) {
			return nil, sqlerr.Newf(sqlerr.CannotCoerce, "%s could not convert type %s to %s", what, from, t.Kind).At(e.Pos())
		}
		c, err := NewCast(e, t, Implicit, e.Pos())
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	return out, nil
}

// RequireBool converts e to boolean, as the argument of a clause must be (42804).
func RequireBool(e Expr, clause string) (Expr, error) {
	from := e.Type().Kind
	if from == types.Bool {
		return e, nil
	}
	if !CanCoerce(from, types.Bool, Assignment) {
		return nil, sqlerr.Newf(sqlerr.DatatypeMismatch, "argument of %s must be type boolean, not type %s",
			clause, from).At(e.Pos())
	}
	return NewCast(e, types.T(types.Bool), Assignment, e.Pos())
}

package expr

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/laminadb/lamina/types"
)

// exprGen makes random expressions over random columns.
type exprGen struct {
	rng  *rand.Rand
	cols []types.Type
	// tame keeps values small, so that most rows do not fail.
	tame bool
}

var genTypes = []types.Type{
	types.T(types.Bool), types.T(types.Int2), types.T(types.Int4), types.T(types.Int8), types.T(types.Float8),
	types.T(types.Float4), types.NumericPS(15, 2), types.NumericPS(5, 0), types.T(types.Numeric), types.T(types.Text),
	types.VarcharN(10), types.CharN(6), types.T(types.Date), types.T(types.Timestamp), types.T(types.Interval),
	types.T(types.Int4), types.NumericPS(15, 2), types.T(types.Text), types.T(types.Date), types.T(types.Bool),
}

var genWords = []string{
	"", "a", "ab", "abc", "special requests", "no special order requests here", "MAIL", "SHIP", "PROMO BRUSHED",
	"ä", "äöü and ß", "x%y", "long string that is not inline", "13-555", "31-444", "  pad ", "ab\\c",
}

// datum returns a random value of a type, rarely NULL.
func (g *exprGen) datum(t types.Type) types.Datum {
	r := g.rng
	if r.IntN(8) == 0 {
		return types.NullOf(t.Kind)
	}
	switch t.Class() {
	case types.ClassInt:
		return types.NewInt(t.Kind, g.integer(t.Kind))
	case types.ClassFloat:
		list := []float64{0, 1, -1, 0.5, 3, 1e10, math.Copysign(0, -1), -2.5, 100}
		if !g.tame {
			list = append(list, math.NaN(), math.Inf(1), math.Inf(-1), 1e300, 1e-300)
		}
		f := list[r.IntN(len(list))]
		if t.Kind == types.Float4 && math.Abs(f) > 1e38 {
			f = 1e30
		}
		return types.NewFloat(t.Kind, f)
	case types.ClassNumeric:
		return g.numeric(t)
	case types.ClassInterval:
		return types.NewInterval(int32(r.IntN(30)-15), int32(r.IntN(60)-30), r.Int64N(1e12)-5e11)
	}
	d, err := types.Coerce(types.NewString(types.Text, genWords[r.IntN(len(genWords))]), t, true)
	if err != nil {
		panic(err)
	}
	d.K = t.Kind
	return d
}

func (g *exprGen) integer(k types.Kind) int64 {
	r := g.rng
	switch k {
	case types.Bool:
		return r.Int64N(2)
	case types.Date:
		if !g.tame && r.IntN(20) == 0 {
			return []int64{dateNegInf, dateInf, dateMax, dateMin}[r.IntN(4)]
		}
		return 8000 + r.Int64N(3000)
	case types.Timestamp:
		if !g.tame && r.IntN(20) == 0 {
			return []int64{timeNegInf, timeInf}[r.IntN(2)]
		}
		return (8000+r.Int64N(3000))*microsPerDay + r.Int64N(3)*3600e6
	}
	if !g.tame && r.IntN(6) == 0 {
		lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
		if f := kindFact(k); f.ok {
			lo, hi = f.lo, f.hi
		}
		return []int64{lo, hi, lo + 1, hi - 1, hi / 2}[r.IntN(5)]
	}
	return r.Int64N(41) - 8
}

func (g *exprGen) numeric(t types.Type) types.Datum {
	r := g.rng
	p, s, ok := t.PrecisionScale()
	if ok {
		limit := types.Pow10(min(p, 18))
		if g.tame || r.IntN(3) > 0 {
			limit = min(limit, 10000)
		}
		return types.NewDecimal(r.Int64N(2*limit-1)-limit+1, s)
	}
	if g.tame || r.IntN(3) > 0 {
		return types.NewDecimal(r.Int64N(2000)-1000, r.IntN(4))
	}
	switch r.IntN(6) {
	case 0:
		return types.NumericNaN()
	case 1:
		return types.NumericInf(r.IntN(2)*2 - 1)
	case 2:
		return types.NewInt128(r.Int64()>>r.IntN(60), r.Uint64(), r.IntN(5))
	case 3:
		d, err := types.Parse(types.T(types.Numeric), "1"+strings.Repeat("0", 40+r.IntN(5))+".5")
		if err != nil {
			panic(err)
		}
		return d
	}
	return types.NewDecimal(r.Int64()>>r.IntN(40), r.IntN(8))
}

// expr returns a random expression of a kind; types other than the kind's plain one come from columns.
func (g *exprGen) expr(k types.Kind, depth int) Expr {
	for range 50 {
		if e := g.try(k, depth); e != nil && e.Type().Kind == k {
			return e
		}
	}
	return NewConst(g.datum(types.T(k)), types.T(k), 0)
}

func (g *exprGen) try(k types.Kind, depth int) Expr {
	r := g.rng
	if depth <= 0 || r.IntN(6) == 0 {
		return g.leaf(k)
	}
	switch r.IntN(10) {
	case 0:
		return g.orNil(NewCase(0, nil, g.whens(k, depth), g.maybeElse(k, depth)))
	case 1:
		args := []Expr{g.expr(k, depth-1), g.expr(k, depth-1)}
		if r.IntN(2) == 0 {
			return g.orNil(NewCoalesce(0, args...))
		}
		return g.orNil(NewGreatest(r.IntN(2) == 0, 0, args...))
	case 2:
		return g.orNil(NewNullIf(0, g.expr(k, depth-1), g.expr(k, depth-1)))
	case 3:
		from := genTypes[r.IntN(len(genTypes))].Kind
		to := types.T(k)
		if k == types.Numeric && r.IntN(2) == 0 {
			to = types.NumericPS(12, r.IntN(4))
		}
		return g.orNil(NewCast(g.expr(from, depth-1), to, Explicit, 0))
	}
	if k == types.Bool && r.IntN(3) > 0 {
		return g.condition(depth)
	}
	return g.call(k, depth)
}

func (g *exprGen) orNil(e Expr, err error) Expr {
	if err != nil {
		return nil
	}
	return e
}

func (g *exprGen) leaf(k types.Kind) Expr {
	r := g.rng
	if r.IntN(4) > 0 {
		start := r.IntN(len(g.cols))
		for i := range g.cols {
			c := (start + i) % len(g.cols)
			if g.cols[c].Kind == k {
				return &Column{Node: Node{Typ: g.cols[c]}, ID: c, Name: fmt.Sprintf("c%d", c)}
			}
		}
	}
	return NewConst(g.datum(types.T(k)), types.T(k), 0)
}

func (g *exprGen) whens(k types.Kind, depth int) []When {
	whens := make([]When, 1+g.rng.IntN(2))
	for i := range whens {
		whens[i] = When{g.expr(types.Bool, depth-1), g.expr(k, depth-1)}
	}
	return whens
}

func (g *exprGen) maybeElse(k types.Kind, depth int) Expr {
	if g.rng.IntN(3) == 0 {
		return nil
	}
	return g.expr(k, depth-1)
}

// condition returns a boolean expression of one of the special forms.
func (g *exprGen) condition(depth int) Expr {
	r := g.rng
	sub := func() Expr { return g.expr(types.Bool, depth-1) }
	k := genTypes[r.IntN(len(genTypes))].Kind
	switch r.IntN(9) {
	case 0:
		return g.orNil(NewAnd(0, sub(), sub(), sub()))
	case 1:
		return g.orNil(NewOr(0, sub(), sub()))
	case 2:
		return g.orNil(NewNot(0, sub()))
	case 3:
		return NewIsNull(0, g.expr(k, depth-1), r.IntN(2) == 0)
	case 4:
		return g.orNil(NewBoolTest(0, sub(), BoolTestKind(r.IntN(3)), r.IntN(2) == 0))
	case 5:
		return g.orNil(NewDistinct(0, g.expr(k, depth-1), g.expr(k, depth-1), r.IntN(2) == 0))
	case 6:
		list := make([]Expr, 1+r.IntN(12))
		for i := range list {
			if list[i] = g.expr(k, 0); r.IntN(8) > 0 {
				list[i] = NewConst(g.datum(types.T(k)), types.T(k), 0)
			}
		}
		return g.orNil(NewIn(0, g.expr(k, depth-1), list, r.IntN(2) == 0))
	case 7:
		op := []string{"~~", "!~~"}[r.IntN(2)]
		patterns := []string{"%a%", "PROMO%", "%s", "%special%requests%", "_", "a_c", "ab", "%", "%\\%y", "x_y", "ä%"}
		return g.orNil(NewOp(op, 0, g.leaf([]types.Kind{types.Text, types.Varchar, types.BpChar}[r.IntN(3)]),
			NewConst(types.NewString(types.Text, patterns[r.IntN(len(patterns))]), types.T(types.Text), 0)))
	}
	op := comparisonSymbols[r.IntN(6)]
	right := g.expr(k, depth-1)
	if r.IntN(2) == 0 {
		right = NewConst(g.datum(types.T(k)), types.T(k), 0)
	}
	return g.orNil(NewOp(op, 0, g.expr(k, depth-1), right))
}

// callables lists the functions and operators by the kind that they return.
var callables = func() map[types.Kind][]*Func {
	m := make(map[types.Kind][]*Func)
	for _, table := range []map[string][]*Func{functions, operators} {
		for name, list := range table {
			for _, f := range list {
				switch {
				case f.Volatility == Volatile, len(f.Args) == 0 || len(f.Args) > 4, name == "repeat", name == "lpad", name == "rpad",
					name == "version", name == "current_setting", f.Ret == types.Char, f.Ret == types.Bytea:
					continue
				}
				m[f.Ret] = append(m[f.Ret], f)
			}
		}
	}
	for _, list := range m {
		sortFuncs(list)
	}
	return m
}()

func (g *exprGen) call(k types.Kind, depth int) Expr {
	list := callables[k]
	if len(list) == 0 {
		return nil
	}
	f := list[g.rng.IntN(len(list))]
	if g.rng.IntN(2) == 0 { // prefer what has kernels
		for range 10 {
			if f.Kernel != kernelNone {
				break
			}
			f = list[g.rng.IntN(len(list))]
		}
	}
	args := make([]Expr, len(f.Args))
	for i, a := range f.Args {
		if a == AnyKind {
			a = genTypes[g.rng.IntN(len(genTypes))].Kind
		}
		if i == 0 && (f.Name == "extract" || f.Name == "date_part" || f.Name == "date_trunc") {
			field := []string{"year", "month", "day", "hour", "epoch", "dow"}[g.rng.IntN(6)]
			args[i] = NewConst(types.NewString(types.Text, field), types.T(types.Text), 0)
			continue
		}
		args[i] = g.expr(a, depth-1)
	}
	e, err := newCall(f, 0, args)
	if err != nil {
		return nil
	}
	return e
}

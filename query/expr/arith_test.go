package expr

import (
	"math/rand/v2"
	"testing"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// edgeTypes are the kinds that TestArithmeticEdges computes with.
var edgeTypes = []types.Type{
	types.T(types.Int2), types.T(types.Int4), types.T(types.Int8), types.T(types.Int8), types.NumericPS(18, 2),
	types.NumericPS(30, 4), types.T(types.Numeric), types.T(types.Float8), types.T(types.Float4), types.T(types.Date),
}

// edge returns values of which a part, given by wild, lies at the ends of the kind.
func (g *exprGen) edge(t types.Type, wild float64) types.Datum {
	g.tame = g.rng.Float64() >= wild
	if p, s, ok := t.PrecisionScale(); ok && !g.tame {
		limit := types.Pow10(min(p, 18)) - 1
		d := types.NewDecimal([]int64{limit, -limit, limit / 10, limit/2 + 1}[g.rng.IntN(4)], s)
		if p > 18 && g.rng.IntN(2) == 0 {
			d, _ = types.NumericMul(d, types.NewDecimal(types.Pow10(p-18), 0))
			d, _ = types.Coerce(d, t, true)
		}
		return d
	}
	return g.datum(t)
}

// TestArithmeticEdges computes with values at the ends of their kinds: errors in the right row, numerics
// that outgrow 64 and 128 bits.
func TestArithmeticEdges(t *testing.T) {
	ops := []string{"+", "-", "*", "/", "%", "&", "|", "#"}
	var values, failures int
	rng := rand.New(rand.NewPCG(5, 6))
	g := &exprGen{rng: rng, cols: edgeTypes}
	for round := range 60 {
		w := &world{types: edgeTypes}
		wild := []float64{0, 0.02, 0.5}[round%3]
		for range []int{200, 64, 1}[round%3] + rng.IntN(5) {
			row := make(types.Row, len(edgeTypes))
			for c, typ := range edgeTypes {
				row[c] = g.edge(typ, wild)
			}
			w.rows = append(w.rows, row)
		}
		for a := range edgeTypes {
			for _, op := range ops {
				e := edgeExpr(g, a, rng.IntN(len(edgeTypes)), op)
				if e == nil {
					continue
				}
				p, err := Compile([]Expr{e}, w.types)
				if err != nil {
					t.Fatal(err)
				}
				ev := p.NewEvaluator(testContext, nil)
				for pass := range 2 {
					b := w.batch(t, rng, false)
					if pass > 0 {
						b = vec.Reencode(rng, b)
					}
					n, failed := w.checkEval(t, e, ev, b)
					values += n
					if failed {
						failures++
					}
				}
				ev.Close()
			}
		}
	}
	t.Logf("%d values, %d errors", values, failures)
	if values < 200000 || failures < 400 {
		t.Fatal("too little was tested")
	}
}

// edgeExpr applies an operator to two columns, or a column and a constant, perhaps negated; nil if there is
// no such operator.
func edgeExpr(g *exprGen, a, b int, op string) Expr {
	column := func(i int) Expr { return &Column{Node: Node{Typ: edgeTypes[i]}, ID: i} }
	args := []Expr{column(a), column(b)}
	if g.rng.IntN(3) == 0 {
		at := g.rng.IntN(2)
		t := types.T(edgeTypes[[]int{a, b}[at]].Kind)
		args[at] = NewConst(g.edge(edgeTypes[[]int{a, b}[at]], 0.3), t, 0)
	}
	if g.rng.IntN(4) == 0 {
		if n, err := NewOp([]string{"-", "@"}[g.rng.IntN(2)], 0, args[0]); err == nil {
			args[0] = n
		}
	}
	e, err := NewOp(op, 0, args...)
	if err != nil {
		return nil
	}
	if g.rng.IntN(3) == 0 {
		if f, err := NewOp("*", 0, e, column(a)); err == nil {
			return f
		}
	}
	return e
}

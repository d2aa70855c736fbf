package exec

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/laminadb/lamina/query/expr"
)

// TestPairSumsJoin: sums of parts are, joined, those of the whole, but for rounding.
func TestPairSumsJoin(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	ops := []expr.AggOp{expr.AggRegrSXX, expr.AggRegrSYY, expr.AggRegrSXY, expr.AggRegrAvgX, expr.AggRegrAvgY, expr.AggRegrR2,
		expr.AggRegrSlope, expr.AggRegrIntercept, expr.AggCovarPop, expr.AggCovarSamp, expr.AggCorr}
	for range 200 {
		var whole, left, right pairSums
		n := 2 + rng.IntN(50)
		cut := 1 + rng.IntN(n-1)
		for i := range n {
			x := rng.NormFloat64()*10 + 100
			y := 3*x + rng.NormFloat64()
			part := &left
			if i >= cut {
				part = &right
			}
			for _, s := range []*pairSums{&whole, part} {
				if err := s.add(y, x); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := left.join(right); err != nil {
			t.Fatal(err)
		}
		for _, op := range ops {
			a, b := whole.finish(op).Float(), left.finish(op).Float()
			if math.Abs(a-b) > 1e-6*math.Max(1, math.Abs(a)) {
				t.Errorf("%d of %d, operation %d: %v, joined %v", cut, n, op, a, b)
			}
		}
	}
	one := pairSums{}
	if err := one.add(1, 2); err != nil {
		t.Fatal(err)
	}
	if one.finish(expr.AggCovarSamp).Valid || one.finish(expr.AggCorr).Valid || !one.finish(expr.AggCovarPop).Valid {
		t.Error("aggregates of one pair")
	}
}

package expr

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestPower compares with powers of integers computed exactly.
func TestPower(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	cases := 0
	for range 20000 {
		x := float64(rng.IntN(1<<20)+2) / float64(int(1)<<rng.IntN(12))
		n := rng.IntN(60) + 3
		exact := big.NewFloat(1).SetPrec(4000)
		bx := new(big.Float).SetPrec(4000).SetFloat64(x)
		for range n {
			exact.Mul(exact, bx)
		}
		want, _ := exact.Float64()
		if math.IsInf(want, 0) {
			continue
		}
		got := power(x, float64(n))
		if got != want && math.Nextafter(want, got) != got {
			t.Fatalf("%v^%d = %v, want %v", x, n, got, want)
		}
		cases++
	}
	for _, c := range []struct{ x, y, want float64 }{
		{1e15, 2.5, 3.1622776601683794e+37}, {1e15, -1.5, 3.1622776601683793e-23}, {1e15, 0.1, 31.6227766016838},
		{-2, 3, -8}, {-2, 10, 1024}, {4, 0.5, 2}, {10, -3, 0.001}, {2, -1074, 5e-324}, {2, 1023, 0x1p1023}, {10, 308, 1e308},
	} {
		if got := power(c.x, c.y); got != c.want {
			t.Errorf("%v^%v = %v, want %v", c.x, c.y, got, c.want)
		}
	}
	if cases < 10000 {
		t.Fatalf("only %d cases", cases)
	}
}

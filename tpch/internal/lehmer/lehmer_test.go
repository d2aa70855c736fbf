package lehmer

import "testing"

// The classic check of this generator: from 1, the 10,000th draw is 1043618065.
func TestTenThousandDraws(t *testing.T) {
	s := uint64(1)
	for n := int64(0); n <= 10_000; n++ {
		if got := Skip(1, Power(n)); got != s {
			t.Fatalf("%d draws ahead of 1: %d, want %d", n, got, s)
		}
		if n == 10_000 && s != 1043618065 {
			t.Errorf("draw %d is %d", n, s)
		}
		s = Next(s)
	}
	for _, s := range []uint64{1, 2, Modulus - 1, Modulus / 2} {
		if got := Skip(s, Power(Modulus-1)); got != s {
			t.Errorf("the period of %d ends with %d", s, got)
		}
		if got, want := Next(s), s*multiplier%Modulus; got != want {
			t.Errorf("after %d: %d, want %d", s, got, want)
		}
	}
}

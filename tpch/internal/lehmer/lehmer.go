// Package lehmer is the random generator of TPC-H: x' = 16807 x mod 2^31-1. Its states are in
// [1, Modulus), and the state any number of draws ahead is one multiplication away.
package lehmer

const (
	// Modulus is a Mersenne prime, so that a product is reduced by shifting and adding.
	Modulus    = 1<<31 - 1
	multiplier = 16807
)

// Next returns the state after s.
func Next(s uint64) uint64 {
	x := s * multiplier
	x = x&Modulus + x>>31
	if x >= Modulus {
		x -= Modulus
	}
	return x
}

// Power returns the factor that moves a state n draws ahead.
func Power(n int64) uint64 {
	p, square := uint64(1), uint64(multiplier)
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			p = p * square % Modulus
		}
		square = square * square % Modulus
	}
	return p
}

// Skip returns the state that a factor moves s to.
func Skip(s, power uint64) uint64 { return s * power % Modulus }

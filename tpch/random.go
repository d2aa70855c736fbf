package tpch

// The random numbers of the benchmark come from one Lehmer generator, x' = 16807 x mod 2^31-1, in
// many streams: each column has its own first state, and each row takes the same number of draws
// from it whether it uses them or not. The state before any row is therefore a power away.
const (
	modulus    = 1<<31 - 1
	multiplier = 16807
)

// A stream is the random source of one column.
type stream struct {
	first uint64 // state before the first row
	draws int64  // draws a row takes
}

// at returns the source for a row, counted from 0.
func (s stream) at(row int64) source {
	return source{s.first * power(row*s.draws) % modulus}
}

// power returns multiplier to the n modulo modulus.
func power(n int64) uint64 {
	p, square := uint64(1), uint64(multiplier)
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			p = p * square % modulus
		}
		square = square * square % modulus
	}
	return p
}

// skipMax is the largest number of draws that a row leaves unused: a part name shuffles 92 colours
// and needs five.
const skipMax = 92

var powers = func() (p [skipMax + 1]uint64) {
	for i := range p {
		p[i] = power(int64(i))
	}
	return p
}()

// A source is a position in a stream.
type source struct {
	state uint64
}

// next draws a state.
func (s *source) next() uint64 {
	x := s.state * multiplier
	x = x&modulus + x>>31
	if x >= modulus {
		x -= modulus
	}
	s.state = x
	return x
}

// skip passes over n draws, at most skipMax.
func (s *source) skip(n int) {
	s.state = s.state * powers[n] % modulus
}

// fraction scales a draw to [0, n). It is computed in floating point, since for large n the exact
// quotient would differ from dbgen's.
func (s *source) fraction(n float64) float64 {
	return float64(s.next()) / modulus * n
}

// between draws an integer in [low, high].
func (s *source) between(low, high int64) int64 {
	return low + int64(s.fraction(float64(high-low+1)))
}

// index draws an integer in [0, n).
func (s *source) index(n int) int {
	return int(s.fraction(float64(n)))
}

// bits draws the bits that spell an address. dbgen asks for a number in [0, 2^31-1] and overflows in
// the size of that range, so that the result is negative.
func (s *source) bits() int64 {
	return int64(s.fraction(-1 << 31))
}

package tpch

import "github.com/laminadb/lamina/tpch/internal/lehmer"

// A stream is the random source of one column. All columns use one generator, each from its own
// first state, and each row takes the same number of draws whether it uses them or not. The state
// before any row is therefore known.
type stream struct {
	first uint64 // state before the first row
	draws int64  // draws a row takes
}

// at returns the source for a row, counted from 0.
func (s stream) at(row int64) source {
	return source{lehmer.Skip(s.first, lehmer.Power(row*s.draws))}
}

// skipMax is the largest number of draws that a row leaves unused: a part name shuffles 92 colours
// and needs five.
const skipMax = 92

var powers = func() (p [skipMax + 1]uint64) {
	for i := range p {
		p[i] = lehmer.Power(int64(i))
	}
	return p
}()

// A source is a position in a stream.
type source struct {
	state uint64
}

// skip passes over n draws, at most skipMax.
func (s *source) skip(n int) {
	s.state = lehmer.Skip(s.state, powers[n])
}

// fraction draws a number in [0, n). It is computed in floating point, since for large n the exact
// quotient would differ from dbgen's.
func (s *source) fraction(n float64) float64 {
	s.state = lehmer.Next(s.state)
	return float64(s.state) / lehmer.Modulus * n
}

// between draws an integer in [low, high].
func (s *source) between(low, high int64) int64 {
	return low + int64(s.fraction(float64(high-low+1)))
}

// index draws an integer in [0, n).
func (s *source) index(n int) int {
	return int(s.fraction(float64(n)))
}

// bits draws the bits that spell an address. dbgen asks for a number in [0, 2^31-1] and overflows
// in the size of that range, so that the result is negative.
func (s *source) bits() int64 {
	return int64(s.fraction(-1 << 31))
}

package segment

import (
	"math"
	"math/bits"
	"slices"

	"github.com/zeebo/xxh3"
)

// Sketch is a mergeable estimate of the number of distinct values of a column (HyperLogLog, 4,096 registers: a
// standard error of 1.6 %). The zero Sketch has seen nothing.
type Sketch struct{ regs []uint8 }

// Merge makes s the sketch of both columns' values together. They must have the same type.
func (s *Sketch) Merge(o Sketch) {
	if o.regs == nil {
		return
	}
	if s.regs == nil {
		s.regs = make([]uint8, len(o.regs))
	}
	for i, r := range o.regs {
		s.regs[i] = max(s.regs[i], r)
	}
}

// Estimate returns the approximate number of distinct values.
func (s *Sketch) Estimate() float64 {
	if s.regs == nil {
		return 0
	}
	m := float64(len(s.regs))
	sum, zeros := 0.0, 0
	for _, r := range s.regs {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			zeros++
		}
	}
	e := 0.7213 / (1 + 1.079/m) * m * m / sum
	if e <= 2.5*m && zeros > 0 {
		return m * math.Log(m/float64(zeros))
	}
	return e
}

// There are 2^sketchBits registers; each keeps the largest rank of its hashes.
const (
	sketchBits    = 12
	sketchRankMax = 64
)

// add counts the hash of a value.
func (s *Sketch) add(h uint64) {
	if s.regs == nil {
		s.regs = make([]uint8, 1<<sketchBits)
	}
	r := h >> (64 - sketchBits)
	rank := uint8(bits.LeadingZeros64(h<<sketchBits|1<<(sketchBits-1)) + 1)
	if rank > s.regs[r] {
		s.regs[r] = rank
	}
}

// addException counts a value that the sidecar alone has.
func (s *Sketch) addException(e *exception) { s.add(xxh3.Hash(e.value)) }

// AddHash counts a value by a hash of it, equal for equal values.
func (s *Sketch) AddHash(hash uint64) { s.add(mix(hash)) }

// sketchPair is the size of a register that is listed with its number.
const sketchPair = 3

// encode returns the registers, or those that are not zero with their numbers if that is shorter.
func (s *Sketch) encode() []byte {
	var pairs []byte
	for i, r := range s.regs {
		if r > 0 {
			pairs = append(le.AppendUint16(pairs, uint16(i)), r)
		}
	}
	if len(pairs) < len(s.regs) {
		return pairs
	}
	return s.regs
}

// decodeSketch is the inverse of encode.
func decodeSketch(b []byte) (s Sketch, ok bool) {
	if len(b) == 0 {
		return s, true
	}
	s.regs = make([]uint8, 1<<sketchBits)
	if len(b) >= len(s.regs) {
		copy(s.regs, b)
		return s, len(b) == len(s.regs) && slices.Max(b) <= sketchRankMax
	}
	last := -1
	for ; len(b) >= sketchPair; b = b[sketchPair:] {
		i, r := int(le.Uint16(b)), b[2]
		if i <= last || i >= len(s.regs) || r == 0 || r > sketchRankMax {
			return s, false
		}
		s.regs[i], last = r, i
	}
	return s, len(b) == 0
}

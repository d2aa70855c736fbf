package exec

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// percentiles is percentile_cont and percentile_disc of integers and floats. It keeps the values of each group as integers
// that order as they do, in no order, and selects those that are asked for at the end. Zeros of either sign have an order,
// too, so that the result does not depend on that of the rows.
//
// The values of a group lie in chunks of words: a word with the place of the chunk before and the room for values, then the
// values. Each chunk has about twice the room of the one before it, up to valueChunkMax, and only the newest is not full.
type percentiles struct {
	tracker *mem.Tracker
	op      expr.AggOp
	kind    types.Kind
	lists   column[valueList]
	words   column[int64]
	used    int // words; word 0 is none
}

// valueList is the values of a group.
type valueList struct {
	fraction float64 // that is asked for
	total    uint64
	// head is the newest chunk, 0 if there is none, with n values and room for more.
	head, n, room uint32
}

// A chunk with its first word has a power of two words.
const (
	valueChunkMin = 3
	valueChunkMax = 63
)

func percentilesOf(op expr.AggOp, kind types.Kind) func(*groupTable) slowState {
	return func(t *groupTable) slowState { return &percentiles{tracker: t.tracker, op: op, kind: kind, used: 1} }
}

func (s *percentiles) grow(groups int) error { return s.lists.grow(s.tracker, groups) }

func (s *percentiles) free() {
	s.lists.free()
	s.words.free()
}

func (s *percentiles) update(codes []uint32, v, second *vec.Vector, live []uint16, n int) error {
	float, wide := v.Type.Class() == types.ClassFloat, v.Form == vec.Flat && v.Width == 8
	return each(live, n, func(i int) error {
		if second.IsNull(i) {
			return nil // so is the result
		}
		x := int64(0)
		switch {
		case wide:
			x = vec.Values[int64](v)[i]
		case float:
			x = int64(floatBits(v, i))
		default:
			x = v.Int(i)
		}
		if float {
			x = kernel.FloatOrder(x)
		}
		l := &s.lists.v[codes[i]]
		l.fraction = floatOfBits(floatBits(second, i))
		return s.add(l, x)
	})
}

var errManyValues = sqlerr.New(sqlerr.ProgramLimitExceeded, "too many values of ordered-set aggregates")

// add keeps a value of a group.
func (s *percentiles) add(l *valueList, x int64) error {
	if l.n == l.room {
		room := min(2*l.room+1, valueChunkMax)
		if l.head == 0 {
			room = valueChunkMin
		}
		end := s.used + 1 + int(room)
		if uint64(end) > math.MaxUint32 {
			return errManyValues
		}
		if err := s.words.grow(s.tracker, end); err != nil {
			return err
		}
		s.words.v[s.used] = int64(l.head)<<32 | int64(room)
		l.head, l.n, l.room = uint32(s.used), 0, room
		s.used = end
	}
	l.n++
	s.words.v[l.head+l.n] = x
	l.total++
	return nil
}

// chunks calls f with the values of a group, chunk by chunk.
func (s *percentiles) chunks(l *valueList, f func([]int64) error) error {
	n := l.n
	for at := l.head; at != 0; {
		if err := f(s.words.v[at+1 : at+1+n]); err != nil {
			return err
		}
		at = uint32(uint64(s.words.v[at]) >> 32)
		if at == 0 || invariants.Mutant("percentile-loses-a-chunk") {
			break
		}
		n = uint32(s.words.v[at])
	}
	return nil
}

func (s *percentiles) merge(codes []uint32, from slowState, ids []uint32) error {
	f := from.(*percentiles)
	for i, id := range ids {
		src, dst := &f.lists.v[id], &s.lists.v[codes[i]]
		if src.total == 0 {
			continue
		}
		dst.fraction = src.fraction
		err := f.chunks(src, func(values []int64) error {
			for _, x := range values {
				if err := s.add(dst, x); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// valuesInline is the number of values that are selected from without memory of their own.
const valuesInline = 1 << 10

func (s *percentiles) result(id uint32) (types.Datum, error) {
	l := &s.lists.v[id]
	if l.total == 0 || !(l.fraction >= 0 && l.fraction <= 1) { // who asks for such a fraction is told elsewhere
		return types.NullOf(s.kind), nil
	}
	var inline [valuesInline]int64
	values := inline[:]
	if l.total > valuesInline {
		slab, err := mem.Alloc(s.tracker, int(l.total)*8)
		if err != nil {
			return types.Datum{}, err
		}
		defer slab.Free()
		values = mem.Of[int64](&slab, int(l.total))
	}
	n := 0
	_ = s.chunks(l, func(chunk []int64) error {
		n += copy(values[n:], chunk)
		return nil
	})
	return s.pick(values[:n], l.fraction), nil
}

// pick returns the percentile of values.
func (s *percentiles) pick(values []int64, fraction float64) types.Datum {
	n, at, part := len(values), 0, 0.0
	switch s.op {
	case expr.AggPercentileCont, expr.AggPercentileContDesc:
		row := fraction * float64(n-1)
		at = int(row)
		part = row - float64(at)
	default:
		at = max(int(math.Ceil(fraction*float64(n))), 1) - 1
	}
	next := at + 1
	if s.op == expr.AggPercentileContDesc || s.op == expr.AggPercentileDiscDesc {
		at = n - 1 - at
		next = at - 1
	}
	selectNth(values, at)
	if part == 0 {
		return s.datum(values[at])
	}
	// What comes before, or after, is on its side of the place.
	other := int64(0)
	if next > at {
		other = slices.Min(values[next:])
	} else {
		other = slices.Max(values[:at])
	}
	low, high := s.datum(values[at]).Float(), s.datum(other).Float()
	return types.NewFloat(types.Float8, low+part*(high-low))
}

func (s *percentiles) datum(x int64) types.Datum {
	if s.kind.Class() == types.ClassFloat {
		x = kernel.FloatOfOrder(x)
	}
	return types.Datum{K: s.kind, Valid: true, I: x}
}

// sortedSmall is the number of values that are sorted instead of being parted further.
const sortedSmall = 16

// selectNth moves the value that would be at place k if v were sorted there, smaller ones before it and larger ones
// behind. It parts v around medians of three and what they leave; where they choose badly it sorts.
func selectNth(v []int64, k int) {
	for depth := 2 * bits.Len(uint(len(v))); len(v) > sortedSmall && depth > 0; depth-- {
		n := len(v)
		pivot := median(v[n/4], v[n/2], v[n/4*3])
		// v[:i] is smaller or equal, v[j+1:] larger or equal, and what is between equals the pivot.
		i, j := 0, n-1
		for i <= j {
			for v[i] < pivot {
				i++
			}
			for v[j] > pivot {
				j--
			}
			if i <= j {
				v[i], v[j] = v[j], v[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			v = v[:j+1]
		case k >= i:
			v, k = v[i:], k-i
		default:
			return
		}
	}
	slices.Sort(v)
}

func median[T cmp.Ordered](a, b, c T) T { return max(min(a, b), min(max(a, b), c)) }

func (s *percentiles) bytesOf() int64 { return int64(s.lists.slab.Bytes() + s.words.slab.Bytes()) }

func (s *percentiles) growth(groups int) int64 {
	return s.lists.growth(groups) + s.words.growth(s.used+batchRows*(valueChunkMax+1)/4)
}

func (s *percentiles) save(dst []byte, ids []uint32) []byte {
	for _, id := range ids {
		l := &s.lists.v[id]
		dst = binary.LittleEndian.AppendUint64(dst, l.total)
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(l.fraction))
		_ = s.chunks(l, func(values []int64) error {
			for _, x := range values {
				dst = binary.LittleEndian.AppendUint64(dst, uint64(x))
			}
			return nil
		})
	}
	return dst
}

func (s *percentiles) load(src []byte, n int) ([]byte, error) {
	if err := s.grow(n); err != nil {
		return nil, err
	}
	for id := range n {
		l := &s.lists.v[id]
		total := binary.LittleEndian.Uint64(src)
		l.fraction = floatOfBits(binary.LittleEndian.Uint64(src[8:]))
		src = src[16:]
		for range total {
			if err := s.add(l, int64(binary.LittleEndian.Uint64(src))); err != nil {
				return nil, err
			}
			src = src[8:]
		}
	}
	return src, nil
}

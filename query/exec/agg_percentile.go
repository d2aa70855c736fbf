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
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// percentiles is percentile_cont and percentile_disc of integers and floats. It keeps the values of each group as integers
// that order as they do, in no order, and selects those that are asked for at the end. Zeros of either sign have an order,
// too, so that the result does not depend on that of the rows.
//
// Values are in one of two places. As they come they go to the log, each with its group, so that nothing is sought for and
// nothing moves. To read them by group they are gathered: the log is emptied into one array in which the values of each
// group are neighbours. What comes afterwards returns them to the log first.
type percentiles struct {
	tracker *mem.Tracker
	op      expr.AggOp
	kind    types.Kind
	rows    floatRows
	groups  column[valueGroup]
	log     valueLog
	slab    mem.Slab // of gathered
	// gathered are the values by group, if the log is empty.
	gathered []int64
	// picked are the results of groups that have one, if complete.
	picked   column[int64]
	complete bool
}

// valueGroup is what is known of the values of a group.
type valueGroup struct {
	fraction float64 // that is asked for
	n        int     // values
	end      int     // of them among the gathered ones
}

func percentilesOf(op expr.AggOp, kind types.Kind) func(*groupTable) slowState {
	return func(t *groupTable) slowState { return &percentiles{tracker: t.tracker, op: op, kind: kind} }
}

func (s *percentiles) grow(groups int) error { return s.groups.grow(s.tracker, groups) }

func (s *percentiles) free() {
	s.rows.free()
	s.groups.free()
	s.log.free()
	s.picked.free()
	s.slab.Free()
	s.gathered, s.complete = nil, false
}

func (s *percentiles) update(codes []uint32, v, second *vec.Vector, live []uint16, n int) error {
	if second.Form == vec.Const && second.IsNull(0) {
		return nil // so is the result
	}
	if err := s.scatter(); err != nil {
		return err
	}
	if err := s.rows.take(s.tracker, codes, v, second, live, n); err != nil {
		return err
	}
	codes, fractions := s.rows.codes, s.rows.second[:len(s.rows.codes)]
	for i, c := range codes {
		g := &s.groups.v[c]
		g.n++
		g.fraction = floatOfBits(uint64(fractions[i]))
	}
	float, values := v.Type.Class() == types.ClassFloat, s.rows.first
	for len(codes) > 0 {
		to, of, err := s.log.room(s.tracker, len(codes))
		if err != nil {
			return err
		}
		k := copy(of, codes)
		if codes = codes[k:]; float {
			for i, x := range values[:k] {
				to[i] = kernel.FloatOrder(x)
			}
		} else {
			copy(to, values[:k])
		}
		values = values[k:]
	}
	return nil
}

// gather moves the values of the log to where those of a group are neighbours, in memory that alloc gives.
func (s *percentiles) gather(alloc func(*mem.Tracker, int) (mem.Slab, error)) error {
	if s.log.n == 0 {
		return nil
	}
	slab, err := alloc(s.tracker, s.log.n*8)
	if err != nil {
		return err
	}
	s.slab = slab
	s.gathered = mem.Of[int64](&s.slab, s.log.n)
	at := 0
	for i := range s.groups.v {
		g := &s.groups.v[i]
		g.end = at
		at += g.n
	}
	invariants.Assert(at == s.log.n, "values without a group")
	for i := range s.log.blocks {
		b := &s.log.blocks[i]
		for j, x := range b.values[:b.n] {
			g := &s.groups.v[b.groups[j]]
			s.gathered[g.end] = x
			g.end++
		}
	}
	s.log.free()
	return nil
}

// scatter returns gathered values to the log.
func (s *percentiles) scatter() error {
	invariants.Assert(!s.complete, "a value comes after the results")
	if s.gathered == nil {
		return nil
	}
	for i := range s.groups.v {
		if err := s.log.add(s.tracker, uint32(i), s.valuesOf(&s.groups.v[i])); err != nil {
			return err
		}
	}
	s.slab.Free()
	s.gathered = nil
	return nil
}

// valuesOf returns the gathered values of a group.
func (s *percentiles) valuesOf(g *valueGroup) []int64 { return s.gathered[g.end-g.n : g.end] }

func (s *percentiles) merge(codes []uint32, from slowState, ids []uint32) error {
	f := from.(*percentiles)
	if err := f.gather(mem.AllocUnset); err != nil {
		return err
	}
	if err := s.scatter(); err != nil {
		return err
	}
	for i, id := range ids {
		src, dst := &f.groups.v[id], &s.groups.v[codes[i]]
		if src.n == 0 {
			continue
		}
		dst.fraction = src.fraction
		dst.n += src.n
		if err := s.log.add(s.tracker, codes[i], f.valuesOf(src)); err != nil {
			return err
		}
	}
	return nil
}

// finish gathers the values and makes all results, several workers at once. No value comes afterwards.
func (s *percentiles) finish(p *Pool, workers int) error {
	if err := s.gather(mem.AllocUnset); err != nil {
		return err
	}
	n := len(s.groups.v)
	if err := s.picked.grow(s.tracker, n); err != nil {
		return err
	}
	s.complete = true
	return p.parallel(workers, (n+finishGroups-1)/finishGroups, func(part int) error {
		for id := part * finishGroups; id < min((part+1)*finishGroups, n); id++ {
			if g := &s.groups.v[id]; s.defined(g) {
				s.picked.v[id] = s.pick(s.valuesOf(g), g.fraction).I
			}
		}
		return nil
	})
}

// finishGroups is the number of groups whose results a worker makes at a time.
const finishGroups = 256

// defined reports whether a group has a result; who asks for a fraction that none has is told elsewhere.
func (s *percentiles) defined(g *valueGroup) bool {
	return g.n > 0 && g.fraction >= 0 && g.fraction <= 1
}

func (s *percentiles) result(id uint32) (types.Datum, error) {
	g := &s.groups.v[id]
	if !s.defined(g) {
		return types.NullOf(s.kind), nil
	}
	if s.complete {
		return types.Datum{K: s.kind, Valid: true, I: s.picked.v[id]}, nil
	}
	if err := s.gather(mem.AllocUnset); err != nil {
		return types.Datum{}, err
	}
	return s.pick(s.valuesOf(g), g.fraction), nil
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
// behind. It parts v around medians of three and what they leave; where they choose badly it sorts. Parting exchanges
// every value, whether it must be or not: whether it must is not to be foreseen.
func selectNth(v []int64, k int) {
	for depth := 2 * bits.Len(uint(len(v))); len(v) > sortedSmall && depth > 0; depth-- {
		n := len(v)
		pivot := median(v[n/4], v[n/2], v[n/4*3])
		less := 0
		for i, x := range v {
			v[i] = v[less]
			v[less] = x
			less += b2i(x < pivot)
		}
		if k < less {
			v = v[:less]
			continue
		}
		v, k = v[less:], k-less
		if less > n/8 {
			continue
		}
		// The pivot is among the least values, of which it may be many.
		same := 0
		for i, x := range v {
			v[i] = v[same]
			v[same] = x
			same += b2i(x == pivot)
		}
		if k < same {
			return
		}
		v, k = v[same:], k-same
	}
	slices.Sort(v)
}

func median[T cmp.Ordered](a, b, c T) T { return max(min(a, b), min(max(a, b), c)) }

func (s *percentiles) bytesOf() int64 {
	return int64(s.groups.slab.Bytes()+s.slab.Bytes()+s.picked.slab.Bytes()) + s.log.bytes
}

// growth includes what it takes to gather the values.
func (s *percentiles) growth(groups int) int64 {
	return s.groups.growth(groups) + s.log.growth() + mem.SlabSize((s.log.n+len(s.gathered)+batchRows)*8)
}

// save gathers the values whatever memory there is: the state leaves it.
func (s *percentiles) save(dst []byte, ids []uint32) []byte {
	_ = s.gather(func(t *mem.Tracker, n int) (mem.Slab, error) { return mem.MustAlloc(t, n), nil })
	for _, id := range ids {
		g := &s.groups.v[id]
		dst = binary.LittleEndian.AppendUint64(dst, uint64(g.n))
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(g.fraction))
		for _, x := range s.valuesOf(g) {
			dst = binary.LittleEndian.AppendUint64(dst, uint64(x))
		}
	}
	return dst
}

func (s *percentiles) load(src []byte, n int) ([]byte, error) {
	if err := s.grow(n); err != nil {
		return nil, err
	}
	for id := range n {
		g := &s.groups.v[id]
		g.n = int(binary.LittleEndian.Uint64(src))
		g.fraction = floatOfBits(binary.LittleEndian.Uint64(src[8:]))
		src = src[16:]
		for left := g.n; left > 0; {
			to, of, err := s.log.room(s.tracker, left)
			if err != nil {
				return nil, err
			}
			for i := range to {
				to[i], of[i] = int64(binary.LittleEndian.Uint64(src[8*i:])), uint32(id)
			}
			left -= len(to)
			src = src[8*len(to):]
		}
	}
	return src, nil
}

package exec

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestPercentiles gives values to the groups of several states, some of which are written and read again, merges them, and
// compares with sorted values.
func TestPercentiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	tracker := mem.NewTracker("test", 1<<30)
	ops := []expr.AggOp{expr.AggPercentileCont, expr.AggPercentileContDesc, expr.AggPercentileDisc, expr.AggPercentileDiscDesc}
	for round := range 40 {
		op := ops[round%len(ops)]
		fraction := []float64{0, 0.1, 0.5, 0.77, 1}[round%5]
		create := percentilesOf(op, types.Float8)
		table := &groupTable{tracker: tracker}
		const groups = 5
		want := make([][]float64, groups)
		total := create(table).(*percentiles)
		defer total.free()
		if err := total.grow(groups); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			part := create(table).(*percentiles)
			if err := part.grow(groups); err != nil {
				t.Fatal(err)
			}
			for range 1 + rng.IntN(4) {
				givePercentiles(t, rng, part, want, fraction)
			}
			ids := []uint32{4, 0, 2, 1, 3}
			if rng.IntN(2) == 0 {
				src := part.save(nil, ids)
				part.free()
				part = create(table).(*percentiles)
				rest, err := part.load(append(src, 1, 2, 3), groups)
				if err != nil || len(rest) != 3 {
					t.Fatal(len(rest), err)
				}
				if err := total.merge(ids, part, []uint32{0, 1, 2, 3, 4}); err != nil {
					t.Fatal(err)
				}
			} else if err := total.merge(ids, part, ids); err != nil {
				t.Fatal(err)
			}
			part.free()
		}
		for id, values := range want {
			got, err := total.result(uint32(id))
			if err != nil {
				t.Fatal(err)
			}
			if x, ok := percentileOf(values, op, fraction); got.Valid != ok || ok && !types.Identical(got, types.NewFloat(types.Float8, x)) {
				t.Fatalf("op %d, %g of %d values: %v, want %v, %v", op, fraction, len(values), got, x, ok)
			}
		}
	}
}

// givePercentiles adds a batch of values to groups, of which one stays empty.
func givePercentiles(t *testing.T, rng *rand.Rand, s *percentiles, want [][]float64, fraction float64) {
	t.Helper()
	n := []int{1, 60, 2000}[rng.IntN(3)]
	values, codes := make([]float64, n), make([]uint32, n)
	for i := range n {
		codes[i] = uint32(rng.IntN(len(want) - 1))
		values[i] = rng.NormFloat64()
		if special := []float64{0, 1, 2, math.Copysign(0, -1), math.NaN(), math.Inf(-1)}; rng.IntN(3) == 0 {
			values[i] = special[rng.IntN(len(special))]
		}
		want[codes[i]] = append(want[codes[i]], values[i])
	}
	v := vec.Vector{Type: types.T(types.Float8), Width: 8, N: n, Data: vec.DataOf(values), NullBit: -1}
	f := vec.Vector{Type: types.T(types.Float8), Form: vec.Const, Width: 8, N: 1, Data: vec.DataOf([]float64{fraction}), NullBit: -1}
	if err := s.update(codes, &v, &f, nil, n); err != nil {
		t.Fatal(err)
	}
}

// percentileOf sorts.
func percentileOf(values []float64, op expr.AggOp, fraction float64) (float64, bool) {
	n := len(values)
	if n == 0 {
		return 0, false
	}
	v := slices.Clone(values)
	slices.SortFunc(v, func(a, b float64) int {
		switch {
		case a != a || b != b:
			return b2i(a != a) - b2i(b != b)
		case a != b:
			return b2i(a > b) - b2i(a < b)
		}
		return b2i(math.Signbit(b)) - b2i(math.Signbit(a))
	})
	if op == expr.AggPercentileContDesc || op == expr.AggPercentileDiscDesc {
		slices.Reverse(v)
	}
	if op == expr.AggPercentileDisc || op == expr.AggPercentileDiscDesc {
		return v[max(int(math.Ceil(fraction*float64(n))), 1)-1], true
	}
	at := fraction * float64(n-1)
	low, high := v[int(math.Floor(at))], v[int(math.Ceil(at))]
	if at == math.Floor(at) {
		return low, true
	}
	return low + (at-math.Floor(at))*(high-low), true
}

// TestSelectNth selects from values that choose bad pivots, too.
func TestSelectNth(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for round := range 300 {
		v := make([]int64, 1+rng.IntN(400))
		for i := range v {
			switch round % 4 {
			case 0:
				v[i] = rng.Int64() - rng.Int64()
			case 1:
				v[i] = int64(rng.IntN(3))
			case 2:
				v[i] = int64(i * (1 - round%8/4*2))
			default:
				v[i] = int64(min(i, len(v)-i))
			}
		}
		sorted := slices.Sorted(slices.Values(v))
		k := rng.IntN(len(v))
		selectNth(v, k)
		if v[k] != sorted[k] || k > 0 && slices.Max(v[:k]) > v[k] || slices.Min(v[k:]) < v[k] {
			t.Fatalf("round %d: place %d of %d is %d, want %d", round, k, len(v), v[k], sorted[k])
		}
		if slices.Sort(v); !slices.Equal(v, sorted) {
			t.Fatal("values are lost")
		}
	}
}

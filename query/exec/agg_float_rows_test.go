package exec

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// referencePairs are the sums of pairs as PostgreSQL keeps them, every step checked.
type referencePairs struct{ n, sx, sxx, sy, syy, sxy float64 }

func (m *referencePairs) add(y, x float64) error {
	b := *m
	m.n, m.sx, m.sy = b.n+1, b.sx+x, b.sy+y
	if b.n == 0 {
		if math.IsInf(x, 0) || math.IsNaN(x) {
			m.sxx, m.sxy = math.NaN(), math.NaN()
		}
		if math.IsInf(y, 0) || math.IsNaN(y) {
			m.syy, m.sxy = math.NaN(), math.NaN()
		}
		return nil
	}
	tx, ty, scale := x*m.n-m.sx, y*m.n-m.sy, 1/(m.n*b.n)
	m.sxx += tx * tx * scale
	m.syy += ty * ty * scale
	m.sxy += tx * ty * scale
	if math.IsInf(m.sx, 0) || math.IsInf(m.sxx, 0) || math.IsInf(m.sy, 0) || math.IsInf(m.syy, 0) || math.IsInf(m.sxy, 0) {
		infX, infY := math.IsInf(b.sx, 0) || math.IsInf(x, 0), math.IsInf(b.sy, 0) || math.IsInf(y, 0)
		if (math.IsInf(m.sx, 0) || math.IsInf(m.sxx, 0)) && !infX || (math.IsInf(m.sy, 0) || math.IsInf(m.syy, 0)) && !infY || math.IsInf(m.sxy, 0) && !infX && !infY {
			return errFloatSum
		}
		for _, p := range []*float64{&m.sxx, &m.syy, &m.sxy} {
			if math.IsInf(*p, 0) {
				*p = math.NaN()
			}
		}
	}
	return nil
}

// TestFloatStates gives the states of floats vectors of every form, with NULLs and with rows left out, values that are not
// finite and such whose sums are not, and compares with sums made row by row.
func TestFloatStates(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	tracker := mem.NewTracker("test", 1<<30)
	table := &groupTable{tracker: tracker}
	const groups, rows = 4, 300
	overflows := 0
	for round := range 400 {
		y, x := randomFloats(rng, rows, round%4), randomFloats(rng, rows, round/4%4)
		codes := make([]uint32, rows)
		var live []uint16
		for i := range codes {
			codes[i] = uint32(rng.IntN(groups))
			if !y.IsNull(i) && rng.IntN(8) > 0 {
				live = append(live, uint16(i))
			}
		}
		if y.Valid == nil && round%3 == 0 {
			live = nil
		}
		wantErr := error(nil)
		want := make([]referencePairs, groups)
		_ = each(live, rows, func(i int) error {
			if !x.IsNull(i) && wantErr == nil {
				wantErr = want[codes[i]].add(floatOfBits(floatBits(&y, i)), floatOfBits(floatBits(&x, i)))
			}
			return nil
		})
		pairs := newPairMoments(table).(*pairMoments)
		if err := pairs.grow(groups); err != nil {
			t.Fatal(err)
		}
		if err := pairs.update(codes, &y, &x, live, rows); !errors.Is(err, wantErr) {
			t.Fatalf("round %d: %v, want %v", round, err, wantErr)
		}
		if wantErr != nil {
			overflows++
		} else {
			for c, w := range want {
				g := pairs.m.v[c]
				for j, p := range [][2]float64{{g.n, w.n}, {g.sx, w.sx}, {g.sxx, w.sxx}, {g.sy, w.sy}, {g.syy, w.syy}, {g.sxy, w.sxy}} {
					if p[0] != p[1] && (p[0] == p[0] || p[1] == p[1]) {
						t.Fatalf("round %d, group %d, sum %d: %g, want %g", round, c, j, p[0], p[1])
					}
				}
			}
		}
		pairs.free()
		testMoments(t, table, codes, &y, live, rows)
	}
	if overflows == 0 || overflows == 400 {
		t.Fatalf("%d overflows", overflows)
	}
	if tracker.Used() != 0 {
		t.Fatalf("%d bytes are left", tracker.Used())
	}
}

// testMoments compares the moments of the live values with those of values given one by one.
func testMoments(t *testing.T, table *groupTable, codes []uint32, v *vec.Vector, live []uint16, n int) {
	t.Helper()
	s := newFloatMoments(table).(*floatMoments)
	defer s.free()
	if err := s.grow(8); err != nil {
		t.Fatal(err)
	}
	var want [8]moments
	wantErr := each(live, n, func(i int) error {
		m, x := &want[codes[i]], floatOfBits(floatBits(v, i))
		before := *m
		m.n++
		m.sum += x
		if before.n > 0 {
			d := x*m.n - m.sum
			m.dev += d * d / (m.n * before.n)
			return m.check(math.IsInf(before.sum, 0) || math.IsInf(x, 0))
		}
		m.dev = 0 * x
		return nil
	})
	if err := s.update(codes, v, nil, live, n); !errors.Is(err, wantErr) {
		t.Fatalf("%v, want %v", err, wantErr)
	}
	for c, w := range want {
		g := s.m.v[c]
		if wantErr == nil && (g.n != w.n || g.sum != w.sum && g.sum == g.sum || g.dev != w.dev && (g.dev == g.dev || w.dev == w.dev)) {
			t.Fatalf("group %d: %v, want %v", c, g, w)
		}
	}
}

// randomFloats returns a vector of a form: flat, flat with NULLs, a constant, or with a dictionary.
func randomFloats(rng *rand.Rand, n, form int) vec.Vector {
	special := []float64{math.Inf(1), math.Inf(-1), math.NaN(), 1e308, -1e308, 1e200, 0}
	odd := rng.IntN(3) == 0
	values := make([]float64, n)
	for i := range values {
		if values[i] = rng.NormFloat64(); odd && rng.IntN(60) == 0 {
			values[i] = special[rng.IntN(len(special))]
		}
	}
	v := vec.Vector{Type: types.T(types.Float8), Width: 8, N: n, Data: vec.DataOf(values), NullBit: -1}
	switch form {
	case 1:
		v.Valid = make([]uint64, (n+63)/64)
		for i := range v.Valid {
			v.Valid[i] = rng.Uint64() | rng.Uint64()
		}
	case 2:
		v.Form, v.N = vec.Const, 1
	case 3:
		codes := make([]uint8, n)
		for i := range codes {
			codes[i] = uint8(rng.IntN(100))
		}
		v.N = 100
		return vec.Vector{
			Type: v.Type, Form: vec.Dict, Width: 1, N: n, Data: vec.DataOf(codes), NullBit: -1, Dictionary: &vec.Dictionary{Values: v},
		}
	}
	return v
}

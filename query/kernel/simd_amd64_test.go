package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// scalar runs f without assembly.
func scalar(f func()) {
	defer func(s bool) { simd = s }(simd)
	simd = false
	f()
}

// TestAssembly compares the assembly kernels with the loops in Go over random input of all lengths and alignments.
func TestAssembly(t *testing.T) {
	if !simd {
		t.Log("this machine has no AVX2: only the loops in Go are run")
	}
	rng := rand.New(rand.NewPCG(41, 1))
	checked := 0
	for round := range 400 {
		n := rng.IntN(150)
		if round%10 == 0 {
			n = rng.IntN(40000)
		}
		checked += assembly[uint8](t, rng, n) + assembly[uint16](t, rng, n) + assembly[uint32](t, rng, n) + assembly[uint64](t, rng, n)
		checked += assemblySums(t, rng, n) + assemblySearch(t, rng, n)
	}
	if checked < 1_000_000 {
		t.Fatalf("only %d values were checked", checked)
	}
}

// random returns n values, at any alignment, of few or all of the type's.
func random[T Width](rng *rand.Rand, n int) []T {
	v := make([]T, n+rng.IntN(9))
	few := rng.IntN(2) == 0
	for i := range v {
		if v[i] = T(rng.Uint64()); few {
			v[i] = ^T(0) - 5 + T(rng.IntN(12))
		}
	}
	return v[len(v)-n:]
}

func assembly[T Width](t *testing.T, rng *rand.Rand, n int) int {
	v := random[T](rng, n)
	for _, span := range []T{0, T(rng.Uint64()), 7, ^T(0)} {
		lo := T(rng.Uint64())
		if rng.IntN(2) == 0 {
			lo = ^T(0) - 3
		}
		got, want := make([]uint16, n+2), make([]uint16, n+2)
		got[n+1] = 4711
		k := SelectRange(v, lo, span, got[:n+1])
		scalar(func() { want = want[:SelectRange(v, lo, span, want[:n+1])] })
		if !slices.Equal(got[:k], want) || got[n+1] != 4711 {
			t.Fatalf("%T: %d of %d entries between %d and %d more are selected, not %d", v, k, n, lo, span, len(want))
		}
	}
	base := int64(rng.Uint64())
	got, want := make([]int64, n+1), make([]int64, n+1)
	Widen(got[:n], v, base)
	scalar(func() { Widen(want[:n], v, base) })
	if !slices.Equal(got, want) {
		t.Fatalf("%T: %d entries are not widened as they should be", v, n)
	}
	return 5 * n
}

func assemblySums(t *testing.T, rng *rand.Rand, n int) int {
	a, k := make([]int64, n), int64(rng.Uint64())
	for i := range a {
		a[i] = int64(rng.Uint64())
	}
	for name, f := range map[string]func(dst, a []int64, k int64){"add": AddConst[int64], "subtract": ConstSub[int64]} {
		got, want := make([]int64, n+1), make([]int64, n+1)
		f(got[:n], a, k)
		scalar(func() { f(want[:n], a, k) })
		if !slices.Equal(got, want) {
			t.Fatalf("%s: %d entries differ", name, n)
		}
	}
	return 2 * n
}

func assemblySearch(t *testing.T, rng *rand.Rand, n int) int {
	s := make([]byte, n)
	for i := range s {
		s[i] = "abcd"[rng.IntN(4)]
	}
	part := []byte("abcdabcdab")[rng.IntN(4):][:1+rng.IntN(6)]
	looked := 0
	for at := 0; at <= n && looked < 3; looked++ {
		got, want := search(s, at, part), 0
		scalar(func() { want = search(s, at, part) })
		if got != want {
			t.Fatalf("%q is found in %d bytes at %d, not %d", part, n, got, want)
		}
		at = got + 1
	}
	return looked
}

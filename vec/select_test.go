package vec

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAppendSel: the numbers of the bits, behind what was there.
func TestAppendSel(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	total := 0
	for round := range 400 {
		n := rng.IntN(selRowsMax>>rng.IntN(12) + 1)
		words := make([]uint64, BitmapWords(n)+1)
		dense := rng.IntN(5)
		for i := range words {
			switch dense {
			case 0:
				words[i] = rng.Uint64() & rng.Uint64() & rng.Uint64()
			case 1:
				words[i] = rng.Uint64()
			case 2:
				words[i] = ^uint64(0)
			case 3:
				words[i] = ^(uint64(1) << rng.IntN(64))
			default:
				words[i] = ^uint64(0) << rng.IntN(65) >> rng.IntN(65)
			}
		}
		want := make([]uint16, round%3)
		sel := slices.Clip(slices.Clone(want))
		for i := range n {
			if words[i>>6]>>(i&63)&1 != 0 {
				want = append(want, uint16(i))
			}
		}
		if sel = AppendSel(sel, words, n); !slices.Equal(sel, want) {
			t.Fatalf("round %d: %d entries of %d bits, want %d", round, len(sel), n, len(want))
		}
		total += len(sel)
	}
	if total < 100_000 {
		t.Fatalf("only %d entries", total)
	}
}

func BenchmarkAppendSel(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 3))
	words := make([]uint64, Size/64)
	for i := range words {
		words[i] = ^uint64(0)
	}
	for range Size / 100 {
		p := rng.IntN(Size)
		words[p>>6] &^= 1 << (p & 63)
	}
	var sel []uint16
	for b.Loop() {
		sel = AppendSel(sel[:0], words, Size)
	}
}

package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestHoles: what is around holes, and what the entries at them add up to, is what row after row says.
func TestHoles(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 3))
	total := 0
	for round := range 300 {
		rows := rng.IntN(2049)
		if round < 10 {
			rows = round
		}
		share := []float64{0, 0.01, 0.3, 1}[round%4]
		v := make([]int64, rows)
		var holes, live []uint16
		var sum, out int64
		for i := range v {
			v[i] = int64(rng.Uint64())
			if rng.Float64() < share {
				holes, out = append(holes, uint16(i)), out+v[i]
				continue
			}
			live, sum = append(live, uint16(i)), sum+v[i]
		}
		got := make([]uint16, rows+1)
		SelectAround(holes, len(live), got)
		if !slices.Equal(got[:len(live)], live) {
			t.Fatalf("round %d: %v around %v", round, got[:len(live)], holes)
		}
		bits := make([]uint64, 32)
		for _, keep := range []float64{1, 0.97, 0.6, 0.02} {
			var sel, want []uint16
			at := 0
			for i := range uint16(rows) {
				for at < len(holes) && holes[at] < i {
					at++
				}
				if rng.Float64() >= keep {
					continue
				}
				sel = append(sel, i)
				if at == len(holes) || holes[at] != i {
					want = append(want, i)
				}
			}
			if k := DropHoles(sel, holes, bits); !slices.Equal(sel[:k], want) {
				t.Fatalf("round %d: %v without %v, want %v", round, sel[:k], holes, want)
			}
		}
		if x := SumSel(v, holes); x != out || SumInts(v)-x != sum {
			t.Fatalf("round %d: %d at %v, want %d", round, x, holes, out)
		}
		narrow, sum32 := make([]uint32, rows), int64(0)
		for i := range narrow {
			narrow[i] = uint32(v[i])
		}
		for _, i := range live {
			sum32 += int64(narrow[i])
		}
		if x := SumWidth(narrow) - SumSel(narrow, holes); x != sum32 {
			t.Fatalf("round %d: %d of four bytes, want %d", round, x, sum32)
		}
		total += len(holes)
	}
	if total < 10_000 {
		t.Fatalf("only %d holes", total)
	}
}

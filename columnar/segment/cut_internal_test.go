package segment

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestCut: a vector's strings are the same after it was cut into parts, whether its block is cut in place or its strings
// are gathered.
func TestCut(t *testing.T) {
	rng := rand.New(rand.NewPCG(68, 68))
	inPlace, gathered := 0, 0
	for round := range 300 {
		n := 1 + rng.IntN(vec.Size)
		views, valid := make([]vec.StrView, n), make([]uint64, vec.BitmapWords(vec.Size))
		setRange(valid, 0, n)
		block, gap := make([]byte, rng.IntN(20)), 0
		if round%3 == 0 {
			gap = rng.IntN(200)
		}
		var all []string
		for i := range views {
			s := make([]byte, rng.IntN(60))
			for k := range s {
				s[k] = byte(rng.Uint32())
			}
			if all = append(all, string(s)); rng.IntN(9) == 0 {
				valid[i>>6] &^= 1 << (i & 63)
				continue
			}
			views[i] = vec.LongView(s, 0, uint32(len(block)))
			if len(s) <= vec.InlineMax {
				views[i] = vec.InlineView(s)
			}
			block = append(append(block, s...), make([]byte, gap)...)
		}
		v := vec.Vector{Type: types.T(types.Text), Form: vec.Str, Width: 16, N: n, NullBit: -1, Valid: valid,
			Data: unsafe.Pointer(&views[0]), Blocks: [][]byte{block}}
		var p vectorParts
		if !p.cut(&v) {
			t.Fatal("not cut")
		}
		if len(p.text) > 0 {
			gathered++
		} else {
			inPlace++
		}
		blocks := p.parts[2:]
		for i, want := range all {
			if !v.IsNull(i) && string(p.views[i].Bytes(blocks)) != want {
				t.Fatalf("string %d is %q, not %q", i, p.views[i].Bytes(blocks), want)
			}
		}
		for _, b := range blocks {
			if len(b) > blockPieceMax {
				t.Fatalf("a part of %d bytes", len(b))
			}
		}
	}
	if inPlace < 50 || gathered < 50 {
		t.Fatalf("%d blocks cut in place, %d gathered", inPlace, gathered)
	}
}

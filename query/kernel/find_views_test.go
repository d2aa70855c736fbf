package kernel

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/laminadb/lamina/vec"
)

// TestFindViews looks strings up among others, with hashes that collide.
func TestFindViews(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, mask := range []uint64{3, ^uint64(0)} {
		var texts []string
		for i := range 300 {
			texts = append(texts, fmt.Sprint(strings.Repeat("x", i%20), i))
		}
		views, blocks := viewsOf(texts)
		known := views[:200]
		hashes := make([]uint64, len(views))
		HashViews(hashes, views, blocks)
		for i := range hashes {
			hashes[i] &= mask
		}
		x := GroupIndex{Slots: make([]uint64, 512), Shift: 64 - 9}
		numbers := make([]int64, len(views))
		if n := FindViews(numbers, &GroupIndex{}, nil, nil, hashes, views, blocks); n != len(views) || numbers[7] != -1 {
			t.Fatalf("%d strings are not in an empty index", n)
		}
		for i := range known {
			InsertGroup(&x, hashes[i], uint32(i))
		}
		asked, askedHashes, want, missing := make([]vec.StrView, 1000), make([]uint64, 1000), make([]int64, 1000), 0
		for i := range asked {
			at := rng.IntN(len(views))
			asked[i], askedHashes[i], want[i] = views[at], hashes[at], int64(at)
			if at >= len(known) {
				want[i] = -1
				missing++
			}
		}
		numbers = make([]int64, len(asked))
		if n := FindViews(numbers, &x, known, blocks, askedHashes, asked, blocks); n != missing {
			t.Fatalf("%d strings are missing, not %d", missing, n)
		}
		for i := range want {
			if numbers[i] != want[i] {
				t.Fatalf("string %d has number %d, not %d", i, numbers[i], want[i])
			}
		}
	}
}

// TestRepackColumn moves codes from one packing to another.
func TestRepackColumn(t *testing.T) {
	src := []uint64{0<<5 | 9, 1<<5 | 3, 7<<5 | 1}
	dst := []uint64{99, 99, 99}
	RepackColumn(dst, src, 5, 7, 100, 8, false, false)
	RepackColumn(dst, src, 0, 31, ^uint64(0), 0, true, true)
	for i, want := range []uint64{100<<8 | 8, 101<<8 | 2, 107 << 8} {
		if dst[i] != want {
			t.Fatalf("word %d is %d, not %d", i, dst[i], want)
		}
	}
	RepackColumn(dst, src, 5, 7, 100, 8, true, false)
	if dst[0] != 0 || dst[1] != 101<<8 {
		t.Fatalf("words are %d", dst)
	}
}

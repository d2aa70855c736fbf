package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// joinTables makes a rank table and a hash table of n rows with words of a range, some of them twice.
func joinTables(rng *rand.Rand, n int, lo, span uint64) (*RankTable, *HashTable) {
	words, skip := make([]uint64, n+1), make([]uint64, n>>6+1)
	for id := 1; id <= n; id++ {
		words[id] = lo + rng.Uint64N(span+1)
		if rng.IntN(16) == 0 {
			skip[id>>6] |= 1 << (id & 63)
		}
	}
	words[1], words[n] = lo, lo+span
	skip[0], skip[n>>6] = skip[0]&^2, skip[n>>6]&^(1<<(n&63))
	r := &RankTable{Lo: lo, Bits: make([]uint64, span>>6+1), Before: make([]uint32, span>>6+1)}
	SetWordBits(r.Bits, 0, lo, words, 1, uint32(n+1), skip)
	r.Heads = make([]uint32, r.CountBits()+1)
	next := make([]uint32, n+1)
	half := lo + span/2
	for _, part := range [][2]uint64{{lo, half}, {half + 1, lo + span}} {
		InsertRank(r, words, next, 1, uint32(n+1), part[0], part[1], skip)
	}
	b := TableBits(n)
	h := &HashTable{Slots: make([]uint64, 1<<b), Shift: uint(64 - b), Wrap: 1<<b - 1, Words: words, Next: make([]uint32, n+1)}
	InsertHash(h, 1, uint32(n+1), 64, 0, 1, skip)
	for id, x := range h.Next {
		if next[id] != x {
			panic(fmt.Sprint("row ", id, " is followed by ", next[id], " and ", x))
		}
	}
	return r, h
}

// TestRankTable compares what both kinds of tables find.
func TestRankTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	found := 0
	for round := range 200 {
		n := 2 + rng.IntN(500)
		span := 64 + rng.Uint64N(uint64(n)*uint64(1+round))
		lo := rng.Uint64() // ranges wrap around as well
		r, h := joinTables(rng, n, lo, span)
		words := make([]uint64, 2000)
		for i := range words {
			words[i] = lo + rng.Uint64N(span+1000) - 500
		}
		words[0], words[1] = rng.Uint64(), lo
		a, b := make([]uint32, len(words)), make([]uint32, len(words))
		ProbeRank(r, words, a)
		ProbeHash(h, words, b)
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("word %d above %d: rows %d and %d", words[i]-lo, lo, a[i], b[i])
			}
			if a[i] != 0 {
				found++
			}
		}
	}
	if found < 10000 {
		t.Fatalf("only %d words were found", found)
	}
}

// BenchmarkJoinTables looks words up in both kinds of tables, in order and at random.
func BenchmarkJoinTables(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, ratio := range []int{16, 64, 250} {
		const n = 150000
		r, h := joinTables(rng, n, 1, uint64(n*ratio))
		for _, order := range []string{"in order", "at random"} {
			words := make([]uint64, 1<<18)
			for i := range words {
				id := i * n / len(words)
				if order == "at random" {
					id = rng.IntN(n)
				}
				words[i] = h.Words[id+1]
			}
			if order == "in order" {
				for i := range words {
					words[i] = uint64(i) * uint64(n*ratio) / uint64(len(words))
				}
			}
			ids := make([]uint32, 2048)
			for name, probe := range map[string]func(w []uint64){
				"rank": func(w []uint64) { ProbeRank(r, w, ids) }, "hash": func(w []uint64) { ProbeHash(h, w, ids) },
			} {
				b.Run(fmt.Sprintf("%d/%s/%s", ratio, order, name), func(b *testing.B) {
					for i := range b.N {
						probe(words[i*2048%len(words):][:2048])
					}
				})
			}
		}
	}
}

package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/laminadb/lamina/vec"
)

// viewsOf returns views of texts, and the block of those that are too long to be inside.
func viewsOf(texts []string) (views []vec.StrView, blocks [][]byte) {
	var block []byte
	for _, s := range texts {
		if len(s) <= vec.InlineMax {
			views = append(views, vec.InlineView([]byte(s)))
			continue
		}
		views = append(views, vec.LongView([]byte(s), 0, uint32(len(block))))
		block = append(block, s...)
	}
	return views, [][]byte{block}
}

// TestSelectViews compares strings with one to five constants, of all lengths up to the longest that is inside.
func TestSelectViews(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	words := []string{"", "a", "A", "ab", "abc", "abcd", "abce", "abcde", "abcdefgh", "abcdefghijkl", "abcdefghijkm", "abcdefghijklm", "\x00", "a\x00"}
	texts := make([]string, 300)
	for i := range texts {
		texts[i] = words[rng.IntN(len(words))]
	}
	views, _ := viewsOf(texts)
	var sel []uint16
	for i := range texts {
		if rng.IntN(3) > 0 {
			sel = append(sel, uint16(i))
		}
	}
	hits := 0
	for n := 1; n <= 5; n++ {
		for range 20 {
			var set []string
			var keys []ViewKey
			for range n {
				w := words[rng.IntN(11)] // those that are inside
				v := vec.InlineView([]byte(w))
				set, keys = append(set, w), append(keys, ViewKeyOf(&v))
			}
			for _, drop := range []bool{false, true} {
				var all, some []uint16
				for i, s := range texts {
					if slices.Contains(set, s) == drop {
						continue
					}
					all = append(all, uint16(i))
					if slices.Contains(sel, uint16(i)) {
						some = append(some, uint16(i))
					}
				}
				out := make([]uint16, len(texts)+1)
				if k := SelectViews(views, keys, drop, out); !slices.Equal(out[:k], all) {
					t.Fatalf("%q, drop %v: %v, want %v", set, drop, out[:k], all)
				}
				if k := SelectViewsSel(views, keys, drop, sel, out); !slices.Equal(out[:k], some) {
					t.Fatalf("%q, drop %v, of %v: %v, want %v", set, drop, sel, out[:k], some)
				}
				hits += len(some)
			}
		}
	}
	if hits == 0 {
		t.Fatal("nothing was selected")
	}
}

// TestPackViews compares the words with those made by way of ShortCodes.
func TestPackViews(t *testing.T) {
	texts := []string{"", "a", "ab", "abcdefg", "\x00", "b"}
	for n := uint(0); n <= 8; n++ {
		var fit []string
		for _, s := range texts {
			if len(s) <= int(n) {
				fit = append(fit, s)
			}
		}
		n := min(n, 7)
		views, _ := viewsOf(fit)
		codes := make([]int64, len(fit))
		if !ShortCodes(codes, views, n) {
			t.Fatalf("%q are longer than %d", fit, n)
		}
		for _, more := range []bool{false, true} {
			words, want := make([]uint64, len(fit)), make([]uint64, len(fit))
			for i := range fit {
				words[i] = 5
				want[i] = (uint64(codes[i]) + 1) << 3
				if more {
					want[i] |= 5
				}
			}
			if !PackViews(words, views, n, 1, 3, more) || !slices.Equal(words, want) {
				t.Errorf("%q, %d bytes, more %v: %x, want %x", fit, n, more, words, want)
			}
		}
		if long, _ := viewsOf(append(fit, "longer than 7")); PackViews(make([]uint64, len(fit)+1), long, n, 0, 0, false) {
			t.Errorf("%d bytes: a long string was taken", n)
		}
	}
}

func BenchmarkSelectViews(b *testing.B) {
	words := []string{"REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"}
	rng := rand.New(rand.NewPCG(1, 2))
	texts := make([]string, vec.Size)
	for i := range texts {
		texts[i] = words[rng.IntN(len(words))]
	}
	views, _ := viewsOf(texts)
	out := make([]uint16, vec.Size+1)
	for n := 1; n <= 4; n++ {
		keys := make([]ViewKey, n)
		for i := range keys {
			v := vec.InlineView([]byte(words[i]))
			keys[i] = ViewKeyOf(&v)
		}
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				SelectViews(views, keys, false, out)
			}
			b.ReportMetric(float64(b.N)*vec.Size/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

func BenchmarkPackViews(b *testing.B) {
	texts := make([]string, vec.Size)
	for i := range texts {
		texts[i] = string(rune('A' + i%3))
	}
	views, _ := viewsOf(texts)
	words := make([]uint64, vec.Size)
	b.ReportAllocs()
	for b.Loop() {
		PackViews(words, views, 1, 0, 0, false)
	}
	b.ReportMetric(float64(b.N)*vec.Size/b.Elapsed().Seconds()/1e6, "Mrows/s")
}

package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/laminadb/lamina/vec"
)

// TestLikeRows searches strings that follow each other in blocks, or do not, and compares with matching one by one.
func TestLikeRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	checked, matched := 0, 0
	for range 300 {
		rows := likeRows(rng)
		for _, pattern := range []string{"%abba%", "a%bb%ca%", "%ab%cd%ab%", "%aaaaaaaaaaaaaaaa%b", "%c%", "%ddddd%"} {
			l := CompileLike(pattern)
			if !l.Parts() {
				t.Fatalf("%s has no parts", pattern)
			}
			for _, flip := range []bool{false, true} {
				var want []uint16
				for j := range rows.N {
					i := j
					if rows.Sel != nil {
						i = int(rows.Sel[j])
					}
					if rows.Valid != nil && rows.Valid[i>>6]>>(i&63)&1 == 0 {
						continue
					}
					if l.Match(rows.Views[i].Bytes(rows.Blocks)) != flip {
						want = append(want, uint16(i))
					}
				}
				out := make([]uint16, rows.N+1)
				got := out[:l.SelectRows(&rows, flip, out)]
				if !slices.Equal(got, want) {
					t.Fatalf("%s (%v) selects %d of %d rows, not %d", pattern, flip, len(got), rows.N, len(want))
				}
				checked, matched = checked+rows.N, matched+len(want)
			}
		}
	}
	if checked < 500_000 || matched < 100_000 || checked-matched < 100_000 {
		t.Fatalf("%d strings were checked, %d matched", checked, matched)
	}
}

// likeRows returns strings of all lengths in some blocks, some out of order, some NULL, some not selected.
func likeRows(rng *rand.Rand) LikeRows {
	r := LikeRows{Blocks: make([][]byte, 1+rng.IntN(4))}
	n, block, letters := 1+rng.IntN(600), uint32(0), "abcd"[:2+rng.IntN(3)]
	r.Views = make([]vec.StrView, n)
	if rng.IntN(2) == 0 {
		r.Valid = make([]uint64, Words(n))
	}
	for i := range n {
		if rng.IntN(150) == 0 {
			block = uint32(rng.IntN(len(r.Blocks)))
		}
		s := make([]byte, rng.IntN(60))
		for k := range s {
			s[k] = letters[rng.IntN(len(letters))]
		}
		if r.Valid != nil && rng.IntN(10) > 0 {
			r.Valid[i>>6] |= 1 << (i & 63)
		} else if r.Valid != nil {
			r.Views[i] = vec.StrView{Len: rng.Uint32(), Block: rng.Uint32(), Off: rng.Uint32()}
			continue
		}
		if r.Views[i] = vec.InlineView(s[:min(len(s), vec.InlineMax)]); len(s) > vec.InlineMax {
			b := &r.Blocks[block]
			*b = append(*b, letters[:rng.IntN(3)]...)
			r.Views[i] = vec.StrView{Len: uint32(len(s)), Block: block, Off: uint32(len(*b))}
			copy(r.Views[i].Prefix[:], s)
			*b = append(*b, s...)
		}
	}
	if rng.IntN(4) == 0 {
		rng.Shuffle(n, func(i, j int) {
			if r.Valid == nil {
				r.Views[i], r.Views[j] = r.Views[j], r.Views[i]
			}
		})
	}
	if r.N = n; rng.IntN(2) == 0 {
		for i := range n {
			if rng.IntN(3) > 0 {
				r.Sel = append(r.Sel, uint16(i))
			}
		}
		r.N = len(r.Sel)
	}
	return r
}

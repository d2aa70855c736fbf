package segment

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/rle"
)

// runsOfCodes returns n codes below most, some of which repeat.
func runsOfCodes(rng *rand.Rand, n, most, repeat int) []int32 {
	out := make([]int32, 0, n)
	for len(out) < n {
		c, k := rng.Int32N(int32(most)), 1
		if repeat > 1 && rng.IntN(4) == 0 {
			k = 1 + rng.IntN(repeat)
		}
		for range min(k, n-len(out)) {
			out = append(out, c)
		}
	}
	return out
}

func encodeCodes(t testing.TB, codes []int32) []byte {
	t.Helper()
	raw, err := (&rle.DictionaryEncoding{}).EncodeInt32(nil, codes)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clip(raw)
}

// TestCodes: codes become what they stand for in entries of every width, runs and packed groups alike; one that stands for
// nothing is refused.
func TestCodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(64, 64))
	var r codeRuns
	cases := 0
	for _, most := range []int{1, 2, 3, 4, 7, 8, 50, 255, 256, 257, 1000, 65_536} {
		table := make([]int64, most)
		names := make([]uint32, most)
		for i := range table {
			table[i], names[i] = rng.Int64(), rng.Uint32()
		}
		for _, n := range []int{1, 7, 8, 9, 500, 511, 512, 513, 1030, 2048} {
			for _, repeat := range []int{1, 30, 3000} {
				codes := runsOfCodes(rng, n, most, repeat)
				raw := encodeCodes(t, codes)
				what := fmt.Sprintf("%d codes below %d, repeated up to %d times", n, most, repeat)
				checkCodes[uint8](t, what, &r, raw, codes, table, rng.Int64())
				checkCodes[uint64](t, what, &r, raw, codes, table, rng.Int64())
				checkCodes[uint16](t, what, &r, raw, codes, names, 0)
				checkCodes[uint32](t, what, &r, raw, codes, names, 0)
				if err := r.begin(raw); err != nil {
					t.Fatal(err)
				}
				if err := placeCodes(&r, make([]uint8, n), table[:slices.Max(codes)], 0); err == nil {
					t.Fatalf("%s: a code without a value was accepted", what)
				}
				cases++
			}
		}
	}
	if cases < 300 {
		t.Fatalf("only %d pages", cases)
	}
}

func checkCodes[T uint8 | uint16 | uint32 | uint64, V int64 | uint32](t *testing.T, what string, r *codeRuns, raw []byte, codes []int32, table []V, base V) {
	t.Helper()
	dst := make([]T, len(codes))
	if err := r.begin(raw); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if err := placeCodes(r, dst, table, base); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for i, c := range codes {
		if dst[i] != T(table[c]-base) {
			t.Fatalf("%s: number %d is %d, not %d", what, i, dst[i], T(table[c]-base))
		}
	}
}

// TestMalformedCodes: bytes that no writer makes are an error or other codes, and no more is read than there is.
func TestMalformedCodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(65, 65))
	var r codeRuns
	dst := make([]uint16, 300)
	refused := 0
	for i := range 20_000 {
		most := 1 + rng.IntN(1000)
		raw := encodeCodes(t, runsOfCodes(rng, len(dst), most, 50))
		if i%2 == 0 {
			raw = slices.Clip(raw[:rng.IntN(len(raw))])
		}
		for range rng.IntN(3) {
			if at := rng.IntN(8); at < len(raw) {
				raw[at] ^= byte(1 << rng.IntN(8))
			}
		}
		err := r.begin(raw)
		if err == nil {
			err = placeCodes(&r, dst, make([]uint32, most), 0)
		}
		if err != nil {
			refused++
		}
	}
	if refused < 8000 {
		t.Fatalf("only %d pages were refused", refused)
	}
}

// BenchmarkCodes decodes a page of 2,048 codes into entries.
func BenchmarkCodes(b *testing.B) {
	rng := rand.New(rand.NewPCG(66, 66))
	const n = 2048
	for _, most := range []int{3, 11, 50, 1000} {
		for _, repeat := range []int{1, 100} {
			raw := append(encodeCodes(b, runsOfCodes(rng, n, most, repeat)), make([]byte, 64)...)
			table, dst := make([]int64, most), make([]uint16, n)
			var r codeRuns
			b.Run(fmt.Sprintf("values=%d/repeat=%d", most, repeat), func(b *testing.B) {
				b.SetBytes(2 * n)
				for b.Loop() {
					if err := r.begin(raw); err != nil {
						b.Fatal(err)
					}
					if err := placeCodes(&r, dst, table, 0); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

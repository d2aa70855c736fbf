package segment

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/delta"
)

// deltaValues returns n integers whose differences have up to so many bits; from 31 on they wrap around.
func deltaValues[I int32 | int64](rng *rand.Rand, n, bits int) []I {
	out := make([]I, n)
	v := I(rng.Int64())
	for i := range out {
		out[i] = v
		if rng.IntN(50) > 0 {
			v += I(rng.Int64() >> (64 - max(bits, 1)))
		}
		if bits == 0 {
			v = out[0] + I(i+1)*3
		}
	}
	return out
}

// encodeDeltas is what writers do.
func encodeDeltas[I int32 | int64](t testing.TB, x []I) []byte {
	t.Helper()
	var e delta.BinaryPackedEncoding
	var b []byte
	var err error
	switch y := any(x).(type) {
	case []int32:
		b, err = e.EncodeInt32(nil, y)
	case []int64:
		b, err = e.EncodeInt64(nil, y)
	}
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clip(b)
}

// TestDeltas: what is decoded into entries of every width, and what is picked, is what was encoded.
func TestDeltas(t *testing.T) {
	rng := rand.New(rand.NewPCG(61, 61))
	cases := checkDeltas[int32](t, rng, 32) + checkDeltas[int64](t, rng, 64)
	if cases < 1000 {
		t.Fatalf("only %d pages", cases)
	}
}

func checkDeltas[I int32 | int64](t *testing.T, rng *rand.Rand, most int) (cases int) {
	t.Helper()
	var d deltas[I]
	for bits := range most + 1 {
		for _, n := range []int{1, 2, 31, 32, 33, 34, 127, 128, 129, 130, 1000, 2048} {
			x := deltaValues[I](rng, n, bits)
			raw := encodeDeltas(t, x)
			what := fmt.Sprintf("%d integers of %d bits, differences of %d", n, most, bits)
			base := I(rng.Int64())
			checkPlaced[uint8](t, what, &d, raw, x, base)
			checkPlaced[uint16](t, what, &d, raw, x, base)
			checkPlaced[uint32](t, what, &d, raw, x, base)
			if most == 64 {
				checkPlaced[uint64](t, what, &d, raw, x, base)
			}
			for range 3 {
				checkPicked(t, rng, what, &d, raw, x)
			}
			cases++
		}
	}
	return cases
}

func checkPlaced[T uint8 | uint16 | uint32 | uint64, I int32 | int64](t *testing.T, what string, d *deltas[I], raw []byte, x []I, base I) {
	t.Helper()
	dst := make([]T, len(x))
	if err := d.begin(raw, len(x)); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if err := placeDeltas(d, dst, base); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for i, v := range x {
		if dst[i] != T(v-base) {
			t.Fatalf("%s: number %d is %d, not %d", what, i, dst[i], T(v-base))
		}
	}
}

func checkPicked[I int32 | int64](t *testing.T, rng *rand.Rand, what string, d *deltas[I], raw []byte, x []I) {
	t.Helper()
	var want []uint16
	part := 1 + rng.IntN(1+len(x))
	for i := range x {
		if rng.IntN(part) == 0 {
			want = append(want, uint16(i))
		}
	}
	if err := d.begin(raw, len(x)); err != nil {
		t.Fatal(err)
	}
	got, err := d.pick(want, nil, func(x I) int64 { return int64(x) })
	if err != nil || len(got) != len(want) {
		t.Fatalf("%s: %d of %d picked: %v", what, len(got), len(want), err)
	}
	for k, i := range want {
		if got[k] != int64(x[i]) {
			t.Fatalf("%s: picked number %d is %d, not %d", what, i, got[k], x[i])
		}
	}
}

// TestMalformedDeltas: bytes that no writer makes are an error or other values, and no more is read than there is.
func TestMalformedDeltas(t *testing.T) {
	rng := rand.New(rand.NewPCG(62, 62))
	var d deltas[int32]
	refused := 0
	dst := make([]uint16, 300)
	for i := range 20_000 {
		raw := encodeDeltas(t, deltaValues[int32](rng, len(dst), rng.IntN(33)))
		if i%2 == 0 {
			raw = slices.Clip(raw[:rng.IntN(len(raw))])
		}
		for range rng.IntN(3) {
			if at := rng.IntN(12); at < len(raw) {
				raw[at] ^= byte(1 << rng.IntN(8))
			}
		}
		err := d.begin(raw, len(dst))
		if err == nil && i%3 == 0 {
			_, err = d.pick([]uint16{0, 5, 200, 299}, nil, func(x int32) int64 { return int64(x) })
		} else if err == nil {
			err = placeDeltas(&d, dst, 0)
		}
		if err != nil {
			refused++
		}
	}
	if refused < 8000 {
		t.Fatalf("only %d pages were refused", refused)
	}
}

// BenchmarkDeltas decodes a page of 2,048 integers into entries, and picks two of them.
func BenchmarkDeltas(b *testing.B) {
	rng := rand.New(rand.NewPCG(63, 63))
	const n = 2048
	for _, bits := range []int{1, 4, 8, 12, 21, 32} {
		raw := append(encodeDeltas(b, deltaValues[int32](rng, n, bits)), make([]byte, 64)...)
		var d deltas[int32]
		dst := make([]uint32, n)
		run := func(name string, f func() error) {
			b.Run(fmt.Sprintf("bits=%d/%s", bits, name), func(b *testing.B) {
				b.SetBytes(4 * n)
				for b.Loop() {
					if err := d.begin(raw, n); err != nil {
						b.Fatal(err)
					}
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("all", func() error { return placeDeltas(&d, dst, 0) })
		var picked []int64
		run("two", func() (err error) {
			picked, err = d.pick([]uint16{700, 1500}, picked[:0], func(x int32) int64 { return int64(x) })
			return err
		})
		var e delta.BinaryPackedEncoding
		var all []int32
		run("library", func() (err error) {
			all, err = e.DecodeInt32(all[:0], raw[:len(raw)-64])
			return err
		})
	}
}

// TestLengths: strings are those that were encoded, in memory of the pages' own or not, and after others; lengths that go
// beyond the end are refused.
func TestLengths(t *testing.T) {
	rng := rand.New(rand.NewPCG(67, 67))
	var e delta.LengthByteArrayEncoding
	checked := 0
	for range 400 {
		var p pages
		var all [][]byte
		for k := range 1 + rng.IntN(3) {
			n := 1 + rng.IntN(300)
			var text []byte
			offsets := []uint32{0}
			for range n {
				s := make([]byte, rng.IntN(1+rng.IntN(40)))
				for i := range s {
					s[i] = byte(rng.Uint32())
				}
				all, text = append(all, s), append(text, s...)
				offsets = append(offsets, uint32(len(text)))
			}
			raw, err := e.EncodeByteArray(nil, text, offsets)
			if err != nil {
				t.Fatal(err)
			}
			if k == 0 && rng.IntN(2) == 0 {
				p.raw = append(p.raw[:0], raw...)
				raw = p.raw
			}
			if len(text) > 0 {
				if err := new(pages).addDeltaLength(slices.Clip(raw[:len(raw)-1]), n); err == nil {
					t.Fatal("a string beyond the end was accepted")
				}
			}
			if err := p.addDeltaLength(raw, n); err != nil {
				t.Fatal(err)
			}
		}
		from := p.from
		for i, s := range all {
			if got := p.data[from:p.ends[i]]; string(got) != string(s) {
				t.Fatalf("string %d is %q, not %q", i, got, s)
			}
			from = p.ends[i]
			checked++
		}
	}
	if checked < 50_000 {
		t.Fatalf("only %d strings", checked)
	}
}

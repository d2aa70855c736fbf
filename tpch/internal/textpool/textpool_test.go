package textpool

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/laminadb/lamina/tpch/internal/lehmer"
)

// prefixBytes is how much of the pool the tests make sequentially.
const prefixBytes = 4 << 20

// prefix returns the start of the pool, made from its first state without the index.
var prefix = sync.OnceValue(func() []byte {
	w := writer{buf: make([]byte, prefixBytes+sentenceBytesMax), state: firstState}
	for w.pos < prefixBytes {
		w.sentence()
	}
	return w.buf[:prefixBytes]
})

func TestDrawsAreThoseOfFloatingPoint(t *testing.T) {
	checked := 0
	check := func(s uint64) {
		for n := 1; n <= 512; n += 7 {
			if got, want := scale(s, n), int(float64(s)/lehmer.Modulus*float64(n)); got != want {
				t.Fatalf("state %d of %d: %d, want %d", s, n, got, want)
			}
			checked++
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		check(1 + r.Uint64N(lehmer.Modulus-1))
	}
	// The states next to each boundary between two draws.
	for n := uint64(2); n <= 512; n += 13 {
		for k := uint64(1); k < n; k++ {
			for d := range uint64(3) {
				check(k*lehmer.Modulus/n - 1 + d)
			}
		}
	}
	if checked < 100_000 {
		t.Errorf("checked %d draws", checked)
	}
}

func TestPoolChecksum(t *testing.T) {
	if testing.Short() {
		t.Skip("needs 300 MiB of text: not in short mode")
	}
	const want = "09011f43d4e60579f77b33a51bbb67d04b4f3e700d84f289db6b937db90677f9"
	w := writer{buf: make([]byte, stripeBytes+sentenceBytesMax), state: firstState}
	h := sha256.New()
	for left := Bytes; left > 0; {
		for w.pos = 0; w.pos < stripeBytes; {
			w.sentence()
		}
		n := min(left, w.pos)
		h.Write(w.buf[:n])
		left -= n
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("sha256 of the pool %s, want %s", got, want)
	}
}

func TestPoolInMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("needs 300 MiB of text: not in short mode")
	}
	const want = "09011f43d4e60579f77b33a51bbb67d04b4f3e700d84f289db6b937db90677f9"
	p, err := NewPool(context.Background(), 2)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(p.At(0, Bytes))
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("sha256 of the pool %s, want %s", got, want)
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := NewPool(canceled, 2); err == nil {
		t.Error("a canceled pool is returned")
	}
}

func TestIndexIsCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("needs 300 MiB of text: not in short mode")
	}
	built, err := BuildIndex()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(built, index) {
		t.Error("pool.idx is not what go generate makes")
	}
}

func TestTextOnDemandIsTheSequentialText(t *testing.T) {
	var r Reader
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		n := 1 + rnd.IntN(200)
		if rnd.IntN(100) == 0 {
			n = rnd.IntN(10_000)
		}
		offset := rnd.IntN(prefixBytes - n)
		if got, want := r.At(offset, n), prefix()[offset:offset+n]; !bytes.Equal(got, want) {
			t.Fatalf("%d bytes at %d: %q, want %q", n, offset, got, want)
		}
	}
	// Neighbouring places agree at the far end, where the sequential text is not at hand.
	var a, b Reader
	whole := bytes.Clone(a.At(Bytes-64<<10, 64<<10))
	for offset := 0; offset+100 <= len(whole); offset += 37 {
		if got := b.At(Bytes-len(whole)+offset, 100); !bytes.Equal(got, whole[offset:offset+100]) {
			t.Fatalf("100 bytes at %d from the end: %q", len(whole)-offset, got)
		}
	}
}

func FuzzTextOnDemand(f *testing.F) {
	f.Add(uint32(0), uint16(1))
	f.Add(uint32(blockBytes-1), uint16(2))
	f.Add(uint32(groupBlocks*blockBytes), uint16(115))
	f.Add(uint32(prefixBytes), uint16(0))
	f.Fuzz(func(t *testing.T, offset uint32, length uint16) {
		at := int(offset % prefixBytes)
		n := min(int(length), prefixBytes-at)
		var r Reader
		if got, want := r.At(at, n), prefix()[at:at+n]; !bytes.Equal(got, want) {
			t.Fatalf("%d bytes at %d: %q, want %q", n, at, got, want)
		}
	})
}

func BenchmarkAt(b *testing.B) {
	var r Reader
	rnd := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		r.At(rnd.IntN(Bytes-100), 27)
	}
}

func BenchmarkSequential(b *testing.B) {
	w := writer{buf: make([]byte, stripeBytes+sentenceBytesMax), state: firstState}
	b.SetBytes(stripeBytes)
	for b.Loop() {
		for w.pos = 0; w.pos < stripeBytes; {
			w.sentence()
		}
	}
}

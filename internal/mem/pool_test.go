package mem

import (
	"math/rand/v2"
	"testing"
)

// withHeap makes the Go heap one of the given size while a test runs.
func withHeap(t *testing.T, bytes *int64) {
	t.Helper()
	before := heapBytes
	heapBytes = func() int64 { return *bytes }
	Trim()
	t.Cleanup(func() {
		heapBytes = before
		Trim()
	})
}

// held returns the bytes of idle and of used slabs, and the most that were used.
func held() (idle, used, peak int64) {
	pool.Lock()
	defer pool.Unlock()
	return pool.idle, pool.used, pool.peak
}

// TestIdleSlabsMakeRoom asks for slabs of other sizes than those that are idle: no more is mapped than was once in use.
func TestIdleSlabsMakeRoom(t *testing.T) {
	var heap int64
	withHeap(t, &heap)
	_, before, _ := held()
	var slabs []Slab
	take := func(n, bytes int) {
		for range n {
			slabs = append(slabs, MustAlloc(nil, bytes))
		}
	}
	free := func() {
		for i := range slabs {
			slabs[i].Free()
		}
		slabs = slabs[:0]
	}
	take(8, 1<<20)
	free()
	steps := []struct {
		name       string
		n, bytes   int
		idle, peak int64
	}{
		{"slabs that are there", 2, 1 << 20, 6 << 20, 8 << 20},
		{"a larger one takes the place of four", 1, 4 << 20, 2 << 20, 8 << 20},
		{"many small ones", 32, 64 << 10, 0, 8 << 20},
		{"more than there ever were", 1, 2 << 20, 0, 10 << 20},
		{"a mapping of its own", 1, 64 << 20, 0, 74 << 20},
	}
	for _, s := range steps {
		take(s.n, s.bytes)
		if idle, _, peak := held(); idle != s.idle || peak != before+s.peak {
			t.Errorf("%s: %d bytes idle, at most %d used", s.name, idle, peak-before)
		}
	}
	free()
	if idle, used, _ := held(); idle != 10<<20 || used != before {
		t.Errorf("freed: %d bytes idle, %d used", idle, used-before)
	}
	Trim()
	if idle, _, peak := held(); idle != 0 || peak != before {
		t.Errorf("trimmed: %d bytes idle, at most %d used", idle, peak-before)
	}
}

// TestHeapTakesTheirPlace: idle slabs go as the Go heap grows.
func TestHeapTakesTheirPlace(t *testing.T) {
	var heap int64
	withHeap(t, &heap)
	var slabs []Slab
	for range 16 {
		slabs = append(slabs, MustAlloc(nil, 1<<20))
	}
	for i := range slabs {
		slabs[i].Free()
	}
	if idle, _, _ := held(); idle != 16<<20 {
		t.Fatalf("%d bytes idle", idle)
	}
	heap = 10 << 20
	for range heapEvery >> 12 {
		s := MustAlloc(nil, 1<<12)
		s.Free()
	}
	if idle, used, peak := held(); idle > 6<<20 || idle < 5<<20 || idle+used+heap > peak {
		t.Errorf("beside a heap of %d bytes %d are idle; at most %d were in use", heap, idle, peak)
	}
}

// TestPoolBound takes and frees slabs of all classes at random: what is mapped never exceeds what was once in use.
func TestPoolBound(t *testing.T) {
	var heap int64
	withHeap(t, &heap)
	rng := rand.New(rand.NewPCG(3, 4))
	var slabs []Slab
	reused := 0
	for range 20_000 {
		before, _, _ := held()
		heap = int64(rng.IntN(8 << 20))
		if len(slabs) > 0 && rng.IntN(20) < len(slabs) {
			k := rng.IntN(len(slabs))
			slabs[k].Free()
			slabs[k] = slabs[len(slabs)-1]
			slabs = slabs[:len(slabs)-1]
		} else {
			s := MustAlloc(nil, 1<<(slabMinShift+rng.IntN(10)))
			slabs = append(slabs, s)
			if idle, _, _ := held(); before-idle == int64(s.Bytes()) {
				reused++
			}
		}
		if idle, used, peak := held(); idle < 0 || idle > poolBytesMax || idle > 0 && idle+used+pool.heap > peak {
			t.Fatalf("%d bytes idle, %d used, at most %d used", idle, used, peak)
		}
	}
	for i := range slabs {
		slabs[i].Free()
	}
	if reused < 5000 {
		t.Errorf("only %d slabs were used again", reused)
	}
}

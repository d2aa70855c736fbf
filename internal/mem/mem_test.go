package mem

import (
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"github.com/laminadb/lamina/sqlerr"
)

func TestTrackerTree(t *testing.T) {
	root := NewTracker("database", 1000)
	a, b := root.Child("query a", 600), root.Child("query b", 0)
	steps := []struct {
		tracker        *Tracker
		bytes          int64
		ok             bool
		root, inA, inB int64
	}{
		{a, 500, true, 500, 500, 0},
		{a, 200, false, 500, 500, 0}, // beyond its own limit
		{b, 400, true, 900, 500, 400},
		{b, 200, false, 900, 500, 400}, // beyond its parent's
		{b, 100, true, 1000, 500, 500}, // exactly the limit
		{a, 1, false, 1000, 500, 500},
		{a, 0, true, 1000, 500, 500},
	}
	for i, s := range steps {
		err := s.tracker.Reserve(s.bytes)
		if (err == nil) != s.ok || err != nil && sqlerr.CodeOf(err) != sqlerr.OutOfMemory {
			t.Errorf("step %d: %v", i, err)
		}
		if root.Used() != s.root || a.Used() != s.inA || b.Used() != s.inB {
			t.Errorf("step %d: %d, %d, %d in use", i, root.Used(), a.Used(), b.Used())
		}
	}
	if a.Force(300) || a.Used() != 800 || root.Used() != 1300 {
		t.Errorf("forced: %d of %d in use", a.Used(), root.Used())
	}
	a.Release(800)
	b.Release(500)
	if root.Used() != 0 || root.Peak() != 1300 || a.Peak() != 800 || b.Peak() != 500 {
		t.Errorf("%d in use, peaks %d, %d, %d", root.Used(), root.Peak(), a.Peak(), b.Peak())
	}
	if !a.Force(10) {
		t.Error("limits hold")
	}
	root.SetLimit(5)
	if err := b.Reserve(1); sqlerr.CodeOf(err) != sqlerr.OutOfMemory || root.Limit() != 5 {
		t.Errorf("below a lowered limit: %v", err)
	}
	var none *Tracker
	if err := none.Reserve(1 << 60); err != nil || !none.Force(1) {
		t.Errorf("no tracker: %v", err)
	}
}

func TestTrackerConcurrently(t *testing.T) {
	root := NewTracker("database", 64)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			q := root.Child("query", 0)
			for range 2000 {
				if q.Reserve(16) == nil {
					if root.Used() < 16 {
						t.Error("granted bytes are not in use")
					}
					q.Release(16)
				}
			}
		})
	}
	wg.Wait()
	if root.Used() != 0 || root.Peak() < 16 {
		t.Errorf("%d in use, peak %d", root.Used(), root.Peak())
	}
}

// eachMode runs f with off-heap and with heap slabs.
func eachMode(t *testing.T, f func(t *testing.T)) {
	for name, on := range map[string]bool{"mapped": false, "heap": true} {
		t.Run(name, func(t *testing.T) {
			SetOnHeap(on)
			defer SetOnHeap(false)
			f(t)
		})
	}
}

func TestSlab(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		tracker := NewTracker("test", 0)
		for _, n := range []int{0, 1, 4096, 4097, 1 << 20, 1<<20 + 1, 1<<slabMaxShift + 1} {
			for range 2 { // the second may be a recycled one
				s, err := Alloc(tracker, n)
				if err != nil {
					t.Fatal(err)
				}
				if len(s.B) != n || s.Bytes() < n || s.Bytes() > max(2*n, 4096) || tracker.Used() != int64(s.Bytes()) {
					t.Errorf("%d bytes: length %d, size %d, %d charged", n, len(s.B), s.Bytes(), tracker.Used())
				}
				whole := s.B[:cap(s.B)]
				if uintptr(unsafe.Pointer(unsafe.SliceData(whole)))%64 != 0 {
					t.Errorf("%d bytes: not aligned", n)
				}
				for i, c := range whole {
					if c != 0 {
						t.Fatalf("%d bytes: byte %d is %d", n, i, c)
					}
					whole[i] = 0xff
				}
				s.Free()
				s.Free() // freeing the zero slab does nothing
				if tracker.Used() != 0 {
					t.Errorf("%d bytes: %d charged after Free", n, tracker.Used())
				}
			}
		}
	})
}

func TestSlabsDoNotOverlap(t *testing.T) {
	eachMode(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		tracker := NewTracker("test", 0)
		var held []Slab
		for i := range 400 {
			if len(held) > 20 {
				k := rng.IntN(len(held))
				for _, v := range Of[uint64](&held[k], len(held[k].B)/8) {
					if v != uint64(held[k].B[0])*0x0101010101010101 {
						t.Fatal("a slab was overwritten")
					}
				}
				held[k].Free()
				held = append(held[:k], held[k+1:]...)
			}
			s, err := Alloc(tracker, 8*(1+rng.IntN(4000)))
			if err != nil {
				t.Fatal(err)
			}
			for j := range s.B {
				s.B[j] = byte(i)
			}
			held = append(held, s)
		}
		for i := range held {
			held[i].Free()
		}
		if tracker.Used() != 0 {
			t.Errorf("%d bytes charged at the end", tracker.Used())
		}
	})
}

func TestAllocBeyondLimit(t *testing.T) {
	tracker := NewTracker("test", 10000)
	a, err := Alloc(tracker, 8000)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Alloc(tracker, 1); sqlerr.CodeOf(err) != sqlerr.OutOfMemory {
		t.Errorf("second slab: %v", err)
	}
	if tracker.Used() != 8192 {
		t.Errorf("%d bytes charged", tracker.Used())
	}
	b := MustAlloc(tracker, 1)
	if tracker.Used() != 8192+4096 {
		t.Errorf("%d bytes charged by force", tracker.Used())
	}
	a.Free()
	b.Free()
	if tracker.Used() != 0 {
		t.Errorf("%d bytes left", tracker.Used())
	}
}

func TestOfChecksSize(t *testing.T) {
	s, err := Alloc(nil, 4096)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Free()
	if v := Of[uint32](&s, 1024); len(v) != 1024 || Of[uint64](&s, 0) != nil {
		t.Error("views have the wrong length")
	}
	defer func() {
		if recover() == nil {
			t.Error("a view beyond the slab was given")
		}
	}()
	Of[uint64](&s, 513)
}

func BenchmarkAlloc(b *testing.B) {
	tracker := NewTracker("test", 0)
	b.ReportAllocs()
	for b.Loop() {
		s, err := Alloc(tracker, 64<<10)
		if err != nil {
			b.Fatal(err)
		}
		s.Free()
	}
}

// TestHandedBytes: what was handed over is taken first, and nothing is charged twice or lost.
func TestHandedBytes(t *testing.T) {
	root := NewTracker("root", 100)
	from, to := root.Child("from", 0), root.Child("to", 0)
	if err := from.Reserve(60); err != nil {
		t.Fatal(err)
	}
	from.Hand(to, 60)
	used := func(r, f, o int64) {
		t.Helper()
		if root.Used() != r || from.Used() != f || to.Used() != o {
			t.Errorf("%d, %d and %d bytes are charged, want %d, %d and %d", root.Used(), from.Used(), to.Used(), r, f, o)
		}
	}
	used(60, 0, 0)
	if fits := to.Child("below", 0).Force(40); !fits {
		t.Error("40 of 60 handed bytes do not fit")
	}
	used(60, 0, 40)
	if fits := to.Force(30); !fits {
		t.Error("30 bytes do not fit, 20 of which were handed over")
	}
	used(70, 0, 70)
	to.TakeBack()
	used(70, 0, 70)
	to.Release(70)
	if err := from.Reserve(50); err != nil {
		t.Fatal(err)
	}
	from.Hand(to, 50)
	to.Force(10)
	to.TakeBack()
	used(10, 0, 10)
	to.Release(10)
	used(0, 0, 0)
}

// TestRelieve: what spare children have is taken for others, under every kind of charge, and is not taken for one another.
func TestRelieve(t *testing.T) {
	root := NewTracker("root", 100)
	spare, other := root.Child("use", 0).Spare("spare"), root.Child("other", 60)
	asked := 0
	root.Relieve(func(bytes int64) bool {
		asked++
		n := min(spare.Used(), bytes)
		spare.Release(n)
		return n > 0
	})
	if err := spare.Reserve(90); err != nil {
		t.Fatal(err)
	}
	if err := spare.Reserve(20); err == nil || asked != 0 {
		t.Errorf("a spare child was given memory: %v, asked %d times", err, asked)
	}
	if err := other.Reserve(30); err != nil || spare.Used() != 70 || root.Used() != 100 {
		t.Errorf("%v, %d and %d bytes are charged", err, spare.Used(), root.Used())
	}
	if err := other.Reserve(40); err == nil || spare.Used() != 70 {
		t.Errorf("a child has more than its limit, %v, or others gave memory for nothing: %d are left", err, spare.Used())
	}
	if ok := other.Force(25); !ok || spare.Used() != 45 || root.Used() != 100 {
		t.Errorf("%v, %d and %d bytes are charged", ok, spare.Used(), root.Used())
	}
	other.Release(55)
	if err := root.Child("all", 0).Reserve(100); err != nil || spare.Used() != 0 {
		t.Errorf("%v, %d bytes are charged", err, spare.Used())
	}
	if err := other.Reserve(1); err == nil {
		t.Error("nothing was left, and it was given")
	}
	if asked != 4 {
		t.Errorf("asked %d times", asked)
	}
}

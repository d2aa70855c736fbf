package txn

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

// TestViewLifetimes follows references, the watermark and the release of states.
func TestViewLifetimes(t *testing.T) {
	var released []int
	s := NewViewSet(0, 10, 1, func(n int) { released = append(released, n) })
	want := func(watermark table.LSN, gone ...int) {
		t.Helper()
		if s.Watermark() != watermark {
			t.Errorf("watermark %d, want %d", s.Watermark(), watermark)
		}
		if len(released) != len(gone) {
			t.Fatalf("released %v, want %v", released, gone)
		}
		for i := range gone {
			if released[i] != gone[i] {
				t.Fatalf("released %v, want %v", released, gone)
			}
		}
	}
	a := s.Acquire()
	s.Publish(1, 11, 2)
	want(10)
	b := s.Acquire()
	s.Publish(2, 12, 3)
	s.Publish(3, 13, 4)
	want(10, 2)
	if a.State != 0 || b.State != 1 || b.LSN() != 11 || b.Position() != 2 || s.LSN() != 13 {
		t.Error("states")
	}
	b.Retain()
	a.Release()
	want(10, 2, 0)
	if s.Advance() != 11 {
		t.Error("the oldest View is b's")
	}
	b.Release()
	want(11, 2, 0)
	b.Release()
	s.Publish(3, 13, 5) // node-local work: the position alone moves
	want(13, 2, 0, 1, 3)
	if p := s.Pinned(); len(p) != 1 || p[0].LSN != 13 || p[0].References != 1 || p[0].Position != 5 {
		t.Errorf("pinned %+v", p)
	}
	c := s.Acquire()
	if held := s.Close(); held != 1 {
		t.Errorf("%d references are held", held)
	}
	c.Release()
	want(13, 2, 0, 1, 3, 3)
}

func TestPinnedSaysAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewViewSet("old", 1, 1, nil)
		v := s.Acquire()
		s.Publish("mid", 2, 2)
		time.Sleep(time.Minute)
		s.Publish("new", 3, 3)
		p := s.Pinned()
		if len(p) != 2 || p[0].LSN != 1 || p[0].Age != time.Minute || p[0].References != 1 || p[1].LSN != 3 || p[1].Age != 0 {
			t.Errorf("pinned %+v", p)
		}
		v.Release()
	})
}

// TestViewsUnderLoad has readers that acquire, sleep inside their View, and check that its state is
// neither released nor above the watermark's promise, while a publisher goes on.
func TestViewsUnderLoad(t *testing.T) {
	const publishes = 20000
	type state struct{ live *atomic.Bool }
	alive := func() state {
		b := &atomic.Bool{}
		b.Store(true)
		return state{b}
	}
	var released atomic.Int64
	s := NewViewSet(alive(), 0, 0, func(st state) {
		if !st.live.CompareAndSwap(true, false) {
			t.Error("state released twice")
		}
		released.Add(1)
	})
	var stop atomic.Bool
	var wg sync.WaitGroup
	var acquired, slept atomic.Int64
	for r := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(r), 1))
			last := table.LSN(0)
			for !stop.Load() || acquired.Load() < 1000 {
				v := s.Acquire()
				acquired.Add(1)
				if v.LSN() < last {
					t.Errorf("LSN %d after %d", v.LSN(), last)
				}
				last = v.LSN()
				if rng.IntN(3) == 0 {
					slept.Add(1)
					for range rng.IntN(50) {
						yield()
					}
				}
				if !v.State.live.Load() {
					t.Error("state of a View in use was released")
				}
				if w := s.Watermark(); w > v.LSN() {
					t.Errorf("watermark %d is above a View at %d in use", w, v.LSN())
				}
				v.Release()
			}
		})
	}
	for i := range table.LSN(publishes) {
		s.Publish(alive(), i+1, wal.Position(i+1))
		if i%64 == 0 {
			yield()
		}
	}
	stop.Store(true)
	wg.Wait()
	if s.Advance() != publishes || len(s.Pinned()) != 1 {
		t.Errorf("watermark %d, pinned %+v", s.Watermark(), s.Pinned())
	}
	if s.Close() != 0 || released.Load() != publishes+1 {
		t.Errorf("%d states released", released.Load())
	}
	if slept.Load() < 100 {
		t.Errorf("%d readers slept in a View", slept.Load())
	}
}

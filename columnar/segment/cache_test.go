package segment

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/laminadb/lamina/internal/mem"
)

// eachMemory runs f with arenas outside the Go heap and on it.
func eachMemory(t *testing.T, f func(t *testing.T)) {
	for _, on := range []bool{false, true} {
		t.Run(fmt.Sprintf("on-heap=%v", on), func(t *testing.T) {
			mem.SetOnHeap(on)
			defer mem.SetOnHeap(false)
			f(t)
		})
	}
}

// TestArena: pieces do not overlap, and what is free is found again in full.
func TestArena(t *testing.T) {
	eachMemory(t, func(t *testing.T) {
		const limit = 1 << 20
		tracker := mem.NewTracker("test", 0)
		a := newArena(tracker, limit, nil)
		rng := rand.New(rand.NewPCG(1, 1))
		type held struct {
			p    arenaPlace
			n    int
			fill byte
		}
		var all []held
		failed, total := 0, 0
		for i := range 20_000 {
			if len(all) > 0 && rng.IntN(5) < 2 {
				k := rng.IntN(len(all))
				h := all[k]
				if b := a.at(h.p, h.n); bytes.Count(b, []byte{h.fill}) != len(b) {
					t.Fatal("a piece was overwritten")
				}
				a.release(h.p, h.n)
				all = slices.Delete(all, k, k+1)
				continue
			}
			n := 1 + rng.IntN(1<<rng.IntN(16))
			p, ok := a.alloc(n)
			if !ok {
				failed++
				continue
			}
			b := a.at(p, n)
			for k := range b {
				b[k] = byte(i)
			}
			all = append(all, held{p, n, byte(i)})
			total++
		}
		if failed == 0 || total < 5000 || tracker.Used() > limit {
			t.Fatalf("%d pieces, %d refused, %d bytes charged", total, failed, tracker.Used())
		}
		for _, h := range all {
			a.release(h.p, h.n)
		}
		for range limit / a.bytes {
			if _, ok := a.alloc(a.bytes); !ok {
				t.Fatal("pieces did not grow together")
			}
		}
		used := tracker.Used()
		for _, n := range []int{a.bytes, 1} { // the slabs but one are given back, and taken again
			for i := range a.slabs {
				a.release(arenaPlace{uint32(i + 1), 1}, a.bytes)
			}
			p, _ := a.alloc(n)
			if a.trim(); tracker.Used() != int64(a.bytes) {
				t.Fatalf("%d bytes are charged for one piece", tracker.Used())
			}
			a.release(p, n)
			for range limit / a.bytes {
				if _, ok := a.alloc(a.bytes); !ok {
					t.Fatal("slabs were not taken again")
				}
			}
			if tracker.Used() != used {
				t.Fatalf("%d bytes are charged, not %d", tracker.Used(), used)
			}
		}
		for i := range a.slabs {
			a.release(arenaPlace{uint32(i + 1), 1}, a.bytes)
		}
		if a.trim(); tracker.Used() != 0 {
			t.Fatalf("%d bytes are charged after the end", tracker.Used())
		}
	})
}

// put keeps a piece of n equal bytes.
func put(c *Cache, s *slot, n int, fill byte) {
	if c.admits(s, n) {
		c.put(s, [][]byte{bytes.Repeat([]byte{fill}, n)}, nil)
	}
}

// look reports whether a slot has its piece, and demands that it is right.
func look(t *testing.T, c *Cache, s *slot, fill byte) bool {
	t.Helper()
	e := c.acquire(s)
	if e == nil {
		return false
	}
	if b := e.pieces[0].b; bytes.Count(b, []byte{fill}) != len(b) {
		t.Fatalf("a piece of %d is %v…", fill, b[:8])
	}
	c.release(e)
	return true
}

// TestCacheConcurrently: within its bytes, and readers see what was put, however long they look at it.
func TestCacheConcurrently(t *testing.T) {
	eachMemory(t, func(t *testing.T) {
		const limit = 1 << 20
		tracker := mem.NewTracker("test", limit)
		c := NewCacheIn(tracker)
		var parts, values slots
		const n = 600
		var wg sync.WaitGroup
		for w := range uint64(4) {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(w, 1))
				var held []*entryOf
				for range 8000 {
					i := min(rng.IntN(n), rng.IntN(n))
					vs := values.at(i, n)
					if v := c.value(vs); v == nil {
						c.keep(vs, i, 1000+i)
					} else if v != any(i) {
						t.Errorf("value %d is %v", i, v)
					}
					s := parts.at(i, n)
					e := c.acquire(s)
					if e == nil {
						put(c, s, 1+rng.IntN(9000), byte(i))
						continue
					}
					if held = append(held, e); len(held) < 8 {
						continue
					}
					for _, e := range held {
						if b := e.pieces[0].b; bytes.Count(b, b[:1]) != len(b) {
							t.Error("a piece changed while it was read")
						}
						c.release(e)
					}
					held = held[:0]
				}
				for _, e := range held {
					c.release(e)
				}
			})
		}
		wg.Wait()
		for i := range n {
			look(t, c, parts.at(i, n), byte(i))
		}
		m := c.Metrics()
		if m.Bytes > limit || m.Bytes < limit/3 || tracker.Used() > limit || m.Hits < 3000 || m.Evictions < 200 || m.Refusals < 200 {
			t.Errorf("%+v, %d bytes charged", m, tracker.Used())
		}
		c.forget(&parts)
		c.forget(&values)
		if n := c.Bytes(); n != 0 {
			t.Errorf("%d bytes are left of segments that were forgotten", n)
		}
		if c.Close(); tracker.Used() != 0 {
			t.Errorf("%d bytes are charged after the end", tracker.Used())
		}
	})
}

// TestCacheReferences: what is read stays as it is, although everything else goes.
func TestCacheReferences(t *testing.T) {
	c := NewCache(256 << 10)
	defer c.Close()
	var s slots
	const n = 4000
	put(c, s.at(0, n), 5000, 77)
	e := c.acquire(s.at(0, n))
	for i := 1; i < n; i++ {
		put(c, s.at(i, n), 5000, byte(i))
		put(c, s.at(i, n), 5000, byte(i))
	}
	if b := e.pieces[0].b; bytes.Count(b, []byte{77}) != 5000 {
		t.Fatal("a piece changed while it was read")
	}
	c.Trim()
	if b := e.pieces[0].b; bytes.Count(b, []byte{77}) != 5000 || c.Bytes() != int64(e.bytes) && c.Bytes() != 0 {
		t.Fatalf("a piece changed while it was read; %d bytes are kept", c.Bytes())
	}
	c.release(e)
	if m := c.Metrics(); m.Evictions < n/2 {
		t.Fatalf("%+v", m)
	}
	c.forget(&s)
}

// TestCacheStaysFull: large parts take the places of large ones, so that a cache of parts of many sizes is well filled however many
// have come and gone; and where there were only small ones large ones find a place all the same.
func TestCacheStaysFull(t *testing.T) {
	const limit, n, small, large = 16 << 20, 20000, 2 << 10, 100 << 10
	c := NewCache(limit)
	defer c.Close()
	room := float64(c.mu.arena.limit * c.mu.arena.bytes)
	var s slots
	least := 1.0
	for i := range n {
		size := small
		if i > n/4 && i%40 == 0 {
			size = large
		}
		c.put(s.at(i, n), [][]byte{make([]byte, size)}, nil)
		if size == large && c.mu.orders[orderOf(large)] == 0 {
			t.Fatalf("part %d found no place", i)
		}
		if i > n/2 {
			least = min(least, float64(c.Metrics().Bytes)/room)
		}
	}
	if m := c.Metrics(); least < 0.9 || m.Evictions < n/4 {
		t.Fatalf("a cache was filled to %.2f; %+v", least, m)
	}
	sum := 0
	for _, k := range c.mu.orders {
		sum += k
	}
	if sum != len(c.mu.ring) {
		t.Fatalf("%d entries by order, %d in all", sum, len(c.mu.ring))
	}
	c.forget(&s)
	if c.mu.orders != [arenaOrders]int{} {
		t.Fatalf("%v in an empty cache", c.mu.orders)
	}
}

// TestCacheResistsScans: what is used often stays, although more than the cache holds is read past it, again and again.
func TestCacheResistsScans(t *testing.T) {
	const limit, bytesEach = 1 << 20, 4096
	c := NewCache(limit)
	defer c.Close()
	var hot, cold slots
	const numHot, numCold = 50, 2 * limit / bytesEach
	for i := range numHot {
		put(c, hot.at(i, numHot), bytesEach, byte(i))
		look(t, c, hot.at(i, numHot), byte(i))
	}
	missed := 0
	for range 4 {
		for i := range numCold {
			if !look(t, c, cold.at(i, numCold), byte(i)) {
				put(c, cold.at(i, numCold), bytesEach, byte(i))
			}
			if i%10 == 0 && !look(t, c, hot.at(i/10%numHot, numHot), byte(i/10%numHot)) {
				missed++
			}
		}
	}
	if m := c.Metrics(); missed > 0 || m.Hits < 500 {
		t.Fatalf("%d of what is hot was missed; %+v", missed, m)
	}
	// What becomes hot later finds its place.
	var later slots
	found := 0
	for range 6 {
		for i := range numHot {
			if look(t, c, later.at(i, numHot), byte(i)) {
				found++
			} else {
				put(c, later.at(i, numHot), bytesEach, byte(i))
			}
		}
	}
	if found < 3*numHot {
		t.Fatalf("%d of %d were found: %+v", found, 6*numHot, c.Metrics())
	}
	for _, s := range []*slots{&hot, &cold, &later} {
		c.forget(s)
	}
}

// TestElasticCache: the cache grows while it is lent memory, gives back what it has least use for, and what readers hold stays
// as it is.
func TestElasticCache(t *testing.T) {
	const base, piece, n = 1 << 20, 40 << 10, 400
	tracker := mem.NewTracker("test", 0)
	most := int64(8 << 20)
	c := NewElasticCache(tracker.Spare("cache"), base, func(bytes int64) bool { return tracker.Used()+bytes <= most })
	defer c.Close()
	var s slots
	for i := range n {
		put(c, s.at(i, n), piece, byte(i))
	}
	full := tracker.Used()
	if m := c.Metrics(); full <= most-1<<20 || full > most || c.Lent() < 6<<20 || m.Bytes < full*8/10 {
		t.Fatalf("%d bytes are charged, %d lent, %d kept, of %d", full, c.Lent(), m.Bytes, most)
	}
	// Some are looked at, and one is held while the others are taken.
	var hot []int
	for i := range n {
		if s.at(i, n).entry.Load() == nil {
			continue
		}
		if i%7 == 0 {
			hot = append(hot, i)
		}
	}
	for _, e := range c.mu.ring {
		e.used.Store(false)
	}
	for i := 0; i < len(hot)/4; i++ {
		look(t, c, s.at(hot[i], n), byte(hot[i]))
	}
	hot = hot[:len(hot)/4]
	held := c.acquire(s.at(hot[0], n))
	if given := c.Shrink(1 << 20); given < 1<<20 || tracker.Used() != full-given {
		t.Fatalf("%d bytes of a MiB were given back, %d of %d are charged", given, tracker.Used(), full)
	}
	lost := 0
	for _, i := range hot {
		if !look(t, c, s.at(i, n), byte(i)) {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d that were just used are gone", lost, len(hot))
	}
	for c.Shrink(1<<20) > 0 { //nolint:revive // until there is nothing left
	}
	if lent := c.Lent(); lent > 1<<20 || tracker.Used() > base+lent || c.Bytes() == 0 {
		t.Errorf("%d bytes are lent when all were wanted, %d charged, %d kept", lent, tracker.Used(), c.Bytes())
	}
	if b := held.pieces[0].b; bytes.Count(b, []byte{byte(hot[0])}) != len(b) {
		t.Error("a piece changed while it was read")
	}
	c.release(held)
	// It grows again once it may, and not beyond.
	most = 4 << 20
	for range 2 {
		for i := range n {
			put(c, s.at(i, n), piece, byte(i))
		}
	}
	if used := tracker.Used(); used > most || used <= most-1<<20 {
		t.Errorf("%d bytes are charged, of %d", used, most)
	}
	c.forget(&s)
}

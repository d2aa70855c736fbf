package segment

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/vec"
)

// Cache keeps decoded parts of segments in memory: vectors and blocks of bloom filters outside the Go heap, bitmaps and
// blocks of key indexes on it, all charged to a tracker. It is shared by segments and goroutines. A nil Cache keeps
// nothing.
//
// What was not used of late goes first (CLOCK). While there is room everything is kept, but for vectors that a scan comes
// by: memory that the system must find and clear costs more than one decoding, so that the first scan of a column is as
// fast without it, and may be the last. They are kept when another execution misses them. When there is no room something is
// only kept if it was asked for before, and if no more than the size of the cache has been read since: a scan of more
// than that leaves the cache as it is.
//
// It may be elastic: beyond its own bytes it takes memory that nobody else uses, as long as it is told that there is some, and
// gives that back when it is asked to (Shrink).
//
// A reader takes a reference to what it is handed, and gives it back when it has moved on: until then its memory is not
// used again, even if it has left the cache.
type Cache struct {
	tracker *mem.Tracker
	base    int64 // its own bytes
	// clock counts the bytes that were asked for, in units; full is set once something had to go.
	clock atomic.Uint64
	full  atomic.Bool
	// bloomGroup is how many blocks of a bloom filter are one part.
	bloomGroup int

	hits, misses, refusals, evictions atomic.Int64

	mu struct {
		sync.Mutex
		arena  arena
		bytes  int64 // of entries
		onHeap int64 // of these
		heap   int64 // limit of onHeap, a part of base
		ring   []*entryOf
		hand   int
		orders [arenaOrders]int // entries in the arena, by the order of their largest pieces
		closed bool
	}
}

// CacheMetrics counts what a Cache has done.
type CacheMetrics struct {
	// Bytes are kept now. Refusals are parts that were not kept because they had not been asked for of late.
	Bytes                             int64
	Hits, Misses, Refusals, Evictions int64
}

// heapShare is the part of a cache that may be on the Go heap: one in so many.
const heapShare = 4

// clockUnit is the unit of Cache.clock in bytes.
const clockUnit = 1 << 10

// slots are where the parts of one kind of one segment are found, by number.
type slots struct {
	once sync.Once
	of   []slot
}

type slot struct {
	entry atomic.Pointer[entryOf]
	seen  atomic.Uint32 // clock when it was last missed; 0: never
	asked atomic.Uint32 // execution that missed it last, and how often in succession; 0: none
}

// What slot.asked has besides the execution, and how often one execution may come by before that counts as being asked for again:
// a query that reads a table two or three times may be the only one, one that reads it for each row of another is not.
const (
	askedBits     = 3
	askedMost     = 1<<askedBits - 1
	executionMost = 3
)

// again notes that an execution has missed the part, and reports whether others had, or it often.
func (s *slot) again(execution uint32) bool {
	was, n := s.asked.Load(), uint32(1)
	if was>>askedBits == execution<<askedBits>>askedBits {
		n = min(was&askedMost+1, askedMost)
	}
	s.asked.Store(execution<<askedBits | n)
	return was != 0 && (n == 1 || execution == 0 || n > executionMost || invariants.Mutant("cache-keep-second-scan"))
}

// at returns slot i of n.
func (s *slots) at(i, n int) *slot {
	s.once.Do(func() { s.of = make([]slot, n) })
	if i > 0 && invariants.Mutant("cache-other-part") && s.of[i-1].entry.Load() != nil {
		i--
	}
	return &s.of[i]
}

// slot returns slot i of n, nil without a cache.
func (s *Segment) slot(sl *slots, i, n int) *slot {
	if s.cache == nil {
		return nil
	}
	return sl.at(i, n)
}

// entryOf is one part that is kept. Its fields but the last ones are constant.
type entryOf struct {
	slot  *slot
	bytes int
	heap  any // what it is, if that is on the Go heap; then there are no pieces
	// v is the vector that the pieces are, if they are one: entries, validity, blocks.
	v    vec.Vector
	fact vec.Fact

	pieces []piece
	order  int          // of the largest piece
	used   atomic.Bool  // since the hand passed it
	refs   atomic.Int32 // of readers, and one of the cache
	at     int          // in the ring
}

type piece struct {
	place arenaPlace
	b     []byte
}

// NewCache returns a cache of at most bytes.
func NewCache(bytes int64) *Cache { return NewCacheIn(mem.NewTracker("segment cache", bytes)) }

// NewCacheIn returns a cache of at most the limit of a tracker, to which it is charged.
func NewCacheIn(t *mem.Tracker) *Cache { return NewElasticCache(t, t.Limit(), nil) }

// NewElasticCache returns a cache that is charged to a tracker. It has base bytes, and takes more as long as lends, if not
// nil, says of a number of bytes that it may; it must neither block nor call the cache.
func NewElasticCache(t *mem.Tracker, base int64, lends func(bytes int64) bool) *Cache {
	c := &Cache{tracker: t, base: base}
	c.mu.heap = base / heapShare
	c.mu.arena = newArena(t, base-c.mu.heap, lends)
	c.bloomGroup = max(1, min(bloomGroup, c.mu.arena.bytes/(4*bloomBlock)))
	return c
}

// acquire returns what is in a slot, with a reference, or nil. The reference goes back by release.
func (c *Cache) acquire(s *slot) *entryOf {
	e := s.entry.Load()
	if e == nil || !e.acquire() {
		c.misses.Add(1)
		return nil
	}
	c.hits.Add(1)
	c.clock.Add(uint64(e.bytes+clockUnit-1) / clockUnit)
	if !e.used.Load() {
		e.used.Store(true)
	}
	return e
}

// present is acquire for who asks again in another way if there is nothing: that is not counted.
func (c *Cache) present(s *slot) *entryOf {
	if s.entry.Load() == nil {
		return nil
	}
	return c.acquire(s)
}

// acquire takes a reference, unless the last one is gone.
func (e *entryOf) acquire() bool {
	for {
		n := e.refs.Load()
		if n == 0 {
			return false
		}
		if e.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release gives a reference back; the last one frees the memory.
func (c *Cache) release(e *entryOf) {
	if e.refs.Add(-1) == 0 && len(e.pieces) > 0 {
		c.mu.Lock()
		if c.free(e); c.mu.closed {
			c.mu.arena.trim()
		}
		c.mu.Unlock()
	}
}

func (c *Cache) free(e *entryOf) {
	for _, p := range e.pieces {
		c.mu.arena.release(p.place, len(p.b))
	}
}

// admits reports whether a part of a number of bytes, which was missed, is to be kept: at once, if there is room.
func (c *Cache) admits(s *slot, bytes int) bool {
	now := c.clock.Add(uint64(bytes+clockUnit-1) / clockUnit)
	if !c.full.Load() || c.mu.arena.mayBorrow(max(bytes, c.mu.arena.bytes)) {
		return true
	}
	seen := s.seen.Swap(max(uint32(now), 1))
	if seen != 0 && int64(uint32(now)-seen)*clockUnit <= max(c.base, c.tracker.Used()) || invariants.Mutant("cache-admit-all") {
		return true
	}
	c.refusals.Add(1)
	return false
}

// admitsScanned is admits for a vector that a scan has come by.
func (c *Cache) admitsScanned(s *slot, bytes int, execution uint32) bool {
	if !s.again(execution) && !invariants.Mutant("cache-keep-first-scan") {
		now := c.clock.Add(uint64(bytes+clockUnit-1) / clockUnit)
		s.seen.Store(max(uint32(now), 1))
		c.refusals.Add(1)
		return false
	}
	return c.admits(s, bytes)
}

// keep puts a value on the Go heap into a slot.
func (c *Cache) keep(s *slot, value any, bytes int) {
	if c == nil || !c.admits(s, bytes) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if int64(bytes) > c.mu.heap || s.entry.Load() != nil || c.mu.closed {
		return
	}
	for c.mu.onHeap+int64(bytes) > c.mu.heap || c.tracker.Reserve(int64(bytes)) != nil {
		if !c.evict(true, 0) {
			return
		}
	}
	c.mu.onHeap += int64(bytes)
	c.add(s, &entryOf{slot: s, bytes: bytes, heap: value})
}

// value returns what keep put into a slot, or nil.
func (c *Cache) value(s *slot) any {
	if c == nil {
		return nil
	}
	e := c.acquire(s)
	if e == nil {
		return nil
	}
	c.release(e)
	return e.heap
}

// put copies parts into pieces of the arena, and puts them into a slot. done, if not nil, is called before anyone else
// sees the entry. The copies are made without the lock: others who read for the first time do not wait while memory is
// touched that the system must first find.
func (c *Cache) put(s *slot, parts [][]byte, done func(e *entryOf)) {
	e := c.place(s, parts)
	if e == nil {
		return
	}
	for i, p := range parts {
		copy(e.pieces[i].b, p)
	}
	if done != nil {
		done(e)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.entry.Load() == nil && !c.mu.closed {
		c.add(s, e)
		return
	}
	if c.free(e); c.mu.closed { // others were faster
		c.mu.arena.trim()
	}
}

// place returns an entry for a slot with room for parts, which nobody else knows yet; nil if there is none.
func (c *Cache) place(s *slot, parts [][]byte) *entryOf {
	e := &entryOf{slot: s, pieces: make([]piece, 0, len(parts))}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.entry.Load() != nil || c.mu.closed {
		return nil
	}
	for _, p := range parts {
		at, ok := c.mu.arena.alloc(len(p))
		for !ok && c.evict(false, orderOf(len(p))) {
			at, ok = c.mu.arena.alloc(len(p))
		}
		if !ok {
			c.free(e)
			return nil
		}
		e.pieces = append(e.pieces, piece{at, c.mu.arena.at(at, len(p))})
		e.bytes += arenaUnit << orderOf(len(p))
		e.order = max(e.order, orderOf(len(p)))
	}
	return e
}

func (c *Cache) add(s *slot, e *entryOf) {
	e.refs.Store(1)
	e.at = len(c.mu.ring)
	c.mu.ring = append(c.mu.ring, e)
	c.mu.bytes += int64(e.bytes)
	if e.heap == nil {
		c.mu.orders[e.order]++
	}
	s.entry.Store(e)
}

// evict drops an entry, on the Go heap or not, that was not used since the hand passed it, and that nobody reads; false
// if there is none. As long as there are some, it is one with a piece of an order at least: small pieces here and there make
// no room for a large one, and all of them would go before two neighbours became one.
func (c *Cache) evict(onHeap bool, order int) bool {
	c.full.Store(true)
	if onHeap || !slices.ContainsFunc(c.mu.orders[order:], func(n int) bool { return n > 0 }) || invariants.Mutant("cache-evict-any") {
		order = 0
	}
	return c.pass(onHeap, order) || order > 0 && c.pass(onHeap, 0)
}

// pass moves the hand on to an entry to drop.
func (c *Cache) pass(onHeap bool, order int) bool {
	for range 2 * len(c.mu.ring) {
		if c.mu.hand >= len(c.mu.ring) {
			c.mu.hand = 0
		}
		e := c.mu.ring[c.mu.hand]
		if (e.heap != nil) == onHeap && e.order >= order && !e.used.Swap(false) && (e.refs.Load() == 1 || invariants.Mutant("cache-evict-read")) {
			c.evictions.Add(1)
			c.drop(e)
			c.mu.hand++ // the newest took its place, and has a round before it
			return true
		}
		c.mu.hand++
	}
	return false
}

// drop takes an entry out of the cache, whose reference ends.
func (c *Cache) drop(e *entryOf) {
	ring := c.mu.ring
	last := len(ring) - 1
	ring[e.at] = ring[last]
	ring[e.at].at = e.at
	ring[last] = nil
	c.mu.ring = ring[:last]
	c.mu.bytes -= int64(e.bytes)
	e.slot.entry.Store(nil)
	if e.heap != nil {
		c.mu.onHeap -= int64(e.bytes)
		c.tracker.Release(int64(e.bytes))
	} else {
		c.mu.orders[e.order]--
	}
	if e.refs.Add(-1) == 0 || invariants.Mutant("cache-evict-read") {
		c.free(e)
	}
}

// forget drops what is kept in slots, which are not used any more.
func (c *Cache) forget(s *slots) {
	if c == nil {
		return
	}
	s.once.Do(func() {})
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range s.of {
		if e := s.of[i].entry.Load(); e != nil {
			c.drop(e)
			c.full.Store(false)
		}
	}
}

// Bytes returns what the cache holds.
func (c *Cache) Bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.bytes
}

// Misses returns how often the cache did not have what was asked for.
func (c *Cache) Misses() int64 { return c.misses.Load() }

// Metrics returns the counters.
func (c *Cache) Metrics() CacheMetrics {
	return CacheMetrics{Bytes: c.Bytes(), Hits: c.hits.Load(), Misses: c.misses.Load(), Refusals: c.refusals.Load(), Evictions: c.evictions.Load()}
}

// Lent returns how many bytes the cache has beyond its own.
func (c *Cache) Lent() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.arena.lent()
}

// Shrink gives back at least so many of the bytes that the cache has beyond its own, if readers do not hold them, and returns
// how many it gave back. Of the slabs those go in which the least was used since the hand passed it.
func (c *Cache) Shrink(bytes int64) (given int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &c.mu.arena
	bytes = min(bytes, a.lent())
	if bytes <= 0 || invariants.Mutant("cache-never-shrink") {
		return 0
	}
	before := a.count
	a.trim()
	if given = a.given(before); given < bytes {
		cold := c.coldest(int((bytes - given + int64(a.bytes) - 1) / int64(a.bytes)))
		for i := len(c.mu.ring) - 1; i >= 0; i-- {
			if e := c.mu.ring[i]; e.heap == nil && e.refs.Load() == 1 && slices.ContainsFunc(e.pieces, func(p piece) bool { return cold[p.place.slab-1] }) {
				c.evictions.Add(1)
				c.drop(e)
			}
		}
		a.trim()
		c.full.Store(true)
	}
	return a.given(before)
}

// coldest chooses n slabs in which the least is that readers hold or have used of late.
func (c *Cache) coldest(n int) (chosen []bool) {
	slabs := c.mu.arena.slabs
	weights, order := make([]int, len(slabs)), make([]int, 0, len(slabs))
	for i := range slabs {
		if slabs[i].slab.B != nil {
			order = append(order, i)
		}
	}
	for _, e := range c.mu.ring {
		w := 0
		switch {
		case e.refs.Load() > 1:
			w = len(slabs) // such a slab would not become free
		case e.used.Load():
			w = 1
		}
		for _, p := range e.pieces {
			weights[p.place.slab-1] += w * len(p.b)
		}
	}
	slices.SortStableFunc(order, func(i, k int) int { return cmp.Compare(weights[i], weights[k]) })
	chosen = make([]bool, len(slabs))
	for _, i := range order[:min(n, len(order))] {
		chosen[i] = true
	}
	return chosen
}

// Trim gives all memory back but that of what is being read, and goes on: for when others need it.
func (c *Cache) Trim() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.mu.ring) - 1; i >= 0; i-- {
		if e := c.mu.ring[i]; e.heap != nil || e.refs.Load() == 1 {
			c.drop(e)
		}
	}
	c.mu.arena.trim()
	c.full.Store(false)
}

// Close gives the memory back; that of what is still being read when its readers go on. Nothing is kept any more.
func (c *Cache) Close() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.closed = true
	for len(c.mu.ring) > 0 {
		c.drop(c.mu.ring[0])
	}
	c.mu.arena.trim()
}

package segment

import (
	"sync"
	"sync/atomic"
)

// Cache keeps decoded parts of segments (vectors, blocks of key indexes and bloom filters, bitmaps) in memory, up to a
// number of bytes; what was not used of late goes first (CLOCK). It is shared by segments and goroutines; what it hands
// out is immutable. A nil Cache keeps nothing.
type Cache struct {
	shards [cacheShards]cacheShard
	misses atomic.Int64
}

const cacheShards = 16

type cacheKey struct {
	segment uint64
	kind    section
	arg     uint16
	number  uint32
}

type cacheShard struct {
	sync.RWMutex
	max, bytes int64
	items      map[cacheKey]*cacheItem
	ring       []*cacheItem // in no order; hand goes round it
	hand       int
}

type cacheItem struct {
	key   cacheKey
	value any
	bytes int64
	at    int         // in the ring
	used  atomic.Bool // since the hand passed it
}

// NewCache returns a cache of at most bytes.
func NewCache(bytes int64) *Cache {
	c := &Cache{}
	for i := range c.shards {
		c.shards[i].max = max(bytes/cacheShards, 1)
		c.shards[i].items = map[cacheKey]*cacheItem{}
	}
	return c
}

func (c *Cache) shard(k cacheKey) *cacheShard {
	h := mix(k.segment<<40 ^ uint64(k.kind)<<56 ^ uint64(k.arg)<<32 ^ uint64(k.number))
	return &c.shards[h%cacheShards]
}

// get returns what is kept for a key, or nil.
func (c *Cache) get(k cacheKey) any {
	if c == nil {
		return nil
	}
	s := c.shard(k)
	s.RLock()
	it := s.items[k]
	s.RUnlock()
	if it == nil {
		c.misses.Add(1)
		return nil
	}
	if !it.used.Load() {
		it.used.Store(true)
	}
	return it.value
}

// put keeps a value that weighs a number of bytes.
func (c *Cache) put(k cacheKey, value any, bytes int) {
	if c == nil {
		return
	}
	s := c.shard(k)
	s.Lock()
	defer s.Unlock()
	if int64(bytes) > s.max {
		return
	}
	if it := s.items[k]; it != nil {
		s.drop(it)
	}
	for s.bytes+int64(bytes) > s.max {
		s.evict()
	}
	it := &cacheItem{key: k, value: value, bytes: int64(bytes), at: len(s.ring)}
	s.ring = append(s.ring, it)
	s.items[k] = it
	s.bytes += it.bytes
}

// evict drops an item that was not used since the hand passed it last.
func (s *cacheShard) evict() {
	for {
		if s.hand >= len(s.ring) {
			s.hand = 0
		}
		if it := s.ring[s.hand]; !it.used.Swap(false) {
			s.drop(it)
			return
		}
		s.hand++
	}
}

func (s *cacheShard) drop(it *cacheItem) {
	last := len(s.ring) - 1
	s.ring[it.at] = s.ring[last]
	s.ring[it.at].at = it.at
	s.ring[last] = nil
	s.ring = s.ring[:last]
	delete(s.items, it.key)
	s.bytes -= it.bytes
}

// forget drops what is kept of a segment.
func (c *Cache) forget(segment uint64) {
	if c == nil {
		return
	}
	for i := range c.shards {
		s := &c.shards[i]
		s.Lock()
		for k, it := range s.items {
			if k.segment == segment {
				s.drop(it)
			}
		}
		s.Unlock()
	}
}

// Bytes returns what the cache holds.
func (c *Cache) Bytes() (n int64) {
	for i := range c.shards {
		c.shards[i].Lock()
		n += c.shards[i].bytes
		c.shards[i].Unlock()
	}
	return n
}

// Misses returns how often the cache did not have what was asked for.
func (c *Cache) Misses() int64 { return c.misses.Load() }

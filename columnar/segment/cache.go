package segment

import (
	"container/list"
	"sync"
	"sync/atomic"
)

// Cache keeps decoded parts of segments (vectors, blocks of key indexes and bloom filters, bitmaps) in memory, up to a
// number of bytes, the least recently used ones going first. It is shared by segments and goroutines; what it hands
// out is immutable. A nil Cache keeps nothing.
type Cache struct {
	shards       [cacheShards]cacheShard
	hits, misses atomic.Int64
}

const cacheShards = 16

type cacheKey struct {
	segment uint64
	kind    section
	arg     uint16
	number  uint32
}

type cacheShard struct {
	sync.Mutex
	max, bytes int64
	items      map[cacheKey]*list.Element
	order      list.List // most recently used first
}

type cacheItem struct {
	key   cacheKey
	value any
	bytes int64
}

// NewCache returns a cache of at most bytes.
func NewCache(bytes int64) *Cache {
	c := &Cache{}
	for i := range c.shards {
		c.shards[i].max = max(bytes/cacheShards, 1)
		c.shards[i].items = map[cacheKey]*list.Element{}
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
	s.Lock()
	defer s.Unlock()
	e := s.items[k]
	if e == nil {
		c.misses.Add(1)
		return nil
	}
	c.hits.Add(1)
	s.order.MoveToFront(e)
	return e.Value.(*cacheItem).value
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
	if e := s.items[k]; e != nil {
		s.drop(e)
	}
	s.items[k] = s.order.PushFront(&cacheItem{k, value, int64(bytes)})
	s.bytes += int64(bytes)
	for s.bytes > s.max {
		s.drop(s.order.Back())
	}
}

func (s *cacheShard) drop(e *list.Element) {
	it := s.order.Remove(e).(*cacheItem)
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
		for k, e := range s.items {
			if k.segment == segment {
				s.drop(e)
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

// Hits returns how often the cache had what was asked for, and how often not.
func (c *Cache) Hits() (hits, misses int64) { return c.hits.Load(), c.misses.Load() }

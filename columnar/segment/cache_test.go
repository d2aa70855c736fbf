package segment

import (
	"math/rand/v2"
	"sync"
	"testing"
)

// TestCache: it keeps what is used, within its bytes, and hands out what was put under the key.
func TestCache(t *testing.T) {
	const limit = 16 << 10
	c := NewCache(limit)
	var wg sync.WaitGroup
	for w := range uint64(4) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(w, 1))
			for range 20_000 {
				k := cacheKey{segment: rng.Uint64N(3), kind: secPages, arg: uint16(rng.IntN(4)), number: rng.Uint32N(200)}
				if v := c.get(k); v != nil {
					if v.(cacheKey) != k {
						t.Errorf("%+v is %+v", k, v)
					}
					continue
				}
				c.put(k, k, 10+int(k.number))
			}
		})
	}
	wg.Wait()
	if n := c.Bytes(); n > limit || n < limit/2 {
		t.Errorf("%d bytes of %d are kept", n, limit)
	}
	hot := cacheKey{segment: 9, kind: secPages}
	c.put(hot, hot, 100)
	for i := range uint32(10_000) {
		if c.get(hot) == nil {
			t.Fatalf("what is used all the time went after %d others", i)
		}
		k := cacheKey{segment: 8, kind: secBloom, number: i}
		c.put(k, k, 100)
	}
	for seg := range uint64(10) {
		c.forget(seg)
	}
	if n := c.Bytes(); n != 0 {
		t.Errorf("%d bytes are left of segments that were forgotten", n)
	}
	var none *Cache
	none.put(hot, hot, 1)
	none.forget(9)
	if none.get(hot) != nil {
		t.Error("a nil cache has something")
	}
	if c.Misses() == 0 {
		t.Error("no misses were counted")
	}
}

package segment

import (
	"bytes"
	"hash/crc32"
	"sort"

	"github.com/laminadb/lamina/internal/invariants"
)

// Lookup appends the positions of the rows whose key number k is key (encoded by package index), ascending, to dst. It
// asks the bounds of the key, then the bloom filter, then one block of the index.
func (s *Segment) Lookup(dst []uint32, k int, key []byte) ([]uint32, error) {
	r := &s.keys[k]
	if r.num == 0 || bytes.Compare(key, r.first) < 0 || bytes.Compare(key, r.last) > 0 {
		return dst, nil
	}
	if ok, err := s.mayHave(k, key); !ok || err != nil {
		return dst, err
	}
	s.metrics.probes.Add(1)
	// The first block that may hold the key: equal keys may begin in the block before one whose separator is the key.
	b := sort.Search(len(r.seps), func(i int) bool { return bytes.Compare(r.seps[i], key) >= 0 })
	for b = max(b-1, 0); b < len(r.seps); b++ {
		if bytes.Compare(r.seps[b], key) > 0 {
			break
		}
		block, err := s.indexBlock(k, b)
		if err != nil {
			return dst, err
		}
		for i := block.find(key); i < len(block.pos) && bytes.Equal(block.at(i), key); i++ {
			dst = append(dst, block.pos[i])
		}
	}
	return dst, nil
}

// mayHave asks the bloom filter of key k.
func (s *Segment) mayHave(k int, key []byte) (bool, error) {
	r := &s.keys[k]
	h := keyHash(key)
	if invariants.Mutant("bloom-skip-key") {
		h++
	}
	bucket := bucketOf(h, r.buckets)
	number := bucket / blockBuckets
	ck := cacheKey{s.id, secBloom, uint16(k), number}
	block, _ := s.cache.get(ck).([]byte)
	if block == nil {
		block = make([]byte, bloomBlock)
		off := int64(r.bloom.off) + int64(number)*bloomBlock
		if err := s.side.read(block, off); err != nil {
			return false, err
		}
		if crc32.Checksum(block[:bloomPayload], castagnoli) != le.Uint32(block[bloomPayload:]) {
			return false, s.side.damaged(off, "wrong checksum")
		}
		s.cache.put(ck, block, bloomBlock)
	}
	return inBucket(block[bucket%blockBuckets*bucketBytes:], h), nil
}

func (s *Segment) indexBlock(k, b int) (*indexBlock, error) {
	r := &s.keys[k]
	ck := cacheKey{s.id, secKeyBlocks, uint16(k), uint32(b)}
	if block, _ := s.cache.get(ck).(*indexBlock); block != nil {
		return block, nil
	}
	p := make([]byte, r.offs[b+1]-r.offs[b])
	if err := s.side.read(p, r.offs[b]); err != nil {
		return nil, err
	}
	if crc32.Checksum(p, castagnoli) != r.crcs[b] {
		return nil, s.side.damaged(r.offs[b], "wrong checksum")
	}
	block, ok := decodeIndexBlock(p, int(r.counts[b]), uint64(s.rows))
	if !ok {
		return nil, s.side.damaged(r.offs[b], "malformed block of a key index")
	}
	s.cache.put(ck, block, block.bytes())
	return block, nil
}

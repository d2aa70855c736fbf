package segment

import (
	"bytes"
	"hash/crc32"
	"sync"

	"github.com/laminadb/lamina/internal/invariants"
)

// Lookup appends the positions of the rows whose key number k is key (encoded by package index), ascending, to dst. It
// asks the bounds of the key, then the bloom filter, then one block of the index.
func (s *Segment) Lookup(dst []uint32, k int, key []byte) ([]uint32, error) {
	if !s.keys[k].within(key) {
		return dst, nil
	}
	if ok, err := s.mayHave(k, key); !ok || err != nil {
		return dst, err
	}
	return s.probe(dst, k, key)
}

// within reports whether a key lies between the first and the last one.
func (r *keyReader) within(key []byte) bool {
	return r.num > 0 && bytes.Compare(key, r.first) >= 0 && bytes.Compare(key, r.last) <= 0
}

// probe is Lookup for a key that may be there.
func (s *Segment) probe(dst []uint32, k int, key []byte) ([]uint32, error) {
	s.metrics.probes.Add(1)
	n := len(dst)
	dst, err := s.searchIndex(dst, k, key)
	if len(dst) == n && err == nil {
		s.metrics.vain.Add(1)
	}
	return dst, err
}

// searchIndex appends the positions that the index of key k has for a key.
func (s *Segment) searchIndex(dst []uint32, k int, key []byte) ([]uint32, error) {
	r := &s.keys[k]
	// The first block that may hold the key: equal keys may begin in the block before one whose separator is the key.
	b := max(r.firstBlock(key)-1, 0)
	if invariants.Mutant("segment-skip-block") {
		b++
	}
	for ; b < len(r.seps); b++ {
		if bytes.Compare(r.seps[b], key) > 0 {
			break
		}
		if r.clustered {
			var found bool
			if dst, found = s.searchInts(dst, k, b, key); found {
				continue
			}
			var err error
			if dst, err = s.searchZone(dst, k, b, key); err != nil {
				return dst, err
			}
			continue
		}
		if s.cache == nil {
			var err error
			if dst, err = s.searchBlock(dst, k, b, key); err != nil {
				return dst, err
			}
			continue
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
	may, err := s.askBloom(r, bucketOf(h, r.buckets), h)
	s.metrics.blooms.Add(1)
	if !may && err == nil {
		s.metrics.absent.Add(1)
	}
	return may, err
}

// bloomGroup is how many blocks of a filter the cache keeps as one, if it is not small: few parts lead to the buckets, so
// that a probe of a filter in memory waits for its bucket alone.
const bloomGroup = 16

// bloomGroups returns the number of parts of the filter of a key.
func (c *Cache) bloomGroups(r *keyReader) int {
	return (int(r.bloom.len/bloomBlock) + c.bloomGroup - 1) / c.bloomGroup
}

// bloomPlace is where a bucket lies: block, and bytes before it there.
type bloomPlace struct{ block, at int }

// askBloom reads a bucket of a bloom filter, from the cache or the file.
func (s *Segment) askBloom(r *keyReader, bucket uint32, h uint64) (bool, error) {
	p := bloomPlace{int(bucket / blockBuckets), int(bucket%blockBuckets) * bucketBytes}
	if s.cache == nil {
		return s.readBloom(r, nil, p.block, 1, p, h)
	}
	group := s.cache.bloomGroup
	sl := r.blooms.at(p.block/group, s.cache.bloomGroups(r))
	if e := s.cache.acquire(sl); e != nil {
		may := inBucket(e.pieces[0].b[p.block%group*bloomBlock+p.at:], h)
		s.cache.release(e)
		return may, nil
	}
	first := p.block - p.block%group
	n := min(group, int(r.bloom.len/bloomBlock)-first)
	if !s.cache.admits(sl, n*bloomBlock) {
		return s.readBloom(r, nil, p.block, 1, p, h)
	}
	return s.readBloom(r, sl, first, n, p, h)
}

// readBloom reads blocks of a filter from the file, puts them into a slot, if there is one, and asks a bucket of theirs.
func (s *Segment) readBloom(r *keyReader, sl *slot, first, n int, p bloomPlace, h uint64) (bool, error) {
	buf := bloomBuffers.Get().(*[bloomGroup * bloomBlock]byte)
	defer bloomBuffers.Put(buf)
	blocks := buf[:n*bloomBlock]
	off := int64(r.bloom.off) + int64(first)*bloomBlock
	if err := s.side.read(blocks, off); err != nil {
		return false, err
	}
	for i := 0; i < len(blocks); i += bloomBlock {
		if b := blocks[i : i+bloomBlock]; crc32.Checksum(b[:bloomPayload], castagnoli) != le.Uint32(b[bloomPayload:]) {
			return false, s.side.damaged(off+int64(i), "wrong checksum")
		}
	}
	if sl != nil {
		s.cache.put(sl, [][]byte{blocks}, nil)
	}
	return inBucket(blocks[(p.block-first)*bloomBlock+p.at:], h), nil
}

// bloomBuffers are memory for blocks that are read.
var bloomBuffers = sync.Pool{New: func() any { return new([bloomGroup * bloomBlock]byte) }}

func (s *Segment) indexBlock(k, b int) (*indexBlock, error) {
	r := &s.keys[k]
	sl := s.slot(&r.decoded, b, len(r.seps))
	if block, _ := s.cache.value(sl).(*indexBlock); block != nil {
		return block, nil
	}
	p, err := s.readBlock(nil, r, b)
	if err != nil {
		return nil, err
	}
	block, ok := decodeIndexBlock(p, int(r.counts[b]), uint64(s.rows))
	if !ok {
		return nil, s.side.damaged(r.offs[b], "malformed block of a key index")
	}
	s.cache.keep(sl, block, block.bytes())
	return block, nil
}

// readBlock reads a block of a key index into p or new memory, and compares its checksum.
func (s *Segment) readBlock(p []byte, r *keyReader, b int) ([]byte, error) {
	n := int(r.offs[b+1] - r.offs[b])
	if cap(p) < n {
		p = make([]byte, n, max(n, indexBlockBytes))
	}
	p = p[:n]
	if err := s.side.read(p, r.offs[b]); err != nil {
		return p, err
	}
	if crc32.Checksum(p, castagnoli) != r.crcs[b] {
		return p, s.side.damaged(r.offs[b], "wrong checksum")
	}
	return p, nil
}

// blockBuffer is memory for one block and for one key of it.
type blockBuffer struct{ block, key []byte }

var blockBuffers = sync.Pool{New: func() any { return new(blockBuffer) }}

// searchBlock appends the positions of a key in a block, which it reads and does not keep.
func (s *Segment) searchBlock(dst []uint32, k, b int, key []byte) ([]uint32, error) {
	r := &s.keys[k]
	buf := blockBuffers.Get().(*blockBuffer)
	defer blockBuffers.Put(buf)
	var err error
	if buf.block, err = s.readBlock(buf.block, r, b); err != nil {
		return dst, err
	}
	d := decoder{b: buf.block}
	pos := int64(0)
	buf.key = buf.key[:0]
	for range r.counts[b] {
		shared := int(d.upTo(uint64(len(buf.key))))
		suffix := d.bytes()
		pos += d.i()
		if d.bad || pos < 0 || pos >= int64(s.rows) {
			return dst, s.side.damaged(r.offs[b], "malformed block of a key index")
		}
		buf.key = append(buf.key[:shared], suffix...)
		switch bytes.Compare(buf.key, key) {
		case 0:
			dst = append(dst, uint32(pos))
		case 1:
			return dst, nil
		}
	}
	return dst, nil
}

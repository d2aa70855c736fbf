package segment

import (
	"hash/crc32"

	"github.com/zeebo/xxh3"
)

// A bloom filter is of buckets of 256 bits (a split-block bloom filter): a key sets one bit in each of the eight words
// of one bucket. Buckets lie in blocks with a checksum each, so that a probe reads one block.
const (
	bucketBytes     = 32
	blockBuckets    = 127
	bloomBlock      = 4096 // 127 buckets, 28 bytes of zeros, checksum
	bloomKeyBits    = 12   // bits a key: about 0.4 % of absent keys pass
	bloomPayload    = bloomBlock - 4
	bloomBucketsMin = 1
)

var bloomSalt = [8]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}

// keyHash is the hash of an encoded key in bloom filters.
func keyHash(key []byte) uint64 { return xxh3.Hash(key) }

// bucketOf returns the bucket of a hash among n.
func bucketOf(h uint64, n uint32) uint32 { return uint32((h >> 32) * uint64(n) >> 32) }

// buildBloom returns the blocks of a filter of n keys.
func buildBloom(n int, key func(i int) []byte) []byte {
	buckets := bloomBuckets(n)
	blocks := (int(buckets) + blockBuckets - 1) / blockBuckets
	b := make([]byte, blocks*bloomBlock)
	for i := range n {
		h := keyHash(key(i))
		k := bucketOf(h, buckets)
		at := int(k/blockBuckets)*bloomBlock + int(k%blockBuckets)*bucketBytes
		for w, salt := range bloomSalt {
			p := b[at+4*w:]
			le.PutUint32(p, le.Uint32(p)|1<<(uint32(h)*salt>>27))
		}
	}
	for i := range blocks {
		p := b[i*bloomBlock:][:bloomBlock]
		le.PutUint32(p[bloomPayload:], crc32.Checksum(p[:bloomPayload], castagnoli))
	}
	return b
}

// bloomBuckets returns the number of buckets of a filter of n keys.
func bloomBuckets(n int) uint32 {
	return uint32(max((n*bloomKeyBits+bucketBytes*8-1)/(bucketBytes*8), bloomBucketsMin))
}

// inBucket reports whether a key with hash h may be in the bucket.
func inBucket(bucket []byte, h uint64) bool {
	for w, salt := range bloomSalt {
		if le.Uint32(bucket[4*w:])>>(uint32(h)*salt>>27)&1 == 0 {
			return false
		}
	}
	return true
}

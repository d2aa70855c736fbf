package kernel

import (
	"math"
	"math/bits"

	"github.com/zeebo/xxh3"

	"github.com/laminadb/lamina/vec"
)

// NullHash stands for NULL among the hashes of a key's columns.
const NullHash = 0x7fb5d329728ea185

// CombineHash mixes the hash of a further key column into a word.
func CombineHash(word, h uint64) uint64 {
	return (bits.RotateLeft64(word, 23) ^ h) * 0x9E3779B97F4A7C15
}

// CombineHashes mixes the hashes of a further key column into words.
func CombineHashes(words, h []uint64) {
	h = h[:len(words)]
	for i, w := range words {
		words[i] = CombineHash(w, h[i])
	}
}

// HashInts sets words[i] to a hash of v[i].
func HashInts(words []uint64, v []int64) {
	words = words[:len(v)]
	for i, x := range v {
		words[i] = Hash(uint64(x))
	}
}

// FloatKey returns the bits by which floats are equal: one zero, one NaN.
func FloatKey(b int64) int64 {
	f := math.Float64frombits(uint64(b))
	switch {
	case f == 0:
		return 0
	case f != f:
		return 0x7ff8000000000000
	}
	return b
}

// HashFloats is HashInts for the bits of floats.
func HashFloats(words []uint64, v []int64) {
	words = words[:len(v)]
	for i, x := range v {
		words[i] = Hash(uint64(FloatKey(x)))
	}
}

// HashView returns the hash of a string.
func HashView(v *vec.StrView, blocks [][]byte) uint64 {
	if v.Len > vec.InlineMax {
		return xxh3.Hash(v.Bytes(blocks))
	}
	lo, hi := viewWords(v)
	return Hash(lo) ^ bits.RotateLeft64(Hash(hi^0x94d049bb133111eb), 31)
}

// HashViews is HashInts for strings.
func HashViews(words []uint64, v []vec.StrView, blocks [][]byte) {
	words = words[:len(v)]
	for i := range v {
		words[i] = HashView(&v[i], blocks)
	}
}

// EqualViews reports whether two strings are equal.
func EqualViews(a *vec.StrView, blocksA [][]byte, b *vec.StrView, blocksB [][]byte) bool {
	loA, hiA := viewWords(a)
	loB, hiB := viewWords(b)
	if loA != loB {
		return false
	}
	if a.Len <= vec.InlineMax {
		return hiA == hiB
	}
	return string(a.Bytes(blocksA)) == string(b.Bytes(blocksB))
}

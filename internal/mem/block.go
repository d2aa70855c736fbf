package mem

import "math/bits"

// Slabs of these classes are mapped a block at a time, if there is room: a block is one huge page, which costs one fault
// at its first touch in place of one for every 4 KiB, and one call of the system in place of one a slab. That fault clears all
// of it: slabs of all these classes are cut from one block, so that a statement that needs little of each has few.
const (
	blockBytes    = 2 << 20
	blockMinShift = 15
	blockMaxShift = 20
)

// blocksFrom is what the open databases may use at least: where memory is short, whole blocks would be missed of which
// little is used.
var blocksFrom int64 = 1 << 30

// inBlocks reports whether slabs of a class are parts of blocks.
func inBlocks(shift uint8) bool { return shift >= blockMinShift && shift <= blockMaxShift }

// cutRest takes the first bytes of the rest of a block, which has as many, under the pool's lock.
func cutRest(size int) []byte {
	b := pool.rest[:size:size]
	if pool.rest = pool.rest[size:]; len(pool.rest) == 0 {
		pool.rest = nil
	}
	return b
}

// mapSlab maps a slab of a class. What else a block has is idle from then on.
func mapSlab(size int, shift uint8) ([]byte, error) {
	if !inBlocks(shift) || !claimBlock(int64(size)) {
		return mapBytes(size)
	}
	b, err := mapBytes(blockBytes)
	if err != nil {
		dropClaim(int64(size))
		return mapBytes(size)
	}
	pool.Lock()
	defer pool.Unlock()
	rest := pool.rest
	if pool.rest = b[size:]; len(rest) > len(pool.rest) { // others have mapped one meanwhile
		rest, pool.rest = pool.rest, rest
	}
	pool.idle += blockBytes - int64(size)
	pool.claimed -= blockBytes - int64(size)
	for len(rest) > 0 { // the largest slabs that there are in what is left of the one before
		shift := min(bits.Len(uint(len(rest)))-1, blockMaxShift)
		pool.free[shift] = append(pool.free[shift], rest[:1<<shift:1<<shift])
		rest = rest[1<<shift:]
	}
	return b[:size:size], nil
}

// claimBlock reports whether a block may be mapped for a slab of a size that counts as used already.
func claimBlock(size int64) bool {
	rest := blockBytes - size
	pool.Lock()
	defer pool.Unlock()
	if pool.expected < blocksFrom || pool.idle+rest > poolBytesMax || pool.idle+pool.claimed+pool.used+rest > room() {
		return false
	}
	pool.claimed += rest
	return true
}

func dropClaim(size int64) {
	pool.Lock()
	pool.claimed -= blockBytes - size
	pool.Unlock()
}

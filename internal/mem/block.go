package mem

// Slabs of these classes are mapped a block at a time, if there is room: a block is one huge page, which costs one fault
// at its first touch in place of one for every 4 KiB, and one call of the system in place of one a slab.
const (
	blockBytes    = 2 << 20
	blockMinShift = 15
	blockMaxShift = 20
)

// blocksFrom is what the open databases may use at least: where memory is short, whole blocks would be missed of which
// little is used.
var blocksFrom int64 = 1 << 30

// mapSlab maps a slab of a class. What else a block has is idle from then on.
func mapSlab(size int, shift uint8) ([]byte, error) {
	if shift < blockMinShift || shift > blockMaxShift || !claimBlock(int64(size)) {
		return mapBytes(size)
	}
	b, err := mapBytes(blockBytes)
	if err != nil {
		dropClaim(int64(size))
		return mapBytes(size)
	}
	pool.Lock()
	defer pool.Unlock()
	for at := blockBytes - size; at > 0; at -= size { // the ones in front are taken first
		pool.free[shift] = append(pool.free[shift], b[at:at+size:at+size])
	}
	pool.idle += blockBytes - int64(size)
	pool.claimed -= blockBytes - int64(size)
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

package textpool

import (
	_ "embed" // for the index
	"encoding/binary"
	"fmt"
)

const (
	// Bytes is the size of the pool.
	Bytes = 300 << 20
	// firstState is the state of the random stream before the first sentence.
	firstState = 933588178

	blockBytes  = 512
	groupBlocks = 16
	numBlocks   = Bytes / blockBytes
	numGroups   = numBlocks / groupBlocks

	// The parts of the index: one byte of draws and one byte of distance for each block, then
	// the state for each group, 32 bits little endian.
	drawsAt   = 0
	backAt    = drawsAt + numBlocks
	stateAt   = backAt + numBlocks
	indexSize = stateAt + 4*numGroups
)

//go:embed pool.idx
var index string

// powers[i] is multiplier to the power i: the factor that moves a state i draws ahead.
var powers = newPowers()

// drawsMax is more draws than lie between the first and the last block of a group.
const drawsMax = (groupBlocks-1)*255 + 1

func newPowers() *[drawsMax]uint32 {
	p := new([drawsMax]uint32)
	s := uint64(1)
	for i := range p {
		p[i] = uint32(s)
		s = next(s)
	}
	return p
}

// locate returns where the sentence that reaches into a block begins, and the state there.
func locate(block int) (offset int, state uint64) {
	group := block / groupBlocks
	draws := 0
	for i := group*groupBlocks + 1; i <= block; i++ {
		draws += int(index[drawsAt+i])
	}
	at := stateAt + 4*group
	state = uint64(index[at]) | uint64(index[at+1])<<8 | uint64(index[at+2])<<16 | uint64(index[at+3])<<24
	state = state * uint64(powers[draws]) % modulus
	return block*blockBytes - int(index[backAt+block]), state
}

// BuildIndex makes the whole pool once and returns its index.
func BuildIndex() ([]byte, error) {
	idx := make([]byte, indexSize)
	w := writer{buf: make([]byte, sentenceBytesMax), state: firstState}
	offset, block, lastCalls := 0, 0, 0
	for block < numBlocks {
		start, startState, startCalls := offset, w.state, w.calls
		w.pos = 0
		w.sentence()
		offset += w.pos
		for ; block < numBlocks && block*blockBytes < offset; block++ {
			draws, back := startCalls-lastCalls, block*blockBytes-start
			if draws > 255 || back > 255 {
				return nil, fmt.Errorf("block %d: %d draws and %d bytes do not fit the index", block, draws, back)
			}
			lastCalls = startCalls
			idx[drawsAt+block] = uint8(draws)
			idx[backAt+block] = uint8(back)
			if block%groupBlocks == 0 {
				binary.LittleEndian.PutUint32(idx[stateAt+4*(block/groupBlocks):], uint32(startState))
			}
		}
	}
	return idx, nil
}

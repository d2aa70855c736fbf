package textpool

import (
	_ "embed" // for the index
	"encoding/binary"
	"fmt"

	"github.com/laminadb/lamina/tpch/internal/lehmer"
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

	// The index has a record for each group, which most often lies in one cache line: the state in
	// 32 bits, little endian, then one byte of draws for each block, then one byte of distance.
	drawsAt     = 4
	backAt      = drawsAt + groupBlocks
	recordBytes = backAt + groupBlocks
)

//go:embed pool.idx
var index []byte

// drawsMax is more draws than lie between the first and the last block of a group.
const drawsMax = (groupBlocks-1)*255 + 1

// powers has the factors that move a state ahead.
var powers = func() *[drawsMax]uint32 {
	p := new([drawsMax]uint32)
	s := lehmer.Power(0)
	for i := range p {
		p[i] = uint32(s)
		s = lehmer.Next(s)
	}
	return p
}()

// locate returns where the sentence that reaches into a block begins, and the state there.
func locate(block int) (offset int, state uint64) {
	record := index[block/groupBlocks*recordBytes:][:recordBytes]
	inGroup := block % groupBlocks
	state = uint64(binary.LittleEndian.Uint32(record))
	state = lehmer.Skip(state, uint64(powers[drawsBefore(record[drawsAt:backAt], inGroup)]))
	return block*blockBytes - int(record[backAt+inGroup]), state
}

// drawsBefore returns the draws between the sentence of the first block of a group and that of
// block last of it. The draws of the first block count from the group before.
func drawsBefore(draws []byte, last int) int {
	// The bytes after that of the block are shifted out.
	low := binary.LittleEndian.Uint64(draws) &^ 0xff
	if last < 8 {
		return sumBytes(low << (56 - 8*last))
	}
	high := binary.LittleEndian.Uint64(draws[8:])
	return sumBytes(low) + sumBytes(high<<(120-8*last))
}

// sumBytes adds the eight bytes of x.
func sumBytes(x uint64) int {
	const even = 0x00ff00ff00ff00ff
	pairs := x&even + x>>8&even
	return int(pairs * 0x0001000100010001 >> 48)
}

// BuildIndex makes the whole pool once and returns its index.
func BuildIndex() ([]byte, error) {
	idx := make([]byte, numGroups*recordBytes)
	w := writer{buf: make([]byte, sentenceBytesMax), state: firstState}
	offset, block, lastState := 0, 0, w.state
	for block < numBlocks {
		start, startState := offset, w.state
		w.pos = 0
		w.sentence()
		offset += w.pos
		for ; block < numBlocks && block*blockBytes < offset; block++ {
			draws, back := drawsBetween(lastState, startState), block*blockBytes-start
			if draws > 255 || back > 255 {
				return nil, fmt.Errorf("block %d: %d draws and %d bytes do not fit the index", block, draws, back)
			}
			lastState = startState
			record, inGroup := idx[block/groupBlocks*recordBytes:], block%groupBlocks
			record[drawsAt+inGroup], record[backAt+inGroup] = uint8(draws), uint8(back)
			if inGroup == 0 {
				binary.LittleEndian.PutUint32(record, uint32(startState))
			}
		}
	}
	return idx, nil
}

// drawsBetween counts the draws that lead from one state to another, up to 256.
func drawsBetween(from, to uint64) int {
	n := 0
	for ; from != to && n < 256; n++ {
		from = lehmer.Next(from)
	}
	return n
}

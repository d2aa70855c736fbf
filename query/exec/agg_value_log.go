package exec

import (
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/internal/mem"
)

// valueLog is values of groups in the order in which they came. Blocks are full but for the last one, and about twice as
// large as the one before, up to valueBlockMax.
type valueLog struct {
	blocks []valueBlock
	n      int   // values
	bytes  int64 // of the blocks
}

// valueBlock is memory for values and, of each, its group.
type valueBlock struct {
	slab   mem.Slab
	values []int64
	groups []uint32
	n      int
}

// Bytes of the first block and of the largest.
const (
	valueBlockMin = 4 << 10
	valueBlockMax = 1 << 20
)

func (l *valueLog) free() {
	for i := range l.blocks {
		l.blocks[i].slab.Free()
	}
	*l = valueLog{}
}

// nextBytes is the size of the next block.
func (l *valueLog) nextBytes() int { return min(valueBlockMin<<min(len(l.blocks), 16), valueBlockMax) }

// growth is what a batch of values takes, or about that.
func (l *valueLog) growth() int64 {
	if k := len(l.blocks); k > 0 && len(l.blocks[k-1].values)-l.blocks[k-1].n >= batchRows {
		return 0
	}
	return mem.SlabSize(max(l.nextBytes(), 2*batchRows*valueBytes))
}

// valueBytes is what a value and its group take.
const valueBytes = 12

// room takes up to n values and their groups, at least one, into the log, which the caller sets.
func (l *valueLog) room(t *mem.Tracker, n int) ([]int64, []uint32, error) {
	k := len(l.blocks)
	if k == 0 || l.blocks[k-1].n == len(l.blocks[k-1].values) {
		size := l.nextBytes()
		slab, err := mem.AllocUnset(t, size)
		if err != nil {
			return nil, nil, err
		}
		rows := size / valueBytes
		b := valueBlock{slab: slab, values: mem.Of[int64](&slab, rows)}
		b.groups = unsafe.Slice((*uint32)(unsafe.Pointer(&slab.B[8*rows])), rows)
		l.blocks = append(l.blocks, b)
		l.bytes += int64(slab.Bytes())
		k++
	}
	b := &l.blocks[k-1]
	from := b.n
	b.n = min(from+n, len(b.values))
	l.n += b.n - from
	return b.values[from:b.n], b.groups[from:b.n], nil
}

// add appends values of a group.
func (l *valueLog) add(t *mem.Tracker, group uint32, values []int64) error {
	for len(values) > 0 {
		to, of, err := l.room(t, len(values))
		if err != nil {
			return err
		}
		k := copy(to, values)
		if invariants.Mutant("percentile-block-of-another-group") && k < len(values) {
			group ^= 1
		}
		for i := range of {
			of[i] = group
		}
		values = values[k:]
	}
	return nil
}

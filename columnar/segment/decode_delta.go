package segment

import (
	"encoding/binary"
	"fmt"

	"github.com/parquet-go/parquet-go/encoding/delta"
)

// countOf returns the bytes in which the head of a page of delta-encoded integers says how many there are; nil if it is
// malformed.
func countOf(raw []byte) []byte {
	for range 2 { // the sizes of blocks
		_, n := binary.Uvarint(raw)
		if n <= 0 {
			return nil
		}
		raw = raw[n:]
	}
	_, n := binary.Uvarint(raw)
	return raw[:max(n, 0)]
}

// putCount writes a number in as many bytes as there are.
func putCount(b []byte, n int) {
	for i := range b {
		b[i] = byte(n)&0x7f | 0x80
		n >>= 7
	}
	b[len(b)-1] &^= 0x80
}

// addDelta decodes n integers. If only some are wanted, those after the last of them are not decoded: the head says that
// there are fewer meanwhile.
func (p *pages) addDelta(raw []byte, n int, l *layout) error {
	if p.want == nil {
		return p.addDeltas(raw, n, l)
	}
	count, few := countOf(raw), int(p.want[len(p.want)-1])+1
	if said, _ := binary.Uvarint(count); said != uint64(n) || few >= n {
		return p.addDeltas(raw, n, l)
	}
	var was [binary.MaxVarintLen64]byte
	copy(was[:], count)
	putCount(count, few)
	defer copy(count, was[:])
	return p.addDeltas(raw, few, l)
}

func (p *pages) addDeltas(raw []byte, n int, l *layout) error {
	var e delta.BinaryPackedEncoding
	if l.phys == physInt64 {
		x, err := e.DecodeInt64(p.i64[:0], raw)
		if p.i64 = x; err != nil || len(x) != n {
			return fmt.Errorf("%d integers where there are %d: %w", len(x), n, err)
		}
		if p.want != nil {
			for _, i := range p.want {
				p.ints = append(p.ints, x[i])
			}
			p.picked = true
			return nil
		}
		if len(p.ints) == 0 {
			p.ints, p.i64 = x, p.ints
			return nil
		}
		p.ints = append(p.ints, x...)
		return nil
	}
	x, err := e.DecodeInt32(p.i32[:0], raw)
	if p.i32 = x; err != nil || len(x) != n {
		return fmt.Errorf("%d integers where there are %d: %w", len(x), n, err)
	}
	p.addInt32s(x, l)
	return nil
}

func (p *pages) addInt32s(x []int32, l *layout) {
	if p.want != nil {
		p.pickInt32s(x, l)
		return
	}
	at := len(p.ints)
	p.ints = grow(p.ints, len(x))
	dst := p.ints[at:]
	if l.unsigned() {
		for i, y := range x {
			dst[i] = int64(uint32(y))
		}
		return
	}
	for i, y := range x {
		dst[i] = int64(y)
	}
}

func (p *pages) pickInt32s(x []int32, l *layout) {
	for _, i := range p.want {
		y := int64(x[i])
		if l.unsigned() {
			y = int64(uint32(x[i]))
		}
		p.ints = append(p.ints, y)
	}
	p.picked = true
}

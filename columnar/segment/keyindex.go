package segment

import (
	"bytes"
	"hash/crc32"
	"math"
	"slices"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/vec"
)

// A key index is a list of blocks of sorted (key, position) pairs, front-coded, and a root: for each block a separator
// (above all keys before the block, not above its first), its length and its checksum, and the first and last key.
const (
	indexBlockKeys  = 256
	indexBlockBytes = 8 << 10
)

// keyBuilder gathers the keys of one Key.
type keyBuilder struct {
	data    []byte
	ends    []uint32
	pos     []uint32
	sorted  bool
	broken  int      // the first row that is out of order
	inOrder []uint32 // once it was asked for
}

func (k *keyBuilder) at(i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = k.ends[i-1]
	}
	return k.data[from:k.ends[i]]
}

// expect makes room for the positions of a number of keys.
func (k *keyBuilder) expect(rows int) {
	k.ends, k.pos = make([]uint32, 0, rows), make([]uint32, 0, rows)
}

// addKeys takes the keys of a batch, and checks that it follows the rows before it.
func (w *Writer) addKeys(b *vec.Batch) error {
	for i := range w.keys {
		if err := w.keys[i].add(b, w.schema.Keys[i].Cols, w.rows); err != nil {
			return err
		}
	}
	if len(w.schema.Sort) == 0 {
		return nil
	}
	for i := range w.keys { // most tables are sorted by a key
		if slices.Equal(w.schema.Keys[i].Cols, w.schema.Sort) {
			if k := &w.keys[i]; !k.sorted && len(k.pos) > 0 && !invariants.Mutant("segment-ignore-order") {
				return w.outOfOrder(k.broken)
			}
			return nil
		}
	}
	for i := range b.N {
		key, ok := index.AppendBatch(w.scratch[:0], b, w.schema.Sort, i)
		w.scratch = key
		if !ok {
			continue
		}
		if bytes.Compare(key, w.last) < 0 && !invariants.Mutant("segment-ignore-order") {
			return w.outOfOrder(w.rows + i)
		}
		w.scratch, w.last = w.last, w.scratch
	}
	return nil
}

func (w *Writer) outOfOrder(row int) error {
	return sqlerr.Newf(sqlerr.InternalError, "row %d of segment %s is out of order", row, w.name)
}

func (k *keyBuilder) add(b *vec.Batch, cols []int, pos int) error {
	for i := range b.N {
		n := len(k.data)
		data, ok := index.AppendBatch(k.data, b, cols, i)
		if !ok {
			k.data = data[:n]
			continue
		}
		if uint64(len(data)) > math.MaxUint32 {
			return sqlerr.Newf(sqlerr.ProgramLimitExceeded, "the keys of a segment take more than %d bytes", uint32(math.MaxUint32))
		}
		k.data = data
		k.ends = append(k.ends, uint32(len(data)))
		k.pos = append(k.pos, uint32(pos+i))
		if last := len(k.ends) - 1; last == 0 {
			k.sorted = true
		} else if k.sorted && bytes.Compare(k.at(last-1), k.at(last)) > 0 {
			k.sorted, k.broken = false, pos+i
		}
	}
	return nil
}

// order returns the keys' numbers in the order of keys and positions.
func (k *keyBuilder) order() []uint32 {
	if len(k.inOrder) == len(k.pos) {
		return k.inOrder
	}
	o := make([]uint32, len(k.pos))
	for i := range o {
		o[i] = uint32(i)
	}
	if !k.sorted {
		slices.SortStableFunc(o, func(a, b uint32) int { return bytes.Compare(k.at(int(a)), k.at(int(b))) })
	}
	k.inOrder = o
	return o
}

// Duplicate returns a value of a key that more than one of the rows so far has, and the number of the key.
func (w *Writer) Duplicate() (k int, key []byte, found bool) {
	for i := range w.keys {
		b := &w.keys[i]
		if b.sorted {
			for n := 1; n < len(b.ends); n++ {
				if bytes.Equal(b.at(n-1), b.at(n)) {
					return i, b.at(n), true
				}
			}
			continue
		}
		order := b.order()
		for n := 1; n < len(order); n++ {
			if key := b.at(int(order[n])); bytes.Equal(b.at(int(order[n-1])), key) {
				return i, key, true
			}
		}
	}
	return 0, nil, false
}

// encode returns the blocks and the root of the index.
func (k *keyBuilder) encode() (blocks, root []byte) {
	order := k.order()
	var r, b encoder
	r.u(uint64(len(order)))
	var first, last []byte
	if n := len(order); n > 0 {
		first, last = k.at(int(order[0])), k.at(int(order[n-1]))
	}
	r.bytes(first)
	r.bytes(last)
	num := 0
	var sep []byte
	var body encoder
	for i := 0; i < len(order); {
		first := k.at(int(order[i]))
		if i == 0 {
			sep = nil
		} else {
			sep = separator(k.at(int(order[i-1])), first)
		}
		start, n := len(b.b), 0
		prev, pos := []byte(nil), int64(0)
		for ; i < len(order) && n < indexBlockKeys && len(b.b)-start < indexBlockBytes; i, n = i+1, n+1 {
			key, p := k.at(int(order[i])), int64(k.pos[order[i]])
			shared := common(prev, key)
			b.u(uint64(shared))
			b.bytes(key[shared:])
			b.i(p - pos)
			prev, pos = key, p
		}
		block := b.b[start:]
		body.bytes(sep)
		body.u(uint64(len(block)))
		body.u(uint64(n))
		body.u32(crc32.Checksum(block, castagnoli))
		num++
	}
	r.u(uint64(num))
	return b.b, append(r.b, body.b...)
}

// common returns the length of the longest common prefix.
func common(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// separator returns the shortest prefix of b that is above a, or all of b if they are equal.
func separator(a, b []byte) []byte {
	return b[:min(common(a, b)+1, len(b))]
}

// indexBlock is a decoded block.
type indexBlock struct {
	data []byte
	ends []uint32
	pos  []uint32
}

func (b *indexBlock) at(i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = b.ends[i-1]
	}
	return b.data[from:b.ends[i]]
}

// bytes is what the block weighs in a cache.
func (b *indexBlock) bytes() int { return cap(b.data) + 4*cap(b.ends) + 4*cap(b.pos) + 96 }

// find returns the number of the first key that is not below key.
func (b *indexBlock) find(key []byte) int {
	lo, hi := 0, len(b.pos)
	for lo < hi {
		m := (lo + hi) / 2
		if bytes.Compare(b.at(m), key) < 0 {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// decodeIndexBlock reads n keys; false if they are not there or not in order.
func decodeIndexBlock(p []byte, n int, rows uint64) (*indexBlock, bool) {
	b := &indexBlock{data: make([]byte, 0, len(p)+8*n), ends: make([]uint32, 0, n), pos: make([]uint32, 0, n)}
	d := decoder{b: p}
	pos := int64(0)
	from := 0
	for i := range n {
		shared := int(d.upTo(uint64(len(b.data) - from)))
		suffix := d.bytes()
		pos += d.i()
		if d.bad || pos < 0 || pos >= int64(rows) || len(b.data)+shared+len(suffix) > math.MaxInt32 {
			return nil, false
		}
		next := len(b.data)
		b.data = append(b.data, b.data[from:from+shared]...)
		b.data = append(b.data, suffix...)
		if i > 0 && bytes.Compare(b.data[from:next], b.data[next:]) > 0 {
			return nil, false
		}
		from = next
		b.ends = append(b.ends, uint32(len(b.data)))
		b.pos = append(b.pos, uint32(pos))
	}
	return b, d.end()
}

package segment

import (
	"bytes"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/zeebo/xxh3"

	"github.com/laminadb/lamina/types"
)

// dictEntriesMax bounds a dictionary.
const dictEntriesMax = 1 << 16

// distinct numbers the distinct images of a column's values in the order in which they come, until there are too many.
type distinct struct {
	limit int
	over  bool // there are more than limit values, or values that Parquet does not hold
	ints  []int64
	strs  [][]byte
	table []uint32 // open addressing: code + 1
	// codes are those of the rows of the row group at hand.
	codes []uint32
	// chunks lists, for each row group that has a Parquet dictionary, the codes in the order of that dictionary.
	chunks [][]uint32
	kept   int // the values that chunks refer to are the first ones
	// bitmaps by code; nil once they are not wanted.
	bitmaps    []*roaring.Bitmap
	wantBits   bool
	bitmapsMax int
	// auto: bitmaps are only wanted if they are small. rows and runs count the rows and runs of one value so far.
	auto       bool
	rows, runs int
	// hints: codes are only wanted for a dictionary that pays.
	hints  bool
	sketch Sketch
}

func (d *distinct) len() int { return max(len(d.ints), len(d.strs)) }

// mix is a bijection of 64 bits that spreads them (the finaliser of splitmix64).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// hashOf returns the hash of row i: equal for equal values.
func hashOf(v *values, i int) uint64 {
	switch v.l.mean {
	case meanInt, meanDecimal:
		return mix(uint64(v.ints[i]))
	case meanString, meanWide:
		return xxh3.Hash(v.bytes(i))
	}
	return mix(types.Hash(v.datum(i)))
}

// add takes the rows of a row group.
func (d *distinct) add(v *values, pos int) {
	if !d.over {
		d.codes = slices.Grow(d.codes[:0], v.n)[:v.n]
	}
	if len(v.except) > 0 {
		d.stop()
	}
	for i := range v.n {
		if !v.has(i) {
			continue
		}
		if d.over {
			d.sketch.add(hashOf(v, i))
			continue
		}
		var h uint64
		if v.isBytes() {
			h = xxh3.Hash(v.bytes(i))
		} else {
			h = mix(uint64(v.ints[i]))
		}
		code, fresh := d.find(v, i, h)
		if fresh {
			d.sketch.add(hashOf(v, i))
		}
		d.codes[i] = code
		if d.len() > d.limit || i&earlyMask == earlyMask && d.hopeless(i+1) {
			d.stop()
		}
	}
	for i := range v.except {
		d.sketch.addException(&v.except[i])
	}
	d.addBits(v, pos)
	d.rows += v.n
}

// earlyMask says how often it is looked whether codes are of use. The values of few rows say little about how often they
// come again: before surelyRows rows, only a column nearly all of whose values differ is given up.
const (
	earlyMask  = 1<<13 - 1
	surelyRows = 1 << 17
)

// hopeless reports whether the column has so many values, after n rows of the row group at hand, that neither a
// dictionary nor bitmaps would pay.
func (d *distinct) hopeless(n int) bool {
	rows := d.rows + n
	if !d.hints || d.len() <= bitmapValues {
		return false
	}
	return 2*d.len() > rows && (rows >= surelyRows || 8*d.len() > 7*rows)
}

// stop gives up on codes.
func (d *distinct) stop() {
	d.over, d.table, d.codes, d.bitmaps, d.wantBits = true, nil, nil, nil, false
	d.ints = d.ints[:min(d.kept, len(d.ints))]
	d.strs = d.strs[:min(d.kept, len(d.strs))]
}

// find returns the code of row i's value.
func (d *distinct) find(v *values, i int, h uint64) (code uint32, fresh bool) {
	if 2*(d.len()+1) > len(d.table) {
		d.grow()
	}
	mask := uint64(len(d.table) - 1)
	for s := h & mask; ; s = (s + 1) & mask {
		c := d.table[s]
		if c == 0 {
			d.table[s] = uint32(d.len() + 1)
			if v.isBytes() {
				d.strs = append(d.strs, bytes.Clone(v.bytes(i)))
			} else {
				d.ints = append(d.ints, v.ints[i])
			}
			return uint32(d.len() - 1), true
		}
		if v.isBytes() {
			if bytes.Equal(d.strs[c-1], v.bytes(i)) {
				return c - 1, false
			}
		} else if d.ints[c-1] == v.ints[i] {
			return c - 1, false
		}
	}
}

func (d *distinct) grow() {
	d.table = make([]uint32, max(256, 2*len(d.table)))
	mask := uint64(len(d.table) - 1)
	for c := range d.len() {
		var h uint64
		if d.strs != nil {
			h = xxh3.Hash(d.strs[c])
		} else {
			h = mix(uint64(d.ints[c]))
		}
		s := h & mask
		for d.table[s] != 0 {
			s = (s + 1) & mask
		}
		d.table[s] = uint32(c + 1)
	}
}

// Most bytes of the bitmaps of a column that nobody asked for: a bit a row, and some for small segments.
const (
	bitmapRowsByte  = 8
	bitmapBytesFree = 1024
	runBytes        = 4 // of a run in a bitmap, about
)

// worthBits reports whether the bitmaps of a column are small: whether its values come in long runs, or all but one
// of them are rare.
func (d *distinct) worthBits(v *values) bool {
	last := -1
	for i, c := range d.codes {
		code := int(c)
		if !v.has(i) {
			code = -2
		}
		if code != last {
			d.runs++
		}
		last = code
	}
	return d.runs*runBytes <= (d.rows+v.n)/bitmapRowsByte+bitmapBytesFree
}

// addBits adds the positions of the row group's rows to the bitmaps of their values.
func (d *distinct) addBits(v *values, pos int) {
	if d.over || !d.wantBits {
		return
	}
	if d.len() > d.bitmapsMax || d.auto && !d.worthBits(v) {
		d.bitmaps, d.wantBits = nil, false
		return
	}
	for len(d.bitmaps) < d.len() {
		d.bitmaps = append(d.bitmaps, roaring.New())
	}
	starts := make([]int, d.len()+1)
	for i, c := range d.codes {
		if v.has(i) {
			starts[c+1]++
		}
	}
	for c := range d.len() {
		starts[c+1] += starts[c]
	}
	at := slices.Clone(starts)
	sorted := make([]uint32, starts[d.len()])
	for i, c := range d.codes {
		if v.has(i) {
			sorted[at[c]] = uint32(pos + i)
			at[c]++
		}
	}
	for c := range d.bitmaps {
		if rows := sorted[starts[c]:starts[c+1]]; len(rows) > 0 {
			d.bitmaps[c].AddMany(rows)
		}
	}
}

// chunkOrder returns the codes of the row group in the order in which a Parquet writer meets them, and keeps the values
// that there are.
func (d *distinct) chunkOrder(v *values) []uint32 {
	seen := make([]bool, d.len())
	var order []uint32
	for i, c := range d.codes {
		if v.has(i) && !seen[c] {
			seen[c] = true
			order = append(order, c)
		}
	}
	d.kept = d.len()
	return order
}

package segment

import (
	"encoding/binary"
	"errors"
	"unsafe"

	"github.com/parquet-go/bitpack"
)

// miniblockMax bounds the values of a miniblock; writers make them of 32.
const miniblockMax = 1 << 12

var errDeltas = errors.New("malformed delta encoding")

// deltas reads a page of integers in DELTA_BINARY_PACKED, miniblock by miniblock. Integers wrap around in their width, as
// Parquet has it. Its memory is used again.
type deltas[I int32 | int64] struct {
	raw   []byte // the page
	at    int    // in raw, of the next block or miniblock
	last  I      // the value before the next one; at first that is the first value
	left  int    // values after that
	size  int    // of a miniblock
	count int    // miniblocks of a block
	least I      // what the differences of the block are above
	// The widths of the block's miniblocks that come stand in raw from width on, up to widths.
	width, widths int

	space  []I
	padded []byte
}

// rest returns what comes after the values, if all were read.
func (d *deltas[I]) rest() []byte { return d.raw[d.at:] }

// begin reads the head of a page of n values, one at least.
func (d *deltas[I]) begin(raw []byte, n int) error {
	var head [4]uint64
	at := 0
	for i := range head {
		x, k := binary.Uvarint(raw[at:])
		if k <= 0 {
			return errDeltas
		}
		head[i], at = x, at+k
	}
	block, count := head[0], head[1]
	if head[2] != uint64(n) || count == 0 || block%count != 0 || count > block {
		return errDeltas
	}
	size := block / count
	if size%32 != 0 || size > miniblockMax {
		return errDeltas
	}
	d.raw, d.at, d.left, d.size, d.count, d.width, d.widths = raw, at, n-1, int(size), int(count), 0, 0
	first := int64(head[3]>>1) ^ -int64(head[3]&1)
	if d.last = I(first); int64(d.last) != first {
		return errDeltas
	}
	if len(d.space) < d.size {
		d.space = make([]I, d.size)
	}
	return nil
}

// beginBlock reads the head of a block.
func (d *deltas[I]) beginBlock() error {
	least, k := binary.Varint(d.raw[d.at:])
	if k <= 0 || len(d.raw)-d.at-k < d.count {
		return errDeltas
	}
	d.least, d.width = I(least), d.at+k
	d.widths = d.width + d.count
	d.at = d.widths
	return nil
}

// next returns the differences of the next miniblock less d.least, and how many they are; nil if all are 0. They stay
// until the next call.
func (d *deltas[I]) next() (diffs []I, n int, err error) {
	if d.width == d.widths {
		if err := d.beginBlock(); err != nil {
			return nil, 0, err
		}
	}
	w := uint(d.raw[d.width])
	d.width, n = d.width+1, min(d.size, d.left)
	if d.left -= n; w == 0 {
		return nil, n, nil
	}
	bits := 8 * uint(unsafe.Sizeof(d.least))
	bytes, padding := d.size*int(w)/8, int(bits)/2
	src := d.raw[d.at:]
	if w > bits || len(src) < (n*int(w)+7)/8 {
		return nil, 0, errDeltas
	}
	d.at += min(bytes, len(src))
	if cap(src) < bytes+padding || len(src) < bytes { // the last ones; what unpacks them reads more
		if cap(d.padded) < bytes+padding {
			d.padded = make([]byte, bytes+padding)
		}
		few := d.padded[:bytes+padding]
		clear(few[copy(few, src):])
		src = few
	}
	diffs = d.space[:d.size]
	bitpack.Unpack(diffs, src[:bytes], w)
	return diffs[:n], n, nil
}

// placeDeltas makes dst the values less base, whose lower bits are what T has.
func placeDeltas[T uint8 | uint16 | uint32 | uint64, I int32 | int64](d *deltas[I], dst []T, base I) error {
	v := d.last - base
	dst[0] = T(v)
	for dst = dst[1:]; len(dst) > 0; {
		diffs, n, err := d.next()
		if err != nil {
			return err
		}
		least, out := d.least, dst[:n]
		dst = dst[n:]
		if diffs == nil {
			for i := range out {
				v += least
				out[i] = T(v)
			}
			continue
		}
		for i, x := range diffs[:len(out)] {
			v += x + least
			out[i] = T(v)
		}
	}
	return nil
}

// pick appends the values at want, which ascend. Miniblocks that have none of them are added up, and those after the last
// of them are not looked at.
func (d *deltas[I]) pick(want []uint16, dst []int64, of func(I) int64) ([]int64, error) {
	v, at := d.last, 0 // v is the value at at
	for len(want) > 0 && want[0] == 0 {
		dst, want = append(dst, of(v)), want[1:]
	}
	for len(want) > 0 {
		diffs, n, err := d.next()
		if err != nil {
			return dst, err
		}
		from := 0
		for len(want) > 0 && int(want[0]) <= at+n {
			to := int(want[0]) - at
			v += I(to-from) * d.least
			if diffs != nil {
				v += total(diffs[from:to])
			}
			dst, want, from = append(dst, of(v)), want[1:], to
		}
		if v += I(n-from) * d.least; diffs != nil && len(want) > 0 {
			v += total(diffs[from:])
		}
		at += n
	}
	return dst, nil
}

// total adds integers up, in sums that do not wait for each other.
func total[I int32 | int64](x []I) (sum I) {
	var a, b, c, d I
	for ; len(x) >= 4; x = x[4:] {
		a += x[0]
		b += x[1]
		c += x[2]
		d += x[3]
	}
	for _, y := range x {
		sum += y
	}
	return sum + a + b + c + d
}

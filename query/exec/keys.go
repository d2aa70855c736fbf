package exec

import (
	"math/bits"
	"unsafe"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Keys of joins and aggregations become one 64-bit word a row. The word is exact (equal words, equal
// keys) if facts allow to pack all columns into 64 bits; else it is a hash, and the columns are compared.

// hashKeys sets words to the hashes of the first n rows of the key columns. Equal keys have equal hashes in
// every form and scale; NULL equals NULL.
func hashKeys(words []uint64, cols []*vec.Vector, n int, s *rowScratch) {
	words = words[:n]
	for j, v := range cols {
		dst := words
		if j > 0 {
			dst = s.hashes[:n]
		}
		hashColumn(dst, v, n, s)
		if hasNulls(v, n) {
			for i := range dst {
				if v.IsNull(i) {
					dst[i] = kernel.NullHash
				}
			}
		}
		if j > 0 {
			kernel.CombineHashes(words, dst)
		}
	}
	if invariants.Mutant("group-ignores-collisions") { // which then happen
		for i := range words {
			words[i] &= 3
		}
	}
}

func hashColumn(dst []uint64, v *vec.Vector, n int, s *rowScratch) {
	switch v.Type.Class() {
	case types.ClassInt:
		kernel.HashInts(dst, intsOf(v, n, s.ints))
	case types.ClassFloat:
		kernel.HashFloats(dst, intsOf(v, n, s.ints))
	case types.ClassNumeric, types.ClassInterval:
		if v.Type.Class() == types.ClassNumeric && !isVarNumeric(v) && numericWidth(v) <= 8 {
			hashScaled(dst, v, n, s)
			return
		}
		for i := range dst {
			if !v.IsNull(i) {
				dst[i] = types.Hash(v.Datum(i))
			}
		}
	default:
		x, blocks := viewsOf(v, n, s.views)
		if !hasNulls(v, n) {
			kernel.HashViews(dst, x, blocks)
			return
		}
		for i := range dst {
			if !v.IsNull(i) {
				dst[i] = kernel.HashView(&x[i], blocks)
			}
		}
	}
}

// hashScaled is hashColumn for numerics of one scale in 64 bits. What it makes of NULLs is replaced.
func hashScaled(dst []uint64, v *vec.Vector, n int, s *rowScratch) {
	scale, x := numericScale(v), intsOf(v, n, s.ints)
	for i := range dst {
		dst[i] = types.HashScaled(x[i], scale)
	}
}

// equalAt reports whether entry i of v equals slot s of a row; both may be NULL, which equals NULL.
func (r *rowSet) equalAt(s *slot, row unsafe.Pointer, v *vec.Vector, i int) bool {
	null := v.IsNull(i)
	if n := r.isNull(s, row); n || null {
		return n && null
	}
	p := unsafe.Add(row, s.off)
	switch s.kind {
	case slotInt:
		return s.intAt(p) == v.Int(i)
	case slotFloat:
		return kernel.FloatKey(*(*int64)(p)) == kernel.FloatKey(int64(floatBits(v, i)))
	case slotStr:
		a := (*vec.StrView)(p)
		b, blocks := viewAt(v, i)
		return kernel.EqualViews(a, r.heap, b, blocks)
	case slotNum8:
		if !isVarNumeric(v) && numericWidth(v) <= 8 && numericScale(v) == s.scale {
			return *(*int64)(p) == v.Int(i)
		}
	case slotInterval:
		return types.Equal(r.interval(p), v.Datum(i))
	}
	return types.Equal(r.numeric(s, p), v.Datum(i))
}

func (s *slot) intAt(p unsafe.Pointer) int64 {
	switch s.width {
	case 1:
		return int64(*(*uint8)(p)) + s.base
	case 2:
		return int64(*(*uint16)(p)) + s.base
	case 4:
		return int64(*(*uint32)(p)) + s.base
	}
	return *(*int64)(p)
}

func (r *rowSet) interval(p unsafe.Pointer) types.Datum {
	return types.NewInterval(*(*int32)(unsafe.Add(p, 8)), *(*int32)(unsafe.Add(p, 12)), *(*int64)(p))
}

// floatBits returns the bits of entry i of a vector of floats.
func floatBits(v *vec.Vector, i int) uint64 {
	switch v.Form {
	case vec.Const:
		i = 0
	case vec.Dict:
		v, i = &v.Dictionary.Values, int(v.Code(i))
	}
	return *(*uint64)(unsafe.Add(v.Data, i*8))
}

// viewAt returns entry i of a vector of views and the blocks it points into.
func viewAt(v *vec.Vector, i int) (*vec.StrView, [][]byte) {
	switch v.Form {
	case vec.Const:
		i = 0
	case vec.Dict:
		v, i = &v.Dictionary.Values, int(v.Code(i))
	}
	return (*vec.StrView)(unsafe.Add(v.Data, i*16)), v.Blocks
}

// pack says how key columns of integers are packed into a word: column j is at bit shift, as value - lo,
// with 0 for NULL if nullable (values then begin at 1).
type pack struct {
	cols []packCol
	bits uint
}

type packCol struct {
	lo, hi   int64
	scale    int16 // of numerics
	shift    uint
	bits     uint
	nullable bool
	whole    bool // the only column, as it is
	// For coders that grow: the range of the values so far, which lo … hi contains.
	exactLo, exactHi int64
}

// packBits returns the bits of a column's codes.
func (c *packCol) codeBits() uint {
	span := uint64(c.hi) - uint64(c.lo)
	if c.nullable {
		if span == ^uint64(0) {
			return 65
		}
		span++
	}
	return uint(bits.Len64(span))
}

// place assigns shifts, the first column highest, and reports whether 64 bits are enough.
func (p *pack) place() bool {
	p.bits = 0
	for j := len(p.cols) - 1; j >= 0; j-- {
		c := &p.cols[j]
		if c.hi < c.lo { // no value yet
			c.lo, c.hi = 0, 0
		}
		c.bits = c.codeBits()
		c.shift = p.bits
		p.bits += c.bits
		if p.bits > 64 {
			return false
		}
	}
	if len(p.cols) == 1 {
		p.cols[0].whole = p.bits == 64 && !p.cols[0].nullable
	}
	return true
}

// column mixes the codes of column j into words. Rows whose value is outside of the packing, or NULL where
// it has no code, are marked in bad. scaled are the values as integers of the packing's scale.
func (p *pack) column(words []uint64, j int, x []int64, v *vec.Vector, bad *badRows) {
	c := &p.cols[j]
	nulls := hasNulls(v, len(x))
	if c.whole {
		for i, u := range x {
			words[i] = uint64(u)
		}
		if nulls {
			bad.nulls(v, len(x))
		}
		return
	}
	span := uint64(c.hi) - uint64(c.lo)
	one := uint64(0)
	if c.nullable {
		one = 1
	}
	first := j == 0
	for i, y := range x {
		u := uint64(y) - uint64(c.lo)
		if u > span {
			if !nulls || !v.IsNull(i) {
				bad.set(i)
			}
			u = 0
		}
		u = (u + one) << (c.shift & 63)
		if first {
			words[i] = u
		} else {
			words[i] |= u
		}
	}
	if !nulls {
		return
	}
	if !c.nullable {
		bad.nulls(v, len(x))
		return
	}
	mask := ^((uint64(1)<<c.bits - 1) << c.shift)
	for i := range x {
		if v.IsNull(i) {
			words[i] &= mask
		}
	}
}

// badRows is the set of rows of a batch that have no word.
type badRows struct {
	any  bool
	bits [batchRows/64 + 1]uint64 // 1 = bad
}

func (b *badRows) reset() {
	if b.any {
		b.any = false
		clear(b.bits[:])
	}
}

func (b *badRows) set(i int) {
	b.any = true
	b.bits[i>>6] |= 1 << (i & 63)
}

func (b *badRows) has(i int) bool { return b.bits[i>>6]>>(i&63)&1 != 0 }

// nulls adds the rows that are NULL in v.
func (b *badRows) nulls(v *vec.Vector, n int) {
	if v.Form == vec.Const {
		if v.IsNull(0) {
			for i := range n {
				b.set(i)
			}
		}
		return
	}
	for w := range vec.BitmapWords(n) {
		m := ^v.Valid[w]
		if r := n - w*64; r < 64 {
			m &= 1<<r - 1
		}
		if m != 0 {
			b.any = true
			b.bits[w] |= m
		}
	}
}

// scaledInts returns the values of a numeric vector as integers of the given scale, where that is exact;
// other rows are marked in bad.
func scaledInts(v *vec.Vector, n int, scale int16, s *rowScratch, bad *badRows) []int64 {
	if !isVarNumeric(v) && numericWidth(v) <= 8 && numericScale(v) == scale {
		return intsOf(v, n, s.ints)
	}
	out := s.ints[:n]
	for i := range out {
		out[i] = 0
		if v.IsNull(i) {
			continue
		}
		x, ok := rescaled(v.Datum(i), scale)
		if !ok {
			bad.set(i)
		}
		out[i] = x
	}
	return out
}

// rescaled returns d as an integer of the given scale, if it is exactly one.
func rescaled(d types.Datum, scale int16) (int64, bool) {
	c, ok := d.Int128()
	if !ok {
		return 0, false
	}
	switch {
	case d.Scale < scale:
		c, ok = c.MulPow10(int(scale - d.Scale))
		if !ok {
			return 0, false
		}
	case d.Scale > scale:
		q := c.DivPow10(int(d.Scale-scale), false)
		if back, ok := q.MulPow10(int(d.Scale - scale)); !ok || back != c {
			return 0, false
		}
		c = q
	}
	if !c.IsInt64() {
		return 0, false
	}
	return int64(c.Lo), true
}

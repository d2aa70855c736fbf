package exec

import (
	"math"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/laminadb/lamina/query/kernel"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// keyCoder turns group keys into words. It begins with the values of the first batch (or the facts that
// come with it): packed if 64 bits are enough for their ranges. When later values lie outside, the ranges
// are widened, and the words of the groups so far made again; at last keys are hashed and compared.
type keyCoder struct {
	known  bool
	hashed bool
	pack   pack
	kinds  []keyKind
	lens   []uint // bytes of the short strings of each column
	// numbers are those of the strings of each column; nil: they cannot have any.
	numbers []*stringNumbers
}

// keyKind says how a column becomes an integer.
type keyKind uint8

const (
	keyInt keyKind = iota
	keyNumeric
	keyShort  // string of up to 7 bytes
	keyNumber // string by its number
	keyOther  // not at all
)

// shortMax is the longest string that is packed.
const shortMax = 7

func keyKindOf(t types.Type) keyKind {
	switch t.Class() {
	case types.ClassInt:
		return keyInt
	case types.ClassNumeric:
		return keyNumeric
	case types.ClassString:
		return keyShort
	}
	return keyOther
}

// codeScratch is memory for the integers of a key column.
type codeScratch struct {
	rows *rowScratch
	bad  badRows
	// ints is for short strings; dicts remembers the codes of the dictionary seen last.
	ints  []int64
	dicts []dictCodes
	arena *arena
}

// dictCodes has the codes, or the numbers, of a dictionary's values.
type dictCodes struct {
	dict  *vec.Dictionary
	of    *stringNumbers // nil: codes
	n     uint
	ok    bool
	codes []int64
}

// ints returns the integers of key column j, in range or not; ok is false if the column has values that
// are no integers of its packing.
func (c *keyCoder) ints(j int, v *vec.Vector, n int, s *codeScratch) (x []int64, ok bool) {
	switch c.kinds[j] {
	case keyInt:
		return intsOf(v, n, s.rows.ints), true
	case keyNumeric:
		if v.Form == vec.Const && v.IsNull(0) {
			return intsOf(v, n, s.rows.ints), true
		}
		if isVarNumeric(v) || numericWidth(v) > 8 || numericScale(v) != c.pack.cols[j].scale {
			return nil, false
		}
		return intsOf(v, n, s.rows.ints), true
	case keyShort:
		return c.shortInts(j, v, n, s)
	case keyNumber:
		return c.numberInts(j, v, n, s)
	}
	return nil, false
}

// packShort mixes the codes of short strings into words; false if some are too long.
func (c *keyCoder) packShort(words []uint64, j int, v *vec.Vector) bool {
	p := &c.pack.cols[j]
	one := uint64(0)
	if p.nullable {
		one = 1
	}
	views := unsafe.Slice((*vec.StrView)(v.Data), len(words))
	return kernel.PackViews(words, views, c.lens[j], one, p.shift, j > 0)
}

func (c *keyCoder) shortInts(j int, v *vec.Vector, n int, s *codeScratch) ([]int64, bool) {
	if v.Form == vec.Dict {
		d := &s.dicts[j]
		if d.dict != v.Dictionary || d.n != c.lens[j] || d.of != nil {
			if !c.dictCodes(d, v.Dictionary, c.lens[j], s) {
				return nil, false
			}
		}
		if !d.ok {
			return nil, false
		}
		if len(d.codes) > 0 {
			dictCopy(v, n, s.ints[:n], d.codes)
		} else {
			clear(s.ints[:n])
		}
		return s.ints[:n], true
	}
	views, _ := viewsOf(v, n, s.rows.views)
	ok := kernel.ShortCodes(s.ints[:n], views, c.lens[j])
	if !ok && hasNulls(v, n) { // the views of NULLs may be anything
		ok = true
		for i := range n {
			ok = ok && (v.IsNull(i) || uint(views[i].Len) <= c.lens[j])
		}
	}
	return s.ints[:n], ok
}

// dictCodes computes the codes of a dictionary's values. It reports false only if there is no memory.
func (c *keyCoder) dictCodes(d *dictCodes, dict *vec.Dictionary, n uint, s *codeScratch) bool {
	count := dict.Values.N
	if cap(d.codes) < count {
		codes, err := makeSlice[int64](s.arena, count)
		if err != nil {
			return false
		}
		d.codes = codes
	}
	d.codes = d.codes[:count]
	d.dict, d.n, d.of = dict, n, nil
	d.ok = count == 0 || kernel.ShortCodes(d.codes, dict.Values.Views(), n)
	return true
}

// words computes the words of n rows. If the packing does not hold them it returns false: see widen.
func (c *keyCoder) words(dst []uint64, vs []*vec.Vector, n int, s *codeScratch) bool {
	if c.hashed {
		hashKeys(dst, vs, n, s.rows)
		return true
	}
	s.bad.reset()
	for j, v := range vs {
		if c.kinds[j] == keyShort && v.Form == vec.Str && !hasNulls(v, n) {
			if !c.packShort(dst[:n], j, v) {
				return false
			}
			continue
		}
		x, ok := c.ints(j, v, n, s)
		if !ok {
			return false
		}
		c.pack.column(dst[:n], j, x, v, &s.bad)
		if s.bad.any {
			return false
		}
	}
	return true
}

// widen changes the coder so that it holds the rows of vs as well as all before. bounds, from facts, may
// save further widening.
func (c *keyCoder) widen(vs []*vec.Vector, n int, s *codeScratch, bounds func(j int) (lo, hi int64, ok bool)) {
	if !c.known {
		c.known = true
		c.kinds = make([]keyKind, len(vs))
		c.lens = make([]uint, len(vs))
		c.pack.cols = make([]packCol, len(vs))
		s.dicts = make([]dictCodes, len(vs))
		for j, v := range vs {
			c.kinds[j] = keyKindOf(v.Type)
			c.pack.cols[j] = packCol{hi: -1, exactHi: -1}
			if c.kinds[j] == keyNumeric && !isVarNumeric(v) {
				c.pack.cols[j].scale = numericScale(v)
			}
		}
	}
	old, kinds := slices.Clone(c.pack.cols), slices.Clone(c.kinds)
	// With facts and room to grow; if that is too much, for the values that are there; then with all strings numbered.
	for _, how := range []widening{{roomy: true}, {}, {roomy: true, numbers: true}, {numbers: true}} {
		copy(c.pack.cols, old)
		copy(c.kinds, kinds)
		for j, v := range vs {
			if !c.widenColumn(j, v, n, s, bounds, how) {
				c.hashed = true
				return
			}
		}
		if c.pack.place() {
			return
		}
	}
	c.hashed = true
}

// widening says how a coder is widened: with room to grow, with the strings of all columns numbered.
type widening struct{ roomy, numbers bool }

// numbersWanted reports whether the strings of column j, which could be short, get numbers: if others of the aggregation
// have them, or if they come as codes of a dictionary, which are few.
func (c *keyCoder) numbersWanted(j int, v *vec.Vector, how widening) bool {
	x := c.numbers[j]
	if x == nil {
		return false
	}
	return how.numbers || x.always || x.wanted.Load() || v.Form == vec.Dict && c.lens[j] == 0
}

func (c *keyCoder) widenColumn(j int, v *vec.Vector, n int, s *codeScratch, bounds func(int) (int64, int64, bool), how widening) bool {
	p := &c.pack.cols[j]
	if c.kinds[j] == keyShort && (c.numbersWanted(j, v, how) || !c.lengthen(j, v, n)) {
		if c.numbers[j] == nil {
			return false
		}
		c.kinds[j] = keyNumber
		c.numbers[j].wanted.Store(true)
	}
	if c.kinds[j] == keyOther {
		return false
	}
	x, ok := c.ints(j, v, n, s)
	if !ok {
		return false
	}
	nulls := hasNulls(v, n)
	p.nullable = p.nullable || nulls
	if c.kinds[j] == keyShort {
		l := c.lens[j]
		p.lo, p.hi = 0, int64(l)<<(8*l)|(1<<(8*l)-1)
		return true
	}
	if c.kinds[j] == keyNumber {
		p.lo, p.hi = 0, int64(max(c.numbers[j].len(), 1))-1
		if how.roomy {
			p.hi = 1<<(bits.Len64(uint64(p.hi))+1) - 1
		}
		return true
	}
	seen := *p
	for i, y := range x {
		if !nulls || !v.IsNull(i) {
			p.include(y)
		}
	}
	p.lo, p.hi = p.exactLo, p.exactHi
	if !how.roomy {
		return true
	}
	p.slack(&seen)
	if lo, hi, ok := bounds(j); ok {
		p.lo, p.hi = min(p.lo, lo), max(p.hi, hi)
	}
	return true
}

// measure sets the exact ranges to those of the groups so far.
func (c *keyCoder) measure(words []uint64) {
	if !c.known || c.hashed {
		return
	}
	for j := range c.pack.cols {
		p := &c.pack.cols[j]
		mask := ^uint64(0)
		if p.bits < 64 {
			mask = 1<<p.bits - 1
		}
		zero := uint64(0)
		if p.nullable {
			zero = 1
		}
		lo, hi := mask, uint64(0)
		for _, w := range words {
			if u := w >> (p.shift & 63) & mask; u >= zero {
				lo, hi = min(lo, u), max(hi, u)
			}
		}
		p.exactLo, p.exactHi = 0, -1
		switch {
		case len(words) == 0 || lo > hi: // no value
		case p.whole:
			p.exactLo, p.exactHi = math.MinInt64, math.MaxInt64
		default:
			p.exactLo, p.exactHi = int64(lo-zero+uint64(p.lo)), int64(hi-zero+uint64(p.lo))
		}
	}
}

// lengthen makes room for the strings of v; false if they are too long to be packed.
func (c *keyCoder) lengthen(j int, v *vec.Vector, n int) bool {
	l := c.lens[j]
	if v.Form == vec.Dict {
		if v.Dictionary.Values.N > 0 {
			l = max(l, uint(kernel.LongestView(v.Dictionary.Values.Views())))
		}
	} else {
		for i := range n {
			if !v.IsNull(i) {
				view, _ := viewAt(v, i)
				l = max(l, uint(view.Len))
			}
		}
	}
	if l > shortMax {
		return false
	}
	c.lens[j] = l
	return true
}

// include extends the range of the values. An empty range is 0 … -1.
func (p *packCol) include(x int64) {
	if p.exactHi < p.exactLo {
		p.exactLo, p.exactHi = x, x
	} else {
		p.exactLo, p.exactHi = min(p.exactLo, x), max(p.exactHi, x)
	}
}

// slack adds room at the side where the range has grown since before, so that a rising or falling key
// widens it seldom.
func (p *packCol) slack(before *packCol) {
	span := p.exactHi - p.exactLo
	if before.exactHi < before.exactLo || span < 0 || p.exactLo < -1<<61 || p.exactHi > 1<<61 {
		return
	}
	if p.exactLo < before.exactLo {
		p.lo -= span
	}
	if p.exactHi > before.exactHi {
		p.hi += span
	}
}

package segment

import (
	"bytes"
	"math"
	"slices"
	"sort"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// Predicate is a conjunct prepared for the zone maps of a segment. It is immutable.
type Predicate struct {
	s    *Segment
	col  int
	test zoneTest
	// lo and hi bound the integers that match (testInts); none does if lo > hi.
	lo, hi int64
	ints   []int64 // testIntSet: sorted
	filter *table.Filter
	// Keys of package index: loKey <= key <= hiKey (testKeys), without the ends that are open.
	loKey, hiKey   []byte
	loOpen, hiOpen bool
	noLo, noHi     bool
	keys           [][]byte // testKeySet: sorted
}

// zoneTest is how a Predicate reads a zone map.
type zoneTest uint8

const (
	testNothing zoneTest = iota // nothing is known
	testNever                   // no row matches
	testNull
	testNotNull
	testInts
	testIntSet
	testFilter
	testKeys
	testKeySet
)

// coverage is what a zone map says of a predicate.
type coverage uint8

const (
	noRow coverage = iota
	someRows
	everyRow
)

// Predicate prepares a conjunct, whose column is a column of the segment; one that is none matches everything.
func (s *Segment) Predicate(c *table.Conjunct) Predicate {
	p := Predicate{s: s, col: c.Col}
	if c.Col < 0 || c.Col >= len(s.cols) {
		p.col = 0
		return p
	}
	l := &s.layouts[c.Col]
	switch c.Op {
	case table.OpIsNull:
		p.test = testNull
	case table.OpIsNotNull:
		p.test = testNotNull
	case table.OpFilter:
		if c.Filter != nil && l.mean == meanInt {
			p.test, p.filter = testFilter, c.Filter
		}
	case table.OpIn:
		p.prepareIn(l, c.Values)
	case table.OpPrefix:
		p.preparePrefix(l, &c.Value)
	case table.OpEq, table.OpLt, table.OpLe, table.OpGt, table.OpGe:
		p.prepareComparison(l, c.Op, &c.Value)
	case table.OpNe:
		if !c.Value.Valid {
			p.test = testNever
		}
	}
	return p
}

// comparable reports whether a constant compares with the values of a column.
func (l *layout) comparable(d *types.Datum) bool {
	if d.K.Class() != l.typ.Class() {
		return false
	}
	return d.K == l.typ.Kind || l.mean != meanInt || isInteger(d.K) && isInteger(l.typ.Kind)
}

func isInteger(k types.Kind) bool { return k == types.Int2 || k == types.Int4 || k == types.Int8 }

func (p *Predicate) prepareComparison(l *layout, op table.Op, d *types.Datum) {
	if !d.Valid {
		p.test = testNever
		return
	}
	if !l.comparable(d) {
		return
	}
	if !l.ints() {
		p.test = testKeys
		key := index.AppendDatum(nil, *d, true)
		p.loKey, p.hiKey = key, key
		p.noLo, p.noHi = op == table.OpLt || op == table.OpLe, op == table.OpGt || op == table.OpGe
		p.loOpen, p.hiOpen = op == table.OpGt, op == table.OpLt
		return
	}
	p.test, p.lo, p.hi = testInts, math.MinInt64, math.MaxInt64
	floor, ceil, beyond := l.around(d)
	if beyond != 0 {
		if op == table.OpEq || (beyond > 0) == (op == table.OpGt || op == table.OpGe) {
			p.lo, p.hi = 1, 0
		}
		return
	}
	p.between(op, floor, ceil)
}

// between sets the bounds of the integers that compare so with a constant between floor and ceil.
func (p *Predicate) between(op table.Op, floor, ceil int64) {
	switch op {
	case table.OpEq:
		if p.lo, p.hi = floor, floor; floor != ceil {
			p.lo, p.hi = 1, 0
		}
	case table.OpLt:
		if p.hi = ceil - 1; ceil == math.MinInt64 {
			p.lo, p.hi = 1, 0
		}
	case table.OpLe:
		p.hi = floor
	case table.OpGt:
		if p.lo = floor + 1; floor == math.MaxInt64 {
			p.lo, p.hi = 1, 0
		}
	case table.OpGe:
		p.lo = ceil
	}
}

// around returns the integers of the column next to a constant, which are the same if it is one. beyond is its sign if
// it lies beyond all of them.
func (l *layout) around(d *types.Datum) (floor, ceil int64, beyond int) {
	if l.mean == meanInt {
		return d.I, d.I, 0
	}
	if c, scale, ok := d.Decimal(); ok && scale == l.scale {
		return c, c, 0
	}
	compare := func(x int64) int { return types.Compare(types.NewDecimal(x, l.scale), *d) }
	if compare(math.MaxInt64) < 0 {
		return 0, 0, 1
	}
	if compare(math.MinInt64) > 0 {
		return 0, 0, -1
	}
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64) // lo <= d
	for lo < hi {
		n := uint64(hi) - uint64(lo)
		m := lo + int64(n/2+n%2) // the upper of two in the middle; the sum wraps to the right one
		if compare(m) <= 0 {
			lo = m
		} else {
			hi = m - 1
		}
	}
	if compare(lo) == 0 {
		return lo, lo, 0
	}
	return lo, lo + 1, 0 // there is one above, which is not below d
}

func (p *Predicate) prepareIn(l *layout, values []types.Datum) {
	for i := range values {
		d := &values[i]
		if !d.Valid {
			continue
		}
		if !l.comparable(d) {
			return
		}
		if !l.ints() {
			p.keys = append(p.keys, index.AppendDatum(nil, *d, true))
			continue
		}
		if floor, ceil, beyond := l.around(d); beyond == 0 && floor == ceil {
			p.ints = append(p.ints, floor)
		}
	}
	slices.Sort(p.ints)
	slices.SortFunc(p.keys, bytes.Compare)
	switch {
	case len(p.keys) > 0:
		p.test = testKeySet
	case len(p.ints) > 0:
		p.test = testIntSet
	case l.mean == meanDecimal: // whatever they are, they may stand among the exceptions
		p.test, p.lo, p.hi = testInts, 1, 0
	default:
		p.test = testNever
	}
}

func (p *Predicate) preparePrefix(l *layout, d *types.Datum) {
	if !d.Valid {
		p.test = testNever
		return
	}
	if l.mean != meanString || !l.comparable(d) {
		return
	}
	p.test = testKeys
	p.loKey = []byte(d.S)
	p.hiKey, p.hiOpen = successor(p.loKey), true
	p.noHi = len(p.hiKey) == 0
}

// MayMatch reports whether a row of a zone may match; false is certain.
func (p *Predicate) MayMatch(zone int) bool {
	return p.zone(&p.s.cols[p.col].zones[zone]) != noRow
}

// zone says which rows of a zone match, by its map.
func (p *Predicate) zone(z *zone) coverage {
	switch p.test {
	case testNothing:
		return someRows
	case testNever:
		return noRow
	case testNull:
		return share(z.nulls, z.rows)
	case testNotNull:
		return share(z.rows-z.nulls, z.rows)
	}
	if z.nulls == z.rows {
		return noRow // NULL compares with nothing
	}
	if z.flags&zoneBounded == 0 {
		return someRows
	}
	c := p.bounds(z)
	if c == everyRow && z.nulls > 0 {
		return someRows
	}
	return c
}

// share is the coverage of n rows of all.
func share(n, all uint32) coverage {
	switch n {
	case 0:
		return noRow
	case all:
		return everyRow
	}
	return someRows
}

// bounds says which of the values within a zone's bounds match.
func (p *Predicate) bounds(z *zone) coverage {
	switch p.test {
	case testInts:
		lo, hi := z.lo, z.hi
		if invariants.Mutant("zone-narrow") {
			lo++
		}
		switch {
		case hi < p.lo || lo > p.hi || p.lo > p.hi:
			return noRow
		case z.lo >= p.lo && z.hi <= p.hi:
			return everyRow
		}
		return someRows
	case testIntSet:
		i, _ := slices.BinarySearch(p.ints, z.lo)
		if i < len(p.ints) && p.ints[i] == z.lo && z.lo == z.hi {
			return everyRow
		}
		return some(i < len(p.ints) && p.ints[i] <= z.hi)
	case testFilter:
		return some(mayHold(p.filter, z.lo, z.hi))
	case testKeys:
		return p.keyBounds(z)
	}
	i := sort.Search(len(p.keys), func(i int) bool { return bytes.Compare(p.keys[i], z.loKey) >= 0 })
	return some(i < len(p.keys) && bytes.Compare(p.keys[i], z.hiKey) <= 0)
}

func some(may bool) coverage {
	if may {
		return someRows
	}
	return noRow
}

func (p *Predicate) keyBounds(z *zone) coverage {
	below, above := -1, -1 // how the low end compares with the zone's high bound, and its low bound with the high end
	every := true
	if !p.noLo {
		below = bytes.Compare(p.loKey, z.hiKey)
		c := bytes.Compare(p.loKey, z.loKey)
		every = c < 0 || c == 0 && !p.loOpen
	}
	if !p.noHi {
		above = bytes.Compare(z.loKey, p.hiKey)
		c := bytes.Compare(z.hiKey, p.hiKey)
		every = every && (c < 0 || c == 0 && !p.hiOpen)
	}
	switch {
	case below > 0 || below == 0 && p.loOpen || above > 0 || above == 0 && p.hiOpen:
		return noRow
	case every:
		return everyRow
	}
	return someRows
}

// mayHold reports whether a filter may have a key of [lo, hi].
func mayHold(f *table.Filter, lo, hi int64) bool {
	lo, hi = max(lo, f.Min), min(hi, f.Max)
	if lo > hi {
		return false
	}
	if !f.Exact {
		return true
	}
	from, to := uint64(lo-f.Min), uint64(hi-f.Min)
	if to>>6 >= uint64(len(f.Bits)) {
		return true
	}
	first := f.Bits[from>>6] >> (from & 63) << (from & 63)
	last := ^uint64(0) >> (63 - to&63)
	if from>>6 == to>>6 {
		return first&last != 0
	}
	for _, w := range f.Bits[from>>6+1 : to>>6] {
		if w != 0 {
			return true
		}
	}
	return first != 0 || f.Bits[to>>6]&last != 0
}

package segment

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// keys looks a key up all of whose columns are compared for equality; the first such key is enough.
func (q *selecting) keys(where []table.Conjunct) error {
	if len(q.sel.Zones) == 0 {
		return nil
	}
	for k := range q.s.schema.Keys {
		key, used := q.s.keyOf(k, where)
		if key == nil {
			continue
		}
		found, err := q.lookup(k, key)
		if err != nil {
			return err
		}
		q.and(roaring.BitmapOf(found...), true)
		for _, i := range used {
			q.sel.Accepted[i] = table.Exact
		}
		return nil
	}
	return nil
}

// keyOf returns the encoded key number k that conjuncts ask for, and which ones; nil if they do not give all columns.
func (s *Segment) keyOf(k int, where []table.Conjunct) (key []byte, used []int) {
	cols := s.schema.Keys[k].Cols
	for n, col := range cols {
		i := equality(where, col, s.layouts[col].typ.Kind)
		if i < 0 {
			return nil, nil
		}
		key = index.AppendDatum(key, where[i].Value, n == len(cols)-1)
		used = append(used, i)
	}
	if key == nil {
		key = []byte{} // of an empty string
	}
	return key, used
}

// equality returns the number of a conjunct that compares a column with a constant of its kind.
func equality(where []table.Conjunct, col int, k types.Kind) int {
	for i := range where {
		if c := &where[i]; c.Col == col && c.Op == table.OpEq && c.Value.Valid && c.Value.K == k {
			return i
		}
	}
	return -1
}

// lookup is Lookup, counted.
func (q *selecting) lookup(k int, key []byte) ([]uint32, error) {
	if !q.s.keys[k].within(key) {
		return nil, nil
	}
	q.sel.BloomChecks++
	ok, err := q.s.mayHave(k, key)
	if err != nil {
		return nil, err
	}
	if !ok {
		q.sel.BloomRejects++
		return nil, nil
	}
	return q.s.probe(nil, k, key)
}

// codeRange is codes [from, to) of a dictionary.
type codeRange struct{ from, to int }

// bitmapsMost bounds the bitmaps that one conjunct reads; of a condition that most rows meet none is read.
const bitmapsMost = 256

// bitmaps restricts the rows by the bitmaps of conjunct i's column, if it has some and few rows match.
func (q *selecting) bitmaps(i int, c *table.Conjunct) error {
	s := q.s
	if c.Col < 0 || c.Col >= len(s.cols) || q.sel.Accepted[i] == table.Exact || !s.HasBitmaps(c.Col) {
		return nil
	}
	d, err := s.dictionaryOf(c.Col)
	if err != nil || d == nil || !d.complete {
		return err
	}
	codes, ok := d.matching(&s.layouts[c.Col], c)
	if !ok {
		return nil
	}
	root, err := s.bitmapRoot(c.Col)
	if err != nil {
		return err
	}
	n, rows := 0, 0
	for _, r := range codes {
		for _, e := range root[r.from:r.to] {
			n, rows = n+1, rows+int(e.rows)
		}
	}
	if n > bitmapsMost || 2*rows > s.rows {
		return nil
	}
	b, own, err := q.union(c.Col, codes)
	if err != nil {
		return err
	}
	q.and(b, own)
	q.sel.Accepted[i] = table.Exact
	return nil
}

// union returns the bitmap of the rows with one of the codes.
func (q *selecting) union(col int, codes []codeRange) (b *roaring.Bitmap, own bool, err error) {
	var all []*roaring.Bitmap
	for _, r := range codes {
		for code := r.from; code < r.to; code++ {
			one, err := q.s.Bitmap(col, code)
			if err != nil {
				return nil, false, err
			}
			q.sel.Bitmaps++
			all = append(all, one)
		}
	}
	if len(all) == 1 {
		return all[0], false, nil
	}
	return roaring.FastOr(all...), true, nil
}

// matching returns the codes of the values that meet a conjunct; NULL has the code after the last. ok is false if that
// cannot be said.
func (d *dictionary) matching(l *layout, c *table.Conjunct) (codes []codeRange, ok bool) {
	n := d.values.Values.N
	switch c.Op {
	case table.OpIsNull:
		return []codeRange{{n, n + 1}}, true
	case table.OpIsNotNull:
		return []codeRange{{0, n}}, true
	case table.OpFilter:
		return d.inFilter(l, c.Filter)
	case table.OpIn:
		return d.in(l, c.Values)
	}
	if !c.Value.Valid {
		return nil, true
	}
	if !l.comparable(&c.Value) {
		return nil, false
	}
	if c.Op == table.OpPrefix {
		return d.prefixed(l, c.Value.S)
	}
	lo, hi := d.equal(&c.Value)
	switch c.Op {
	case table.OpEq:
		return []codeRange{{lo, hi}}, true
	case table.OpNe:
		return []codeRange{{0, lo}, {hi, n}}, true
	case table.OpLt:
		return []codeRange{{0, lo}}, true
	case table.OpLe:
		return []codeRange{{0, hi}}, true
	case table.OpGt:
		return []codeRange{{hi, n}}, true
	case table.OpGe:
		return []codeRange{{lo, n}}, true
	}
	return nil, false
}

// equal returns the codes of the values that equal a constant: several, if equal values have several images.
func (d *dictionary) equal(x *types.Datum) (lo, hi int) {
	v := &d.values.Values
	lo = sort.Search(v.N, func(i int) bool { return types.Compare(v.Datum(i), *x) >= 0 })
	for hi = lo; hi < v.N && types.Compare(v.Datum(hi), *x) == 0; hi++ {
	}
	return lo, hi
}

func (d *dictionary) in(l *layout, values []types.Datum) (codes []codeRange, ok bool) {
	for i := range values {
		x := &values[i]
		if !x.Valid {
			continue
		}
		if !l.comparable(x) {
			return nil, false
		}
		if lo, hi := d.equal(x); lo < hi {
			codes = append(codes, codeRange{lo, hi})
		}
	}
	slices.SortFunc(codes, func(a, b codeRange) int { return cmp.Compare(a.from, b.from) })
	return slices.Compact(codes), true
}

func (d *dictionary) prefixed(l *layout, prefix string) (codes []codeRange, ok bool) {
	if l.mean != meanString {
		return nil, false
	}
	v := &d.values.Values
	lo := sort.Search(v.N, func(i int) bool { return string(v.Bytes(i)) >= prefix })
	hi := lo
	for hi < v.N && strings.HasPrefix(string(v.Bytes(hi)), prefix) {
		hi++
	}
	return []codeRange{{lo, hi}}, true
}

// inFilter returns the codes of integers that a filter has. One that is not exact is left to the zone maps.
func (d *dictionary) inFilter(l *layout, f *table.Filter) (codes []codeRange, ok bool) {
	if f == nil || !f.Exact || l.mean != meanInt {
		return nil, false
	}
	for code, x := range d.ints {
		if x < f.Min || x > f.Max {
			continue
		}
		k := uint64(x - f.Min)
		if k>>6 >= uint64(len(f.Bits)) {
			return nil, false
		}
		if f.Bits[k>>6]>>(k&63)&1 != 0 {
			codes = append(codes, codeRange{code, code + 1})
		}
	}
	return codes, true
}

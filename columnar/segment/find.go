package segment

import (
	"bytes"
	"cmp"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// firstBlock returns the number of the first block whose separator is not below key.
func (r *keyReader) firstBlock(key []byte) int {
	w := index.Word(key)
	lo, hi := 0, len(r.words)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if x := r.words[m]; x < w || x == w && bytes.Compare(r.seps[m], key) < 0 {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// searchInts is searchZone for a key of one column of integers which the cache has of the zone: the entries are
// compared as they are. It returns false for others.
func (s *Segment) searchInts(dst []uint32, k, z int, key []byte) ([]uint32, bool) {
	cols := s.schema.Keys[k].Cols
	if len(cols) != 1 || s.cache == nil || s.layouts[cols[0]].mean != meanInt {
		return dst, false
	}
	col := cols[0]
	x, ok := index.Int(key, s.layouts[col].typ.Kind)
	if !ok {
		return dst, false
	}
	e := s.cache.present(s.slot(&s.cols[col].vectors, z, s.NumZones()))
	if e == nil {
		return dst, false
	}
	if ok = e.v.Form == vec.Flat && e.v.Valid == nil; ok {
		from, to := equalEntries(&e.v, x)
		for start := s.zoneStart(z); from < to; from++ {
			dst = append(dst, uint32(start+from))
		}
	}
	s.cache.release(e)
	return dst, ok
}

// equalEntries returns which entries of a Flat vector of ascending integers are x.
func equalEntries(v *vec.Vector, x int64) (from, to int) {
	if v.Width == 8 {
		return equalRange(vec.Values[int64](v), x)
	}
	d := uint64(x) - uint64(v.Base)
	if x < v.Base || d>>(8*v.Width) != 0 {
		return 0, 0
	}
	switch v.Width {
	case 1:
		return equalRange(vec.Values[uint8](v), uint8(d))
	case 2:
		return equalRange(vec.Values[uint16](v), uint16(d))
	}
	return equalRange(vec.Values[uint32](v), uint32(d))
}

// equalRange returns the bounds of the elements of an ascending list that are x.
func equalRange[T cmp.Ordered](list []T, x T) (from, to int) {
	lo, hi := 0, len(list)
	for lo < hi {
		if m := int(uint(lo+hi) >> 1); list[m] < x {
			lo = m + 1
		} else {
			hi = m
		}
	}
	for hi = lo; hi < len(list) && list[hi] == x; {
		hi++
	}
	return lo, hi
}

// cachedRow appends columns of the row at a position to dst, as long as the cache has them, and returns how many.
func (s *Segment) cachedRow(dst types.Row, cols []int, pos int) (types.Row, int) {
	if s.cache == nil {
		return dst, 0
	}
	z, n := pos/s.zoneRows, s.NumZones()
	r := pos - s.zoneStart(z)
	for i, c := range cols {
		e := s.cache.present(s.cols[c].vectors.at(z, n))
		if e == nil {
			return dst, i
		}
		dst = append(dst, e.v.Datum(r))
		s.cache.release(e)
	}
	return dst, len(cols)
}

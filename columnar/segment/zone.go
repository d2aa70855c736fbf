package segment

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// boundBytes bounds the bounds of strings in a zone map.
const boundBytes = 24

// Flags of a zone.
const (
	zoneBounded   = 1 << iota // min and max hold
	zoneAscending             // the rows never decrease, none is NULL
	zoneFinite                // no NaN, no infinity
	zoneExcept                // has exceptions
)

// zone is what is known of one column in one zone.
type zone struct {
	flags  uint8
	rows   uint32
	nulls  uint32
	lenMax uint32
	// Bounds of integers and scaled decimals.
	lo, hi int64
	// Bounds of all others, as keys of package index: loKey <= key(value) <= hiKey, both perhaps shortened.
	// An empty hiKey is no bound.
	loKey, hiKey []byte
}

// extremes are the rows with the lowest and the highest value of a zone; -1: none, or not known.
type extremes struct{ lo, hi int }

// zoneOf computes the zone map of rows [from, to).
func zoneOf(v *values, from, to int) (zone, extremes) {
	z := zone{rows: uint32(to - from), flags: zoneAscending | zoneFinite}
	if v.present == nil && v.l.ints() {
		z.ofInts(v, from, to)
		return z, extremes{-1, -1}
	}
	lo, hi, last := -1, -1, -1
	for i := from; i < to; i++ {
		if !v.has(i) {
			z.flags &^= zoneAscending
			if v.isNull(i) {
				z.nulls++
			} else {
				z.flags |= zoneExcept
				z.flags &^= zoneFinite
			}
			continue
		}
		if v.isBytes() {
			z.lenMax = max(z.lenMax, uint32(len(v.bytes(i))))
		}
		if lo < 0 {
			lo, hi, last = i, i, i
			z.check(v, i)
			continue
		}
		c := compareRows(v, last, i)
		if c > 0 {
			z.flags &^= zoneAscending
		}
		last = i
		if c == 0 {
			continue
		}
		z.check(v, i)
		if c > 0 && compareRows(v, i, lo) < 0 {
			lo = i
		}
		if c < 0 && compareRows(v, i, hi) > 0 {
			hi = i
		}
	}
	if lo < 0 || z.flags&zoneExcept != 0 {
		return z, extremes{lo, hi}
	}
	z.flags |= zoneBounded
	z.setBounds(v, lo, hi)
	return z, extremes{lo, hi}
}

// ofInts is zoneOf for integers without a NULL.
func (z *zone) ofInts(v *values, from, to int) {
	x := v.ints[from:to]
	lo, hi, ascending := x[0], x[0], true
	for i, y := range x {
		lo, hi = min(lo, y), max(hi, y)
		if i > 0 && x[i-1] > y {
			ascending = false
		}
	}
	z.lo, z.hi = lo, hi
	z.flags |= zoneBounded
	if !ascending {
		z.flags &^= zoneAscending
	}
	// Infinities are the smallest and largest values of their types.
	v.checkInt(z, lo)
	v.checkInt(z, hi)
}

// checkInt clears zoneFinite if an integer stands for an infinity.
func (v *values) checkInt(z *zone, x int64) {
	switch v.l.typ.Kind {
	case types.Date:
		if x == math.MinInt32 || x == math.MaxInt32 {
			z.flags &^= zoneFinite
		}
	case types.Timestamp, types.TimestampTZ:
		if x == math.MinInt64 || x == math.MaxInt64 {
			z.flags &^= zoneFinite
		}
	}
}

// check clears zoneFinite if row i is not finite.
func (z *zone) check(v *values, i int) {
	switch v.l.mean {
	case meanFloat:
		if f := math.Float64frombits(uint64(v.ints[i])); math.IsNaN(f) || math.IsInf(f, 0) {
			z.flags &^= zoneFinite
		}
	case meanInt:
		v.checkInt(z, v.ints[i])
	case meanText:
		if !v.datums[i].IsFinite() {
			z.flags &^= zoneFinite
		}
	}
}

func compareRows(v *values, i, j int) int {
	switch v.l.mean {
	case meanInt, meanDecimal:
		return cmp.Compare(v.ints[i], v.ints[j])
	case meanString:
		return compareViews(&v.views[i], &v.views[j], v.blocks)
	case meanWide:
		a, b := v.bytes(i), v.bytes(j)
		if c := int(int8(a[0])) - int(int8(b[0])); c != 0 {
			return c
		}
		return bytes.Compare(a[1:], b[1:])
	}
	return types.Compare(v.datum(i), v.datum(j))
}

// compareViews compares two strings, by their first bytes if these differ: shorter strings have zeros there.
func compareViews(a, b *vec.StrView, blocks [][]byte) int {
	x, y := binary.BigEndian.Uint32(a.Prefix[:]), binary.BigEndian.Uint32(b.Prefix[:])
	if x != y {
		return cmp.Compare(x, y)
	}
	if *a == *b {
		return 0
	}
	return bytes.Compare(a.Bytes(blocks), b.Bytes(blocks))
}

func (z *zone) setBounds(v *values, lo, hi int) {
	if v.l.ints() {
		z.lo, z.hi = v.ints[lo], v.ints[hi]
		return
	}
	z.loKey = index.AppendDatum(nil, v.datum(lo), true)
	z.hiKey = index.AppendDatum(nil, v.datum(hi), true)
	if len(z.loKey) > boundBytes {
		z.loKey = z.loKey[:boundBytes:boundBytes]
	}
	if len(z.hiKey) > boundBytes {
		z.hiKey = successor(z.hiKey[:boundBytes:boundBytes])
	}
	if len(z.hiKey) == 0 && hi >= 0 && len(v.bytesOrNil(hi)) > 0 {
		z.flags &^= zoneBounded // longer than a bound and all 0xff
	}
}

func (v *values) bytesOrNil(i int) []byte {
	if v.isBytes() {
		return v.bytes(i)
	}
	return nil
}

// successor returns the smallest string above all that begin with p; empty if there is none.
func successor(p []byte) []byte {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] != 0xff {
			s := append([]byte(nil), p[:i+1]...)
			s[i]++
			return s
		}
	}
	return nil
}

// merge widens z by another zone, for the zone maps of row groups and of the segment. lo and hi of neither need be
// exact.
func (z *zone) merge(l *layout, o *zone) {
	if z.rows == 0 {
		*z = *o
		z.flags &^= zoneAscending
		return
	}
	zEmpty, oEmpty := z.nulls == z.rows, o.nulls == o.rows
	flags := z.flags&o.flags&zoneFinite | (z.flags|o.flags)&zoneExcept
	bounded := (zEmpty || z.flags&zoneBounded != 0) && (oEmpty || o.flags&zoneBounded != 0) && !(zEmpty && oEmpty)
	if bounded {
		flags |= zoneBounded
		switch {
		case oEmpty:
		case zEmpty:
			z.lo, z.hi, z.loKey, z.hiKey = o.lo, o.hi, o.loKey, o.hiKey
		case l.ints():
			z.lo, z.hi = min(z.lo, o.lo), max(z.hi, o.hi)
		default:
			if bytes.Compare(o.loKey, z.loKey) < 0 {
				z.loKey = o.loKey
			}
			if bytes.Compare(o.hiKey, z.hiKey) > 0 {
				z.hiKey = o.hiKey
			}
		}
	}
	z.flags = flags
	z.rows += o.rows
	z.nulls += o.nulls
	z.lenMax = max(z.lenMax, o.lenMax)
}

// fact returns what a scan may rely on.
func (z *zone) fact(l *layout) vec.Fact {
	f := vec.Fact{
		NoNulls:   z.nulls == 0,
		Ascending: z.flags&zoneAscending != 0,
		Finite:    z.flags&zoneFinite != 0,
		LenMax:    -1,
	}
	if l.ints() && z.flags&zoneBounded != 0 {
		f.Bounded, f.Min, f.Max = true, z.lo, z.hi
	}
	if l.mean == meanString {
		f.LenMax = int(z.lenMax)
	}
	return f
}

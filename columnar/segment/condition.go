package segment

import (
	"bytes"
	"cmp"

	"github.com/laminadb/lamina/index"
	"github.com/laminadb/lamina/types"
)

// Compare is how a Condition compares.
type Compare uint8

// The comparisons.
const (
	Eq Compare = iota
	Lt
	Le
	Gt
	Ge
	IsNull
	IsNotNull
)

// Condition is a comparison of a column with a value of its type's class.
type Condition struct {
	Col   int
	Op    Compare
	Value types.Datum
}

// NumZones returns the number of zones.
func (s *Segment) NumZones() int { return len(s.cols[0].zones) }

// MayMatch reports whether a row of zone z may meet all conditions; false is certain.
func (s *Segment) MayMatch(z int, where []Condition) bool {
	for i := range where {
		w := &where[i]
		if w.Col >= 0 && w.Col < len(s.cols) && s.cols[w.Col].zones[z].excludes(&s.layouts[w.Col], w) {
			return false
		}
	}
	return true
}

// SegmentMayMatch is MayMatch for the whole segment.
func (s *Segment) SegmentMayMatch(where []Condition) bool {
	for i := range where {
		w := &where[i]
		if w.Col >= 0 && w.Col < len(s.cols) && s.cols[w.Col].bounds.excludes(&s.layouts[w.Col], w) {
			return false
		}
	}
	return true
}

// excludes reports whether no row of the zone meets a condition.
func (z *zone) excludes(l *layout, w *Condition) bool {
	switch w.Op {
	case IsNull:
		return z.nulls == 0
	case IsNotNull:
		return z.nulls == z.rows
	}
	if z.nulls == z.rows {
		return true // NULL compares with nothing
	}
	if !w.Value.Valid {
		return true // nor does anything with NULL
	}
	if z.flags&zoneBounded == 0 || w.Value.K.Class() != l.typ.Class() {
		return false
	}
	if l.mean == meanInt {
		return outside(w.Op, cmp.Compare(z.lo, w.Value.I), cmp.Compare(z.hi, w.Value.I))
	}
	if l.mean == meanDecimal {
		lo, hi := types.NewDecimal(z.lo, l.scale), types.NewDecimal(z.hi, l.scale)
		return outside(w.Op, types.Compare(lo, w.Value), types.Compare(hi, w.Value))
	}
	key := index.AppendDatum(nil, w.Value, true)
	// A shortened bound is below (lo) or above (hi) the values, never equal to one that matters.
	return outside(w.Op, bytes.Compare(z.loKey, key), bytes.Compare(z.hiKey, key))
}

// outside decides by how the bounds compare with the constant.
func outside(op Compare, lo, hi int) bool {
	switch op {
	case Eq:
		return lo > 0 || hi < 0
	case Lt:
		return lo >= 0
	case Le:
		return lo > 0
	case Gt:
		return hi <= 0
	case Ge:
		return hi < 0
	}
	return false
}

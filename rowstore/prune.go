package rowstore

import (
	"math"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// prunable reports whether a conjunct can leave out whole chunks by their facts.
func (s *scan) prunable(c *table.Conjunct) bool {
	if s.unbound || c.Col < 0 || c.Col >= len(s.d.layouts) {
		return false
	}
	l := &s.d.layouts[c.Col]
	switch c.Op {
	case table.OpIsNull, table.OpIsNotNull:
		return true
	case table.OpFilter:
		return l.ints() && c.Filter != nil
	case table.OpIn:
		if !l.ints() || len(c.Values) == 0 {
			return false
		}
		for i := range c.Values {
			if !comparable(l, &c.Values[i]) {
				return false
			}
		}
		return true
	case table.OpEq, table.OpLt, table.OpLe, table.OpGt, table.OpGe:
		return l.ints() && comparable(l, &c.Value)
	}
	return false
}

// comparable reports whether a constant compares with the column's integers.
func comparable(l *layout, d *types.Datum) bool {
	if !d.Valid || d.K.Class() != l.typ.Class() {
		return false
	}
	return d.K.Class() == types.ClassInt || d.Form == types.NumInt64
}

// excludes reports whether no row of the chunk can meet all the conjuncts.
func (s *scan) excludes(c *chunk, where []table.Conjunct) bool {
	for i := range where {
		w := &where[i]
		if s.prunable(w) && excludes(&c.cols[w.Col], w) {
			return true
		}
	}
	return false
}

func excludes(c *column, w *table.Conjunct) bool {
	switch w.Op {
	case table.OpIsNull:
		return c.numNul.Load() == 0
	case table.OpIsNotNull:
		return c.ints() && c.lo.Load() > c.hi.Load()
	}
	if !c.ints() { // a chunk of numerics with a scale each
		return false
	}
	lo, hi := c.lo.Load(), c.hi.Load()
	if lo > hi {
		return true // all NULL
	}
	switch w.Op {
	case table.OpFilter:
		return w.Filter.Max < lo || w.Filter.Min > hi
	case table.OpIn:
		for i := range w.Values {
			if !outside(lo, hi, table.OpEq, c, &w.Values[i]) {
				return false
			}
		}
		return true
	}
	return outside(lo, hi, w.Op, c, &w.Value)
}

// outside reports whether no value in [lo, hi] meets the comparison.
func outside(lo, hi int64, op table.Op, c *column, d *types.Datum) bool {
	// floor and ceil are the constant in the column's scale, rounded down and up.
	floor, ceil, ok := scaled(d, int(c.scale))
	if !ok {
		return false
	}
	switch op {
	case table.OpEq:
		return floor != ceil || floor < lo || floor > hi
	case table.OpLt:
		return lo >= ceil
	case table.OpLe:
		return lo > floor
	case table.OpGt:
		return hi <= floor
	case table.OpGe:
		return hi < ceil
	}
	return false
}

// scaled brings a constant to a scale.
func scaled(d *types.Datum, scale int) (floor, ceil int64, ok bool) {
	x := d.I
	if d.K.Class() == types.ClassInt {
		return x, x, true
	}
	s := int(d.Scale)
	for ; s < scale; s++ {
		if x > math.MaxInt64/10 || x < math.MinInt64/10 {
			return 0, 0, false
		}
		x *= 10
	}
	up := int64(0)
	for ; s > scale; s-- {
		r := x % 10
		x /= 10
		if r < 0 {
			x--
			r += 10
		}
		if r != 0 {
			up = 1
		}
	}
	return x, x + up, true
}

package opt

import (
	"math"
	"sort"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// constant folds an expression; not ok if it has no value yet.
func (z *optimizer) constant(e expr.Expr) (types.Datum, bool) {
	if z.o.Expr != nil {
		e = expr.Fold(e, z.o.Expr)
	}
	c, ok := e.(*expr.Const)
	if !ok || c.Value.IsNull() {
		return types.Datum{}, false
	}
	return c.Value, true
}

// below estimates the fraction of a column's values below a constant: by its common values and its histogram, or else by the place
// between the smallest and the largest value.
func (z *optimizer) below(id int, bound expr.Expr, in *info) (float64, bool) {
	st := in.stat(id)
	v, ok := z.constant(bound)
	if !ok {
		return 0, false
	}
	if st.of != nil {
		if shape := st.of.Shape(); shape != nil {
			if f, ok := shapeBelow(shape, v, st.nulls); ok {
				return f, true
			}
		}
	}
	if st.deviation > 0 {
		x, ok := number(v)
		return normalBelow(st.mean, st.deviation, x), ok
	}
	if st.min.IsNull() || st.max.IsNull() {
		return 0, false
	}
	return place(st.min, st.max, v)
}

// place returns where a value lies between two others.
func place(min, max, v types.Datum) (float64, bool) {
	lo, ok1 := number(min)
	hi, ok2 := number(max)
	x, ok3 := number(v)
	if !ok1 || !ok2 || !ok3 {
		return 0, false
	}
	if hi <= lo {
		if x < lo {
			return 0, true
		}
		return 1, true
	}
	return clamp((x - lo) / (hi - lo)), true
}

// shapeBelow estimates the fraction of the values, NULL left out, that are below v.
func shapeBelow(s *table.Shape, v types.Datum, nulls float64) (float64, bool) {
	under := 0.0
	for i := range s.Common {
		c := &s.Common[i]
		order, ok := compare(c.Value, v)
		if !ok {
			return 0, false
		}
		switch {
		case order < 0:
			under += c.Fraction
		case order == 0: // whether it belongs to them is not asked here
			under += c.Fraction / 2
		}
	}
	all := math.Max(1-nulls, 1e-9)
	rest := math.Max(0, all-s.CommonFraction())
	if len(s.Bounds) < 2 {
		return clamp(under / all), len(s.Common) > 0
	}
	part, ok := histogramBelow(s.Bounds, v)
	return clamp((under + rest*part) / all), ok
}

// histogramBelow returns the fraction of a histogram's values below v.
func histogramBelow(bounds []types.Datum, v types.Datum) (float64, bool) {
	comparable := true
	i := sort.Search(len(bounds), func(i int) bool {
		order, ok := compare(bounds[i], v)
		comparable = comparable && ok
		return order >= 0
	})
	switch {
	case !comparable:
		return 0, false
	case i == 0:
		return 0, true
	case i == len(bounds):
		return 1, true
	}
	within, ok := place(bounds[i-1], bounds[i], v)
	if !ok {
		within = 0.5
	}
	return (float64(i-1) + within) / float64(len(bounds)-1), true
}

// compare compares values of one type, or of types whose values are points of one line.
func compare(a, b types.Datum) (int, bool) {
	if a.K == b.K {
		return types.Compare(a, b), true
	}
	x, ok1 := number(a)
	y, ok2 := number(b)
	switch {
	case !ok1 || !ok2 || (a.K.Class() == types.ClassString) != (b.K.Class() == types.ClassString):
		return 0, false
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

// number maps a value to a line on which distances mean something.
func number(d types.Datum) (float64, bool) {
	switch d.K.Class() {
	case types.ClassInt:
		v := float64(d.I)
		if d.K == types.Date { // to the scale of timestamps, which dates are compared with
			v *= 86400e6
		}
		return v, true
	case types.ClassFloat:
		return d.Float(), !math.IsNaN(d.Float()) && !math.IsInf(d.Float(), 0)
	case types.ClassNumeric:
		if d.Form == types.NumInt64 {
			return float64(d.I) * math.Pow10(-int(d.Scale)), true
		}
	case types.ClassString:
		v, scale := 0.0, 1.0
		for i := range min(8, len(d.S)) {
			scale /= 256
			v += float64(d.S[i]) * scale
		}
		return v, true
	}
	return 0, false
}

// equalFraction estimates l = r.
func (z *optimizer) equalFraction(l, r expr.Expr, in *info) float64 {
	if exprCols(l).empty() && exprCols(r).empty() {
		return guessCondition
	}
	for _, p := range [][2]expr.Expr{{l, r}, {r, l}} {
		if c, ok := column(p[0]); ok {
			if f, ok := z.valueFraction(c.ID, p[1], in); ok {
				return f
			}
		}
	}
	dl, dr := z.exprDistinct(l, in), z.exprDistinct(r, in)
	return (1 - nullFraction(l, in)) / math.Max(1, math.Max(dl, dr))
}

// valueFraction estimates how often a column has a constant as its value: one of the common values, or one of the others.
func (z *optimizer) valueFraction(id int, e expr.Expr, in *info) (float64, bool) {
	if !exprCols(e).empty() {
		return 0, false
	}
	v, ok := z.constant(e)
	if !ok {
		return 0, false
	}
	st := in.stat(id)
	if outside(st, v) {
		return 0, true
	}
	if st.of == nil || st.of.Shape() == nil {
		return 0, false
	}
	shape := st.of.Shape()
	for i := range shape.Common {
		c := &shape.Common[i]
		if order, ok := compare(c.Value, v); !ok {
			return 0, false
		} else if order == 0 {
			return c.Fraction, true
		}
	}
	others := math.Max(1, st.distinct-float64(len(shape.Common)))
	return math.Max(0, 1-st.nulls-shape.CommonFraction()) / others, len(shape.Common)+len(shape.Bounds) > 0
}

// outside reports whether a value lies outside of a column's known range.
func outside(st colStat, v types.Datum) bool {
	if st.min.IsNull() || st.max.IsNull() || st.min.K != v.K {
		return false
	}
	return types.Compare(v, st.min) < 0 || types.Compare(v, st.max) > 0
}

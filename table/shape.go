package table

import (
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/laminadb/lamina/types"
)

// shapeMax bounds the common values and the parts of a histogram.
const shapeMax = 100

// Shape is an estimate of how the values of a column are distributed: the most common ones, and a histogram of the others.
type Shape struct {
	// Common are the values that are more frequent than others, the most frequent first.
	Common []CommonValue
	// Bounds cut the values that are not among Common, in order, into parts with about the same number of rows: the first is the least
	// value, the last the greatest. None: there are no others, or they are not known.
	Bounds []types.Datum
}

// CommonValue is a value with the fraction of the rows, those with NULL included, that have it.
type CommonValue struct {
	Value    types.Datum
	Fraction float64
}

// CommonFraction returns the fraction of the rows that have one of the common values.
func (s *Shape) CommonFraction() float64 {
	f := 0.0
	for i := range s.Common {
		f += s.Common[i].Fraction
	}
	return f
}

// Find returns the fraction of the rows that have a value, which has the type of the column, if it is among the common ones.
func (s *Shape) Find(v types.Datum) (float64, bool) {
	for i := range s.Common {
		if types.Compare(s.Common[i].Value, v) == 0 {
			return s.Common[i].Fraction, true
		}
	}
	return 0, false
}

// lazyShape is made of a sample when somebody asks for it.
type lazyShape struct {
	once     sync.Once
	sample   []types.Datum
	distinct float64
	shape    Shape
}

// Shape returns how the values are distributed; nil: it is not known. It must not be changed.
func (c *ColumnStats) Shape() *Shape {
	l := c.shape
	if l == nil {
		return nil
	}
	l.once.Do(func() {
		if l.sample != nil {
			l.shape, l.sample = shapeOf(l.sample, l.distinct), nil
		}
	})
	return &l.shape
}

// SetShape replaces what is known of the distribution.
func (c *ColumnStats) SetShape(s Shape) { c.shape = &lazyShape{shape: s} }

// valueRun is a value of a sample with the number of times that it is there.
type valueRun struct {
	value types.Datum
	n     int
}

// shapeOf makes the shape of a column with about so many distinct values from a random sample. A value is common if it is
// a quarter more frequent than the average, and not by chance; all are if the sample has every one of them and they are few.
func shapeOf(sample []types.Datum, distinct float64) (s Shape) {
	sorted := make([]types.Datum, 0, len(sample))
	for _, v := range sample {
		if v.Valid {
			sorted = append(sorted, v)
		}
	}
	slices.SortFunc(sorted, types.Compare)
	var runs []valueRun
	for i, v := range sorted {
		if i > 0 && types.Compare(v, sorted[i-1]) == 0 {
			runs[len(runs)-1].n++
			continue
		}
		runs = append(runs, valueRun{v, 1})
	}
	common := commonRuns(runs, len(sorted), distinct)
	for _, r := range common {
		s.Common = append(s.Common, CommonValue{r.value, float64(r.n) / float64(len(sample))})
	}
	rest := sorted[:0]
	for _, r := range runs {
		if _, ok := s.Find(r.value); ok {
			continue
		}
		for range r.n {
			rest = append(rest, r.value)
		}
	}
	if parts := min(shapeMax, len(rest)-1); parts > 0 && types.Compare(rest[0], rest[len(rest)-1]) != 0 {
		for i := range parts + 1 {
			s.Bounds = append(s.Bounds, rest[i*(len(rest)-1)/parts])
		}
	}
	return s
}

// commonRuns returns the common values among those of n rows, the most frequent first.
func commonRuns(runs []valueRun, n int, distinct float64) []valueRun {
	byCount := slices.Clone(runs)
	slices.SortStableFunc(byCount, func(a, b valueRun) int { return b.n - a.n })
	if len(runs) <= shapeMax && float64(len(runs)) >= distinct*0.99 && n >= 2*len(runs) {
		return byCount
	}
	mean := float64(n) / max(distinct, float64(len(runs)), 1)
	least := max(1.25*mean, mean+3*math.Sqrt(mean)+2)
	k := 0
	for k < len(byCount) && k < shapeMax && float64(byCount[k].n) > least {
		k++
	}
	return byCount[:k]
}

// Clone returns a copy that shares no memory with the sample from which s was made.
func (s *Shape) Clone() Shape {
	out := Shape{Common: slices.Clone(s.Common), Bounds: slices.Clone(s.Bounds)}
	for i := range out.Common {
		out.Common[i].Value.S = strings.Clone(out.Common[i].Value.S)
	}
	for i := range out.Bounds {
		out.Bounds[i].S = strings.Clone(out.Bounds[i].S)
	}
	return out
}

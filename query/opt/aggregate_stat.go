package opt

import (
	"math"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
)

// spread is how many standard deviations wide the range is in which nearly all counts of groups lie.
const spread = 8

// aggregateStat estimates the results of an aggregate function over groups. Rows are assumed to fall into groups at random, so that
// a count has the deviation of its root, and sums of many values are distributed normally.
func (z *optimizer) aggregateStat(a *expr.Aggregate, in *info, groups float64) colStat {
	st := colStat{distinct: groups, per: 1}
	n := in.rows / math.Max(1, groups)
	switch a.Func.Op {
	case expr.AggCount, expr.AggCountStar:
		st.mean, st.deviation = n, math.Sqrt(n)
		if !a.Distinct {
			st.distinct = math.Min(groups, math.Ceil(spread*st.deviation)+1)
			st.per = math.Max(1, groups/math.Max(1, st.distinct))
		}
		return st
	case expr.AggSum, expr.AggAvg:
	default:
		return st
	}
	if len(a.Args) != 1 || a.Distinct || a.Filter != nil {
		return st
	}
	c, ok := column(a.Args[0])
	if !ok {
		return st
	}
	mean, variance, ok := moments(in.stat(c.ID))
	switch {
	case !ok:
	case a.Func.Op == expr.AggAvg:
		st.mean, st.deviation = mean, math.Sqrt(variance/math.Max(1, n))
	default:
		st.mean, st.deviation = n*mean, math.Sqrt(n*variance+n*mean*mean)
	}
	return st
}

// moments estimates the mean of a column and its variance: by its sample, or as if all values between the smallest and the largest
// were as frequent.
func moments(st colStat) (mean, variance float64, ok bool) {
	if st.of == nil {
		return 0, 0, false
	}
	n, sum, squares := 0.0, 0.0, 0.0
	for _, d := range st.of.Sample {
		if d.IsNull() || d.K.Class() == types.ClassString {
			continue
		}
		if v, ok := number(d); ok {
			n, sum, squares = n+1, sum+v, squares+v*v
		}
	}
	if n >= sampleRowsMin {
		mean = sum / n
		return mean, math.Max(0, squares/n-mean*mean), true
	}
	if st.min.IsNull() || st.max.IsNull() || st.min.K.Class() == types.ClassString {
		return 0, 0, false
	}
	lo, ok1 := number(st.min)
	hi, ok2 := number(st.max)
	return (lo + hi) / 2, (hi - lo) * (hi - lo) / 12, ok1 && ok2
}

// tailMin is the least fraction that is believed of what lies far from the mean.
const tailMin = 1e-4

// normalBelow estimates the fraction of a normal distribution below a value.
func normalBelow(mean, deviation, v float64) float64 {
	return math.Max(tailMin, math.Min(1-tailMin, math.Erfc((mean-v)/(deviation*math.Sqrt2))/2))
}

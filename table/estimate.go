package table

import "github.com/laminadb/lamina/types"

// EstimateColumn makes estimates about a column of a table with so many rows from a random sample of its values, which it
// keeps. width is what a value takes besides the bytes of a string.
func EstimateColumn(sample []types.Datum, rows, width float64) ColumnStats {
	s := ColumnStats{Sample: sample}
	seen := map[uint64]int{}
	nulls, text := 0, 0
	for _, v := range sample {
		if !v.Valid {
			nulls++
			continue
		}
		seen[types.Hash(v)]++
		text += len(v.S)
		if !s.Min.Valid || types.Compare(v, s.Min) < 0 {
			s.Min = v
		}
		if !s.Max.Valid || types.Compare(v, s.Max) > 0 {
			s.Max = v
		}
	}
	n := len(sample)
	if n == 0 {
		return s
	}
	s.NullFraction = float64(nulls) / float64(n)
	s.Distinct = distinct(seen, n-nulls, rows*(1-s.NullFraction))
	s.WidthBytes = width + float64(text)/float64(n)
	s.shape = &lazyShape{sample: sample, distinct: s.Distinct}
	return s
}

// distinct estimates the distinct values among total rows from a sample of n (Haas and Stokes' Duj1).
func distinct(seen map[uint64]int, n int, total float64) float64 {
	if n == 0 {
		return 0
	}
	once := 0
	for _, k := range seen {
		if k == 1 {
			once++
		}
	}
	k, f, m := float64(len(seen)), float64(once), float64(n)
	if total <= m {
		return k
	}
	return min(total, m*k/(m-f+f*m/total))
}

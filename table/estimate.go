package table

import (
	"math/bits"

	"github.com/laminadb/lamina/types"
)

// EstimateColumn makes estimates about a column of a table with so many rows from a random sample of its values, which it
// keeps. width is what a value takes besides the bytes of a string.
func EstimateColumn(sample []types.Datum, rows, width float64) ColumnStats {
	s := ColumnStats{Sample: sample}
	seen := newTally(len(sample))
	nulls, text := 0, 0
	for _, v := range sample {
		if !v.Valid {
			nulls++
			continue
		}
		seen.add(types.Hash(v))
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
func distinct(seen *tally, n int, total float64) float64 {
	if n == 0 {
		return 0
	}
	once := 0
	for i := range seen.slots {
		if seen.slots[i].n == 1 {
			once++
		}
	}
	k, f, m := float64(seen.distinct), float64(once), float64(n)
	if total <= m {
		return k
	}
	return min(total, m*k/(m-f+f*m/total))
}

// tally counts how often numbers that hash well come, in a table that is open and at most half full.
type tally struct {
	slots    []tallied
	distinct int
}

type tallied struct {
	x uint64
	n uint32 // 0: the slot is free
}

// newTally has room for n different numbers.
func newTally(n int) *tally {
	return &tally{slots: make([]tallied, 2<<bits.Len(uint(n)))}
}

func (t *tally) add(x uint64) {
	mask := uint64(len(t.slots) - 1)
	for at := x & mask; ; at = (at + 1) & mask {
		switch s := &t.slots[at]; {
		case s.n == 0:
			s.x, s.n = x, 1
			t.distinct++
			return
		case s.x == x:
			s.n++
			return
		}
	}
}

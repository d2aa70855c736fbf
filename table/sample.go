package table

import (
	"math/rand/v2"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// RowSample is a random sample of the rows that it is given (algorithm R), the same for the same rows in the same order.
type RowSample struct {
	// Columns are the values of the rows of the sample, column by column.
	Columns [][]types.Datum
	seen    int
	most    int
	rng     *rand.Rand
}

// NewRowSample returns an empty sample of rows with so many columns; most is the number of rows that it keeps at most.
func NewRowSample(columns, most int) *RowSample {
	return &RowSample{Columns: make([][]types.Datum, columns), most: most, rng: rand.New(rand.NewPCG(uint64(columns), uint64(most)))}
}

// Add offers the live rows of a batch, of which further columns do not count.
func (s *RowSample) Add(b *vec.Batch) {
	for r := range b.N {
		at := s.seen
		s.seen++
		if at >= s.most {
			if at = s.rng.IntN(s.seen); at >= s.most {
				continue
			}
		}
		for c := range s.Columns {
			d := b.BatchDatum(c, r)
			if at == len(s.Columns[c]) {
				s.Columns[c] = append(s.Columns[c], d)
			} else {
				s.Columns[c][at] = d
			}
		}
	}
}

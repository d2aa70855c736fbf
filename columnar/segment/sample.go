package segment

import (
	"math/rand/v2"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// sampler keeps a random sample of the rows (reservoir sampling), the same for the same rows.
type sampler struct {
	max  int
	rng  *rand.Rand
	rows []types.Row
}

func newSampler(rows int) sampler {
	return sampler{max: max(rows, 0), rng: rand.New(rand.NewPCG(0x5e97e47, uint64(rows)))}
}

// add takes a batch whose first row is at position pos.
func (s *sampler) add(b *vec.Batch, pos int) {
	if s.max == 0 {
		return
	}
	for i := range b.N {
		at := pos + i
		if at >= s.max {
			if at = s.rng.IntN(pos + i + 1); at >= s.max {
				continue
			}
			s.rows[at] = rowOf(b, i)
			continue
		}
		s.rows = append(s.rows, rowOf(b, i))
	}
}

func rowOf(b *vec.Batch, i int) types.Row {
	row := make(types.Row, b.NumCols())
	for c := range row {
		row[c] = b.BatchDatum(c, i)
	}
	return row
}

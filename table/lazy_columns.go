package table

import (
	"slices"
	"sync"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// LazyColumns are estimates about the columns of a table, each of which is made when somebody asks for it first. They are used
// as long as the statement lives that got them, by any number of goroutines.
type LazyColumns struct {
	cols []lazyColumn
	of   func(col int) ColumnStats
}

type lazyColumn struct {
	once  sync.Once
	stats ColumnStats
	// vectors are the sample's, err is why there are none.
	vectorsOnce sync.Once
	vectors     []vec.Vector
	err         error
}

// NewLazyColumns returns estimates about n columns, which of makes.
func NewLazyColumns(n int, of func(col int) ColumnStats) *LazyColumns {
	return &LazyColumns{cols: make([]lazyColumn, n), of: of}
}

// NumColumns returns the number of columns of which something is known.
func (s *Stats) NumColumns() int {
	if s.Lazy != nil {
		return len(s.Lazy.cols)
	}
	return len(s.Columns)
}

// Column returns what is known of a column. It must not be changed.
func (s *Stats) Column(col int) *ColumnStats {
	if s.Lazy == nil {
		return &s.Columns[col]
	}
	c := &s.Lazy.cols[col]
	c.once.Do(func() { c.stats = s.Lazy.of(col) })
	return &c.stats
}

// SampleVectors returns the sample of a column of type t in vectors of vec.Size rows, the last one shorter. They must not be changed.
func (s *Stats) SampleVectors(col int, t types.Type) ([]vec.Vector, error) {
	sample := s.Column(col).Sample
	if s.Lazy == nil {
		return vectorsOf(sample, t)
	}
	c := &s.Lazy.cols[col]
	c.vectorsOnce.Do(func() { c.vectors, c.err = vectorsOf(sample, t) })
	return c.vectors, c.err
}

func vectorsOf(sample []types.Datum, t types.Type) (out []vec.Vector, err error) {
	for piece := range slices.Chunk(sample, vec.Size) {
		b := vec.NewBuilder(t, len(piece), nil)
		for _, d := range piece {
			if err := b.Append(d); err != nil {
				return nil, err
			}
		}
		out = append(out, b.Vector())
	}
	return out, nil
}

// MakeColumns makes all estimates: for who looks at them after the statement has ended.
func (s *Stats) MakeColumns() {
	for col := range s.NumColumns() {
		s.Column(col)
	}
}

package table

import "sync"

// LazyColumns are estimates about the columns of a table, each of which is made when somebody asks for it first. They are used
// as long as the statement lives that got them, by any number of goroutines.
type LazyColumns struct {
	cols []lazyColumn
	of   func(col int) ColumnStats
}

type lazyColumn struct {
	once  sync.Once
	stats ColumnStats
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

// MakeColumns makes all estimates: for who looks at them after the statement has ended.
func (s *Stats) MakeColumns() {
	for col := range s.NumColumns() {
		s.Column(col)
	}
}

package table_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/laminadb/lamina/table"
)

// TestLazyColumns: a column is made once, by whoever asks first, and no other is.
func TestLazyColumns(t *testing.T) {
	var made [3]int
	s := table.Stats{Rows: 10, Lazy: table.NewLazyColumns(len(made), func(col int) table.ColumnStats {
		made[col]++
		return table.ColumnStats{Distinct: float64(col)}
	})}
	if s.NumColumns() != len(made) || made != [3]int{} {
		t.Fatalf("%d columns, made %v", s.NumColumns(), made)
	}
	var wg sync.WaitGroup
	for range 4 {
		again := s // shares what was made
		wg.Go(func() {
			if again.Column(2).Distinct != 2 {
				t.Error("not the estimate of column 2")
			}
		})
	}
	wg.Wait()
	if made != [3]int{0, 0, 1} {
		t.Fatalf("made %v", made)
	}
	s.MakeColumns()
	if slices.Max(made[:]) != 1 || slices.Min(made[:]) != 1 {
		t.Fatalf("made %v", made)
	}
	if s = (table.Stats{Columns: make([]table.ColumnStats, 2)}); s.NumColumns() != 2 || s.Column(1) != &s.Columns[1] {
		t.Fatal("columns that are there are not got")
	}
}

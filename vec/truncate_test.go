package vec_test

import (
	"testing"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestTruncate: rows go, and values of columns that were never counted as rows.
func TestTruncate(t *testing.T) {
	bb := vec.NewBatchBuilder([]types.Type{types.T(types.Int8), types.T(types.Text)}, 0, nil)
	add := func(i int64) {
		t.Helper()
		if err := bb.AppendRow(types.Row{types.NewInt(types.Int8, i), types.NullOf(types.Text)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range int64(5) {
		add(i)
	}
	for keep := 5; keep >= 3; keep-- {
		for range 70 { // more than a word of the validity
			if err := bb.Col(0).AppendNull(); err != nil {
				t.Fatal(err)
			}
		}
		if err := bb.Col(1).AppendString("half a row"); err != nil {
			t.Fatal(err)
		}
		bb.Truncate(keep)
		if bb.Len() != keep || bb.Col(0).Len() != keep || bb.Col(1).Len() != keep {
			t.Fatalf("%d rows, columns of %d and %d values are left of %d", bb.Len(), bb.Col(0).Len(), bb.Col(1).Len(), keep)
		}
		if err := bb.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	add(7)
	b := bb.Batch()
	for i, want := range []int64{0, 1, 2, 7} {
		if d := b.BatchDatum(0, i); !types.Identical(d, types.NewInt(types.Int8, want)) {
			t.Errorf("row %d is %v, want %d", i, d, want)
		}
		if d := b.BatchDatum(1, i); d.Valid {
			t.Errorf("row %d has %v, want NULL", i, d)
		}
	}
}

package table_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// TestShape: common values are those that are, with their fractions of all rows, and the histogram has the others.
func TestShape(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var sample []types.Datum
	for range 5000 {
		switch x := rng.IntN(10); {
		case x < 2:
			sample = append(sample, types.NullOf(types.Int4))
		case x < 5:
			sample = append(sample, types.NewInt(types.Int4, 77))
		default:
			sample = append(sample, types.NewInt(types.Int4, int64(rng.IntN(100_000))))
		}
	}
	st := table.EstimateColumn(sample, 100_000, 4)
	s := st.Shape()
	if len(s.Common) != 1 || s.Common[0].Value.I != 77 || math.Abs(s.CommonFraction()-0.3) > 0.03 {
		t.Errorf("common values %+v", s.Common)
	}
	if f, ok := s.Find(types.NewInt(types.Int4, 77)); !ok || f != s.Common[0].Fraction {
		t.Error("the common value is not found")
	}
	if _, ok := s.Find(types.NewInt(types.Int4, 78)); ok || len(s.Bounds) != 101 {
		t.Errorf("%d bounds", len(s.Bounds))
	}
	for i, b := range s.Bounds {
		if math.Abs(float64(b.I)-float64(i)*1000) > 8000 {
			t.Errorf("bound %d is %d", i, b.I)
		}
	}
	few := table.EstimateColumn(sample[:0:0], 0, 4)
	if few.Shape() != nil {
		t.Error("nothing is known of no rows")
	}
	few = table.EstimateColumn([]types.Datum{types.NewInt(types.Int4, 1), types.NewInt(types.Int4, 1)}, 2, 4)
	if s := few.Shape(); len(s.Common) != 1 || s.Common[0].Fraction != 1 || s.Bounds != nil {
		t.Errorf("one value: %+v", s)
	}
}

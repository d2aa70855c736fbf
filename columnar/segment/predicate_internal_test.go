package segment

import (
	"math"
	"testing"

	"github.com/laminadb/lamina/types"
)

// TestAround: constants of another scale than the column's lie between two of its integers, or on one.
func TestAround(t *testing.T) {
	for _, c := range []struct {
		value       types.Datum
		floor, ceil int64
		beyond      int
	}{
		{types.NewDecimal(5, 1), 50, 50, 0},
		{types.NewDecimal(5, 3), 0, 1, 0},
		{types.NewDecimal(-5, 3), -1, 0, 0},
		{types.NewDecimal(math.MaxInt64, 3), 922337203685477580, 922337203685477581, 0},
		{types.NewDecimal(math.MaxInt64, 0), 0, 0, 1},
		{types.NewDecimal(math.MinInt64, 0), 0, 0, -1},
	} {
		l := layout{mean: meanDecimal, scale: 2}
		floor, ceil, beyond := l.around(&c.value)
		if beyond != c.beyond || beyond == 0 && (floor != c.floor || ceil != c.ceil) {
			t.Errorf("%v: %d, %d, %d", c.value, floor, ceil, beyond)
		}
	}
}

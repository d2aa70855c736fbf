package exec

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// TestSortTrims: what all values of a key have in common does not stand in normalised keys, and the order stays: of integers at
// both ends of their range and over all of it, of constants, of strings with a common beginning of any length.
func TestSortTrims(t *testing.T) {
	checked := 0
	for round := range 8 {
		w := newWorld(t, 260+uint64(round))
		ts := []types.Type{types.T(types.Int8), types.T(types.Text), types.T(types.Int4), types.NumericPS(15, 2), types.T(types.Text)}
		rows := w.rows(700, ts, true, 0)
		span := int64(1) << (1 + 8*round)
		prefix := strings.Repeat("common ", round)
		for _, r := range rows {
			x := w.rng.Int64N(span)
			switch round % 3 {
			case 0:
				r[0] = types.NewInt(types.Int8, math.MinInt64+x)
			case 1:
				r[0] = types.NewInt(types.Int8, math.MaxInt64-x)
			default:
				r[0] = types.NewInt(types.Int8, int64(w.rng.Uint64()>>(8*w.rng.IntN(8)))-span/2)
			}
			r[1] = types.NewString(types.Text, prefix+strings.Repeat("ab", w.rng.IntN(3))+fmt.Sprint(w.rng.IntN(4))[:w.rng.IntN(2)])
			r[2] = types.NewInt(types.Int4, int64(-1-w.rng.IntN(300)*(round%2)))
			r[3] = types.NewDecimal(int64(w.rng.IntN(70000)-round*10000), 2)
			r[4] = types.NewString(types.Text, prefix)
			if w.rng.IntN(10) == 0 && round%2 == 1 {
				r[w.rng.IntN(5)] = types.Null()
			}
		}
		tab := w.table("t", columnsOf(ts...), rows)
		scan := scanOf(tab)
		for _, cols := range [][]int{{0, 1}, {4, 2, 1, 3}, {1, 0, 3}, {3, 4}, {2, 4, 1, 0}} {
			var keys []plan.SortKey
			for _, c := range cols {
				keys = append(keys, plan.SortKey{Expr: col(scan, c), Desc: w.rng.IntN(2) == 0, NullsFirst: w.rng.IntN(2) == 0})
			}
			want := rowTexts(refSort(rows, cols, keys))
			for _, cf := range configs() {
				if cf.vectorRows < 64 {
					continue
				}
				got, err := w.run(t, &plan.Query{Root: sortOf(scan, keys...)}, cf)
				if err != nil {
					t.Fatal(cf, err)
				}
				same(t, fmt.Sprint("round ", round, ", keys ", cols, ", ", cf), got, want, true)
				checked += len(got)
			}
		}
	}
	if checked < atLeast(400000) {
		t.Fatalf("only %d rows were checked", checked)
	}
}

package exec

import (
	"fmt"
	"slices"
	"testing"

	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

func sortOf(in plan.Node, keys ...plan.SortKey) *plan.Sort {
	n := &plan.Sort{Input: in, Keys: keys}
	n.Out = in.Columns()
	return n
}

func limitOf(in plan.Node, count, offset int64) *plan.Limit {
	n := &plan.Limit{Input: in}
	n.Out = in.Columns()
	if count >= 0 {
		n.Count = intConst(count)
	}
	if offset > 0 {
		n.Offset = intConst(offset)
	}
	return n
}

// refSort is the stable naive sort.
func refSort(rows []types.Row, cols []int, keys []plan.SortKey) []types.Row {
	out := slices.Clone(rows)
	slices.SortStableFunc(out, func(a, b types.Row) int {
		for i, c := range cols {
			x, y, k := a[c], b[c], keys[i]
			if x.Valid != y.Valid {
				if x.Valid == k.NullsFirst {
					return 1
				}
				return -1
			}
			if !x.Valid {
				continue
			}
			o := types.Compare(x, y)
			if k.Desc {
				o = -o
			}
			if o != 0 {
				return o
			}
		}
		return 0
	})
	return out
}

// TestSortMatchesReference sorts by keys of all types, in both directions, with and without a limit.
func TestSortMatchesReference(t *testing.T) {
	checked := 0
	for round := range 20 {
		w := newWorld(t, 200+uint64(round))
		ts := []types.Type{keyTypes[round%len(keyTypes)], keyTypes[w.rng.IntN(len(keyTypes))], types.T(types.Int8)}
		tab := w.table("t", columnsOf(ts...), w.rows(700, ts, round%3 != 0, []float64{0, 0.2}[round%2]))
		scan := scanOf(tab)
		keys := []plan.SortKey{
			{Expr: col(scan, 0), Desc: w.rng.IntN(2) == 0, NullsFirst: w.rng.IntN(2) == 0},
			{Expr: col(scan, 1), Desc: w.rng.IntN(2) == 0, NullsFirst: w.rng.IntN(2) == 0},
		}
		want := rowTexts(refSort(tab.rows, []int{0, 1}, keys))
		for _, c := range configs() {
			for _, top := range []int64{-1, 10} {
				n := sortOf(scan, keys...)
				var root plan.Node = n
				expect := want
				if top >= 0 {
					n.TopN = intConst(top + 5)
					root = limitOf(n, top, 5)
					expect = want[5 : 5+top]
				}
				got, err := w.run(t, &plan.Query{Root: root}, c)
				if err != nil {
					t.Fatal(c, err)
				}
				same(t, fmt.Sprint("round ", round, " top ", top, " ", c), got, expect, true)
				checked += len(got)
			}
		}
	}
	if checked < atLeast(100000) {
		t.Fatalf("only %d rows were checked", checked)
	}
}

// TestTopNPrunes sorts far more rows than are wanted, so that workers drop rows on the way.
func TestTopNPrunes(t *testing.T) {
	w := newWorld(t, 1)
	ts := []types.Type{types.T(types.Int8), types.T(types.Text), types.T(types.Numeric)}
	tab := w.table("t", columnsOf(ts...), w.rows(40000, ts, true, 0.1))
	tab.morsel = 5000
	scan := scanOf(tab)
	keys := []plan.SortKey{{Expr: col(scan, 0), Desc: true}, {Expr: col(scan, 1), NullsFirst: true}}
	want := rowTexts(refSort(tab.rows, []int{0, 1}, keys))[:50]
	for _, workers := range []int{1, 4} {
		n := sortOf(scan, keys...)
		n.TopN = intConst(50)
		got, err := w.run(t, &plan.Query{Root: n}, config{vectorRows: 2048, workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		same(t, workers, got, want, true)
	}
}

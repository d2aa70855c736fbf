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

// TestGroupTop sorts rows of which only the first of each group are wanted: those all come, in their order, and most of the
// others do not.
func TestGroupTop(t *testing.T) {
	keyTypes := []types.Type{types.T(types.Int4), types.T(types.Float8), types.NumericPS(15, 2), types.T(types.Numeric), types.T(types.Int2)}
	passed, all := 0, 0
	for round := range 20 {
		w := newWorld(t, uint64(round))
		ts := []types.Type{types.T(types.Int2), types.T(types.Text), keyTypes[round%len(keyTypes)], types.T(types.Int8)}
		rows := w.rows(20000, ts, true, []float64{0, 0.05}[round%2])
		for _, r := range rows { // few groups, and ties
			if r[0].Valid {
				r[0].I = r[0].I % 7
			}
			if r[1].Valid && len(r[1].S) > 1 {
				r[1].S = r[1].S[:1]
			}
		}
		tab := w.table("t", columnsOf(ts...), rows)
		tab.morsel = 3000
		scan := scanOf(tab)
		keys := []plan.SortKey{{Expr: col(scan, 0)}, {Expr: col(scan, 1)}, {Expr: col(scan, 2), Desc: round%3 == 1, NullsFirst: round%4 > 1}, {Expr: col(scan, 3)}}
		cols := []int{0, 1, 2, 3}
		if round%5 == 4 { // one group
			keys, cols = keys[2:], cols[2:]
		}
		n := sortOf(scan, keys...)
		n.Groups = &plan.SortGroups{Keys: len(keys) - 2, WindowTop: plan.WindowTop{Rows: 1 + round%3*4, Distinct: round%7 > 4}}
		sorted := refSort(tab.rows, cols, keys)
		texts := rowTexts(sorted)
		wanted := wantedOfGroups(sorted, cols, n.Groups)
		for _, workers := range []int{1, 4} {
			got, err := w.run(t, &plan.Query{Root: n}, config{vectorRows: []int{2048, 100}[round%2], workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			at := 0
			for i, text := range texts {
				switch {
				case at < len(got) && got[at] == text:
					at++
				case wanted[i]:
					t.Fatalf("round %d, %d workers: row %d, %s, is missing", round, workers, i, text)
				}
			}
			if at != len(got) {
				t.Fatalf("round %d, %d workers: %d rows in another order, or too many", round, workers, len(got)-at)
			}
			passed, all = passed+len(got), all+len(rows)
		}
	}
	if passed > all*2/3 {
		t.Errorf("%d rows of %d passed", passed, all)
	}
}

// wantedOfGroups says which of sorted rows have few enough rows, or values, of their group before them.
func wantedOfGroups(rows []types.Row, cols []int, g *plan.SortGroups) []bool {
	wanted := make([]bool, len(rows))
	before, peers, values := 0, 0, 0
	same := func(i, keys int) bool {
		for _, c := range cols[:keys] {
			a, b := rows[i-1][c], rows[i][c]
			if a.Valid != b.Valid || a.Valid && !types.Equal(a, b) {
				return false
			}
		}
		return true
	}
	for i := range rows {
		switch {
		case i == 0 || !same(i, g.Keys):
			before, peers, values = 0, 1, 0
		case !same(i, g.Keys+1):
			before, peers, values = before+peers, 1, values+1
		default:
			peers++
		}
		if g.Distinct {
			before, peers = values, 0
		}
		wanted[i] = before < g.Rows
	}
	return wanted
}

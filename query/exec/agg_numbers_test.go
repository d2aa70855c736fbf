package exec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TestStringNumbers groups rows by strings that get numbers: codes of dictionaries that change under way, strings that are short
// at first and then long, NULLs, and several keys that are too wide together; in memory, and where groups leave it or where
// there is no room for numbers.
func TestStringNumbers(t *testing.T) {
	numbered, hashed, checked := 0, 0, 0
	for round := range 6 {
		w := newWorld(t, uint64(700+round))
		text := types.T(types.Text)
		ts := []types.Type{text, types.CharN(20), text, types.T(types.Int8), types.T(types.Int4), types.T(types.Float8)}
		rows := w.rows(700, ts, true, 0)
		for i, r := range rows {
			for c, kinds := range []int{12, 30, 200} {
				s := fmt.Sprint("k", w.rng.IntN(kinds))
				if i > 300 && c > 0 {
					s += strings.Repeat("-", w.rng.IntN(3)*(round+1)*2)
				}
				if r[c] = types.NewString(ts[c].Kind, s); round%2 == 1 && w.rng.IntN(25) == 0 {
					r[c] = types.NullOf(ts[c].Kind)
				}
			}
			r[3] = types.NewInt(types.Int8, int64(1+w.rng.IntN(5))<<(i/100*5))
		}
		tab := w.table("t", columnsOf(ts...), rows)
		if round%3 > 0 {
			tab.dicts = map[[2]int]*vec.Dictionary{}
		}
		scan := scanOf(tab)
		c := func(i int) expr.Expr { return col(scan, i) }
		aggs := []*expr.Aggregate{agg(t, "count", false, nil), agg(t, "sum", false, nil, c(4)), agg(t, "count", true, nil, c(2))}
		if round >= 3 { // a state that depends on the order of rows
			aggs[1] = agg(t, "sum", false, nil, c(5))
		}
		for k, keys := range [][]expr.Expr{{c(0)}, {c(1)}, {c(2), c(3)}, {c(3), c(1), c(0)}, {c(0), c(1), c(2), c(3)}} {
			n := aggOf(scan, keys, aggs...)
			want := rowTexts(refAggregate(t, rows, n))
			checked += w.everyWay(t, fmt.Sprint("round ", round, ", keys ", k), n, want)
			for i, limit := range []int64{0, 4 << 20, 1 << 30} {
				cf := config{vectorRows: 64, workers: 1 + round%2*3, facts: true, force: Force{Spill: i != 1, Aggregate: []string{"", "dense"}[i/2]}}
				got, reports, err := w.spilling(t, n, cf, limit)
				if err != nil {
					t.Fatalf("round %d, keys %d, limit %d: %+v", round, k, limit, err)
				}
				same(t, fmt.Sprint("round ", round, ", keys ", k, ", limit ", limit), got, want, true)
				for _, r := range reports {
					numbered += b2i(strings.Contains(fmt.Sprint(r), "are numbered"))
					hashed += b2i(strings.Contains(fmt.Sprint(r), "hashed and compared"))
				}
			}
		}
	}
	if checked < atLeast(20000) || numbered < 40 || hashed < 1 {
		t.Fatalf("%d groups were checked, %d times by numbers, %d times by hashes", checked, numbered, hashed)
	}
}

// TestNumbersAreFull fills numbers until there is no room, by several strings at once.
func TestNumbersAreFull(t *testing.T) {
	w := newWorld(t, 1)
	ts := []types.Type{types.T(types.Text), types.T(types.Int4)}
	rows := w.rows(4000, ts, true, 0)
	for i, r := range rows {
		r[0] = types.NewString(types.Text, fmt.Sprint(strings.Repeat("long ", 60+i%50), w.rng.IntN(1500)))
	}
	scan := scanOf(w.table("t", columnsOf(ts...), rows))
	n := aggOf(scan, []expr.Expr{col(scan, 0)}, agg(t, "count", false, nil), agg(t, "sum", false, nil, col(scan, 1)))
	want := rowTexts(refAggregate(t, rows, n))
	both := 0
	for _, limit := range []int64{numbersLeast, 18 << 20, 24 << 20} {
		for _, workers := range []int{1, 4} {
			got, reports, err := w.spilling(t, n, config{vectorRows: 64, workers: workers, facts: true}, limit)
			if err != nil {
				t.Fatalf("limit %d, %d workers: %+v", limit, workers, err)
			}
			same(t, fmt.Sprint("limit ", limit), got, want, true)
			for _, r := range reports {
				s := fmt.Sprint(r)
				both += b2i(strings.Contains(s, "are numbered") && strings.Contains(s, "hashed and compared"))
			}
		}
	}
	if both == 0 {
		t.Fatal("numbers were never full")
	}
}

package exec

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// keyRuns gives column 0 of rows ascending values in runs, which may be longer than a morsel.
func (w *world) keyRuns(rows []types.Row, k types.Kind) {
	key, left := int64(-40), 0
	for _, r := range rows {
		if left == 0 {
			key += int64(1 + w.rng.IntN(5)*w.rng.IntN(1000))
			left = 1 + w.rng.IntN(4)
			if w.rng.IntN(12) == 0 {
				left = 1 + w.rng.IntN(260)
			}
		}
		left--
		r[0] = types.NewInt(k, key)
	}
}

// disturbs changes rows whose keys ascend so that some runs are none, or overlap.
var disturbs = map[string]func(w *world, rows []types.Row){
	"nothing":      func(*world, []types.Row) {},
	"one late row": func(_ *world, rows []types.Row) { rows[len(rows)-1][0] = rows[3][0] },
	"a NULL":       func(_ *world, rows []types.Row) { rows[len(rows)/2][0] = types.NullOf(rows[0][0].K) },
	"morsels in another order": func(_ *world, rows []types.Row) {
		half := slices.Clone(rows[:300])
		copy(rows, rows[300:600])
		copy(rows[300:], half)
	},
	"blocks in turns": func(_ *world, rows []types.Row) {
		var turns [2][]types.Row
		for i, r := range rows {
			turns[i/15%2] = append(turns[i/15%2], r)
		}
		copy(rows[copy(rows, turns[0]):], turns[1])
	},
	"all again": func(_ *world, rows []types.Row) {
		for i := range 300 {
			rows[300+i][0] = rows[i][0]
		}
	},
}

// TestRunAggregation groups rows by a key that ascends, wholly or nearly.
func TestRunAggregation(t *testing.T) {
	chained, overlapping, checked := 0, 0, 0
	for name, disturb := range disturbs {
		for round := range 3 {
			w := newWorld(t, uint64(100+round))
			ts := []types.Type{types.T([]types.Kind{types.Int8, types.Int4, types.Date}[round]), types.T(types.Int8),
				types.NumericPS(15, 2), types.T(types.Numeric), types.T(types.Text), types.T(types.Bool)}
			rows := w.rows(600, ts, round%2 == 0, 0.1)
			w.keyRuns(rows, ts[0].Kind)
			disturb(w, rows)
			tab := w.table("t", columnsOf(ts...), rows)
			scan := scanOf(tab)
			c := func(i int) expr.Expr { return col(scan, i) }
			n := aggOf(scan, []expr.Expr{c(0)}, agg(t, "count", false, nil), agg(t, "count", false, nil, c(1)),
				agg(t, "sum", false, nil, c(1)), agg(t, "sum", false, nil, c(2)), agg(t, "sum", false, nil, c(3)),
				agg(t, "avg", false, nil, c(2)), agg(t, "min", false, nil, c(1)), agg(t, "max", false, nil, c(1+round%2)),
				agg(t, "min", false, nil, c(4)), agg(t, "bool_and", false, nil, c(5)), agg(t, "sum", false, c(5), c(1)))
			groups := refAggregate(t, rows, n)
			// Nobody looks at the order of the groups below another aggregation.
			total := aggOf(n, nil, agg(t, "count", false, nil), agg(t, "sum", false, nil, col(n, 1)), agg(t, "max", false, nil, col(n, 1)),
				agg(t, "sum", false, nil, col(n, 3)))
			want := map[plan.Node][]string{n: rowTexts(groups), total: rowTexts(refAggregate(t, groups, total))}
			for _, cf := range configs() {
				for _, root := range []plan.Node{n, total} {
					got, err := w.run(t, &plan.Query{Root: root}, cf)
					if err != nil {
						t.Fatalf("%s, round %d, %v: %+v", name, round, cf, err)
					}
					same(t, fmt.Sprint(name, ", round ", round, ", ", cf), got, want[root], true)
					checked += len(got)
				}
			}
			if w.notes(t, n, "where the runs' keys do not touch") {
				chained++
			} else if name == "nothing" {
				t.Errorf("round %d: the runs were merged by key", round)
			}
			if w.notes(t, total, "where the runs' keys do not touch") {
				overlapping++
			} else if name != "a NULL" && name != "all again" {
				t.Errorf("%s, round %d: runs that overlap were merged by key", name, round)
			}
		}
	}
	if checked < atLeast(10000) || chained < 3 || overlapping < 12 {
		t.Fatalf("%d groups were checked, runs of %d tables were chained, %d overlapping", checked, chained, overlapping)
	}
}

// TestThinRuns groups rows by a key that ascends, but that one in ten keys stands behind all others again: with all of
// its rows, or with some.
func TestThinRuns(t *testing.T) {
	ts := []types.Type{types.T(types.Int8), types.T(types.Int8)}
	thin := 0
	for round := range 3 {
		w := newWorld(t, uint64(round))
		var rows, late, groups []types.Row
		for key, left, i := int64(-9000), 0, 0; i < 40_000; i++ {
			r := types.Row{types.NewInt(types.Int8, key), w.datum(ts[1], true, 0)}
			if key%10 == 3 && (round == 0 || i%(2*round) == 0) {
				late = append(late, r)
			} else {
				rows = append(rows, r)
			}
			if left == 0 {
				groups = append(groups, types.Row{r[0], types.NewInt(types.Int8, 0), types.NewInt(types.Int8, 0)})
				left = 1 + w.rng.IntN(3)
			}
			g := groups[len(groups)-1]
			g[1].I, g[2].I = g[1].I+1, g[2].I+r[1].I
			if left--; left == 0 {
				key += int64(1 + w.rng.IntN(30))
			}
		}
		for _, g := range groups {
			g[2] = types.NumericFromInt(g[2].I)
		}
		if rows = append(rows, late...); round == 2 { // and in no order at their end
			w.rng.Shuffle(300, func(i, j int) {
				i, j = len(rows)-1-i, len(rows)-1-j
				rows[i], rows[j] = rows[j], rows[i]
			})
		}
		tab := w.table("t", columnsOf(ts...), rows)
		tab.morsel = 1500
		scan := scanOf(tab)
		n := aggOf(scan, []expr.Expr{col(scan, 0)}, agg(t, "count", false, nil), agg(t, "sum", false, nil, col(scan, 1)))
		total := aggOf(n, nil, agg(t, "count", false, nil), agg(t, "sum", false, nil, col(n, 2)), agg(t, "max", false, nil, col(n, 1)),
			agg(t, "min", false, nil, col(n, 0)), agg(t, "sum", false, nil, op(t, "*", col(n, 1), col(n, 1))))
		want := rowTexts(refAggregate(t, groups, total))
		for _, cf := range configs() {
			if cf.vectorRows < 64 {
				continue
			}
			got, err := w.run(t, &plan.Query{Root: total}, cf)
			if err != nil {
				t.Fatalf("round %d, %v: %+v", round, cf, err)
			}
			same(t, fmt.Sprint("round ", round, ", ", cf), got, want, true)
		}
		if w.notes(t, total, "thin runs") {
			thin++
		}
	}
	if thin < 2 {
		t.Fatalf("runs of %d tables were taken apart", thin)
	}
}

// notes reports whether two workers leave a note when they run a plan.
func (w *world) notes(t *testing.T, root plan.Node, note string) bool {
	t.Helper()
	ctx := context.Background()
	for _, tab := range w.stmt.tables {
		tab.facts, tab.forms = true, nil
	}
	q, err := Instantiate(ctx, &plan.Query{Root: root}, &Env{
		Stmt: w.stmt, Expr: &expr.Context{}, Mem: mem.NewTracker("test", 1<<30), Pool: w.pool, Workers: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = q.Next(ctx)
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	text := fmt.Sprint(q.Report())
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	return strings.Contains(text, note)
}

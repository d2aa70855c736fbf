package exec

import (
	"fmt"
	"testing"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// TestDistinctAggregates: values of DISTINCT aggregates count once for each group, whichever workers see them and however
// these number their groups, of packed and of hashed keys, beside aggregates that depend on the order of rows and others.
func TestDistinctAggregates(t *testing.T) {
	checked := 0
	text := types.T(types.Text)
	for round := range 4 {
		w := newWorld(t, uint64(170+round))
		ts := []types.Type{text, types.CharN(10), types.T(types.Int4), types.T(types.Int8), text, types.T(types.Numeric), types.T(types.Int4),
			types.T(types.Float8)}
		rows := w.rows(1500, ts, round%2 == 0, 0.02)
		for i, r := range rows {
			r[0] = types.NewString(types.Text, fmt.Sprint("a key that is long ", w.rng.IntN(5+i/200)))
			r[2] = types.NewInt(types.Int4, int64(w.rng.IntN(3)))
			if w.rng.IntN(50) == 0 {
				r[0] = types.NullOf(types.Text)
			}
			r[1] = types.NewString(types.BpChar, string(rune('a'+w.rng.IntN(4))))
			r[6] = types.NewInt(types.Int4, int64(w.rng.IntN(1<<(3*round))))
		}
		tab := w.table("t", columnsOf(ts...), rows)
		tab.morsel = 120
		scan := scanOf(tab)
		c := func(i int) expr.Expr { return col(scan, i) }
		some := op(t, "<", c(2), expr.NewConst(types.NewInt(types.Int4, 2), types.T(types.Int4), 0))
		aggs := []*expr.Aggregate{agg(t, "count", true, nil, c(6)), agg(t, "count", false, nil), agg(t, "sum", true, some, c(6)),
			agg(t, "count", true, nil, c(4)), agg(t, "count", true, some, c(3)), agg(t, "sum", true, nil, c(5)), agg(t, "max", false, nil, c(6))}
		for k, keys := range [][]expr.Expr{nil, {c(2)}, {c(0)}, {c(1), c(0), c(2)}} {
			list := aggs
			if round == 3 { // the groups of each morsel are its own
				list = append(list[:len(list):len(list)], agg(t, "sum", false, nil, c(7)))
			}
			n := aggOf(scan, keys, list...)
			want := rowTexts(refAggregate(t, rows, n))
			for _, cf := range configs() {
				if cf.vectorRows < 64 || k > 1 && cf.vectorRows == 64 {
					continue
				}
				got, err := w.run(t, &plan.Query{Root: n}, cf)
				if err != nil {
					t.Fatalf("round %d, keys %d, %v: %+v", round, k, cf, err)
				}
				same(t, fmt.Sprint("round ", round, ", keys ", k, ", ", cf), got, want, true)
				checked += len(got)
			}
		}
	}
	if checked < atLeast(1500) {
		t.Fatalf("%d groups were checked", checked)
	}
}

// TestDistinctInOrder: values of all rows that an aggregate takes in their order do not leave memory; where they do not fit
// the query is refused, and memory is given back.
func TestDistinctInOrder(t *testing.T) {
	w := newWorld(t, 179)
	ts := []types.Type{types.T(types.Float8)}
	tab := w.table("t", columnsOf(ts...), w.rows(100000, ts, false, 0))
	tab.morsel = 5000
	scan := scanOf(tab)
	n := aggOf(scan, nil, agg(t, "sum", true, nil, col(scan, 0)))
	for _, cfg := range spillConfigs() {
		if _, _, err := w.spilling(t, n, cfg, 3<<20); sqlerr.CodeOf(err) != sqlerr.OutOfMemory {
			t.Errorf("%v: %v", cfg, err)
		}
	}
}

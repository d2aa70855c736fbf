package exec

import (
	"fmt"
	"testing"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/types"
)

// determine makes the columns from first on a function of the columns before: rows with equal ones get those
// of the first such row.
func determine(rows []types.Row, first int) {
	var seen []types.Row
	for _, r := range rows {
		known := false
		for _, s := range seen {
			if known = equalRows(s[:first], r[:first]); known {
				copy(r[first:], s[first:])
				break
			}
		}
		if !known {
			seen = append(seen, r.Clone())
		}
	}
}

// TestDeterminedKeys groups by one or two keys of all types and by others that they determine.
func TestDeterminedKeys(t *testing.T) {
	determined := []types.Type{types.T(types.Text), types.NumericPS(15, 2), types.T(types.Numeric), types.T(types.Int4)}
	checked := 0
	for i, kt := range keyTypes {
		for compared := 1; compared <= 2; compared++ {
			w := newWorld(t, uint64(7*i+compared))
			ts := []types.Type{kt, keyTypes[w.rng.IntN(len(keyTypes))]}[:compared]
			ts = append(ts, determined...)
			rows := w.rows(500, ts, true, 0.15)
			determine(rows, compared)
			if i == 0 && compared == 1 {
				w.keyRuns(rows, kt.Kind)
				determine(rows, compared)
			}
			values := w.rows(len(rows), []types.Type{types.T(types.Int8), types.T(types.Float8)}, false, 0.1)
			for k := range rows {
				rows[k] = append(rows[k], values[k]...)
			}
			ts = append(ts, types.T(types.Int8), types.T(types.Float8))
			tab := w.table("t", columnsOf(ts...), rows)
			scan := scanOf(tab)
			x, f := col(scan, len(ts)-2), col(scan, len(ts)-1)
			aggs := []*expr.Aggregate{agg(t, "count", false, nil), agg(t, "sum", false, nil, x)}
			switch i % 3 {
			case 1:
				aggs = append(aggs, agg(t, "sum", false, nil, f))
			case 2:
				aggs = append(aggs, agg(t, "count", true, nil, x))
			}
			// The compared keys stand last, so that keys and places differ.
			var keys []expr.Expr
			for k := len(ts) - 3; k >= 0; k-- {
				keys = append(keys, col(scan, k))
			}
			n := aggOf(scan, keys, aggs...)
			want := rowTexts(refAggregate(t, rows, n))
			n.Determined = make([]bool, len(keys))
			for k := range len(determined) {
				n.Determined[k] = true
			}
			checked += w.everyWay(t, fmt.Sprint(kt, ", ", compared, " keys"), n, want)
		}
	}
	if checked < atLeast(10000) {
		t.Fatalf("only %d groups were checked", checked)
	}
}

package exec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/laminadb/lamina/query/expr"
	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/types"
)

// TestSpillProbeStrings: several workers write rows with long strings of the side that looks up, each more than it keeps at
// once. Every row that comes back has the string that belongs to its number.
func TestSpillProbeStrings(t *testing.T) {
	const rows, keys = 12 * probeSpillRows, 40000
	w := newWorld(t, 21)
	number, text := types.T(types.Int8), types.T(types.Text)
	left := make([]types.Row, rows)
	for i := range left {
		left[i] = types.Row{types.NewInt(types.Int8, int64(i%keys)), types.NewInt(types.Int8, int64(i)),
			types.NewString(types.Text, textOf(i))}
	}
	right := make([]types.Row, keys)
	for i := range right {
		right[i] = types.Row{types.NewInt(types.Int8, int64(i))}
	}
	l := w.table("l", columnsOf(number, number, text), left)
	l.morsel = 4096
	from, to := scanOf(l), scanOf(w.table("r", columnsOf(number), right))
	join := joinOf(plan.Inner, from, to, []expr.Expr{col(from, 0)}, []expr.Expr{col(to, 0)}, nil)
	root := aggOf(join, []expr.Expr{col(join, 1)}, agg(t, "max", false, nil, col(join, 2)))
	got, reports, err := w.spilling(t, root, config{vectorRows: 2048, workers: 4, facts: true, force: Force{Spill: true}}, 0)
	if err != nil || len(got) != rows {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	spilled := int64(0)
	for _, r := range reports {
		spilled += r.SpilledBytes
	}
	if spilled == 0 {
		t.Error("nothing was spilled")
	}
	wrong := 0
	for _, row := range got {
		i := 0
		_, tail, _ := strings.Cut(row, "number ")
		if _, err := fmt.Sscanf(tail, "%d", &i); err != nil || !strings.Contains(row, textOf(i)) || strings.Count(row, fmt.Sprint(i)) < 2 {
			if wrong++; wrong <= 3 {
				t.Errorf("row %s", row)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d rows have the string of another one", wrong, rows)
	}
}

func textOf(i int) string { return fmt.Sprintf("the long text of row number %d", i) }

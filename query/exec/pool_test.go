package exec

import (
	"testing"
	"time"

	"github.com/laminadb/lamina/query/plan"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/types"
)

// TestWorkersGiveTheirTurn: workers give their processors up while somebody is in a hurry, and only then.
func TestWorkersGiveTheirTurn(t *testing.T) {
	w := newWorld(t, 1)
	var rows []types.Row
	for i := range int64(1000) {
		rows = append(rows, types.Row{types.NewInt(types.Int8, i)})
	}
	x := w.table("t", []table.Column{{ID: 1, Name: "a", Type: types.T(types.Int8)}}, rows)
	run := func() int64 {
		before := w.pool.turns.Load()
		got, err := w.run(t, &plan.Query{Root: scanOf(x)}, config{vectorRows: 64, workers: 2})
		if err != nil || len(got) != len(rows) {
			t.Fatalf("%d rows, want %d, %v", len(got), len(rows), err)
		}
		return w.pool.turns.Load() - before
	}
	for time.Since(w.pool.born) < turnTime {
		time.Sleep(turnTime)
	}
	if n := run(); n != 0 {
		t.Errorf("%d turns were given up for nobody", n)
	}
	w.pool.Hurry()
	if run() == 0 {
		t.Error("no turn was given up for somebody in a hurry")
	}
	w.pool.Relax()
	if n := run(); n != 0 {
		t.Errorf("%d turns were given up for somebody who was in a hurry before", n)
	}
}

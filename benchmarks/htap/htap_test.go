package htap_test

import (
	"context"
	"testing"
	"time"

	"github.com/laminadb/lamina/benchmarks/htap"
)

// TestRun: rows are where they ought to be when queries are timed, and everything has run.
func TestRun(t *testing.T) {
	r, err := htap.Run(context.Background(), htap.Options{
		Dir: t.TempDir(), ScaleFactor: 0.01, MemoryBytes: 512 << 20, Runs: 1, Time: 300 * time.Millisecond, Clients: 2, Progress: func(s string) { t.Log(s) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if delta, deleted := float64(r.DeltaRows)/float64(r.Rows), float64(r.DeletedRows)/float64(r.Rows); delta < 0.04 || delta > 0.06 || deleted < 0.005 || deleted > 0.015 {
		t.Errorf("%d rows of %d in the delta, %d deleted", r.DeltaRows, r.Rows, r.DeletedRows)
	}
	if r.Compactions == 0 || r.Alone.Count == 0 || r.Beside.Count == 0 || r.Stream.Count == 0 || r.StreamBeside.Count == 0 {
		t.Errorf("%+v", r)
	}
	if !(r.MixedRatio() > 0 && r.BusyRatio() > 0 && r.Kept() > 0) {
		t.Errorf("%v, %v, %v", r.MixedRatio(), r.BusyRatio(), r.Kept())
	}
}

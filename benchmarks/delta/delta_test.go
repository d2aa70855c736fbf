package delta_test

import (
	"context"
	"testing"

	"github.com/laminadb/lamina/benchmarks/delta"
)

func TestRun(t *testing.T) {
	r, err := delta.Run(context.Background(), delta.Options{Dir: t.TempDir(), Rows: 50_000, Runs: 3, Threads: 2, Progress: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows != 50_000 || r.Deleted != 500 || len(r.Whole) != 3 || len(r.Holes) != 3 || len(r.Query) != 3 {
		t.Errorf("%+v", r)
	}
	t.Logf("%+v", r)
}

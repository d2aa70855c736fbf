package load_test

import (
	"context"
	"os"
	"testing"

	"github.com/laminadb/lamina/benchmarks/load"
)

// TestLoad runs every case on few rows: each must have loaded what it should.
func TestLoad(t *testing.T) {
	dir, err := os.MkdirTemp(".", "test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the test is over
	o := load.Options{Dir: dir, ScaleFactor: 0.01, Rounds: 2, Threads: 2, MemoryBytes: 1 << 30, Progress: func(s string) { t.Log(s) }}
	r, err := load.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows < 50_000 || len(r.Cases) != 5 || len(r.Settings) < 2 {
		t.Fatalf("%d rows, %d cases, settings %q", r.Rows, len(r.Cases), r.Settings)
	}
	for _, c := range r.Cases {
		if len(c.Rates) != 2 || c.Rates[0] <= 0 {
			t.Errorf("%s: %v", c.Name, c.Rates)
		}
		t.Log(c.Name, c.Rates)
	}
}

package mixed_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/laminadb/lamina/benchmarks/mixed"
)

func TestRun(t *testing.T) {
	dir, err := os.MkdirTemp(".", "test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the test is over
	r, err := mixed.Run(context.Background(), mixed.Options{Dir: dir, Goroutines: 100, Time: time.Second, Progress: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	if r.All().Done < 500 || r.Commits < 200 || len(r.Kinds) != 7 || r.All().P999 < r.All().P50 {
		t.Errorf("%+v", r)
	}
	for _, k := range r.Kinds {
		t.Log(k.Name, k.Done, k.P50, k.P99, k.P999)
	}
	t.Log(r.Retried, r.Commits, r.Groups, r.Syncs)
}

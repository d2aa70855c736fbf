package memory_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/laminadb/lamina/benchmarks/child"
	"github.com/laminadb/lamina/benchmarks/memory"
)

func TestMain(m *testing.M) {
	child.Run(map[string]child.Part{memory.Part: memory.Load})
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	o := memory.Options{Dir: t.TempDir(), MemoryBytes: 64 << 20, More: 200 * time.Millisecond, Progress: func(string) {}}
	r, err := memory.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows < 50_000 || r.Refused+r.RefusedQueries == 0 || r.AfterQueries == 0 {
		t.Errorf("%+v", r)
	}
	if r.PeakBytes > r.LimitBytes() {
		t.Errorf("the process had %d MiB, %d before; the limit is %d", r.PeakBytes>>20, r.BeforeBytes>>20, r.LimitBytes()>>20)
	}
	t.Logf("%+v, limit %d MiB", r, r.LimitBytes()>>20)
}

package recovery_test

import (
	"context"
	"os"
	"testing"

	"github.com/laminadb/lamina/benchmarks/child"
	"github.com/laminadb/lamina/benchmarks/recovery"
)

func TestMain(m *testing.M) {
	child.Run(map[string]child.Part{recovery.Part: recovery.Write})
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	for _, small := range []int{60, 64} {
		dir, err := os.MkdirTemp(".", "test-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir) //nolint:errcheck // the test is over
		r, err := recovery.Run(context.Background(), recovery.Options{Dir: dir, LogBytes: 2 << 20, SmallWriters: small, Progress: func(string) {}})
		if err != nil {
			t.Fatal(err)
		}
		if r.Transactions < 300 || r.Found < r.Acknowledged || r.LogBytes < 2<<20 || r.Took <= 0 || (small == 64) != (r.Transactions == r.Acknowledged) {
			t.Errorf("%+v", r)
		}
		t.Logf("%+v, %.3g s/GiB", r, r.SecondsPerGiB())
	}
}

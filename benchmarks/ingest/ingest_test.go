package ingest_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/laminadb/lamina/benchmarks/child"
	"github.com/laminadb/lamina/benchmarks/ingest"
)

func TestMain(m *testing.M) {
	child.Run(map[string]child.Part{ingest.RandomPart: ingest.FillRandom, ingest.SustainedPart: ingest.FillSustained})
	os.Exit(m.Run())
}

func TestRandom(t *testing.T) {
	o := ingest.RandomOptions{Dir: t.TempDir(), MemoryBytes: 128 << 20, Rows: 400_000, Batch: 1000, Parts: 10, Progress: func(string) {}}
	r, err := ingest.Random(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Lives) != 2 || r.Lives[0].Flushes < 1 || r.Lives[1].Flushes < 1 {
		t.Errorf("%+v", r)
	}
	t.Logf("%+v", r)
}

func TestSustained(t *testing.T) {
	o := ingest.SustainedOptions{Dir: t.TempDir(), MemoryBytes: 256 << 20, Time: 2 * time.Second, Clients: 4, Batch: 100, Progress: func(string) {}}
	r, err := ingest.Sustained(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Commits < 50 || r.Scans < 2 || r.Rows < 5000 {
		t.Errorf("%+v", r)
	}
	t.Logf("%+v", r)
}

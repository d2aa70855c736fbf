package segments_test

import (
	"context"
	"testing"

	"github.com/laminadb/lamina/benchmarks/segments"
)

func TestRun(t *testing.T) {
	r, err := segments.Run(context.Background(), segments.Options{Dir: t.TempDir(), Rows: 200_000, Runs: 3, Progress: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		segments.Scan, segments.Whole, segments.Holes, segments.Delta, segments.Bits, segments.Looking,
		segments.Uncached + segments.Bits, segments.Uncached + segments.Looking,
	} {
		if n := len(r.Case(name).Times); n != 3 {
			t.Errorf("%s: %d runs", name, n)
		}
	}
	if r.Pages <= 0 || r.Pages > 0.1 || r.DeltaRows != 10_000 {
		t.Errorf("%+v", r)
	}
	for _, c := range r.Cases {
		t.Log(c.Name, c.Times)
	}
}

func TestTPCH(t *testing.T) {
	r, err := segments.RunTPCH(context.Background(), segments.Options{Dir: t.TempDir(), Runs: 1, Progress: func(string) {}}, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(r.Segments); n++ {
		if r.Delta[n] <= 0 || r.Cold[n] <= 0 || r.Segments[n] <= 0 || r.Mixed[n] <= 0 {
			t.Errorf("Q%d: %v, %v, %v, %v ms", n, r.Delta[n], r.Cold[n], r.Segments[n], r.Mixed[n])
		}
	}
}

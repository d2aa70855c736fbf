package ratchet_test

import (
	"context"
	"strings"
	"testing"

	"github.com/laminadb/lamina/benchmarks/ratchet"
	"github.com/laminadb/lamina/tpch"
)

func costs(units float64, objects uint64) (c ratchet.Costs) {
	for n := 1; n <= tpch.NumQueries; n++ {
		c[n] = ratchet.Cost{Units: units * float64(n), Objects: objects}
	}
	return c
}

// TestCheck: noise passes, and what is lost is named.
func TestCheck(t *testing.T) {
	base := costs(1, 1000)
	if p := ratchet.Check(costs(1.25, 1200), base); len(p) > 0 {
		t.Errorf("%q", p)
	}
	slow := base
	slow[7].Units *= 2
	if p := ratchet.Check(slow, base); len(p) != 1 || !strings.HasPrefix(p[0], "Q7 takes 2×") {
		t.Errorf("%q", p)
	}
	if p := ratchet.Check(costs(1.4, 1000), base); len(p) != 1 || !strings.HasPrefix(p[0], "all queries take 1.4×") {
		t.Errorf("%q", p)
	}
	wasteful := base
	wasteful[3].Objects = 1500
	if p := ratchet.Check(wasteful, base); len(p) != 1 || !strings.HasPrefix(p[0], "Q3 allocates 1500") {
		t.Errorf("%q", p)
	}
}

// TestBaseline is read as it was written, and refused if something is missing.
func TestBaseline(t *testing.T) {
	var b strings.Builder
	if err := costs(1.5, 7).Write(&b); err != nil {
		t.Fatal(err)
	}
	c, err := ratchet.Read(strings.NewReader(b.String()))
	if err != nil || c != costs(1.5, 7) {
		t.Errorf("%v, %v", c, err)
	}
	text := b.String()
	if _, err := ratchet.Read(strings.NewReader(text[:strings.LastIndex(text, "22 ")])); err == nil {
		t.Error("a baseline without query 22 was read")
	}
}

// TestMeasure has a cost of each query.
func TestMeasure(t *testing.T) {
	m, err := ratchet.Open(context.Background(), t.TempDir(), 0.01)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Measure(context.Background(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= tpch.NumQueries; n++ {
		if c[n].Units <= 0 || c[n].Objects == 0 {
			t.Errorf("Q%d: %+v", n, c[n])
		}
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

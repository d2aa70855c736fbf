package oltp_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/laminadb/lamina/benchmarks/oltp"
)

// TestRun runs every case on few rows, in a folder of the package: temporary ones may be memory.
func TestRun(t *testing.T) {
	o := oltp.Options{Dir: onDisk(t), Rounds: 2, RoundTime: 20 * time.Millisecond, Rows: 2000, Progress: func(string) {}}
	r, err := oltp.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cases) < 31 || len(r.Settings) != 4 {
		t.Fatalf("%d cases, settings %q", len(r.Cases), r.Settings)
	}
	commits, beside := 0, 0
	for _, c := range r.Cases {
		if len(c.Rates) != 2 || c.Rates[0] <= 0 {
			t.Errorf("%s, %s: %v", c.Work, c.System, c.Rates)
		}
		if c.Counts.Commits > 0 && c.Counts.Groups > 0 && c.Counts.Syncs > 0 {
			commits++
		}
		if c.Beside > 0 {
			beside++
		}
	}
	if commits != 3 || beside != 3 {
		t.Errorf("%d cases counted commits, %d had a writer beside them", commits, beside)
	}
}

// TestRefusesMemory: what is durable on something that is no disk is no figure.
func TestRefusesMemory(t *testing.T) {
	o := oltp.Options{Dir: "/proc", Rounds: 1, RoundTime: time.Millisecond, Rows: 10, Progress: func(string) {}}
	r, err := oltp.Run(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "no durable figure is measured there") || len(r.Cases) != 0 {
		t.Errorf("%d cases, %v", len(r.Cases), err)
	}
}

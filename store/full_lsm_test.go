package store

import (
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/wal/waltest"
)

// TestLSMOnFullDisk fills disks of many sizes under LSM tables: what is refused is refused with 53100, and readers go on. A
// write of Pebble that fails ends all writing; with more space everything works, at once or when the store is opened again.
func TestLSMOnFullDisk(t *testing.T) {
	withMethod(t, "lsm")
	step := 8_000
	if testing.Short() || invariants.Enabled {
		step = 20_000
	}
	outcomes := map[string]int{}
	few := func() bool { return outcomes["open"] < 1 || outcomes["goes on"] < 2 || outcomes["to reopen"] < 2 }
	for round := 0; more(round, 1, few()); round++ { // further ones are of sizes between those of the first
		for space := round * step / 5; ; space += step {
			outcome := lsmOnDisk(t, space)
			if outcome == "" {
				break // it was enough
			}
			outcomes[outcome]++
		}
	}
	t.Log(outcomes)
	if few() {
		t.Error(outcomes)
	}
}

// lsmOnDisk works on a disk of a size until it is full, and then with more space. It returns what was met, "" for nothing.
func lsmOnDisk(t *testing.T, space int) string {
	t.Helper()
	fs := waltest.NewCrashFS()
	fs.SetSpace(space)
	f := newFaultRun()
	f.much = 8
	err := f.fresh(fs)
	s := f.w.s
	if err == nil {
		must(0, s.Close())(t)
		return ""
	}
	if sqlerr.CodeOf(err) != sqlerr.DiskFull {
		t.Fatalf("%d bytes: %s %v", space, sqlerr.CodeOf(err), err)
	}
	if s == nil {
		fs.SetSpace(-1)
		must(0, (&crashImage{fs: fs}).check(f.o, nil, false))(t)
		return "open"
	}
	if _, err := sameAsModel(s, f.o, f.o.ackedLSN()); err != nil {
		t.Fatalf("%d bytes: readers: %v", space, err)
	}
	if err := s.log.Err(); err != nil {
		t.Fatalf("%d bytes: the log has failed: %v", space, err)
	}
	fs.SetSpace(-1)
	outcome := "to reopen"
	if s.writable() == nil {
		outcome = "goes on"
		if err := f.clients(4); err != nil && s.writable() == nil {
			t.Fatalf("%d bytes, then more: %v", space, err)
		}
	}
	_ = s.Close() // it may have ended already
	if err := (&crashImage{fs: fs.Kill(), acked: f.o.ackedLSN()}).check(f.o, nil, true); err != nil {
		t.Fatalf("%d bytes: %v", space, err)
	}
	return outcome
}

package wal

import (
	"testing"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

// TestRecycling fills and truncates a log many times: its files stay few, they are recycled rather
// than made, and nothing that a recycled file held before is ever replayed.
func TestRecycling(t *testing.T) {
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	for range 40 {
		epoch := w.End().Epoch()
		for w.End().Epoch() == epoch {
			must(t, w.group(5, true))
		}
		from, lsn := w.End(), w.acked
		must(t, w.Truncate(from))
		w.settled()
		must(t, w.group(2, true))
		o := testOptions()
		o.From = from
		w2, info, err := open(fs.Kill(), o, lsn)
		must(t, err)
		if info.LastLSN != w.acked || info.Records > 4 {
			t.Fatalf("replayed %d records up to LSN %d from %v, want 2 up to %d", info.Records, info.LastLSN, from, w.acked)
		}
		must(t, w2.Close())
	}
	s := w.Stats()
	if s.Recycled < 30 || s.Created > 6 || s.LiveFiles > 2 {
		t.Errorf("stats %+v", s)
	}
	names, err := fs.List(testDir)
	must(t, err)
	if len(names) > 5 {
		t.Errorf("the directory holds %v", names)
	}
	must(t, w.Close())
}

// TestTruncateRemovesWhatIsNotKept truncates many files at once.
func TestTruncateRemovesWhatIsNotKept(t *testing.T) {
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	for w.End().Epoch() < 10 {
		must(t, w.group(20, true))
	}
	must(t, w.Truncate(w.End()))
	w.settled()
	if s := w.Stats(); s.Removed != 0 || s.LiveFiles != 1 {
		t.Errorf("stats %+v; what was used once will be used again", s)
	}
	for range 20 {
		must(t, w.group(1, true))
		must(t, w.Truncate(w.End()))
	}
	if s := w.Stats(); s.Removed == 0 || s.LiveFiles != 1 || s.ReadyFiles > 4 {
		t.Errorf("stats %+v; little is used between truncations", s)
	}
	must(t, w.Truncate(0)) // never backwards
	must(t, w.Truncate(NewPosition(1000, 0)))
	must(t, w.group(1, true))
	must(t, w.Close())
}

func TestPinKeepsFiles(t *testing.T) {
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	must(t, w.group(5, true))
	pin, ok := w.Pin(NewPosition(1, 64))
	if !ok {
		t.Fatal("no pin")
	}
	for w.End().Epoch() < 5 {
		must(t, w.group(20, true))
	}
	must(t, w.Truncate(w.End()))
	if s := w.Stats(); s.LiveFiles != 5 {
		t.Fatalf("%d files with a pin on the first", s.LiveFiles)
	}
	pin.Advance(NewPosition(3, 64))
	pin.Advance(NewPosition(2, 64)) // no way back
	must(t, w.Truncate(w.End()))
	if s := w.Stats(); s.LiveFiles != 3 {
		t.Fatalf("%d files with a pin on the third", s.LiveFiles)
	}
	if _, ok := w.Pin(NewPosition(2, 64)); ok {
		t.Fatal("pinned what is gone")
	}
	pin.Release()
	pin.Release()
	must(t, w.Truncate(w.End()))
	if s := w.Stats(); s.LiveFiles != 1 {
		t.Fatalf("%d files without a pin", s.LiveFiles)
	}
	must(t, w.Close())
}

// TestReader follows a log while it is written, over files and truncations, and sees what is
// durable only.
func TestReader(t *testing.T) {
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	must(t, w.group(3, true))
	rd, err := w.NewReader(NewPosition(1, 64))
	must(t, err)
	seen := replayer{next: 1}
	drain := func() {
		t.Helper()
		for {
			r, err := rd.Next()
			if err != nil {
				if err.Error() != "EOF" {
					t.Fatal(err)
				}
				return
			}
			must(t, seen.check(r))
		}
	}
	for w.End().Epoch() < 8 {
		must(t, w.group(7, true))
		must(t, w.group(2, false))
		drain()
		if seen.next <= w.acked || rd.Position() > w.Durable() {
			t.Fatalf("read up to LSN %d at %v, durable is %d at %v", seen.next-1, rd.Position(), w.acked, w.Durable())
		}
		must(t, w.flush(true))
		must(t, w.Truncate(w.End()))
	}
	drain()
	must(t, w.Truncate(w.End()))
	if seen.next != w.next || w.Stats().LiveFiles != 1 {
		t.Fatalf("read up to LSN %d of %d; %d files", seen.next-1, w.next-1, w.Stats().LiveFiles)
	}
	rd.Close()
	_, err = w.NewReader(NewPosition(1, 64))
	wantCode(t, err, "58P01")
	rd, err = w.NewReader(w.Durable())
	must(t, err)
	seen = replayer{next: table.LSN(w.next)}
	must(t, w.group(2, true))
	drain()
	if seen.records != 2 {
		t.Fatalf("read %d records from the end on", seen.records)
	}
	rd.Close()
	must(t, w.Close())
}

package txn

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/laminadb/lamina/wal"
	"github.com/laminadb/lamina/wal/waltest"
)

// TestTender: an asynchronous commit is synced after the delay, an idle log is marked once, and an
// idle database then leaves the disk alone.
func TestTender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := waltest.NewCrashFS()
		s := openStore(t, fs, func(o *PipelineOptions) { o.SyncDelay, o.MarkDelay = 0, 0 })
		r := commit("async")
		r.Async = true
		_, err := s.Commit(t.Context(), r)
		must(t, err)
		time.Sleep(syncDelayDefault - time.Millisecond)
		synctest.Wait()
		if s.Durable() != 0 {
			t.Fatal("synced before the delay")
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if s.Durable() != 1 {
			t.Fatal("not synced after the delay")
		}
		time.Sleep(markDelayDefault)
		synctest.Wait()
		marks := countMarks(t, fs)
		if marks != 2 { // that of the open included
			t.Fatalf("%d marks", marks)
		}
		syncs := s.log.Stats().Syncs
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := s.log.Stats().Syncs - syncs; n != 0 {
			t.Fatalf("%d syncs of an idle log", n)
		}
		for range 5 { // busy: no mark in between
			_, err := s.Commit(t.Context(), commit("sync"))
			must(t, err)
			time.Sleep(markDelayDefault / 2)
			synctest.Wait()
		}
		if n := countMarks(t, fs); n != marks {
			t.Fatalf("%d marks while busy", n-marks)
		}
		time.Sleep(2 * markDelayDefault)
		synctest.Wait()
		if n := countMarks(t, fs); n != marks+1 {
			t.Fatalf("%d marks after being busy", n-marks)
		}
		s.close(t)
	})
}

func countMarks(t *testing.T, fs *waltest.CrashFS) (n int) {
	t.Helper()
	_, err := wal.Scan(fs, testDir, 0, func(r *wal.Record) error {
		if r.Kind == wal.Mark {
			n++
		}
		return nil
	})
	must(t, err)
	return n
}

// TestMarkProvesTheLastCommit: without it, damage to the last commit is taken for a torn write.
func TestMarkProvesTheLastCommit(t *testing.T) {
	for _, mark := range []bool{false, true} {
		fs := waltest.NewCrashFS()
		s := openStore(t, fs, nil)
		r := commit("precious")
		_, err := s.Commit(t.Context(), r)
		must(t, err)
		if mark {
			must(t, s.Mark(t.Context()))
		}
		im := fs.Kill()
		f, err := im.OpenReadWrite("log/wal-0000000001", "test")
		must(t, err)
		_, err = f.WriteAt([]byte{0xff}, int64(r.Pos.Offset())+1)
		must(t, err)
		must(t, f.Close())
		_, err = wal.Scan(im, testDir, 0, nil)
		if mark {
			wantCode(t, err, "XX001")
		} else {
			must(t, err)
		}
		s.close(t)
	}
}

package store

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/wal/waltest"
)

// TestInterruptedCreation ends the process, or loses power, at every call of the first open of a
// directory, and loses power at every call of the second: the third must make or find a database.
func TestInterruptedCreation(t *testing.T) {
	fs0 := waltest.NewCrashFS()
	first := imagesOf(t, fs0, openAndCloseOf(fs0), killOrCrash)
	second := 0
	for i, fs := range first {
		if invariants.Enabled && i%3 != 0 {
			continue // those of an ended process, which are the hardest
		}
		for _, im := range imagesOf(t, fs, openAndCloseOf(fs), crashOnly) {
			second++
			s := must(openCrash(im))(t)
			must(0, errors.Join(worksOn(s, map[string]*modelTable{}), s.Close()))(t)
		}
	}
	t.Log(len(first), "and", second, "images")
	if len(first) < 30 || second < 300 {
		t.Errorf("%d and %d images", len(first), second)
	}
}

// TestInterruptedCheckpoint does the same to a checkpoint that follows another one.
func TestInterruptedCheckpoint(t *testing.T) {
	fs := waltest.NewCrashFS()
	s := must(openCrash(fs))(t)
	w := &workload{s: s, o: newOracle()}
	write := func(u int64) {
		t.Helper()
		rows := map[int64]modelRow{1: {u: u}, 2: {u: u + 1}}
		must(0, w.in(nil, func(x *workTx) error { // of each table, so that no file of the checkpoint before is needed
			return errors.Join(x.delete("b", []int64{1, 2}), x.insert("b", rows), x.update("a", map[int64]modelRow{1: {v: "new"}}))
		}))(t)
	}
	must(0, w.setUp())(t)
	must(0, w.in(nil, func(x *workTx) error { return x.insert("b", map[int64]modelRow{1: {}, 2: {}}) }))(t)
	write(5)
	must(0, s.Checkpoint(t.Context()))(t)
	write(7)
	first := imagesOf(t, fs, func() error { return s.Checkpoint(t.Context()) }, killOrCrash)
	must(0, s.Close())(t)
	second := 0
	for i, fs := range first {
		if invariants.Enabled && i%3 != 0 {
			continue // those of an ended process, which are the hardest
		}
		for _, im := range imagesOf(t, fs, openAndCloseOf(fs), crashOnly) {
			second++
			s := must(openCrash(im))(t)
			_, err := sameAsModel(s, w.o, w.o.ackedLSN())
			must(0, errors.Join(err, s.Close()))(t)
		}
	}
	t.Log(len(first), "and", second, "images")
	if len(first) < 20 || second < 200 {
		t.Errorf("%d and %d images", len(first), second)
	}
}

// TestFailedCheckpointIsTriedAgain makes each call of a checkpoint fail, and loses power at every call
// of the next one.
func TestFailedCheckpointIsTriedAgain(t *testing.T) {
	images := 0
	for n := 1; ; n++ {
		fs := waltest.NewCrashFS()
		s := must(openCrash(fs))(t)
		w := &workload{s: s, o: newOracle()}
		must(0, w.setUp())(t)
		must(0, s.Checkpoint(t.Context()))(t)
		must(0, w.in(nil, func(x *workTx) error { return x.update("a", map[int64]modelRow{1: {v: "first"}}) }))(t)
		calls := 0
		fs.SetHook(func(op waltest.Op) error {
			if kindOfOp(op, false) != crashCheckpoint {
				return nil
			}
			if calls++; calls == n {
				return syscall.EIO
			}
			return nil
		})
		err := s.Checkpoint(t.Context())
		fs.SetHook(nil)
		if calls < n {
			must(0, errors.Join(err, s.Close()))(t)
			break
		}
		must(0, w.in(nil, func(x *workTx) error { // larger than what it replaces
			return x.insert("b", map[int64]modelRow{1: {v: strings.Repeat("second", 300)}, 2: {v: strings.Repeat("x", 900)}})
		}))(t)
		list := imagesOf(t, fs, func() error { return s.Checkpoint(t.Context()) }, crashOnly)
		must(0, s.Close())(t)
		for _, im := range list {
			images++
			s := must(openCrash(im))(t)
			_, err := sameAsModel(s, w.o, w.o.ackedLSN())
			if err := errors.Join(err, s.Close()); err != nil {
				t.Fatalf("call %d failed: %v", n, err)
			}
		}
	}
	t.Log(images, "images")
	if images < 300 {
		t.Errorf("%d images", images)
	}
}

// TestLogBeforeData makes a checkpoint right after a commit that did not wait for the disk: whatever a
// power loss takes then, no file of the checkpoint is ahead of the log.
func TestLogBeforeData(t *testing.T) {
	fs := waltest.NewCrashFS()
	w := &workload{o: newOracle()}
	w.s = must(openCrash(fs))(t)
	must(0, errors.Join(w.setUp(), w.s.Checkpoint(t.Context())))(t)
	images := 0
	for n := range int64(5) {
		acked := w.o.ackedLSN()
		w.async = true
		must(0, w.in(nil, func(x *workTx) error { return x.insert("b", map[int64]modelRow{n: {}}) }))(t)
		for _, im := range imagesOf(t, fs, func() error { return w.s.Checkpoint(t.Context()) }, crashOnly) {
			images++
			must(0, (&crashImage{fs: im, acked: acked}).check(w.o, nil, false))(t)
		}
	}
	must(0, w.s.Close())(t)
	if images < 100 {
		t.Errorf("%d images", images)
	}
}

func openAndCloseOf(fs *waltest.CrashFS) func() error {
	return func() error {
		s, err := openCrash(fs)
		if err != nil {
			return err
		}
		return s.Close()
	}
}

func killOrCrash(fs *waltest.CrashFS, n int) []*waltest.CrashFS {
	rng := rand.New(rand.NewPCG(uint64(n), 5))
	return []*waltest.CrashFS{fs.Kill(), fs.Crash(rng, 0), fs.Crash(rng, 50)}
}

func crashOnly(fs *waltest.CrashFS, n int) (list []*waltest.CrashFS) {
	rng := rand.New(rand.NewPCG(uint64(n), 6))
	for _, percent := range []int{0, 40, 80} {
		list = append(list, fs.Crash(rng, percent))
	}
	return list
}

// imagesOf runs f and takes images at every call that changes the disk.
func imagesOf(t *testing.T, fs *waltest.CrashFS, f func() error, take func(*waltest.CrashFS, int) []*waltest.CrashFS) []*waltest.CrashFS {
	t.Helper()
	var mu sync.Mutex
	var list []*waltest.CrashFS
	n := 0
	fs.SetHook(func(op waltest.Op) error {
		switch op.Kind {
		case waltest.OpMkdir, waltest.OpCreate, waltest.OpRename, waltest.OpRemove, waltest.OpSyncDir, waltest.OpSync:
			mu.Lock()
			defer mu.Unlock()
			n++
			list = append(list, take(fs, n)...)
		}
		return nil
	})
	defer fs.SetHook(nil)
	must(0, f())(t)
	mu.Lock() // a call that began before the end may still be under way
	defer mu.Unlock()
	return slices.Clone(list)
}

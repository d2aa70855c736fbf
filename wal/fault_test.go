package wal

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal/waltest"
)

var errInjected = errors.New("injected failure")

// TestEveryCallFailsOnce makes one call to the file system fail, each in its turn. An error comes
// back or the call did not matter; the log is poisoned by whatever concerns its records, nothing is
// synced after the failure, and everything acknowledged is there when it is opened again.
func TestEveryCallFailsOnce(t *testing.T) {
	hits := map[waltest.OpKind]int{}
	poisoned, refused := 0, 0
	for n := int64(1); ; n++ {
		fs := waltest.NewCrashFS()
		var calls, after atomic.Int64
		var failed atomic.Pointer[waltest.Op]
		fs.SetHook(func(op waltest.Op) error {
			if f := failed.Load(); f != nil && f.Kind == waltest.OpSync && op.Path == f.Path && op.Kind == waltest.OpSync {
				after.Add(1)
			}
			if calls.Add(1) == n {
				failed.Store(&op)
				return errInjected
			}
			return nil
		})
		w, acked, appended, err := faultWorkload(fs)
		fs.SetHook(nil)
		op := failed.Load()
		if op == nil {
			must(t, err)
			break
		}
		hits[op.Kind]++
		if err != nil {
			wantCode(t, err, sqlerr.IOError)
		}
		if after.Load() != 0 {
			t.Fatalf("call %d, %v: file was synced again after the sync had failed", n, *op)
		}
		if w != nil && w.Err() != nil && !w.mu.closed {
			poisoned++
			wantCode(t, w.Room(0, true), sqlerr.IOError)
			wantCode(t, w.Write(w.Cut(), true), sqlerr.IOError)
			refused++
		}
		if w != nil {
			_ = w.Close()
		}
		for _, im := range []*waltest.CrashFS{fs.Kill(), fs.Crash(rand.New(rand.NewPCG(uint64(n), 1)), 50)} {
			w, info, err := open(im, testOptions(), 0)
			if err != nil || info.LastLSN < acked || info.LastLSN > appended {
				t.Fatalf("call %d, %v: recovered up to LSN %d, acknowledged %d, appended %d: %v",
					n, *op, info.LastLSN, acked, appended, err)
			}
			must(t, w.group(2, true))
			must(t, w.Close())
		}
	}
	t.Log(hits, "poisoned", poisoned)
	for _, k := range []waltest.OpKind{
		waltest.OpCreate, waltest.OpWrite, waltest.OpSync, waltest.OpRename, waltest.OpSyncDir, waltest.OpOpen,
		waltest.OpMkdir, waltest.OpOpenDir, waltest.OpList, waltest.OpClose,
	} {
		if hits[k] == 0 {
			t.Errorf("no %s has failed", k)
		}
	}
	if poisoned < 50 || refused < 50 {
		t.Errorf("poisoned %d times", poisoned)
	}
}

// faultWorkload fills several files, truncates and closes.
func faultWorkload(fs *waltest.CrashFS) (w *writer, acked, appended table.LSN, err error) {
	w, _, err = open(fs, testOptions(), 0)
	if err != nil {
		return nil, 0, 0, err
	}
	defer func() { acked, appended = w.acked, w.next }()
	for w.End().Epoch() < 4 {
		if err = w.group(20, true); err != nil {
			return w, 0, 0, err
		}
		if err = w.group(10, false); err != nil {
			return w, 0, 0, err
		}
	}
	if err = w.flush(true); err != nil {
		return w, 0, 0, err
	}
	return w, 0, 0, w.Close()
}

// quota is a disk of a few files.
type quota struct {
	fs   *waltest.CrashFS
	left atomic.Int64 // files that may still be created
}

func newQuota(files int64) *quota {
	q := &quota{fs: waltest.NewCrashFS()}
	q.left.Store(files)
	q.fs.SetHook(func(op waltest.Op) error {
		if op.Kind == waltest.OpCreate && q.left.Add(-1) < 0 {
			q.left.Add(1)
			return syscall.ENOSPC
		}
		return nil
	})
	return q
}

// fill appends synced groups until there is no room.
func fill(t *testing.T, w *writer) error {
	t.Helper()
	for range 10000 {
		if err := w.group(1, true); err != nil {
			return err
		}
	}
	t.Fatal("the disk does not fill")
	return nil
}

// TestFullDisk fills the disk: commits are refused before anything of them is written, the log is
// not poisoned, urgent records still find room, and space makes it go on.
func TestFullDisk(t *testing.T) {
	q := newQuota(4)
	w, _ := mustOpen(t, q.fs, testOptions())
	wantCode(t, fill(t, w), sqlerr.DiskFull)
	wantCode(t, w.group(1, true), sqlerr.DiskFull) // again, and again without effect
	if w.Err() != nil {
		t.Fatalf("the log is poisoned: %v", w.Err())
	}
	last := w.acked
	if epoch := w.End().Epoch(); epoch != 3 {
		t.Fatalf("the log ends in file %d; 4 files fit, one of them is kept", epoch)
	}
	for w.Room(1000, true) == nil { // the space for a checkpoint
		w.Append(&Entry{Kind: Flush, Payload: make([]byte, 1000), Sum: PayloadSum(make([]byte, 1000))})
	}
	must(t, w.flush(true))
	if epoch := w.End().Epoch(); epoch != 4 {
		t.Fatalf("urgent records reached file %d", epoch)
	}
	im := q.fs.Kill() // reopen on a full disk: no file can be made
	im.SetHook(func(op waltest.Op) error {
		if op.Kind == waltest.OpCreate {
			return syscall.ENOSPC
		}
		return nil
	})
	_, _, err := open(im, testOptions(), 0)
	wantCode(t, err, sqlerr.DiskFull)
	im.SetHook(nil)
	w2, info := mustOpen(t, im, testOptions())
	if info.LastLSN != last {
		t.Fatalf("recovered LSN %d, want %d", info.LastLSN, last)
	}
	must(t, w2.group(1, true))
	must(t, w2.Close())

	must(t, w.Truncate(w.End())) // a checkpoint frees three files
	must(t, w.group(1, true))
	if s := w.Stats(); s.Recycled == 0 {
		t.Errorf("nothing was recycled: %+v", s)
	}
	must(t, w.Close())
}

// TestFullDiskIsTriedAgain frees space outside of the log.
func TestFullDiskIsTriedAgain(t *testing.T) {
	q := newQuota(3)
	w, _ := mustOpen(t, q.fs, testOptions())
	wantCode(t, fill(t, w), sqlerr.DiskFull)
	q.left.Store(5)
	must(t, w.group(1, true))
	must(t, w.Close())
}

// TestWaitRoomIgnoresEarlierFailures: an attempt that met the disk while it was full says nothing about the disk of now.
func TestWaitRoomIgnoresEarlierFailures(t *testing.T) {
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	entered, answer := make(chan struct{}, 8), make(chan error)
	fs.SetHook(func(op waltest.Op) error {
		if op.Kind == waltest.OpCreate {
			entered <- struct{}{}
			return <-answer
		}
		return nil
	})
	p := make([]byte, w.MaxRecord())
	for w.Room(len(p), false) == nil {
		w.Append(&Entry{Kind: Flush, Payload: p, Sum: PayloadSum(p)})
	}
	<-entered
	select {
	case <-w.wake:
	default:
	}
	waited := make(chan error)
	go func() { waited <- w.WaitRoom(t.Context(), len(p), false) }()
	for len(w.wake) == 0 {
		runtime.Gosched()
	}
	answer <- syscall.ENOSPC
	close(answer) // from now on there is room
	must(t, <-waited)
	must(t, w.Close())
}

func TestWaitRoomEndsWithItsContext(t *testing.T) {
	fs := waltest.NewCrashFS()
	w, _ := mustOpen(t, fs, testOptions())
	block := make(chan struct{})
	entered := make(chan struct{}, 8)
	fs.SetHook(func(op waltest.Op) error {
		if op.Kind == waltest.OpCreate {
			entered <- struct{}{}
			<-block
		}
		return nil
	})
	p := make([]byte, w.MaxRecord())
	for w.Room(len(p), false) == nil {
		w.Append(&Entry{Kind: Flush, Payload: p, Sum: PayloadSum(p)})
	}
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantCode(t, w.WaitRoom(ctx, len(p), false), sqlerr.QueryCanceled)
	close(block)
	must(t, w.WaitRoom(t.Context(), len(p), false))
	must(t, w.Close())
	wantCode(t, w.WaitRoom(t.Context(), len(p), false), sqlerr.AdminShutdown)
	wantCode(t, w.Close(), sqlerr.AdminShutdown)
}

func TestRecordTooLarge(t *testing.T) {
	w, _ := mustOpen(t, waltest.NewCrashFS(), testOptions())
	must(t, w.Room(w.MaxRecord(), false))
	wantCode(t, w.Room(w.MaxRecord()+1, false), sqlerr.ProgramLimitExceeded)
	must(t, w.Close())
}

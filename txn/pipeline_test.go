package txn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
	"github.com/laminadb/lamina/wal/waltest"
)

func yield() { runtime.Gosched() }

// syncGate holds up the first sync of a log file after it was set.
func syncGate(fs *waltest.CrashFS) *gate {
	g := newGate()
	var used atomic.Bool
	fs.SetHook(func(op waltest.Op) error {
		if op.Kind == waltest.OpSync && !prepares(op) && used.CompareAndSwap(false, true) {
			g.pass()
		}
		return nil
	})
	return g
}

// prepares reports whether a call belongs to the preparation of a log file, which goes on beside.
func prepares(op waltest.Op) bool { return strings.Contains(op.Path, "tmp") }

// TestOneClientLeadsItself commits from one goroutine: every commit is its own group and visible
// when it returns.
func TestOneClientLeadsItself(t *testing.T) {
	fs := waltest.NewCrashFS()
	s := openStore(t, fs, nil)
	r := &Request{Kind: wal.Commit}
	for i := 1; i <= 200; i++ {
		r.Payload = fmt.Append(nil, i)
		lsn, err := s.Commit(t.Context(), r)
		must(t, err)
		if int(lsn) != i || s.views.LSN() != lsn || s.Durable() != lsn || s.Published() != lsn {
			t.Fatalf("commit %d: LSN %d, visible %d, durable %d", i, lsn, s.views.LSN(), s.Durable())
		}
	}
	if g := s.Stats().Groups; g != 200 {
		t.Errorf("%d groups", g)
	}
	s.checkOrder(t)
	s.close(t)
	if got := payloads(t, fs); len(got) != 200 || got[99] != "100" {
		t.Errorf("%d payloads", len(got))
	}
}

// TestLeaderLetsOthersJoin: who is ready to run when a group is about to be written joins it, on one processor, too.
func TestLeaderLetsOthersJoin(t *testing.T) {
	const clients, rounds = 8, 50
	s := openStore(t, waltest.NewCrashFS(), nil)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for range rounds {
				if _, err := s.Commit(t.Context(), commit(fmt.Sprint("client ", i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if st := s.Stats(); st.Commits != clients*rounds || st.Groups > clients*rounds/4 {
		t.Errorf("%d commits in %d groups, want groups of more than four", st.Commits, st.Groups)
	}
	s.checkOrder(t)
	s.close(t)
}

// TestGroupsShareASync holds up the first sync while others queue: they all go into one group.
func TestGroupsShareASync(t *testing.T) {
	fs := waltest.NewCrashFS()
	s := openStore(t, fs, nil)
	g := syncGate(fs)
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = s.Commit(t.Context(), commit("first")) })
	<-g.arrived
	const followers = 20
	for i := range followers {
		wg.Go(func() {
			if _, err := s.Commit(t.Context(), commit(fmt.Sprint("follower ", i))); err != nil {
				t.Error(err)
			}
		})
	}
	until(t, "all have appended", func() bool { lsn, _ := s.Appended(); return lsn == followers+1 })
	if s.views.LSN() != 0 || s.Durable() != 0 {
		t.Errorf("LSN %d is visible, %d durable, before the first sync", s.views.LSN(), s.Durable())
	}
	g.open()
	wg.Wait()
	if n := s.Stats(); n.Groups != 2 || n.Commits != followers+1 {
		t.Errorf("stats %+v, want two groups", n)
	}
	if n := s.log.Stats().Syncs; n != 3 { // that of the open included
		t.Errorf("%d syncs", n)
	}
	s.checkOrder(t)
	s.close(t)
}

// TestNothingIsVisibleBeforeItIsDurable looks at the published View at every sync of the log.
func TestNothingIsVisibleBeforeItIsDurable(t *testing.T) {
	fs := waltest.NewCrashFS()
	s := openStore(t, fs, nil)
	var looked atomic.Int64
	fs.SetHook(func(op waltest.Op) error {
		if op.Kind != waltest.OpSync || prepares(op) {
			return nil
		}
		if s.views.LSN() > s.Durable() {
			t.Errorf("LSN %d is visible while %d is durable", s.views.LSN(), s.Durable())
		}
		looked.Add(1)
		return nil
	})
	for range 50 {
		_, err := s.Commit(t.Context(), commit("x"))
		must(t, err)
	}
	fs.SetHook(nil)
	if n := looked.Load(); n < 50 {
		t.Errorf("looked %d times", n)
	}
	s.close(t)
}

// TestAsyncCommit: it saves its sync, is visible when it returns, and comes after the synchronous
// commits before it.
func TestAsyncCommit(t *testing.T) {
	fs := waltest.NewCrashFS()
	s := openStore(t, fs, nil)
	syncs := s.log.Stats().Syncs
	for i := 1; i <= 10; i++ {
		r := commit("async")
		r.Async = true
		lsn, err := s.Commit(t.Context(), r)
		must(t, err)
		if s.views.LSN() != lsn || s.Durable() != 0 {
			t.Fatalf("visible %d, durable %d after LSN %d", s.views.LSN(), s.Durable(), lsn)
		}
	}
	if n := s.log.Stats().Syncs - syncs; n != 0 {
		t.Fatalf("%d syncs", n)
	}
	if n := len(payloads(t, fs.Crash(rand.New(rand.NewPCG(1, 1)), 0))); n != 0 {
		t.Fatalf("%d commits survive, none was synced", n)
	}
	g := syncGate(fs)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.Commit(t.Context(), commit("sync")); err != nil {
			t.Error(err)
		}
	})
	<-g.arrived
	wg.Go(func() {
		r := commit("async")
		r.Async = true
		lsn, err := s.Commit(t.Context(), r)
		if err != nil || lsn != 12 || s.views.LSN() < 12 {
			t.Errorf("LSN %d, visible %d, %v", lsn, s.views.LSN(), err)
		}
	})
	until(t, "appended", func() bool { lsn, _ := s.Appended(); return lsn == 12 })
	if s.views.LSN() != 10 {
		t.Errorf("LSN %d is visible before the synchronous commit 11 is durable", s.views.LSN())
	}
	g.open()
	wg.Wait()
	if s.Durable() != 11 {
		t.Errorf("durable %d, want 11", s.Durable())
	}
	must(t, s.EnsureDurable(t.Context(), 11))
	must(t, s.EnsureDurable(t.Context(), 12))
	if s.Durable() != 12 || s.log.Durable() != s.log.End() {
		t.Errorf("durable %d at %v of %v", s.Durable(), s.log.Durable(), s.log.End())
	}
	s.checkOrder(t)
	s.close(t)
}

// TestNodeLocalRecords are ordered with commits, but have no LSN.
func TestNodeLocalRecords(t *testing.T) {
	fs := waltest.NewCrashFS()
	s := openStore(t, fs, nil)
	_, err := s.Commit(t.Context(), commit("a"))
	must(t, err)
	before := s.views.Acquire()
	r := &Request{Kind: wal.Flush, Payload: []byte("segments")}
	lsn, err := s.Commit(t.Context(), r)
	must(t, err)
	after := s.views.Acquire()
	if lsn != 0 || r.Time != 0 || after.State != 2 ||
		after.LSN() != before.LSN() || after.Position() <= before.Position() {
		t.Errorf("LSN %d, views %d/%v and %d/%v", lsn, before.LSN(), before.Position(), after.LSN(), after.Position())
	}
	before.Release()
	after.Release()
	s.checkOrder(t)
	s.close(t)
}

// TestValidateRunsInOrder: it sees the LSN that the record will have, and refusing takes nothing.
func TestValidateRunsInOrder(t *testing.T) {
	s := openStore(t, waltest.NewCrashFS(), nil)
	var seen []table.LSN // guarded by the pipeline's mutex
	refused := errors.New("schema changed")
	var wg sync.WaitGroup
	var failures atomic.Int64
	for c := range 8 {
		wg.Go(func() {
			for i := range 40 {
				r := commit("x")
				r.Validate = func(lsn table.LSN, time int64) error {
					if (c+i)%5 == 0 {
						return refused
					}
					seen = append(seen, lsn)
					return nil
				}
				lsn, err := s.Commit(t.Context(), r)
				if errors.Is(err, refused) {
					failures.Add(1)
				} else if err != nil || lsn != r.LSN {
					t.Error(lsn, err)
				}
			}
		})
	}
	wg.Wait()
	for i, lsn := range seen {
		if int(lsn) != i+1 {
			t.Fatalf("validation %d saw LSN %d", i, lsn)
		}
	}
	if len(seen) != 256 || failures.Load() != 64 || s.views.LSN() != 256 {
		t.Errorf("%d validated, %d refused, visible %d", len(seen), failures.Load(), s.views.LSN())
	}
	s.close(t)
}

// TestTimestampsGrow has a clock that goes back and stands still, over a restart too.
func TestTimestampsGrow(t *testing.T) {
	fs := waltest.NewCrashFS()
	clock := []int64{100, 100, 50, 200, 10, 10}
	i := -1
	now := func(o *PipelineOptions) { o.Now = func() int64 { i++; return clock[i] } }
	want := []int64{100, 101, 102, 200, 201, 202}
	s := openStore(t, fs, now)
	for n, w := range want {
		if n == 4 {
			s.close(t)
			s = openStore(t, fs, now)
		}
		r := commit("x")
		_, err := s.Commit(t.Context(), r)
		must(t, err)
		if r.Time != w {
			t.Fatalf("commit %d has time %d, want %d", n, r.Time, w)
		}
	}
	s.close(t)
}

// TestCancel: before the append nothing happens; after it the outcome is unknown to the caller, and
// is delivered to OnDone.
func TestCancel(t *testing.T) {
	fs := waltest.NewCrashFS()
	s := openStore(t, fs, nil)
	canceledCtx, cancel := context.WithCancel(t.Context())
	cancel()
	r := commit("never")
	r.OnDone = func(error) { t.Error("OnDone of a commit that did not begin") }
	_, err := s.Commit(canceledCtx, r)
	wantCode(t, err, sqlerr.QueryCanceled)
	if lsn, _ := s.Appended(); lsn != 0 {
		t.Fatalf("LSN %d was appended", lsn)
	}

	g := syncGate(fs)
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = s.Commit(t.Context(), commit("leader")) })
	<-g.arrived
	// Three followers are cancelled; one of them is the next leader.
	done := make(chan error, 3)
	for i := range 3 {
		ctx, cancel := context.WithCancelCause(t.Context())
		wg.Go(func() {
			r := commit(fmt.Sprint("cancelled ", i))
			r.OnDone = func(err error) { done <- err }
			_, err := s.Commit(ctx, r)
			u, ok := errors.AsType[*UnknownError](err)
			if !ok || sqlerr.CodeOf(err) != sqlerr.TransactionResolutionUnknown || u.Token() != uint64(r.LSN) || r.LSN == 0 {
				t.Errorf("error %v (%s)", err, sqlerr.CodeOf(err))
			}
		})
		until(t, "appended", func() bool { lsn, _ := s.Appended(); return int(lsn) == i+2 })
		cancel(sqlerr.New(sqlerr.AdminShutdown, "terminating"))
	}
	wg.Go(func() { _, _ = s.Commit(t.Context(), commit("last")) })
	until(t, "appended", func() bool { lsn, _ := s.Appended(); return lsn == 5 })
	g.open()
	wg.Wait()
	for range 3 {
		must(t, <-done)
	}
	if s.views.LSN() != 5 {
		t.Errorf("visible LSN %d", s.views.LSN())
	}
	s.checkOrder(t)
	s.close(t)
	if n := len(payloads(t, fs)); n != 5 {
		t.Errorf("%d commits in the log", n)
	}
}

// TestFailurePoisons fails the write or the sync of a group: its members do not know the outcome,
// those who queued behind it and those who come later are refused, Views stay.
func TestFailurePoisons(t *testing.T) {
	for _, kind := range []waltest.OpKind{waltest.OpWrite, waltest.OpSync} {
		t.Run(string(kind), func(t *testing.T) {
			fs := waltest.NewCrashFS()
			s := openStore(t, fs, nil)
			_, err := s.Commit(t.Context(), commit("good"))
			must(t, err)
			g := newGate()
			var calls atomic.Int64
			fs.SetHook(func(op waltest.Op) error {
				if op.Kind != kind || prepares(op) {
					return nil
				}
				if calls.Add(1) == 1 {
					g.pass()
					return errors.New("injected failure")
				}
				return nil
			})
			var wg sync.WaitGroup
			wg.Go(func() {
				r := commit("failing")
				_, err := s.Commit(t.Context(), r)
				u, ok := errors.AsType[*UnknownError](err)
				if !ok || u.LSN != 2 || sqlerr.CodeOf(err) != sqlerr.TransactionResolutionUnknown {
					t.Errorf("member of the failed group: %v", err)
				}
			})
			<-g.arrived
			for range 5 {
				wg.Go(func() {
					_, err := s.Commit(t.Context(), commit("queued"))
					if !errors.Is(err, wal.ErrPoisoned) || sqlerr.CodeOf(err) != sqlerr.IOError {
						t.Errorf("queued behind the failed group: %v", err)
					}
				})
			}
			until(t, "appended", func() bool { lsn, _ := s.Appended(); return lsn == 7 })
			g.open()
			wg.Wait()
			_, err = s.Commit(t.Context(), commit("late"))
			wantCode(t, err, sqlerr.IOError)
			wantCode(t, s.Sync(t.Context()), sqlerr.IOError)
			wantCode(t, s.Mark(t.Context()), sqlerr.IOError)
			if n := calls.Load(); n != 1 {
				t.Errorf("%d calls of kind %s, the first failed", n, kind)
			}
			if s.views.LSN() != 1 {
				t.Errorf("visible LSN %d", s.views.LSN())
			}
			s.Pipeline.Close()
			if err := s.log.Close(); err == nil {
				t.Error("the poisoned log closed without an error")
			}
			fs.SetHook(nil)
			if got := payloads(t, fs.Crash(rand.New(rand.NewPCG(1, 1)), 0)); len(got) != 1 || got[0] != "good" {
				t.Errorf("survived: %q", got)
			}
		})
	}
}

// TestApplyErrorPoisons: what follows in the group is not applied, nothing more is published.
func TestApplyErrorPoisons(t *testing.T) {
	fs := waltest.NewCrashFS()
	s := openStore(t, fs, nil)
	s.apply = func(r *Request) error {
		if string(r.Payload) == "bad" {
			return errors.New("cannot apply")
		}
		return nil
	}
	_, err := s.Commit(t.Context(), commit("good"))
	must(t, err)
	g := syncGate(fs)
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = s.Commit(t.Context(), commit("good")) })
	<-g.arrived
	for i, p := range []string{"good", "bad", "good"} {
		wg.Go(func() {
			_, err := s.Commit(t.Context(), commit(p))
			if sqlerr.CodeOf(err) != sqlerr.TransactionResolutionUnknown {
				t.Errorf("%s: %v", p, err)
			}
		})
		until(t, "appended", func() bool { lsn, _ := s.Appended(); return int(lsn) == i+3 })
	}
	g.open()
	wg.Wait()
	if s.views.LSN() != 2 || s.Published() != 2 || len(s.lsns) != 3 {
		t.Errorf("visible LSN %d, applied %v", s.views.LSN(), s.lsns)
	}
	_, err = s.Commit(t.Context(), commit("late"))
	wantCode(t, err, sqlerr.IOError)
	s.Pipeline.Close()
	_ = s.log.Close()
}

// TestApplyMayWaitForDurability: apply waits for another goroutine that needs the log durable, as a
// tier's flush does. Commits that queue meanwhile must not be in the way.
func TestApplyMayWaitForDurability(t *testing.T) {
	s := openStore(t, waltest.NewCrashFS(), nil)
	ask := make(chan table.LSN)
	answer := make(chan error)
	var helper, wg sync.WaitGroup
	helper.Go(func() {
		for lsn := range ask {
			answer <- s.EnsureDurable(context.Background(), lsn)
		}
	})
	waited := 0
	s.apply = func(r *Request) error {
		if r.LSN%3 != 0 {
			return nil
		}
		waited++
		ask <- r.LSN
		return <-answer
	}
	for c := range 8 {
		wg.Go(func() {
			for i := range 30 {
				r := commit("x")
				r.Async = (c+i)%2 == 0
				if _, err := s.Commit(t.Context(), r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	close(ask)
	helper.Wait()
	if waited != 80 || s.views.LSN() != 240 {
		t.Errorf("apply waited %d times, visible LSN %d", waited, s.views.LSN())
	}
	s.checkOrder(t)
	s.close(t)
}

// TestLargePayloads are split over files and joined again.
func TestLargePayloads(t *testing.T) {
	fs := waltest.NewCrashFS()
	s := openStore(t, fs, nil)
	var want []string
	r := &Request{Kind: wal.Commit}
	for _, n := range []int{0, 1, s.log.MaxRecord(), s.log.MaxRecord() + 1, 100 << 10, 500 << 10, 10} {
		r.Payload = bytes.Repeat([]byte{byte(n), 'x'}, n/2+1)[:n]
		want = append(want, string(r.Payload))
		_, err := s.Commit(t.Context(), r)
		must(t, err)
	}
	if e := s.log.End().Epoch(); e < 9 {
		t.Errorf("the log ends in file %d", e)
	}
	s.checkOrder(t)
	s.close(t)
	got := payloads(t, fs)
	if len(got) != len(want) {
		t.Fatalf("%d commits", len(got))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("payload %d of %d bytes comes back as %d bytes", i, len(want[i]), len(got[i]))
		}
	}
}

// TestStreams commits, cuts and drops write sets that went to the log before.
func TestStreams(t *testing.T) {
	fs := waltest.NewCrashFS()
	s := openStore(t, fs, nil)
	st := s.NewStream()
	chunk := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 5000) }
	for i := range 20 {
		must(t, st.Append(t.Context(), chunk(i)))
	}
	mark := st.Len()
	must(t, st.Append(t.Context(), chunk(99)))
	st.Cut(mark)
	must(t, st.Append(t.Context(), chunk(20)))
	r := commit("end")
	r.Stream = st
	_, err := s.Commit(t.Context(), r)
	must(t, err)

	dropped := s.NewStream()
	must(t, dropped.Append(t.Context(), chunk(1)))
	dropped.Drop()
	refused := commit("refused")
	refused.Stream = s.NewStream()
	must(t, refused.Stream.Append(t.Context(), chunk(2)))
	refused.Validate = func(table.LSN, int64) error { return errors.New("no") }
	if _, err := s.Commit(t.Context(), refused); err == nil {
		t.Fatal("not refused")
	}
	tooLarge := s.NewStream()
	wantCode(t, tooLarge.Append(t.Context(), make([]byte, s.ChunkBytes()+1)), sqlerr.ProgramLimitExceeded)
	tooLarge.Drop()
	must(t, s.log.Truncate(s.log.End()))
	if n := s.log.Stats().LiveFiles; n != 1 {
		t.Errorf("%d files are left", n)
	}
	s.close(t)
}

func TestStreamReplay(t *testing.T) {
	fs := waltest.NewCrashFS()
	s := openStore(t, fs, nil)
	st := s.NewStream()
	for i := range 5 {
		must(t, st.Append(t.Context(), []byte{byte(i)}))
	}
	r := commit("end")
	r.Stream = st
	_, err := s.Commit(t.Context(), r)
	must(t, err)
	s.close(t)
	seen := 0
	_, err = wal.Scan(fs, testDir, 0, func(r *wal.Record) error {
		if r.Kind != wal.Commit {
			return nil
		}
		seen = len(r.Chunks)
		for i := range r.Chunks {
			b, err := r.Chunk(i, nil)
			if err != nil || len(b) != 1 || b[0] != byte(i) {
				t.Errorf("chunk %d is %v, %v", i, b, err)
			}
		}
		return nil
	})
	must(t, err)
	if seen != 5 {
		t.Errorf("%d chunks", seen)
	}
}

// TestGroupBytes bounds the open group: committers wait for it to be cut.
func TestGroupBytes(t *testing.T) {
	fs := waltest.NewCrashFS()
	s := openStore(t, fs, func(o *PipelineOptions) { o.GroupBytes = 4000 })
	g := syncGate(fs)
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = s.Commit(t.Context(), commit("first")) })
	<-g.arrived
	for range 20 {
		wg.Go(func() {
			if _, err := s.Commit(t.Context(), commit(string(make([]byte, 1000)))); err != nil {
				t.Error(err)
			}
		})
	}
	until(t, "group full", func() bool { return s.log.PendingBytes() > 4000 })
	ctx, cancel := context.WithCancel(t.Context())
	wg.Go(func() {
		_, err := s.Commit(ctx, commit("cancelled in admission"))
		if sqlerr.CodeOf(err) != sqlerr.QueryCanceled {
			t.Error(err)
		}
	})
	for range 100 {
		yield()
	}
	cancel()
	if n := s.log.PendingBytes(); n > 5200 {
		t.Errorf("the open group has %d bytes", n)
	}
	g.open()
	wg.Wait()
	s.checkOrder(t)
	s.close(t)
}

func TestUseAfterClose(t *testing.T) {
	s := openStore(t, waltest.NewCrashFS(), nil)
	r := commit("async")
	r.Async = true
	_, err := s.Commit(t.Context(), r)
	must(t, err)
	s.close(t)
	s.Pipeline.Close()
	must(t, s.EnsureDurable(t.Context(), 1))
	_, err = s.Commit(t.Context(), commit("x"))
	wantCode(t, err, sqlerr.AdminShutdown)
	wantCode(t, s.Sync(t.Context()), sqlerr.AdminShutdown)
	wantCode(t, s.Mark(t.Context()), sqlerr.AdminShutdown)
}

package txn

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
	"github.com/laminadb/lamina/wal/waltest"
)

type outcomes struct{ acked, unknown, refused, cancelled, split, checkpoints int }

func (o *outcomes) add(p outcomes) {
	o.acked += p.acked
	o.unknown += p.unknown
	o.refused += p.refused
	o.cancelled += p.cancelled
	o.split += p.split
	o.checkpoints += p.checkpoints
}

// workload is a run of random requests. What a commit is known to be lies in fate.
type workload struct {
	t    *testing.T
	s    *miniStore
	mu   sync.Mutex
	fate map[uint64]error // by the number in the payload; nil: acknowledged as durable
	lsns map[uint64]table.LSN
	next uint64
	outcomes
	name       string
	checkpoint wal.Position
	behind     table.LSN
}

func randomWorkload(t *testing.T, seed uint64) outcomes {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 11))
	fs := waltest.NewCrashFS()
	w := &workload{t: t, s: openStore(t, fs, nil), fate: map[uint64]error{}, lsns: map[uint64]table.LSN{}}
	w.name = fmt.Sprintf("seed %d", seed)
	if seed%2 == 1 {
		var calls atomic.Int64
		failAt := 20 + rng.Int64N(300)
		fs.SetHook(func(op waltest.Op) error {
			if op.Kind != waltest.OpRead && op.Kind != waltest.OpOpen && calls.Add(1) == failAt {
				w.name += fmt.Sprintf(", failed %v", op)
				return errors.New("injected failure")
			}
			return nil
		})
	}
	var wg sync.WaitGroup
	for range 1 + rng.IntN(8) {
		r := rand.New(rand.NewPCG(seed, rng.Uint64()))
		wg.Go(func() {
			for range 60 {
				w.step(r)
			}
		})
	}
	wg.Wait()
	w.s.Pipeline.Close()
	w.s.checkOrder(t)
	_ = w.s.log.Close()
	fs.SetHook(nil)
	w.check(fs.Kill())
	w.check(fs.Crash(rng, 50))
	return w.outcomes
}

func (w *workload) step(rng *rand.Rand) {
	w.mu.Lock()
	w.next++
	id := w.next
	w.mu.Unlock()
	r := &Request{Kind: wal.Commit, Payload: binary.LittleEndian.AppendUint64(nil, id)}
	ctx := context.Background()
	split := false
	switch n := rng.IntN(20); {
	case n < 2:
		r.Validate = func(table.LSN, int64) error { return errors.New("refused") }
	case n < 4:
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		if n == 2 {
			cancel()
		} else {
			go cancel()
		}
	case n < 6:
		split = true
		r.Payload = append(r.Payload, make([]byte, w.s.ChunkBytes()+rng.IntN(40<<10))...)
	case n < 9:
		r.Async = true
	case n < 10:
		_ = w.s.Mark(ctx)
	case n < 11:
		w.truncate()
	default:
		r.Payload = append(r.Payload, make([]byte, rng.IntN(500))...)
	}
	lsn, err := w.s.Commit(ctx, r)
	if err == nil && r.Async {
		err = &UnknownError{LSN: lsn, Err: errors.New("not synced")}
	}
	w.note(id, lsn, err, split)
}

// truncate takes a checkpoint: it is durable up to the View, and the log before it may go.
func (w *workload) truncate() {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.s.views.Acquire()
	defer v.Release()
	if w.s.EnsureDurable(context.Background(), v.LSN()) != nil {
		return
	}
	w.checkpoint, w.behind = v.Position(), v.LSN()
	w.checkpoints++
	_ = w.s.log.Truncate(w.checkpoint)
}

func (w *workload) note(id uint64, lsn table.LSN, err error, split bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fate[id], w.lsns[id] = err, lsn
	_, unknown := errors.AsType[*UnknownError](err)
	switch {
	case err == nil:
		w.acked++
		if split {
			w.split++
		}
	case unknown:
		w.unknown++
	case sqlerr.CodeOf(err) == sqlerr.QueryCanceled:
		w.cancelled++
	default:
		w.refused++
	}
}

// check opens what is left and compares it with what the clients were told.
func (w *workload) check(fs *waltest.CrashFS) {
	w.t.Helper()
	found := map[uint64]int{}
	o := testLogOptions()
	o.From = w.checkpoint
	l, _, err := wal.Open(fs, testDir, o, func(r *wal.Record) error {
		if r.Kind == wal.Commit {
			found[binary.LittleEndian.Uint64(r.Payload)]++
		}
		return nil
	})
	if err != nil {
		w.t.Fatalf("%s: %v", w.name, err)
	}
	must(w.t, l.Close())
	for id, err := range w.fate {
		_, unknown := errors.AsType[*UnknownError](err)
		behind := w.lsns[id] != 0 && w.lsns[id] <= w.behind
		switch {
		case found[id] > 1:
			w.t.Fatalf("commit %d was replayed %d times", id, found[id])
		case behind && found[id] != 0:
			w.t.Fatalf("commit %d, LSN %d, was replayed from behind the checkpoint at %d", id, w.lsns[id], w.behind)
		case err == nil && !behind && found[id] != 1:
			w.t.Fatalf("commit %d, LSN %d, was acknowledged and is lost", id, w.lsns[id])
		case err != nil && !unknown && found[id] != 0:
			w.t.Fatalf("commit %d was refused (%v) and is there", id, err)
		}
	}
}

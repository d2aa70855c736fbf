package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
	"github.com/laminadb/lamina/wal"
	"github.com/laminadb/lamina/wal/waltest"
)

// fillLog commits until some more files of the log were begun.
func (w *workload) fillLog(files uint32) error {
	var err error
	for from := w.s.log.End().Epoch(); err == nil && w.s.log.End().Epoch() < from+files; {
		err = w.in(nil, func(x *workTx) error {
			return x.update("a", map[int64]modelRow{1: {v: fmt.Sprint(x.n, strings.Repeat("-", longText))}})
		})
	}
	return err
}

// survives checks what a power loss at this moment leaves, with a checkpoint after it too.
func (w *workload) survives(fs *waltest.CrashFS) error {
	for _, checkpoint := range []bool{false, true} {
		im := &crashImage{fs: fs.Crash(rand.New(rand.NewPCG(1, 1)), 0), acked: w.o.ackedLSN(), checkpoint: checkpoint}
		if err := im.check(w.o, nil, true); err != nil {
			return fmt.Errorf("checkpoint %t: %w", checkpoint, err)
		}
	}
	return nil
}

// TestCheckpointKeepsWhatCameMeanwhile has commits fill files of the log while a checkpoint is made: it
// does not hold them, so the files stay.
func TestCheckpointKeepsWhatCameMeanwhile(t *testing.T) {
	fs := waltest.NewCrashFS()
	w := &workload{o: newOracle()}
	w.s = must(openCrashWith(fs, crashLogFileBytes, 1<<30))(t)
	must(0, w.setUp())(t)
	var once atomic.Bool
	fs.SetHook(func(op waltest.Op) error {
		if kindOfOp(op, false) == crashCheckpoint && op.Kind == waltest.OpRename && once.CompareAndSwap(false, true) {
			return w.fillLog(3)
		}
		return nil
	})
	must(0, w.s.Checkpoint(t.Context()))(t)
	fs.SetHook(nil)
	must(0, errors.Join(w.fillLog(3), w.survives(fs), w.s.Close()))(t)
	if !once.Load() {
		t.Error("nothing was committed meanwhile")
	}
}

// TestCheckpointsBetweenChunksAndRecord makes checkpoints after the chunks of a large write set have gone
// to the log, and before its record has: the chunks stay until a checkpoint holds the rows.
func TestCheckpointsBetweenChunksAndRecord(t *testing.T) {
	fs := waltest.NewCrashFS()
	w := &workload{o: newOracle()}
	w.s = must(openCrashWith(fs, 64<<10, 1<<30))(t)
	must(0, w.setUp())(t)
	x := &workTx{w: w, n: w.o.number(), tx: begin(t, w.s, table.TxOptions{})}
	rows := map[int64]modelRow{}
	for id := int64(5000); id < 6400; id++ {
		rows[id] = modelRow{v: strings.Repeat("large", 180)}
	}
	must(0, errors.Join(x.insert("b", rows), x.insert("journal", map[int64]modelRow{x.n: {}})))(t)

	c := &commit{tx: x.tx}
	x.tx.done = true
	c.collect()
	c.request = txn.Request{Kind: wal.Commit, State: c, Validate: c.validate, OnDone: c.done}
	var err error
	c.request.Payload, c.request.Stream, err = c.encode(t.Context(), nil)
	must(0, err)(t)
	if c.request.Stream == nil {
		t.Fatal("the write set is not streamed")
	}
	for range 2 {
		must(0, errors.Join(w.fillLog(2), w.s.Checkpoint(t.Context()), w.fillLog(2)))(t)
	}
	must(0, w.survives(fs))(t)
	w.o.asked(x.n, x.effects)
	lsn := must(w.s.commits.Commit(t.Context(), &c.request))(t)
	w.o.told(x.n, fateCommitted, uint64(lsn), true)
	must(0, w.survives(fs))(t)
	must(0, errors.Join(w.s.Checkpoint(t.Context()), w.fillLog(4), w.survives(fs)))(t)
	live := w.s.log.Stats().LiveFiles
	must(0, w.s.Close())(t)
	if live > 8 {
		t.Errorf("%d log files are kept after the checkpoint", live)
	}
}

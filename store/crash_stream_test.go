package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/wal/waltest"
)

// TestLargeCommitsSurvivePowerLoss commits write sets that go to the log in chunks ahead of their
// record, between small commits and checkpoints, whose positions fall among the chunks.
func TestLargeCommitsSurvivePowerLoss(t *testing.T) {
	rounds, least := 3, 60
	if testing.Short() || invariants.Enabled {
		rounds, least = 1, 20
	}
	largeCommits(t, rounds, least)
}

// TestLSMLargeCommitsSurvivePowerLoss: what is applied of a write set when a part of it is flushed is applied again.
func TestLSMLargeCommitsSurvivePowerLoss(t *testing.T) {
	withMethod(t, "lsm")
	largeCommits(t, 1, 20)
}

func largeCommits(t *testing.T, rounds, least int) {
	t.Helper()
	images, large, logged := 0, int64(0), int64(0)
	for round := range rounds {
		fs := waltest.NewCrashFS()
		w := &workload{o: newOracle(), seed: uint64(round)}
		w.s = must(openCrashWith(fs, 128<<10, 1<<30))(t)
		must(0, w.setUp())(t)
		c := newCrasher(w.rng(5))
		for k := range c.budget {
			c.budget[k], c.odds[k] = 8, 6
		}
		c.arm(fs, func(op waltest.Op) crashKind { return kindOfOp(op, false) }, w.o.ackedLSN)
		done := make(chan error)
		go func() { done <- w.large() }()
		err := error(nil)
		for n := 0; ; n++ {
			select {
			case e := <-done:
				err = errors.Join(err, e)
			default:
				small := w.in(w.rng(n), func(x *workTx) error {
					return x.update("a", map[int64]modelRow{1 + int64(n%sharedRows): {v: fmt.Sprint("by ", x.n)}})
				})
				err = errors.Join(err, small)
				if n%3 == 0 {
					err = errors.Join(err, w.s.Checkpoint(context.Background()))
				}
				continue
			}
			break
		}
		fs.SetHook(nil)
		must(0, err)(t)
		logged += w.s.log.Stats().Bytes
		must(0, w.s.Close())(t)
		for i, im := range c.images {
			images++
			im.checkpoint = i%2 == 0
			if err := im.check(w.o, nil, i%4 == 0); err != nil {
				t.Fatalf("round %d, image %d, %v: %v", round, i, im, err)
			}
		}
		large += 3
	}
	t.Log(images, "images,", large, "large commits,", logged, "bytes of log")
	if images < least || logged < large*streamBytes {
		t.Errorf("%d images, %d bytes of log", images, logged)
	}
}

// large commits three write sets above the size from which on they are streamed.
func (w *workload) large() error {
	rows := map[int64]modelRow{}
	var ids []int64
	for id := int64(5000); id < 6400; id++ {
		rows[id] = modelRow{v: strings.Repeat("large", 180)}
		ids = append(ids, id)
	}
	insert := func(x *workTx) error { return x.insert("b", rows) }
	err := w.in(nil, insert)
	err = errors.Join(err, w.in(nil, func(x *workTx) error { return errors.Join(x.delete("b", ids), x.insert("c", rows)) }))
	return errors.Join(err, w.in(nil, insert))
}

package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestLargeCommitsSurvivePowerLoss commits write sets that go to the log in chunks ahead of their
// record, between small commits and checkpoints, whose positions fall among the chunks.
func TestLargeCommitsSurvivePowerLoss(t *testing.T) {
	rounds := 2
	if reduced() {
		rounds = 1
	}
	largeCommits(t, rounds)
}

// TestLSMLargeCommitsSurvivePowerLoss: what is applied of a write set when a part of it is flushed is applied again.
func TestLSMLargeCommitsSurvivePowerLoss(t *testing.T) {
	withMethod(t, "lsm")
	largeCommits(t, 1)
}

func largeCommits(t *testing.T, rounds int) {
	t.Helper()
	images, large, logged := 0, int64(0), int64(0)
	for round := 0; more(round, rounds, images < 20*rounds); round++ {
		r := newCrashRun(t, round, 8, 6)
		r.arm(nil)
		must(0, beside(r.w.large, func(n int) error {
			small := r.w.in(r.w.rng(n), func(x *workTx) error {
				return x.update("a", map[int64]modelRow{1 + int64(n%sharedRows): {v: fmt.Sprint("by ", x.n)}})
			})
			if n%3 == 0 {
				small = errors.Join(small, r.w.s.Checkpoint(context.Background()))
			}
			return small
		}))(t)
		logged += r.w.s.log.Stats().Bytes
		images += r.check(t, nil)
		large += 3
	}
	t.Log(images, "images,", large, "large commits,", logged, "bytes of log")
	if images < 20*rounds || logged < large*streamBytes {
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

package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestManyChunksSurvivePowerLoss changes a table of several chunks until chunks have no live row and are
// freed, with a checkpoint every few commits that writes only what has changed.
func TestManyChunksSurvivePowerLoss(t *testing.T) {
	const first, rows = 10_000, 6000
	const rounds, least = 1, 25
	images, freed, written := 0, int64(0), int64(0)
	for round := 0; more(round, rounds, images < least || freed < 3 || written < 50); round++ {
		r := newCrashRun(t, round, 15, 6)
		r.arm(nil)
		rng := r.w.rng(7)
		there := map[int64]bool{}
		for n := range 70 {
			must(0, r.w.in(nil, func(x *workTx) error { return changeMany(x, rng, n, there, first, rows) }))(t)
			if n%4 == 3 {
				must(0, r.w.s.Checkpoint(context.Background()))(t)
			}
		}
		for _, m := range r.w.s.Metrics().Tiers {
			freed, written = freed+m.ChunksFreed, written+m.SnapshotChunksWritten
		}
		images += r.check(t, nil)
	}
	t.Log(images, "images,", freed, "chunks freed,", written, "written")
	if images < least || freed < 3 || written < 50 {
		t.Errorf("%d images, %d chunks freed, %d written", images, freed, written)
	}
}

// changeMany inserts, updates or deletes some hundred rows in a row of ids, so that whole chunks die.
func changeMany(x *workTx, rng *rand.Rand, n int, there map[int64]bool, first, rows int64) error {
	from := first + rng.Int64N(rows-700)
	changed, added := map[int64]modelRow{}, map[int64]modelRow{}
	var gone []int64
	for id := from; id < from+700; id++ {
		switch {
		case !there[id]:
			there[id] = true
			added[id] = modelRow{v: fmt.Sprint("new ", n)}
		case n%5 == 4:
			delete(there, id)
			gone = append(gone, id)
		default:
			changed[id] = modelRow{v: fmt.Sprint("changed ", n)}
		}
	}
	return errors.Join(x.update("b", changed), x.delete("b", gone), x.insert("b", added))
}

package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/wal/waltest"
)

// TestManyChunksSurvivePowerLoss changes a table of several chunks until chunks have no live row and are
// freed, with a checkpoint every few commits that writes only what has changed.
func TestManyChunksSurvivePowerLoss(t *testing.T) {
	const first, rows = 10_000, 6000
	rounds, least := 2, 60
	if testing.Short() || invariants.Enabled {
		rounds, least = 1, 25
	}
	images, freed, written := 0, int64(0), int64(0)
	for round := range rounds {
		fs := waltest.NewCrashFS()
		w := &workload{o: newOracle(), seed: uint64(round)}
		w.s = must(openCrashWith(fs, 128<<10, 1<<30))(t)
		must(0, w.setUp())(t)
		c := newCrasher(w.rng(5))
		for k := range c.budget {
			c.budget[k], c.odds[k] = 15, 6
		}
		c.arm(fs, func(op waltest.Op) crashKind { return kindOfOp(op, false) }, w.o.ackedLSN)
		rng := w.rng(7)
		there := map[int64]bool{}
		for n := range 70 {
			must(0, w.in(nil, func(x *workTx) error { return changeMany(x, rng, n, there, first, rows) }))(t)
			if n%4 == 3 {
				must(0, w.s.Checkpoint(context.Background()))(t)
			}
		}
		fs.SetHook(nil)
		for _, m := range w.s.Metrics().Tiers {
			freed, written = freed+m.ChunksFreed, written+m.SnapshotChunksWritten
		}
		must(0, w.s.Close())(t)
		for i, im := range append(c.images, &crashImage{fs: fs.Kill(), kind: "close", acked: w.o.ackedLSN(), keep: -1}) {
			images++
			im.checkpoint = i%2 == 0
			if err := im.check(w.o, nil, i%4 == 0); err != nil {
				t.Fatalf("round %d, image %d, %v: %v", round, i, im, err)
			}
		}
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

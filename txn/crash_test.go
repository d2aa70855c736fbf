package txn

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
	"github.com/laminadb/lamina/wal/waltest"
)

// ledger is what the clients know, kept outside of the file system that loses power.
type ledger struct {
	sync.Mutex
	acked map[int]uint64 // by client: the last commit that was acknowledged as durable
}

func (l *ledger) snapshot() map[int]uint64 {
	l.Lock()
	defer l.Unlock()
	return maps.Clone(l.acked)
}

type powerLoss struct {
	fs      *waltest.CrashFS
	acked   map[int]uint64
	visible table.LSN
	at      waltest.OpKind
}

// TestGroupCommitSurvivesPowerLoss runs 64 clients and loses power before random writes and syncs.
// Each acknowledged commit must be in every later image, each client's commits without a gap, and
// no image may lack what readers had been shown before it.
func TestGroupCommitSurvivesPowerLoss(t *testing.T) {
	const clients = 64
	rounds, perClient := 6, 25
	if testing.Short() || invariants.Enabled {
		rounds = 3
	}
	images, checked := 0, uint64(0)
	for round := range rounds {
		fs := waltest.NewCrashFS()
		s := openStore(t, fs, nil)
		rng := rand.New(rand.NewPCG(uint64(round), 2))
		book := &ledger{acked: map[int]uint64{}}
		var losses []powerLoss
		var hook sync.Mutex
		fs.SetHook(func(op waltest.Op) error {
			hook.Lock()
			defer hook.Unlock()
			if len(losses) >= 40 || (op.Kind != waltest.OpWrite && op.Kind != waltest.OpSync) || rng.IntN(5) != 0 {
				return nil
			}
			acked, visible := book.snapshot(), s.views.LSN()
			losses = append(losses, powerLoss{fs.Crash(rng, 25*rng.IntN(5)), acked, visible, op.Kind})
			return nil
		})
		var wg sync.WaitGroup
		for c := range clients {
			wg.Go(func() { client(t, s, book, c, perClient) })
		}
		wg.Wait()
		fs.SetHook(nil)
		s.checkOrder(t)
		s.close(t)
		losses = append(losses, powerLoss{fs.Crash(rng, 0), book.snapshot(), s.views.LSN(), "close"})
		for i := range losses {
			images++
			checked += losses[i].check(t)
		}
	}
	t.Logf("%d images, %d acknowledged commits looked for", images, checked)
	if images < rounds*20 || checked < 1000 {
		t.Errorf("%d images, %d commits", images, checked)
	}
}

func client(t *testing.T, s *miniStore, book *ledger, c, n int) {
	r := &Request{Kind: wal.Commit}
	for seq := uint64(1); seq <= uint64(n); seq++ {
		r.Payload = binary.LittleEndian.AppendUint64(nil, uint64(c))
		r.Payload = binary.LittleEndian.AppendUint64(r.Payload, seq)
		r.Payload = append(r.Payload, make([]byte, (c*int(seq))%700)...)
		if _, err := s.Commit(t.Context(), r); err != nil {
			t.Error(err)
			return
		}
		book.Lock()
		book.acked[c] = seq
		book.Unlock()
	}
}

func (p *powerLoss) check(t *testing.T) (looked uint64) {
	t.Helper()
	found := map[int]uint64{}
	l, info, err := wal.Open(p.fs, testDir, testLogOptions(), func(r *wal.Record) error {
		c, seq := int(binary.LittleEndian.Uint64(r.Payload)), binary.LittleEndian.Uint64(r.Payload[8:])
		if seq != found[c]+1 {
			return fmt.Errorf("client %d: commit %d after %d", c, seq, found[c])
		}
		found[c] = seq
		return nil
	})
	if err != nil {
		t.Fatalf("power lost before a %s: %v", p.at, err)
	}
	must(t, l.Close())
	if info.LastLSN < p.visible {
		t.Fatalf("power lost before a %s: LSN %d was visible, %d is left", p.at, p.visible, info.LastLSN)
	}
	for c, seq := range p.acked {
		looked += seq
		if found[c] < seq {
			t.Fatalf("power lost before a %s: client %d: commit %d was acknowledged, %d is left", p.at, c, seq, found[c])
		}
	}
	return looked
}

// TestRandomWorkload mixes everything a pipeline takes, from several clients, with failures of the
// file system and cancellations, and checks that the log, opened again, holds what was
// acknowledged, nothing that was refused, and everything once.
func TestRandomWorkload(t *testing.T) {
	seeds := 40
	if testing.Short() || invariants.Enabled {
		seeds = 10
	}
	total := outcomes{}
	for seed := range seeds {
		total.add(randomWorkload(t, uint64(seed)))
	}
	t.Logf("%+v", total)
	if total.acked < 1000 || total.unknown == 0 || total.refused == 0 || total.cancelled == 0 || total.split == 0 {
		t.Errorf("something never happened: %+v", total)
	}
}

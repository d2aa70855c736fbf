package txn

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/wal"
)

const testDir = "log"

func testLogOptions() wal.Options {
	return wal.Options{ID: wal.ID{1}, FileBytes: 64 << 10}
}

// miniStore is the least that uses a pipeline: it notes what is applied and publishes Views.
type miniStore struct {
	*Pipeline
	log   *wal.Log
	views *ViewSet[int] // the number of records applied

	applied []wal.Position
	lsns    []table.LSN
	apply   func(*Request) error // called first, if set
}

func openStore(t *testing.T, fs vfs.FS, change func(*PipelineOptions)) *miniStore {
	t.Helper()
	s := &miniStore{}
	var err error
	var info wal.RecoveryInfo
	s.log, info, err = wal.Open(fs, testDir, testLogOptions(), func(*wal.Record) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	s.views = NewViewSet(0, info.LastLSN, info.End, nil)
	o := PipelineOptions{Log: s.log, Apply: s.applyOne, Publish: s.publish, SyncDelay: -1, MarkDelay: -1}
	if change != nil {
		change(&o)
	}
	s.Pipeline = NewPipeline(o)
	return s
}

func (s *miniStore) applyOne(r *Request) error {
	if s.apply != nil {
		if err := s.apply(r); err != nil {
			return err
		}
	}
	s.applied = append(s.applied, r.Pos)
	if r.LSN != 0 {
		s.lsns = append(s.lsns, r.LSN)
	}
	return nil
}

func (s *miniStore) publish(lsn table.LSN, pos wal.Position) {
	s.views.Publish(len(s.applied), lsn, pos)
}

// checkOrder checks that records were applied once each and in order.
func (s *miniStore) checkOrder(t *testing.T) {
	t.Helper()
	for i, lsn := range s.lsns {
		if lsn != s.lsns[0]+table.LSN(i) {
			t.Fatalf("record %d applied has LSN %d, the first had %d", i, lsn, s.lsns[0])
		}
	}
	for i := 1; i < len(s.applied); i++ {
		if s.applied[i] <= s.applied[i-1] {
			t.Fatalf("position %v applied after %v", s.applied[i], s.applied[i-1])
		}
	}
}

func (s *miniStore) close(t *testing.T) {
	t.Helper()
	s.Pipeline.Close()
	must(t, s.log.Close())
}

func commit(payload string) *Request { return &Request{Kind: wal.Commit, Payload: []byte(payload)} }

// payloads returns the payloads of the commits in a log, in order.
func payloads(t *testing.T, fs vfs.FS) (out []string) {
	t.Helper()
	_, err := wal.Scan(fs, testDir, 0, func(r *wal.Record) error {
		if r.Kind == wal.Commit {
			out = append(out, string(r.Payload))
		}
		return nil
	})
	must(t, err)
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code sqlerr.Code) {
	t.Helper()
	if got := sqlerr.CodeOf(err); got != code {
		t.Fatalf("error %v has code %s, want %s", err, got, code)
	}
}

// gate blocks whoever passes until it is opened, and tells when someone has arrived.
type gate struct {
	arrived chan struct{}
	opened  chan struct{}
	once    sync.Once
}

func newGate() *gate { return &gate{arrived: make(chan struct{}, 1024), opened: make(chan struct{})} }

func (g *gate) pass() {
	g.arrived <- struct{}{}
	<-g.opened
}

func (g *gate) open() { g.once.Do(func() { close(g.opened) }) }

// until yields to other goroutines until cond holds.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !cond() {
		if ctx.Err() != nil {
			t.Fatalf("waited in vain: %s", what)
		}
		yield()
	}
}

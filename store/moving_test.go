package store_test

import (
	"flag"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/table"
)

// moving opens databases whose memtables and segments are so small that rows move all the time, and adds up what was done
// with them until they were closed.
type moving struct {
	mu    sync.Mutex
	tiers map[string]*moves
}

// moves are what tiers have done with files, and had at their end.
type moves struct{ flushes, compactions, segments, deleted, followed int64 }

// open is a tabletest.Opener.
func (n *moving) open(fs vfs.FS) (table.TableStorage, error) {
	s, err := openSmall(fs)
	if err != nil {
		return nil, err
	}
	return &movingStorage{s, n}, nil
}

type movingStorage struct {
	table.TableStorage
	n *moving
}

// Close counts, and closes the database.
func (s *movingStorage) Close() error {
	m := s.Metrics()
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	if s.n.tiers == nil {
		s.n.tiers = map[string]*moves{}
	}
	for i := range m.Tiers {
		t := &m.Tiers[i]
		x := s.n.tiers[t.Name]
		if x == nil {
			x = &moves{}
			s.n.tiers[t.Name] = x
		}
		x.flushes += t.Flushes
		x.compactions += t.Compactions
		x.segments += max(t.Segments, t.Files)
		x.deleted += t.Deletions
		x.followed += t.RowsFollowed
	}
	return s.TableStorage.Close()
}

// lacks reports whether a tier did less than what is wanted.
func (n *moving) lacks(tier string, want moves) bool {
	got := n.tiers[tier]
	return got == nil || got.flushes < want.flushes || got.compactions < want.compactions || got.segments < want.segments ||
		got.deleted < want.deleted || got.followed < want.followed
}

// until repeats a run in which little moves now and then, because of how goroutines took turns.
func (n *moving) until(tier string, want moves, run func()) {
	for range 4 {
		if run(); !n.lacks(tier, want) {
			return
		}
	}
}

// demand fails a test in which a tier did less than what is wanted.
func (n *moving) demand(t *testing.T, tier string, want moves) {
	t.Helper()
	if f := flag.Lookup("test.run"); f != nil && strings.Contains(f.Value.String(), "/") {
		return // only some cases were asked for
	}
	got := n.tiers[tier]
	if got == nil {
		got = &moves{}
	}
	t.Logf("%s: %+v", tier, *got)
	if n.lacks(tier, want) {
		t.Errorf("%s: %+v, at least %+v are wanted", tier, *got, want)
	}
}

package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
	"github.com/laminadb/lamina/wal"
)

// Sizes of the blocks in which hidden keys are reserved: each one of a table is larger than the last.
const (
	hiddenBlockMin = 1 << 10
	hiddenBlockMax = 1 << 20
)

// hiddenBlock says that the hidden keys of a table below limit may have been given out.
type hiddenBlock struct {
	table table.ObjectID
	limit int64
}

// hiddenKeys gives out the hidden keys of tables without primary key. They count from 1; a block is
// reserved by a record of the log before its first key is used, and what is left of it is skipped
// after a restart, so that no key is ever used twice.
type hiddenKeys struct {
	mu     sync.Mutex
	tables map[table.ObjectID]*hiddenRange
}

type hiddenRange struct {
	// reserved is at least the limit of every block whose record may be in the log: a checkpoint
	// reads it while a block is being reserved.
	reserved atomic.Int64

	mu          sync.Mutex
	next, limit int64
	block       int64 // size of the last block
}

func newHiddenKeys() *hiddenKeys {
	return &hiddenKeys{tables: make(map[table.ObjectID]*hiddenRange)}
}

// define makes a range for a table, or raises the limit of the one it has.
func (h *hiddenKeys) define(b hiddenBlock) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.tables[b.table]
	if r == nil {
		r = &hiddenRange{next: b.limit, limit: b.limit}
		r.reserved.Store(b.limit)
		h.tables[b.table] = r
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if b.limit > r.limit {
		r.next, r.limit = b.limit, b.limit
		r.reserved.Store(b.limit)
	}
}

func (h *hiddenKeys) drop(id table.ObjectID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.tables, id)
}

func (h *hiddenKeys) find(id table.ObjectID) *hiddenRange {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tables[id]
}

// blocks returns what a checkpoint keeps, ordered by table.
func (h *hiddenKeys) blocks() []hiddenBlock {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]hiddenBlock, 0, len(h.tables))
	for id, r := range h.tables {
		list = append(list, hiddenBlock{id, r.reserved.Load()})
	}
	slices.SortFunc(list, func(a, b hiddenBlock) int { return cmp.Compare(a.table, b.table) })
	return list
}

// take returns the first of n keys in a row. reserve writes the record for a new limit; it is nil for
// tables whose rows do not outlive the process.
func (r *hiddenRange) take(n int64, reserve func(limit int64) error) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next > math.MaxInt64-n-hiddenBlockMax {
		return 0, sqlerr.New(sqlerr.ProgramLimitExceeded, "the hidden keys of a table are used up")
	}
	if r.next+n > r.limit {
		block := min(max(2*r.block, hiddenBlockMin), hiddenBlockMax)
		limit := r.next + n + block
		r.reserved.Store(limit)
		if reserve != nil {
			if err := reserve(limit); err != nil {
				return 0, err
			}
		}
		r.limit, r.block = limit, block
	}
	first := r.next
	r.next += n
	return first, nil
}

// reserveHidden writes the record that reserves the hidden keys of a table below limit. It is not
// synced by itself: a commit that uses one of the keys comes later in the log.
func (s *Store) reserveHidden(ctx context.Context, id table.ObjectID, limit int64) error {
	_, err := s.commits.Commit(ctx, &txn.Request{
		Kind:    wal.SequenceBlock,
		Payload: appendHidden(nil, []hiddenBlock{{id, limit}}),
		Async:   true,
		State:   &change{},
	})
	return err
}

func appendHidden(dst []byte, blocks []hiddenBlock) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(blocks)))
	for _, b := range blocks {
		dst = binary.AppendUvarint(dst, uint64(b.table))
		dst = binary.AppendUvarint(dst, uint64(b.limit))
	}
	return dst
}

func (r *decoder) hidden() []hiddenBlock {
	n := r.count(2)
	if n == 0 {
		return nil
	}
	list := make([]hiddenBlock, 0, n)
	for range n {
		b := hiddenBlock{table: r.id()}
		limit := r.uvarint()
		if limit > math.MaxInt64 {
			r.fail("hidden key %d", limit)
			return nil
		}
		b.limit = int64(limit)
		list = append(list, b)
	}
	return list
}

// takeHidden reserves n hidden keys of a table in a row and returns the first.
func (s *Store) takeHidden(ctx context.Context, def *table.TableDef, n int64) (int64, error) {
	r := s.hidden.find(def.ID)
	if r == nil {
		return 0, sqlerr.Newf(sqlerr.InternalError, "table \"%s\" has no hidden keys", def.Name)
	}
	if s.log == nil || !s.tiers[s.tierOf(def.Method)].durable {
		return r.take(n, nil)
	}
	return r.take(n, func(limit int64) error { return s.reserveHidden(ctx, def.ID, limit) })
}

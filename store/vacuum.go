package store

import (
	"context"
	"sync"

	"github.com/laminadb/lamina/internal/invariants"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
	"github.com/laminadb/lamina/wal"
)

// sweeps are what is to be freed by the goroutine that applies, when it has published a View.
type sweeps struct {
	sync.Mutex
	list []func(applied, watermark table.LSN)
}

func (q *sweeps) add(f func(applied, watermark table.LSN)) {
	q.Lock()
	defer q.Unlock()
	q.list = append(q.list, f)
}

// run runs what was added. The list is short and mostly empty.
func (q *sweeps) run(applied, watermark table.LSN) {
	q.Lock()
	list := q.list
	q.list = nil
	q.Unlock()
	for _, f := range list {
		f(applied, watermark)
	}
}

// Vacuum frees the row versions of a table that no View shows, as far as whole chunks of them, and what else the tiers can
// free. Commits go on: it does a part of the work at a time.
func (s *Store) Vacuum(ctx context.Context, id table.ObjectID) (report table.VacuumReport, err error) {
	def, err := s.existing(id)
	if err != nil {
		return report, err
	}
	if s.readOnly {
		return report, errReadOnly("VACUUM")
	}
	t := &s.tiers[s.tierOf(def.Method)]
	before := deadRowsOf(t, id)
	for next := 0; ; {
		if err := s.sweep(ctx, func(applied, watermark table.LSN) {
			if t.vacuum != nil && !invariants.Mutant("store-vacuum-nothing") {
				next = t.vacuum(id, applied, watermark, next)
			}
		}); err != nil {
			return report, err
		}
		if next == 0 {
			break
		}
	}
	// What was unlinked may be used again once the watermark has passed that.
	if err := s.sweep(ctx, func(applied, watermark table.LSN) { s.retire(applied) }); err != nil {
		return report, err
	}
	report.Left = deadRowsOf(t, id)
	report.Freed = max(0, before-report.Left)
	return report, nil
}

// sweep has the goroutine that applies call f, with a new View published. Its record changes nothing.
func (s *Store) sweep(ctx context.Context, f func(applied, watermark table.LSN)) error {
	s.sweeps.add(f)
	_, err := s.commits.Commit(ctx, &txn.Request{Kind: wal.SequenceBlock, Payload: appendHidden(nil, nil), Async: true})
	return err
}

func deadRowsOf(t *tier, id table.ObjectID) int64 {
	for _, m := range t.Metrics().ByTable {
		if m.ID == id {
			return m.DeadRows
		}
	}
	return 0
}

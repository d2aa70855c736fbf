package store

import (
	"context"

	"github.com/laminadb/lamina/columnar"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/txn"
	"github.com/laminadb/lamina/wal"
)

// host is the store as a tier sees it that moves rows in the background.
type host struct{ s *Store }

var _ columnar.Host = (*host)(nil)

// View holds the newest View.
func (h *host) View() (table.LSN, func()) {
	v := h.s.views.Acquire()
	return v.LSN(), v.Release
}

// localWork is done in the order of the log: by the record with a position of a tier.
type localWork struct {
	apply func(applied table.LSN) error
}

var recordKinds = map[columnar.RecordKind]wal.Kind{
	columnar.FlushRecord: wal.Flush, columnar.CompactRecord: wal.Compact, columnar.NoRecord: wal.Mark,
}

// Log appends a node-local record and has apply called in its turn.
func (h *host) Log(ctx context.Context, kind columnar.RecordKind, payload []byte, apply func(table.LSN) error) error {
	if err := h.s.writable(); err != nil {
		return err
	}
	r := &txn.Request{Kind: recordKinds[kind], Payload: payload, Urgent: true, State: &localWork{apply}}
	_, err := h.s.commits.Commit(ctx, r)
	return err
}

// replayLocal repeats what a node-local record says of a tier.
func (r *replay) replayLocal(rec *wal.Record) error {
	var kind columnar.RecordKind
	switch rec.Kind {
	case wal.Flush:
		kind = columnar.FlushRecord
	case wal.Compact:
		kind = columnar.CompactRecord
	default:
		return nil
	}
	if err := r.reach(r.s.applied.lsn + 1); err != nil {
		return err
	}
	for i := range r.s.tiers {
		t := &r.s.tiers[i]
		if t.replay == nil || !r.defined[i] {
			continue // its files have it
		}
		if err := t.replay(kind, rec.Payload); err != nil {
			return sqlerr.Newf(sqlerr.CodeOf(err), "replay of the %v record at %v: %w", rec.Kind, rec.Pos, err)
		}
	}
	return nil
}

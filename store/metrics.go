package store

import (
	"context"

	"github.com/laminadb/lamina/table"
)

// Metrics returns counters since the store was opened.
func (s *Store) Metrics() table.Metrics {
	m := s.txMetrics()
	if s.log != nil {
		l := s.log.Stats()
		m.LogBytes, m.LogRecords, m.LogSyncs, m.Groups = l.Bytes, l.Records, l.Syncs, l.Groups
		m.SyncTimes = s.log.SyncTimes()
	}
	if s.pipeline != nil {
		m.GroupSizes = s.pipeline.GroupSizes()
	}
	m.Views = s.viewMetrics()
	m.OpenViews = int64(len(m.Views))
	if len(m.Views) > 0 {
		m.OldestViewLSN = m.Views[0].LSN
	}
	for _, t := range s.memFor {
		m.Memory = append(m.Memory, table.MemoryMetrics{Name: t.Name(), Bytes: t.Used(), PeakBytes: t.Peak(), LimitBytes: t.Limit()})
	}
	if s.enter() == nil {
		for i := range s.tiers {
			t := s.tiers[i].Metrics()
			m.Tiers = append(m.Tiers, t)
			m.Tables = append(m.Tables, t.ByTable...)
		}
		m.Disk = s.diskMetrics()
		s.leave()
	}
	return m
}

// txMetrics are what transactions, locks and checkpoints have counted.
func (s *Store) txMetrics() table.Metrics {
	locks := s.locks.Stats()
	return table.Metrics{
		Commits: s.stats.commits.Load(), Aborts: s.stats.aborts.Load(), ReadOnlyCommits: s.stats.readOnlyCommits.Load(),
		Conflicts: s.stats.conflicts.Load(), Deadlocks: locks.Deadlocks, LockTimeouts: locks.Timeouts,
		RowsInserted: s.stats.inserted.Load(), RowsUpdated: s.stats.updated.Load(), RowsDeleted: s.stats.deleted.Load(),
		Checkpoints: s.stats.checkpoints.Load(), CheckpointBytes: s.stats.checkpointBytes.Load(),
		MemoryBytes: s.mem.Used(), MemoryLimit: s.mem.Limit(),
		PublishedLSN: s.views.LSN(), LockWaits: s.lockWaits(),
		LockWaited: locks.Waits, LockWaitTimes: locks.WaitTimes,
		CommitTimes: s.stats.commitTimes.Distribution(), CheckpointTimes: s.stats.checkpointTimes.Distribution(),
	}
}

func (s *Store) viewMetrics() (out []table.ViewMetrics) {
	for _, p := range s.views.Pinned() {
		out = append(out, table.ViewMetrics{LSN: p.LSN, Age: p.Age, References: p.References})
	}
	return out
}

// diskMetrics are the sizes of files by kind; nil if they cannot be told.
func (s *Store) diskMetrics() []table.DiskMetrics {
	if s.dir == nil {
		return nil
	}
	size, err := s.Size(context.Background())
	if err != nil {
		return nil
	}
	return []table.DiskMetrics{{Name: "log", Bytes: size.Log}, {Name: "snapshots", Bytes: size.Snapshots}, {Name: "other", Bytes: size.Other}}
}

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
	m.Views = s.viewMetrics(rowBytes(m.Tables))
	m.OpenViews = int64(len(m.Views))
	if len(m.Views) > 0 {
		m.OldestViewLSN = m.Views[0].LSN
	}
	return m
}

// rowBytes is what a row occupies on average.
func rowBytes(list []table.TableMetrics) float64 {
	var rows, bytes int64
	for _, t := range list {
		rows, bytes = rows+t.Rows+t.DeadRows, bytes+t.MemoryBytes+t.IndexBytes
	}
	return float64(bytes) / float64(max(rows, 1))
}

// txMetrics are what transactions, locks and checkpoints have counted.
func (s *Store) txMetrics() table.Metrics {
	locks := s.locks.Stats()
	return table.Metrics{
		Commits: s.stats.commits.Load(), Aborts: s.stats.aborts.Load(), ReadOnlyCommits: s.stats.readOnlyCommits.Load(),
		Conflicts: s.stats.conflicts.Load(), Deadlocks: locks.Deadlocks, LockTimeouts: locks.Timeouts,
		RowsInserted: s.stats.inserted.Load(), RowsUpdated: s.stats.updated.Load(), RowsDeleted: s.stats.deleted.Load(),
		Checkpoints: s.stats.checkpoints.Load(), CheckpointBytes: s.stats.checkpointBytes.Load(),
		MemoryBytes: s.mem.Used(), MemoryPeakBytes: s.mem.Peak(), MemoryLimit: s.mem.Limit(),
		PublishedLSN: s.views.LSN(), LockWaits: s.lockWaits(),
		LockWaited: locks.Waits, LockWaitTimes: locks.WaitTimes,
		CommitTimes: s.stats.commitTimes.Distribution(), CheckpointTimes: s.stats.checkpointTimes.Distribution(),
	}
}

// viewMetrics are of the Views in use, of rows of a size.
func (s *Store) viewMetrics(rowBytes float64) (out []table.ViewMetrics) {
	list := s.views.PinnedBy(func(st *state) int64 { return st.ended })
	for _, p := range list {
		v := table.ViewMetrics{LSN: p.LSN, Age: p.Age, References: p.References}
		v.PinnedRows = list[len(list)-1].Weight - p.Weight
		v.PinnedBytes = int64(float64(v.PinnedRows) * rowBytes)
		out = append(out, v)
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
	disk := []table.DiskMetrics{{Name: "log", Bytes: size.Log}, {Name: "snapshots", Bytes: size.Snapshots}, {Name: "other", Bytes: size.Other}}
	if size.Segments > 0 {
		disk = append(disk, table.DiskMetrics{Name: "segments", Bytes: size.Segments})
	}
	if size.LSM > 0 {
		disk = append(disk, table.DiskMetrics{Name: "lsm", Bytes: size.LSM})
	}
	return disk
}

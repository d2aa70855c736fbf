package table

// Metrics are counters since the storage was opened, and gauges of now.
type Metrics struct {
	Commits, Aborts, ReadOnlyCommits       int64
	Conflicts, Deadlocks, LockTimeouts     int64
	RowsInserted, RowsUpdated, RowsDeleted int64
	LogBytes, LogRecords, LogSyncs, Groups int64
	Checkpoints, CheckpointBytes           int64
	OpenViews                              int64
	OldestViewLSN, PublishedLSN            LSN
	MemoryBytes, MemoryLimit               int64
	Tiers                                  []TierMetrics
	// LockWaits are the waits for locks of this moment.
	LockWaits []LockWait
}

// LockWait says that one transaction waits for a lock that another holds or waits for before it.
type LockWait struct{ Waiter, Holder uint64 }

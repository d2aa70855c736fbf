package table

import "time"

// Metrics are counters since the storage was opened, and gauges of now.
type Metrics struct {
	// Commits are of transactions that wrote, Aborts of those that had written and did not commit.
	Commits, Aborts, ReadOnlyCommits int64
	// Conflicts count transactions that met 40001, the others waits for locks that ended with 40P01 and 55P03.
	Conflicts, Deadlocks, LockTimeouts        int64
	RowsInserted, RowsUpdated, RowsDeleted    int64
	LogBytes, LogRecords, LogSyncs, Groups    int64
	Checkpoints, CheckpointBytes              int64
	OpenViews                                 int64
	OldestViewLSN, PublishedLSN               LSN
	MemoryBytes, MemoryPeakBytes, MemoryLimit int64
	// SpilledBytes is what queries have written to temporary files.
	SpilledBytes int64
	// LockWaited counts the requests for locks that had to wait.
	LockWaited int64
	// CommitTimes are of commits that wrote: from the call until the change is durable and visible. SyncTimes are of
	// the log's syncs, LockWaitTimes of waits for locks however they ended, CheckpointTimes of checkpoints.
	CommitTimes, SyncTimes, LockWaitTimes, CheckpointTimes Distribution
	// GroupSizes are the numbers of transactions that were written to the log together.
	GroupSizes Distribution
	Tiers      []TierMetrics
	// Tables are those that have rows of their own, by ID.
	Tables []TableMetrics
	// LockWaits are the waits for locks of this moment.
	LockWaits []LockWait
	// Views are the snapshots in use, oldest first; the last is the newest, whether somebody reads it or not.
	Views []ViewMetrics
	// Memory is off-heap memory by what it is for.
	Memory []MemoryMetrics
	// Disk is what the files of a kind occupy.
	Disk []DiskMetrics
	// Statements count by kind what the SQL engine has run, whether it succeeded or failed. A statement with rows
	// counts when the last row was fetched, or it was closed.
	Statements []StatementMetrics
	// Errors count by class of SQLSTATE what statements and commits of the SQL engine failed with.
	Errors []ErrorMetrics
}

// LockWait says that one transaction waits for a lock that another holds or waits for before it.
type LockWait struct{ Waiter, Holder uint64 }

// TierMetrics say what a tier holds, and what it has done with its files since it was opened. What a tier does not have is
// zero.
type TierMetrics struct {
	Name                               string
	Tables                             int
	Rows, DeadRows                     int64
	MemoryBytes, IndexBytes, SnapBytes int64
	ChunksSealed, ChunksFreed          int64
	SnapshotChunksWritten              int64
	// Files are those that rows lie in now, and FileBytes their size.
	Files, FileBytes int64
	// LiveBytes is about the size of the rows that there are, with what leads to them, before it is compressed.
	LiveBytes int64
	// AppliedBytes is what commits have brought, in the measure of LiveBytes.
	AppliedBytes int64
	// Flushes wrote rows from memory to files, Compactions wrote files anew.
	Flushes, FlushBytes                                      int64
	Compactions, CompactionReadBytes, CompactionWrittenBytes int64
	// Loads wrote rows to files ahead of their commit.
	Loads, LoadBytes int64
	// BloomChecks are questions to the filters of files, BloomHits those of them that were answered "not here", which
	// spared a read.
	BloomChecks, BloomHits int64
	// KeyProbes are look-ups of a key in the index of a file, after its filter; KeyMisses are those that found nothing,
	// which the filter might have spared.
	KeyProbes, KeyMisses int64
	// CacheHits and CacheMisses are look-ups in the cache of blocks, or pages, of files; it holds CacheBytes now.
	CacheHits, CacheMisses, CacheBytes int64
	// DeltaRows are the rows in memory that files take later, Segments the files, each with what belongs to it, that hold
	// the others, and DeletedRows those of their rows that are marked as deleted.
	DeltaRows, Segments, DeletedRows int64
	// PagesRead and BitmapsRead were decoded. Stalls count how often a statement waited because more had been written
	// than was flushed.
	PagesRead, BitmapsRead, Stalls int64
	// RowsFollowed counts references to rows that had moved from where they were read, and were found where they are.
	// Deletions counts how often a row of a file was marked as deleted.
	RowsFollowed, Deletions int64
	ByTable                 []TableMetrics // by ID
}

// WriteAmplification is the number of bytes written to files for each byte that commits have brought; 0 if they have
// brought none.
func (m *TierMetrics) WriteAmplification() float64 {
	return ratio(m.FlushBytes+m.LoadBytes+m.CompactionWrittenBytes, m.AppliedBytes)
}

// SpaceAmplification is the number of bytes in files for each byte of the rows that there are; 0 if there are none.
func (m *TierMetrics) SpaceAmplification() float64 { return ratio(m.FileBytes, m.LiveBytes) }

// CacheHitRatio is the part of the look-ups in the cache that found what they looked for; 0 if there were none.
func (m *TierMetrics) CacheHitRatio() float64 { return ratio(m.CacheHits, m.CacheHits+m.CacheMisses) }

func ratio(a, b int64) float64 {
	if b <= 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// TableMetrics are of one table.
type TableMetrics struct {
	ID                      ObjectID
	Tier                    string
	Rows, DeadRows          int64
	MemoryBytes, IndexBytes int64
	// As in TierMetrics.
	DeltaRows, Segments, DeletedRows, FileBytes int64
}

// ViewMetrics are of one snapshot that is in use. It keeps the rows that were replaced or deleted since: at most
// PinnedRows of them, as rows that were also inserted since are among these. PinnedBytes is about what they occupy, by
// the size of the rows that there are.
type ViewMetrics struct {
	LSN                     LSN
	Age                     time.Duration
	References              int64
	PinnedRows, PinnedBytes int64
}

// MemoryMetrics are of one use of off-heap memory; LimitBytes 0 means that it has no limit of its own.
type MemoryMetrics struct {
	Name                         string
	Bytes, PeakBytes, LimitBytes int64
}

// DiskMetrics are of one kind of file.
type DiskMetrics struct {
	Name  string
	Bytes int64
}

// StatementMetrics are of one kind of statement: "get" (SELECT of at most one row by primary key), "select", "insert", "update",
// "delete", "copy", "ddl", "transaction" (BEGIN, COMMIT, …), "other"; or of operation without SQL: "table get", "table insert",
// "table put", "table delete" and "table scan" of a typed table (those of a DB count once for each attempt), and "append", an
// Appender from its beginning to its end.
type StatementMetrics struct {
	Name  string
	Times Distribution // nanoseconds
}

// ErrorMetrics count the errors of one class: the first two characters of the SQLSTATE.
type ErrorMetrics struct {
	Class string
	Count int64
}

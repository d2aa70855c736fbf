package table

import (
	"context"
	"io"
	"time"

	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// TableStorage is one database.
type TableStorage interface {
	Transactor
	Maintainer
	Observer
	ChangeSource
	io.Closer
	mustEmbedUnimplemented()
}

// Transactor begins transactions.
type Transactor interface {
	// Begin starts a transaction; the zero options are READ COMMITTED, read-write, durable.
	Begin(ctx context.Context, o TxOptions) (Tx, error)
}

// Reuser is implemented by backends that begin transactions in memory of others that have ended.
type Reuser interface {
	// BeginIn is Begin, in the memory of spare if that can be: an ended transaction of the same storage, or nil. Neither
	// it nor a statement, reader or writer of it may be used any more.
	BeginIn(ctx context.Context, o TxOptions, spare Tx) (Tx, error)
}

// RefGetter is implemented by readers that find a row and its reference at once.
type RefGetter interface {
	// GetRef is Get and Ref.
	GetRef(ctx context.Context, key types.Row, cols []int, dst types.Row) (types.Row, RowRef, error)
}

// Recycler is implemented by statements whose memory is worth using again.
type Recycler interface {
	// Recycle gives the memory of the statement, which is closed, to a later one of its transaction. Neither it nor a
	// reader or writer of it may be used any more.
	Recycle()
}

// Isolation is a transaction isolation level of the SQL standard, with PostgreSQL's meaning.
type Isolation uint8

// The isolation levels. READ UNCOMMITTED is READ COMMITTED, as in PostgreSQL. At SERIALIZABLE a transaction that has
// written fails with 40001 at the end of a statement, or in Commit, if it would not read again what it has read.
const (
	ReadCommitted Isolation = iota
	RepeatableRead
	Serializable
)

// String returns the level as SQL spells it, in lower case.
func (i Isolation) String() string {
	switch i {
	case RepeatableRead:
		return "repeatable read"
	case Serializable:
		return "serializable"
	}
	return "read committed"
}

// TxOptions are the properties of a transaction; the zero value is the default.
type TxOptions struct {
	Isolation Isolation
	ReadOnly  bool
	// Async commits answer before the log is synced (synchronous_commit = off).
	Async bool
	// AsOf reads the state at an earlier LSN; 0 is the latest. Backends without history: 0A000.
	AsOf LSN
	// Freshness is the staleness that a replicated backend may show; 0 is none.
	Freshness time.Duration
	// LockWait bounds each wait for a lock (lock_timeout); 0 waits without limit.
	LockWait time.Duration
	// WriteBytes bounds the write set; 0 is the backend's default. Beyond it: 53200.
	WriteBytes int64
}

// Receipt says what a commit made durable.
type Receipt struct {
	LSN LSN // 0 if the transaction wrote nothing
	// Token identifies the commit when its outcome was unknown (08007).
	Token uint64
	Time  time.Time
}

// Tx is a transaction, used by one goroutine at a time.
type Tx interface {
	// ID identifies the transaction among those that are open, for lock waits.
	ID() uint64
	// Statement begins a statement: under READ COMMITTED with a new snapshot. It sees that
	// snapshot and what earlier statements of the transaction wrote, never its own writes. Statements
	// that only read may overlap; one statement that writes is open at a time, nesting allowed.
	Statement(ctx context.Context) (Statement, error)
	// Schema returns the schema objects as this transaction sees them.
	Schema() Schema
	// Sequences returns the values of the sequences.
	Sequences() Sequences
	// LockTable takes one of the table lock modes until the transaction ends.
	LockTable(ctx context.Context, id ObjectID, mode TableLock, wait Wait) error
	// SetConstraints makes deferrable constraints, given by their IDs (nil: all of them), be checked at the end of the
	// transaction, or at that of each statement: then checks that were put off are made at once. Rolling back to a
	// savepoint undoes it.
	SetConstraints(ctx context.Context, ids []ObjectID, deferred bool) error
	// Tune sets Async and LockWait of the options for what comes.
	Tune(async bool, lockWait time.Duration)
	// Savepoint marks rows, schema changes and locks.
	Savepoint(ctx context.Context) (Savepoint, error)
	// Commit ends the transaction. 40001 and 40P01: nothing happened. 08007: unknown.
	Commit(ctx context.Context) (Receipt, error)
	// Rollback ends the transaction; a second call, or one after Commit, does nothing.
	Rollback() error
}

// Savepoint is a mark in a transaction. Rolling back to it keeps it; later savepoints are gone.
type Savepoint interface {
	RollbackTo(ctx context.Context) error
	Release(ctx context.Context) error
}

// Statement is the unit of atomicity within a transaction.
type Statement interface {
	Reader(ctx context.Context, id ObjectID) (Reader, error)
	Writer(ctx context.Context, id ObjectID) (Writer, error)
	// Locker returns a Writer of which only Lock may be used, under a ROW SHARE lock on the table.
	Locker(ctx context.Context, id ObjectID) (Writer, error)
	// Close ends the statement. A non-nil err undoes what the statement wrote and is returned;
	// nil checks what is checked at statement end (unique and foreign keys), and may thus return an error,
	// which also undoes the statement's writes.
	Close(err error) error
}

// RowRef refers to a row version in the transaction that read it. It is opaque and survives flush
// and compaction while that transaction lives.
type RowRef uint64

// Reader reads one table at the statement's snapshot. Column numbers are positions in
// TableDef.Columns.
type Reader interface {
	// Def returns the definition that the statement sees.
	Def() *TableDef
	// Get appends the asked columns of the row with the given primary key to dst, or returns
	// ErrNotFound. It allocates nothing beyond what dst needs.
	Get(ctx context.Context, key types.Row, cols []int, dst types.Row) (types.Row, error)
	// Ref returns the reference of the row with the given primary key, or ErrNotFound.
	Ref(ctx context.Context, key types.Row) (RowRef, error)
	// GetBatch reads the rows of several primary keys, absent ones left out. Like Fetch it fills
	// dst with one group; a last int8 column tells each row's position in keys.
	GetBatch(ctx context.Context, keys []types.Row, cols []int, dst *vec.Batch) error
	// Fetch reads rows by reference, at most vec.Size, in the order of refs.
	Fetch(ctx context.Context, refs []RowRef, cols []int, dst *vec.Batch) error
	Scan(ctx context.Context, spec ScanSpec) (Scan, error)
	Stats(ctx context.Context) (Stats, error)
}

// ScanSpec says what a scan delivers.
type ScanSpec struct {
	Cols []int
	// Refs adds a last column of row references (int8, Flat, 8 bytes).
	Refs bool
	// Where holds conjuncts that the scan may use to leave rows out; see Scan.Accepted.
	Where []Conjunct
	// VectorRows bounds the rows of a batch; 0 means vec.Size.
	VectorRows int
	// Spare marks entries of Cols that are read for nothing but Where: if the scan accepts all conjuncts on such a column
	// exactly it may hand out any vector in its place. nil: there are none.
	Spare []bool
	// Holes allows batches whose only group has holes in place of a selection, see vec.Group.
	Holes bool
	Avoid Avoid
	// Execution is a number of the execution of a statement, the same for all of its scans; 0: it is not known.
	Execution uint32
}

// Avoid is what a scan must not use to find rows, though it may read more without: the answers are the same. It is for tests.
type Avoid struct {
	// Bounds are what tells that a part of the table has no row to be found: bounds of chunks, zone maps, ranges of keys.
	Bounds bool
	// Indexes are what tells where rows are: bitmaps of values, indexes of keys in segments.
	Indexes bool
}

// Pushdown says how far a scan takes a conjunct over.
type Pushdown uint8

// None: ignored. Inexact: some rows that fail are left out, the caller filters again. Exact: all are.
const (
	None Pushdown = iota
	Inexact
	Exact
)

// Scan hands out morsels. NextMorsel and Narrow may be called from any goroutine.
type Scan interface {
	// Accepted says for each conjunct of the spec how far it is taken over.
	Accepted() []Pushdown
	// NextMorsel returns the next morsel, or io.EOF. Morsels come in a fixed order; Seq numbers it.
	NextMorsel(ctx context.Context) (Morsel, error)
	// Narrow adds a filter found at run time to what is not yet read.
	Narrow(c Conjunct) Pushdown
	Report() ScanReport
	Close() error
}

// Morsel is a part of a scan, read by one goroutine.
type Morsel interface {
	// Read fills dst with the next batch (one group; selection applied; may alias storage until
	// the next Read or Close), or returns io.EOF. Vectors carry the morsel's facts; a change of
	// facts shows as another *Fact.
	Read(ctx context.Context, dst *vec.Batch) error
	// Rows bounds the live rows from above.
	Rows() int
	// Seq is the morsel's place in the scan's order.
	Seq() int
	Close()
}

// ScanReport counts what a scan did.
type ScanReport struct {
	Tier                                          string
	Morsels, RowsRead, RowsSkipped, ChunksSkipped int64
	Segments, SegmentsSkipped, Pages, PagesSkip   int64
	DeletedRows                                   int64
	// Bitmaps are those that were read to find rows.
	Bitmaps int64
	// KeyRanges are the ranges of keys that were read instead of the whole table; 0: it was read from end to end, or is
	// not in the order of its keys.
	KeyRanges int64
}

// Op is the operator of a Conjunct.
type Op uint8

// The operators. Comparison with NULL is never true.
const (
	OpEq Op = iota
	OpNe
	OpLt
	OpLe
	OpGt
	OpGe
	OpIn        // Values
	OpIsNull    //
	OpIsNotNull //
	OpPrefix    // string begins with Value
	OpFilter    // Filter
)

// Holds reports whether the comparison is true of a value that stands in this order to the constant: negative below it, 0
// equal, positive above. Of operators that compare otherwise nothing is known: true.
func (op Op) Holds(order int) bool {
	switch op {
	case OpEq:
		return order == 0
	case OpNe:
		return order != 0
	case OpLt:
		return order < 0
	case OpLe:
		return order <= 0
	case OpGt:
		return order > 0
	case OpGe:
		return order >= 0
	}
	return true
}

// Conjunct is a condition on one column, as data. Constants have the column's kind.
type Conjunct struct {
	Col    int
	Op     Op
	Value  types.Datum
	Values []types.Datum
	Filter *Filter
}

// Filter is a set of int64 keys from the build side of a join: exact (one bit a key of the range) or
// hashed.
type Filter struct {
	Min, Max int64    // bounds of the keys
	Bits     []uint64 // exact: bit k-Min; hashed: bit Hash64(k)>>Shift
	Exact    bool
	Shift    uint
}

// HashFactor is the factor of Hash64.
const HashFactor = 0x9E3779B97F4A7C15

// Hash64 is the hash that hashed Filters use: Fibonacci hashing of the key. Its upper half is that of the product.
func Hash64(k int64) uint64 {
	h := uint64(k) * HashFactor
	return h ^ h>>32
}

// Stats are estimates about a table, never facts. Those about columns are got by Column.
type Stats struct {
	Rows    float64
	Columns []ColumnStats // by column position; may be empty
	// Lazy, if not nil, stands in place of Columns: a statement asks for a few of many.
	Lazy *LazyColumns
}

// ColumnStats are estimates about a column.
type ColumnStats struct {
	NullFraction float64
	Distinct     float64 // 0: unknown
	Min, Max     types.Datum
	WidthBytes   float64
	// Sample holds values of a random sample of rows (the same rows in each column).
	Sample []types.Datum
	shape  *lazyShape
}

// Writer changes one table. Refs are of rows that the transaction read.
type Writer interface {
	Def() *TableDef
	// Insert adds rows with all columns in order of definition (defaults are the caller's work).
	Insert(ctx context.Context, rows *vec.Batch, oc OnConflict) (Outcome, error)
	// Update replaces the given columns of the rows refs[i] by row i of vals. The rows are locked
	// first, as by Lock with NO KEY UPDATE (UPDATE if a key column changes); one that changed
	// since the snapshot is 40001 unless Lock was called before.
	Update(ctx context.Context, refs []RowRef, cols []int, vals *vec.Batch) (Outcome, error)
	// Delete removes rows, locking them as Update does.
	Delete(ctx context.Context, refs []RowRef) (Outcome, error)
	// Lock locks rows and says for each what became of it; out has the length of refs.
	// Above READ COMMITTED a row changed since the snapshot is 40001.
	Lock(ctx context.Context, refs []RowRef, mode RowLock, wait Wait, out []LockResult) error
	// Truncate removes all rows, under an ACCESS EXCLUSIVE table lock.
	Truncate(ctx context.Context) error
	// Load begins a bulk load, which may write its rows to durable files before commit. If no other transaction writes
	// to the table, it takes a SHARE ROW EXCLUSIVE lock on it instead of locking rows.
	Load(ctx context.Context, o LoadOptions) (Loader, error)
}

// OnConflict says what an insert does when a unique key exists.
type OnConflict struct {
	// DoNothing leaves the new row out; otherwise 23505 at the latest at statement end.
	DoNothing bool
	// Key is the position in TableDef.Keys of the arbiter, -1 for any.
	Key int
}

// Outcome counts the rows that were written.
type Outcome struct {
	Rows int64
	// Skipped lists, for OnConflict.DoNothing, the input rows left out.
	Skipped []int
	// Conflicts are the rows that have the keys of those left out, for each of Skipped: own ones, or the newest
	// committed ones, which the snapshot may not show. They are not locked.
	Conflicts []RowRef
	// Refs are the new versions, in input order (without the skipped); for RETURNING and upserts.
	Refs []RowRef
}

// LockStatus says what Lock found.
type LockStatus uint8

// Unchanged: as seen. Moved: a newer version exists (READ COMMITTED), LockResult.Ref is it and it is
// locked: re-check it. Gone: deleted by a committed transaction. Skipped: held by another (SKIP LOCKED).
const (
	Unchanged LockStatus = iota
	Moved
	Gone
	Skipped
)

// LockResult is what became of one row.
type LockResult struct {
	Status LockStatus
	Ref    RowRef
}

// Loader takes the rows of a bulk load.
type Loader interface {
	Append(ctx context.Context, rows *vec.Batch) error
	// Finish ends the load; its rows become part of the transaction.
	Finish(ctx context.Context) (Outcome, error)
	// Abort drops everything; after Finish it does nothing.
	Abort() error
}

// LoadOptions are hints about a bulk load.
type LoadOptions struct {
	RowsExpected int64
}

// RowLock is a row lock mode of PostgreSQL, weakest first.
type RowLock uint8

// The row lock modes.
const (
	ForKeyShare RowLock = iota
	ForShare
	ForNoKeyUpdate
	ForUpdate
)

// TableLock is a table lock mode of PostgreSQL, weakest first.
type TableLock uint8

// The table lock modes.
const (
	AccessShare TableLock = iota + 1
	RowShare
	RowExclusive
	ShareUpdateExclusive
	Share
	ShareRowExclusive
	Exclusive
	AccessExclusive
)

// Wait says what to do when a lock is not free.
type Wait uint8

// The wait policies.
const (
	WaitBlock  Wait = iota
	NoWait          // 55P03
	SkipLocked      // rows only: LockStatus Skipped
)

// Maintainer keeps a database in shape.
type Maintainer interface {
	// Checkpoint makes the state durable without the log, so that the log can be truncated.
	Checkpoint(ctx context.Context) error
	Compact(ctx context.Context, id ObjectID) error
	// Analyze refreshes the estimates of tables by what is committed of them. Those that are not there are left out.
	Analyze(ctx context.Context, of []AnalyzeTarget) error
	// Vacuum frees what no transaction can see any more of a table.
	Vacuum(ctx context.Context, id ObjectID) (VacuumReport, error)
	Size(ctx context.Context) (Size, error)
	// Verify checks every checksum and cross-reference; report returns false to stop.
	Verify(ctx context.Context, report func(Damage) bool) error
	// Backup copies the database, which goes on to be used, into the directory dir, which must be empty or not be there. An
	// opened copy is the state at an LSN: everything is in it that was committed when Backup was called. If Backup fails
	// it removes what it wrote.
	Backup(ctx context.Context, dir string, o BackupOptions) (BackupReport, error)
}

// Size is what a database occupies, in bytes.
type Size struct {
	Log, Snapshots, Segments, LSM, Other int64 // files
	Memory                               int64 // off-heap memory in use
}

// Total returns the bytes of all files.
func (s Size) Total() int64 { return s.Log + s.Snapshots + s.Segments + s.LSM + s.Other }

// Damage is a place where stored data is not what was written.
type Damage struct {
	File   string
	Offset int64
	Object string
	Err    error
}

// Observer tells what a database does and can do.
type Observer interface {
	Metrics() Metrics
	Features() Features
	// Report shows a person what the parts of the storage consist of.
	Report() []ReportSection
}

// ChangeSource is the log as a stream of committed transactions.
type ChangeSource interface {
	Changes(ctx context.Context, from LSN, o ChangeOptions) (ChangeReader, error)
}

// ChangeOptions choose what a change stream carries.
type ChangeOptions struct{ Tables []ObjectID }

// ChangeReader yields durable transactions in LSN order.
type ChangeReader interface {
	Next(ctx context.Context) (Change, error)
	Ack(lsn LSN) error
	Close() error
}

// Change is one committed transaction.
type Change struct {
	LSN     LSN
	Time    time.Time
	Entries []Entry
}

// Features says what a backend can do. A false feature has a reason in Reasons under its name.
type Features struct {
	Durable, Savepoints, RowLocks, Serializable, Changes, AsOf, Load, Compact, Analyze, Backup bool
	Reasons                                                                                    map[string]string
	// DefaultMethod is the access method of tables that name none.
	DefaultMethod string
}

// ErrNotFound is returned by key look-ups that find no row. It is not a SQL error.
var ErrNotFound = sqlerr.New(sqlerr.NoDataFound, "row not found")

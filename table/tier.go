package table

import (
	"context"

	"github.com/laminadb/lamina/types"
	"github.com/laminadb/lamina/vec"
)

// Tier stores the rows of its tables below the common log. Define, Drop, Apply and Retire are called
// by one goroutine at a time, in LSN order; reads come from any goroutine and take no lock.
type Tier interface {
	// Define creates a table, or gives it a new version of its definition. If the columns' types, the keys' columns
	// or the Layout differ from those before, the table has no rows from lsn on: the entries with lsn bring them.
	Define(lsn LSN, def *TableDef) error
	// Drop removes a table. Its memory goes once the watermark has passed lsn.
	Drop(lsn LSN, id ObjectID) error
	// Apply applies committed changes: deterministic, a no-op at or below the table's durable
	// LSN. It keeps nothing of e, whose memory is used again. What can fail (keys, types, space) was checked before; an
	// error poisons the store.
	Apply(lsn LSN, e *Entry) error
	// Snapshot returns the immutable state at lsn, which has been applied.
	Snapshot(lsn LSN) TierSnapshot
	// Durable returns the LSN up to which every table survives power loss without the log.
	Durable() LSN
	// Checkpoint makes all tables durable up to upTo (an LSN with a pinned snapshot).
	Checkpoint(ctx context.Context, upTo LSN) error
	// Retire frees what no View can see: versions ended at or below watermark. applied is the
	// LSN last applied. It does a bounded amount of work.
	Retire(applied, watermark LSN)
	Metrics() TierMetrics
	Close() error
}

// TierSnapshot is a tier at an LSN. It stays readable while the View that holds it is held.
type TierSnapshot interface {
	// Table returns the table as of the snapshot, or nil if it does not exist there.
	Table(id ObjectID) TableSnapshot
}

// Moving is implemented by snapshots of tables whose rows move while transactions refer to them.
type Moving interface {
	// Mover returns what knows of the moves. It is the same for snapshots with the same rows (SameRows).
	Mover() Mover
	// At returns how many moves there had been when the snapshot was taken: its references are those of that moment.
	At() uint64
}

// Mover knows how the rows of a table have moved. What it says of a reference is right as long as the View from which
// that is has not been released.
type Mover interface {
	// Moves returns the number of moves so far.
	Moves() uint64
	// Moved returns what a reference of the time before some of the moves is after so many of them.
	Moved(ref RowRef, moves uint64) RowRef
}

// SnapshotReleaser is implemented by snapshots that hold more than memory.
type SnapshotReleaser interface {
	// Release gives the snapshot up: the View that held it is gone. It does not block.
	Release()
}

// TableSnapshot reads one table at a snapshot. Keys are encoded by package index, one unambiguous
// order-preserving string a row; for a table without primary key that of its hidden int8 key.
type TableSnapshot interface {
	Def() *TableDef
	LSN() LSN
	// Get finds the version of a row that the snapshot sees.
	Get(key []byte) (RowRef, bool)
	// Newest finds the newest version of a row, seen by the snapshot or not but at least as new as the last Snapshot that
	// was taken, and the LSN of its last writer; live is false if it was deleted. found false: no version is known here, so
	// the last writer is below the watermark and there is no live row.
	Newest(key []byte) (ref RowRef, last LSN, live, found bool)
	// Lives reports whether a version of a row of these rows (SameRows) has not ended by any commit that Newest knows: then
	// it is the newest of its row. False: it has, or nobody knows without looking for its key.
	Lives(ref RowRef) bool
	// Written returns the LSN that wrote a version.
	Written(ref RowRef) LSN
	// Unbroken reports whether the row whose newest version is ref has had its key since an LSN,
	// changed by updates alone: between its versions it was never deleted.
	Unbroken(ref RowRef, since LSN) bool
	// SameRows reports whether references to rows of another snapshot of the table mean the same
	// rows here: they do not once the table was truncated, or its rows rewritten, in between.
	SameRows(other TableSnapshot) bool
	// NewestUnique finds the newest live row with a key value in TableDef.Keys[k].
	NewestUnique(k int, key []byte) (RowRef, bool)
	// AppendKey appends the encoded key of a row to dst.
	AppendKey(dst []byte, ref RowRef) []byte
	// AppendRow appends the columns of one row version to dst.
	AppendRow(dst types.Row, ref RowRef, cols []int) types.Row
	// Fetch fills dst with rows by reference.
	Fetch(refs []RowRef, cols []int, dst *vec.Batch) error
	// FetchInto appends the columns of one row version to those of a batch being built, which is not told of the row.
	FetchInto(bb *vec.BatchBuilder, ref RowRef, cols []int) error
	// Scan reads the rows that the snapshot sees.
	Scan(spec *ScanSpec) (Scan, error)
	Stats() Stats
}

// RowGetter is implemented by snapshots that find a row by its key and read columns of it in one go.
type RowGetter interface {
	// GetRow is Get and AppendRow.
	GetRow(key []byte, cols []int, dst types.Row) (row types.Row, ref RowRef, found bool)
}

// Absence is what a snapshot knows of values of a unique key that its files do not have; nil: nothing.
type Absence any

// AbsenceFinder is implemented by snapshots that ask their files for many values of a key at once in less time than for
// one after the other.
type AbsenceFinder interface {
	// Absent returns what can be said of values of Keys[k]. It keeps them.
	Absent(k int, keys *Keys) Absence
	// NewestUniqueGiven is NewestUnique for value number i of those that an Absence of any snapshot of the table was made of.
	NewestUniqueGiven(k int, key []byte, a Absence, i int) (RowRef, bool)
}

// EntryOp is what an Entry does.
type EntryOp uint8

// The operations. OpUpdateRows ends the versions of Keys and adds Rows (whose keys may differ);
// row i of Rows is the successor of Keys[i].
const (
	OpInsertRows EntryOp = iota + 1
	OpUpdateRows
	OpDeleteRows
	OpTruncate
	OpLoadRows
)

// Entry is a set of committed row changes of one table: what, not where. Rows are complete images in
// the column order of the definition version; a table without primary key has one more, last column:
// the hidden int8 key.
type Entry struct {
	Table   ObjectID
	Version uint32 // of the TableDef
	Op      EntryOp
	Keys    Keys // OpUpdateRows, OpDeleteRows
	// Refs are where the session has seen the rows of Keys; 0, or less of them than keys: not known. They are no part of the
	// log.
	Refs []RowRef
	Rows *vec.Batch // OpInsertRows, OpUpdateRows
	// Load says which rows OpLoadRows adds (LoadedRows.Record); Loaded are these in the process that has loaded them.
	Load   []byte
	Loaded LoadedRows
}

// Keys is a list of encoded keys without a pointer for each: key i is Data[Ends[i-1]:Ends[i]].
type Keys struct {
	Data []byte
	Ends []uint32
}

// Len returns the number of keys.
func (k *Keys) Len() int { return len(k.Ends) }

// At returns key i.
func (k *Keys) At(i int) []byte {
	var from uint32
	if i > 0 {
		from = k.Ends[i-1]
	}
	return k.Data[from:k.Ends[i]]
}

// Append adds a key, copying it.
func (k *Keys) Append(key []byte) {
	k.Data = append(k.Data, key...)
	k.Ends = append(k.Ends, uint32(len(k.Data)))
}

// Reset empties the list, keeping its memory.
func (k *Keys) Reset() { k.Data, k.Ends = k.Data[:0], k.Ends[:0] }

// Package lsm is the tier of tables whose rows are key-values in an LSM tree (Pebble).
//
// # Keys and values
//
// A row stands under the number of its table's incarnation and its encoded primary key, or its hidden one. Beside it stand
// an entry for each UNIQUE key that it has a value of, and one for its reference: see docs/format/lsm.md. TRUNCATE and a
// changed layout give the table a new incarnation, and one range deletion in the same batch removes the old one.
//
// # References
//
// Each version of a row has a number that no other version in the store has: table.RowRef. It stands in the row's value,
// and the entry of the reference leads from it to the key. A version that was replaced is found by its number as long as a
// View shows it: the first snapshot that is newer than the number shows it too, and its key and LSNs are kept in memory
// until the watermark has passed its end (see versions).
//
// # Durability
//
// Pebble writes no log of its own: the store's log is the only one. Each batch carries the LSN up to which all records have
// been applied (see mark), and a flush keeps the order of batches, so that what is durable is a prefix: replay begins
// after the LSN in what Pebble guarantees to be durable. A record too large for one batch marks itself as begun; replay
// applies it again, over what is there of it. No file is synced before the log is durable up to the newest LSN in it: the
// file system that Pebble is given sees to that (see guardedFS).
//
// The first failed write, sync, creation or renaming of a file is final, and so is a fatal error of Pebble: the goroutine
// that met it stays where it is for ever, because Pebble would take it for a success, and the tier refuses everything
// but reads. A read that fails makes the tier refuse reads too, because most of them cannot report an error.
//
// # Loads
//
// A batch of some size that is nothing but new rows is sorted and written to files, which Pebble takes over together: without a
// memtable, and, when keys follow those that are there, without a compaction. One of the files has the mark, as every batch has.
// Pebble flushes memtables with an older one first, so that files that are durable at once are still a prefix with what came
// before them.
//
// # Views
//
// A snapshot of the tier shares the Pebble snapshot of the one before unless something was written in between. Pebble
// snapshots are closed by a goroutine of their own, off the path of commits.
//
// # Reads
//
// A row is read by its key where Pebble has it, and only the asked columns are decoded. A scan turns conditions on the first
// columns of the key into ranges of keys, tests the others on stored values, and decodes the columns of what is left.
package lsm

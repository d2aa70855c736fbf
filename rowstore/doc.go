// Package rowstore is the row memtable: the tier of memory tables (Store), and what columnar tables keep their newest rows in
// (Memtable).
//
// A table's rows stand in arrival order in chunks of 4,096 rows, column by column (PAX), off-heap. Beside them are
// ordered key indexes (see tree): the primary key, or a hidden int8 key, leads to the newest version of a row, whose
// older versions hang on it; UNIQUE keys lead to the newest row with a value.
//
// # Versions
//
// Each row has the LSN of its beginning and, once it was updated or deleted, of its end. Rows arrive in LSN order, so
// those that began before a snapshot are a prefix of a chunk. Deletions stand twice: in an array by row, for point
// reads, and in a log in LSN order, for scans, whose part that a snapshot sees is a prefix too.
//
// # Facts
//
// Each column of a chunk knows the bounds, the number of NULLs, the order and the longest string of its rows. Facts are
// widened before rows are published: what a scan is told holds for every row it gets.
//
// # Concurrency
//
// One goroutine at a time applies. Readers take no lock: slots are written plainly, then published by an atomic store of a
// count or pointer that readers load first. Memory is reused only when the oldest View has passed the LSN at which it
// was unlinked; every read happens under a View.
package rowstore

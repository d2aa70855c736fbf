// Package store composes log, transactions, catalog and tiers into the one table.TableStorage of Lamina.
//
// # Life of a write
//
//	Writer.Insert ── locks rows and unique keys, checks, keeps the rows in the transaction's write set
//	Statement.Close ─ checks unique keys that moved, foreign keys, and runs what they cause; an error returns to the mark before the statement
//	Tx.Commit ────── write set → entries → one record, encoded without a lock
//	txn.Pipeline ─── validates definitions, gives the LSN, writes and syncs a group of records
//	applyRequest ─── schema changes to tiers and catalog, entries to the tiers, in the order of LSNs
//	publish ──────── one View for the group: catalog and a snapshot of each tier; then locks are released
//
// A database in memory has no log: its commits apply and publish themselves (direct).
//
// # What a statement sees
//
// The rows of its View, less those that earlier statements of the transaction ended, and the rows
// these wrote. Rows of the write set carry the number of the statement (command) that wrote them and of
// the one that ended them. If the transaction has not written to a table, readers hand out what the
// tier gives, as it is.
//
// # SERIALIZABLE
//
// A transaction reads its View, as at REPEATABLE READ, and notes what it reads. Commits are remembered while such a
// transaction is open: each changed row before and after. One that has written commits only if no commit after its
// View, up to the LSN that it gets, changed what it has read. Is that enough? Let the transactions that write be in the
// order of their LSNs. Each one's reads would give the same answers in the state right before its own LSN, since nothing
// in between changed them; its writes apply to that state. So running them one after the other in that order gives the
// same answers and the same state. One that only reads saw its View, the state after a prefix of that order: its place
// is there, and it need not be validated. What a transaction writes at a lower level counts as a change like any other,
// but that transaction itself has no such place.
//
// Most of the work is done by the transaction on its own, up to the newest LSN that was given out; the commit queue
// looks at what has come since, and sends a transaction back if that is much. What is read at a newer state than the
// View (a unique key that is taken) is noted with the LSN of that state. That a key is free need not be noted: it stays
// locked. Neither need what the transaction itself wrote.
//
// # Locks
//
// Table locks are taken by readers (ACCESS SHARE), writers (ROW EXCLUSIVE) and changes of definitions
// (ACCESS EXCLUSIVE), and held to the end. A row is locked by its encoded key; the value of a unique
// key by index and value, when it is added or removed. What is checked after a lock was granted is
// checked on the newest View. Order: a transaction may wait for any lock while it holds others, and
// deadlocks are detected; no lock of the lock manager is waited for inside the commit queue.
//
// Mutexes: gate, hiddenRange (held while a block is reserved through the commit queue), the commit
// queue's own, readSet (of the transaction that commits), history, hiddenKeys, moves. checkpointer.making is held during a
// checkpoint and takes none of those before it.
//
// # Recovery
//
// The checkpoint file has the catalog and the position from which the log is replayed; the tiers have
// files of their own, and may be ahead of the checkpoint, never of the log. A tier that is ahead
// learns of its tables once the replay has reached it. See docs/format/directory.md and
// docs/format/commit.md.
package store

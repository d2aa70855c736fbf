// Package txn holds what transactions share: the commit pipeline, the Views and the locks. It knows
// neither rows nor schemas; package store supplies them as callbacks and type parameters.
//
// # Pipeline
//
// Commit is leader-follower. A committer encodes and checksums its payload on its own; under the
// mutex it is admitted, validated, given LSN and timestamp, and copied to the open group:
//
//	A: append, lead: write + sync A | hand over to B, apply A, publish, return
//	B:         append, wait ........ lead: write + sync B C | apply B C, publish, answer C
//	C:             append, wait ............................................... return
//
// The leader writes and syncs the group, hands the lead to the first member of the next one, waits
// for its ticket, applies the group's records in order and publishes one View for all of them.
// With one client there is no hand-over between goroutines. An asynchronous commit saves its own
// sync only: it is visible after the commits before it, and answered once it is visible.
//
// After a failed write, sync or apply the log is poisoned: members of the failed group learn that
// their outcome is unknown (08007), later ones are refused (58030), readers go on.
//
// # Views
//
// A ViewSet holds the published View and the older ones in use. Acquire takes no lock. The oldest
// View is the watermark, below which versions of rows are garbage.
//
// # Locks
//
// One LockManager holds the locks on tables, rows and unique keys, for all owners (transactions),
// so that one deadlock detector sees every wait. Locks are kept until the commit is visible:
// release them in Request.OnDone or after Commit has returned.
//
// # Lock order
//
// Pipeline.mu, then wal.Log's. Pipeline.apply, ViewSet.mu and the shards of the lock manager are
// leaves; the detector takes all shards in their order.
package txn

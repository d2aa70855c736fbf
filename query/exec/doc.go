// Package exec runs physical plans.
//
// Instantiate binds a plan to a statement's snapshot, its parameters and a worker pool. The plan becomes
// pipelines: each reads a source morsel by morsel and pushes batches through streaming operators into a
// sink (the build side of a join, an aggregation, a sort, the client). Pipelines run one after the other,
// in the order in which they need each other; within one, workers claim morsels. The last one, whose sink
// is the client, runs step by step on the goroutine that calls Query.Next.
//
//	scan → filter → probe → … → sink        push(batch): needMore, haveMore (call resume), finished
//
// # Answers do not depend on workers
//
// Morsels are claimed in order and numbered. What depends on the order of rows (which error comes first,
// sums of floats, the image of a group's key, string_agg, the order of matches and of groups) is decided
// by morsel number and row, never by which worker came first.
//
// # State
//
// Operators keep rows in row pages (rowSet) and in flat arrays, off-heap and without pointers, charged to
// the query's tracker. Strategies are chosen by facts only: the values that are really there, or bounds
// that storage vouches for; never by estimates.
package exec

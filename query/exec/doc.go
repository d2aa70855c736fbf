// Package exec runs physical plans.
//
// Instantiate binds a plan to a statement's snapshot, its parameters and a worker pool. The plan becomes
// pipelines: each reads a source morsel by morsel and pushes batches through streaming operators into a
// sink (the build side of a join, an aggregation, a sort, the client). Pipelines run one after the other,
// in the order in which they need each other; within one, workers claim morsels. The last one, whose sink
// is the client, runs step by step on the goroutine that calls Query.Next. For a client that takes results in memory of
// their own (NextMade) all workers run it, in rounds that end before the call does, and what they make is handed out in the
// order of the morsels: see ahead.
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
//
// # Keys of groups
//
// The keys of a group are packed into a word (keyCoder): integers by their range, short strings by their bytes, longer ones, and
// those that come as codes of dictionaries, by numbers that all tables of the aggregation share (stringNumbers). An array over the
// words finds groups where these have few bits, else a hash table. Keys that do not fit 64 bits are hashed and compared.
// Tables are merged by their words where they pack the same integers.
//
// # State that leaves memory
//
// Before a batch, an operator asks whether what it is about to take stays within its share of every limit (room). If
// not, it writes what it has to the query's temporary file (spillFile) and begins anew. What is written are row pages and
// arrays as they lie in memory, in blocks of up to chunkRows rows with a checksum; views of strings become offsets.
// There are three forms:
//
//   - Partitions, of groups or of both sides of a join: spillParts of them by bits of the hash of the keys, so that all
//     of a group, or all that matches, is in one. A partition is finished by itself; one that does not fit is
//     partitioned again by the next bits, spillDepth times at most. Then groups are 53200, and a join goes on block by
//     block, as it does where rows are not found by their keys alone.
//   - Runs, of rows in an order: beside each row stands its key, bytes that order as the rows do and no two of which
//     are equal. Runs are merged runsMax at a time.
//   - Pages, of rows by number (filedRows): those of a window, which frames reach back and forth in, and of the rounds of a
//     recursive query. A reader keeps the pages that it asked for last.
//
// What is written keeps its ordinals and positions, so that spilling changes neither values nor order: groups whose
// states depend on the order of rows are merged by ordinal, one morsel after the other, as in memory; groups whose order
// counts become runs by the positions of their first rows, and are read by one worker in the morsels that they would
// have had in memory; so do the rows of a join, by the positions of the left side's rows. An error of a left row is raised
// when it is met, though: before rows that come before it. A query that fails, or is canceled, leaves no file: it lost its name when it was made.
//
// # Shared plans
//
// A plan that several operators read (plan.SharedPlan) is an execution of its own. It belongs to the query, whose
// subplans, inner plans of applies and rounds of recursions find it in their environment, and makes the next chunk of
// rows when a reader asks for one that is not there yet (see sharedPlans).
//
// # Joins
//
// The build side is complete before the other side begins. Its keys then say how rows are found: by an array of
// the range if that is small beside the rows (dense), by a bitmap of the range and an array of the keys that occur
// (rank), or by hashing; and the bitmap, or one of hashes, leaves rows out in the scans of the other side. Joins
// that output rows of the build side (right, full, right semi, right anti) mark those that match, each worker in
// a bitmap of its own, and output the rest, or the marked ones, in order, when all of the other side is through.
//
// # Columns that come late
//
// A plan may carry the positions of a table's rows (references, as scans give them for data changes) in place of columns
// of these rows, and fetch the columns where few rows are left. The positions are integers to all operators between, in
// memory and in files; NULL stands for the NULL row of an outer join. What is fetched is what the scan would have read:
// both read the statement's snapshot, which keeps rows that move or are changed meanwhile.
package exec

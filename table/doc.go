// Package table holds the two contracts of Lamina's storage.
//
// TableStorage is the outer one: a whole database with transactions, schema objects, data operations
// with pushdown, maintenance and metrics. The SQL engine and embedding programs work against it, and
// an injected backend implements it (embedding Unimplemented).
//
// Tier is the inner one: what the memory, LSM and columnar tiers implement below one log. A tier
// applies committed entries in LSN order and answers reads at a snapshot; it never locks, validates
// or commits. Were each tier a TableStorage of its own, no transaction could span two of them.
//
// # Ownership
//
// Inputs are borrowed until return. A dst may alias storage until the next Read or Close. Any
// goroutine may use TableStorage, Scan.NextMorsel and Scan.Narrow; one goroutine at a time a Tx and
// what it hands out, and a Morsel. No lock is held across a return to the caller. Use after close is
// an error, never a panic.
//
// # Cancellation
//
// A context that ends before a commit's record is appended leaves nothing behind. After the append
// the outcome is unknown to the caller: SQLSTATE 08007 and a token.
package table

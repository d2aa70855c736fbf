// Package query is the SQL engine: it turns statement texts into results against any
// table.TableStorage.
//
//	text → sqlparse → ast → bind → logical plan → opt → physical plan → exec → batches
//
// An Engine belongs to one storage and owns the worker pool and the memory tracker of its queries. A
// Session is the state of one client: its transaction, settings, prepared statements. Front ends
// (the embedding API, the database/sql driver, the wire protocol) are thin layers over sessions: they
// prepare a statement, run it with parameters, read the Result, and finish the implicit transaction.
//
// Texts that were seen before, or differ from such in literals only, skip the first steps: see known.go.
//
// # Transactions
//
// Outside BEGIN … COMMIT a session runs statements in an implicit transaction, which Finish ends: the
// front end calls it after each statement, or after each group of statements that belong together (a
// simple query of the wire protocol, or what stands before a Sync). An error inside BEGIN … COMMIT leaves
// the transaction failed: until it ends or is rolled back to a savepoint, statements answer 25P02.
//
// # Concurrency
//
// An Engine may be used by any goroutine, a Session by one at a time, except Session.Cancel.
package query

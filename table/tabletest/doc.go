// Package tabletest is the conformance suite of the contracts of package table, and the model that storages are compared
// with.
//
//	Conform      the rules of table.TableStorage one by one, each on a fresh storage
//	Run          random sequences of steps on the storage and on the model side by side: transactions that are open at
//	             once, statements, savepoints, schema changes, checkpoints, reopenings, and power losses
//	Transfers    many goroutines that move money between accounts, while others check the sum
//	ConformTier  the rules of table.Tier, the contract inside a database
//
// A random sequence that fails prints its seed, is made shorter and saved under testdata/tabletest, from where every later
// run repeats it. Longer runs: go test ./store -run TestModel -sequences 5000 -seed 100000
//
// What a storage cannot do, its Features say, with a reason; the cases that need it are skipped and the reason is
// printed. A run that did too little of something fails.
package tabletest

// Package isolation holds tests that judge the isolation of transactions from outside, by what clients see.
//
//   - Histories: clients run random list-append transactions at each level, through SQL and through table.TableStorage,
//     in both tiers and across them, with power losses in between. Package internal/history, which shares no code with
//     the engine, judges what they saw. The same runs on PostgreSQL with -postgres.
//   - Anomalies: each named anomaly as a schedule of steps, at each level: who waits, who fails, what is read.
//   - Linearizability: operations on single keys, and on the values of a unique column whose rows come, go and change
//     their primary keys, judged by porcupine.
//
// Flags: -seeds runs more, -seed other ones; -onheap with -race.
//
// It has no code of its own.
package isolation

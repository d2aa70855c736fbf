// Package history finds violations of transaction isolation in what clients of a database have seen. It knows nothing
// of any database: its input is a History, the transactions with their operations, their outcomes, and the order in
// real time of what was asked and answered.
//
// # Lists
//
// The operations are those of list-append histories (Kingsbury and Alvaro, Elle: Inferring Isolation Anomalies from
// Experimental Observations, VLDB 2020): append a value, which is unique in its list, and read a whole list. A read
// then shows not only the version of a list but all versions before it, in their order; so dependencies between
// transactions are not guessed but known:
//
//	ww  A appended the value right before that of B
//	wr  B read a version of which the last value is A's
//	rw  A read a version to which B appended the next value (an anti-dependency)
//
// Real time adds that A had ended before B began, and the process that B followed A in it.
//
// # Anomalies
//
// Check looks for the phenomena of Adya (Weak Consistency: A Generalized Theory and Optimistic Implementations for
// Distributed Transactions, 1999) and for what is impossible under any level; see Anomaly. Cycles are found by a
// search in the graph of committed transactions, and the shortest of each kind is reported. A phenomenon that needs an
// edge of real time or of a process has the suffix -realtime or -process.
//
// What a transaction of unknown outcome appended counts as committed once anybody else has seen it.
//
// The searches for cycles with two anti-dependencies look at the shortest cycle through each, so that they can miss one
// where one with fewer hides it, or one in which they are apart; every level forbids those that forbids what is hidden.
//
// # Text
//
// A history can be written and read as text, one transaction a line:
//
//	T1 p0 1-6 committed append x 1; read y [1 2]
//	T2 p1 2- unknown append y 3
package history

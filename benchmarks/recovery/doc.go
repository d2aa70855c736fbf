// Package recovery measures how long a database takes to open after its process was killed, with a log and no
// checkpoint.
//
// A child writes small and medium transactions from many goroutines, and tells after each commit how far its
// goroutine has come. When the log is long enough the child is killed (SIGKILL) in the middle of its work, and the
// parent opens the directory. Every goroutine's rows are numbered: those that were acknowledged must all be there,
// without a gap, and of what was not at most one transaction more, as a whole.
package recovery

// Package oltp measures small transactions and reads by key: Lamina beside SQLite and bbolt, and beside a
// loop that does nothing but append to a file and wait for the disk, which bounds what a durable
// commit of one client can reach.
//
// All cases run in turns, several rounds, for a fixed time each; the figure is the median of the
// rounds.
package oltp

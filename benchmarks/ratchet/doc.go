// Package ratchet holds what TPC-H's queries cost against a baseline that is committed: processor time on one worker, in units of a
// loop that runs in turns with the query in the same process, and objects that are allocated. The least of many runs counts, of the
// query as of the loop, so that other work on the machine is seen as little as its kind of processor.
package ratchet

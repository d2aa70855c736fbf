// Package ingest measures inserts that go on: those of rows with random unique keys, which must not become slower as the
// table grows, and those beside scans that never end.
//
// Both run in children with a limited memory, so that the peak of the process is theirs. Keys are numbers that were mixed
// one to one: every key is new, and lies anywhere among those before.
package ingest

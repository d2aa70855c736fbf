// Package fresh holds answers to TPC-H's queries with fresh parameters, and on rows with NULLs, against those of a real PostgreSQL.
// It has no code but its tests. What PostgreSQL has answered at scale factor 0.01 is in testdata; this asks it, at any scale factor:
//
//	go test ./internal/cli/fresh -oracle postgres://postgres@127.0.0.1/postgres -sf 0.1
//
// With -rewrite as well, testdata is made again.
package fresh

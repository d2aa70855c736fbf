// Package sqlparse turns SQL text into the syntax trees of package ast.
//
//	text ── guards ──▶ grammar (oliphant) ──▶ convert ──▶ []ast.Statement
//
// The guards run before the grammar: valid UTF-8 without NUL, a bound on size and on nesting, and the few
// tokens that the grammar reads differently than PostgreSQL. The grammar is PostgreSQL 18's; one file,
// grammar.go, names it, so that another parser could take its place. The conversion refuses with 0A000
// everything that the tree has no place for; nothing that was written is dropped.
//
// Errors carry PostgreSQL's messages, SQLSTATEs and character positions. All functions may be called
// from any goroutine.
package sqlparse

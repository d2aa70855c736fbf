package logictest

import (
	"context"
)

// Database is a database that files run in: Lamina in some configuration, or PostgreSQL.
type Database interface {
	// Is reports whether the database is what onlyif names.
	Is(name string) bool
	Connect(ctx context.Context) (Conn, error)
	// Between is called between two records when no statement is running, with the open connections. It may
	// check or disturb the database, and replace connections that have no state.
	Between(ctx context.Context, conns map[string]Conn) error
	Close() error
}

// Conn is a connection. One goroutine at a time uses it, but for Blocked.
type Conn interface {
	// Run executes a record's SQL. An error is one of the test, not of the statement.
	Run(ctx context.Context, sql string, r *Record) (*Outcome, error)
	// Blocked reports whether the statement that runs waits for a lock.
	Blocked(ctx context.Context) (bool, error)
	Close() error
}

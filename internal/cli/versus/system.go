package versus

import (
	"context"

	"github.com/laminadb/lamina/tpch"
)

// System is a database that runs a workload.
type System interface {
	Name() string
	// Open opens the database, or creates it, and returns the settings that were read back.
	Open(ctx context.Context) (settings string, err error)
	// LoadTable creates a table and fills it from a file of which Table.Write says the format; it returns the milliseconds.
	LoadTable(ctx context.Context, t *Table, file string) (float64, error)
	// Loaded makes durable what was loaded.
	Loaded(ctx context.Context) (float64, error)
	// Run runs a query and fetches its rows, which are in the answer only if they are asked for.
	Run(ctx context.Context, text string, rows bool) (Answer, error)
	// Peak returns the most memory that the process has had since the last call.
	Peak(ctx context.Context) (int64, error)
	// Close closes the database; End ends the system.
	Close(ctx context.Context) error
	End() error
}

// Answer is what came of a query.
type Answer struct {
	tpch.Result
	Count  int
	Millis float64
}

// Settings are the same for every system.
type Settings struct {
	// Dir is a folder for the databases, each of which has another name there.
	Dir         string
	Threads     int
	MemoryBytes int64
}

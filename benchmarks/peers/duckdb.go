package peers

import (
	"context"
	"database/sql"

	"github.com/laminadb/lamina/benchmarks/duck"
	"github.com/laminadb/lamina/internal/cli/peer"
)

// serveDuckDB is the child that has DuckDB behind its Go driver.
func serveDuckDB(ctx context.Context, _ []string) error {
	d := &database{
		open: func(ctx context.Context, r peer.Request) (*sql.DB, string, error) {
			return duck.Open(ctx, r.File, r.Threads, r.MemoryMiB<<20)
		},
		exec: func(ctx context.Context, db *sql.DB, text string) error {
			_, err := db.ExecContext(ctx, text)
			return err
		},
		text: func(text string) string { return text },
	}
	return serve(ctx, d.handle)
}

// Package duck opens DuckDB databases in this process.
package duck

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	_ "github.com/duckdb/duckdb-go/v2" // registers the driver
)

// Open opens a database file with one connection, and returns what DuckDB says of its settings.
func Open(ctx context.Context, file string, threads int, memoryBytes int64) (db *sql.DB, gotBack string, err error) {
	dsn := fmt.Sprintf("%s?threads=%d&memory_limit=%dMiB", file, threads, memoryBytes>>20)
	if db, err = sql.Open("duckdb", dsn); err != nil {
		return nil, "", err
	}
	db.SetMaxOpenConns(1)
	var version, gotThreads, gotMemory string
	row := db.QueryRowContext(ctx, "SELECT version(), current_setting('threads'), current_setting('memory_limit')")
	if err := row.Scan(&version, &gotThreads, &gotMemory); err != nil {
		return nil, "", errors.Join(err, db.Close())
	}
	if gotThreads != strconv.Itoa(threads) {
		return nil, "", errors.Join(fmt.Errorf("duckdb: %s threads, asked for %d", gotThreads, threads), db.Close())
	}
	gotBack = fmt.Sprintf("DuckDB %s (duckdb-go, in process, a file): threads=%s, memory_limit=%s", version, gotThreads, gotMemory)
	return db, gotBack, nil
}

package peers

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // registers the driver

	"github.com/laminadb/lamina/internal/cli/peer"
)

// copyPrefix begins the statement, which is not SQLite's, that fills a table from a file: its name and that of the file follow.
const copyPrefix = "copy rows into "

// sqliteTimeMax bounds a query: many of them would take SQLite minutes.
const sqliteTimeMax = 2 * time.Second

// serveSQLite is the child that has SQLite.
func serveSQLite(ctx context.Context, _ []string) error {
	d := &database{open: openSQLite, exec: execSQLite, text: sqliteText, timeMax: sqliteTimeMax}
	return serve(ctx, d.handle)
}

func openSQLite(ctx context.Context, r peer.Request) (*sql.DB, string, error) {
	db, err := sql.Open("sqlite3", fmt.Sprintf("file:%s?_journal_mode=WAL&_synchronous=FULL&_cache_size=-%d", r.File, r.MemoryMiB<<10))
	if err != nil {
		return nil, "", err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "PRAGMA case_sensitive_like = ON"); err != nil {
		return nil, "", errors.Join(err, db.Close())
	}
	var version string
	err = db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version)
	var parts []string
	for _, name := range []string{"journal_mode", "synchronous", "page_size", "cache_size", "threads"} {
		var value string
		err = errors.Join(err, db.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value))
		parts = append(parts, name+"="+value)
	}
	if err != nil {
		return nil, "", errors.Join(err, db.Close())
	}
	return db, fmt.Sprintf("SQLite %s (mattn/go-sqlite3, a process of its own, a file, primary keys, one thread): %s (2 is FULL); queries of more than %v are left out, of others one run after the first",
		version, strings.Join(parts, ", "), sqliteTimeMax), nil
}

func execSQLite(ctx context.Context, db *sql.DB, text string) error {
	rest, ok := strings.CutPrefix(text, copyPrefix)
	if !ok {
		_, err := db.ExecContext(ctx, text)
		return err
	}
	table, file, _ := strings.Cut(rest, " ")
	return copySQLite(ctx, db, table, file)
}

// copySQLite inserts the rows of a file in one transaction.
func copySQLite(ctx context.Context, db *sql.DB, table, file string) (err error) {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	var insert *sql.Stmt
	for sc := bufio.NewScanner(f); sc.Scan() && err == nil; {
		fields := strings.Split(sc.Text(), "|")
		if insert == nil {
			marks := strings.TrimSuffix(strings.Repeat("?,", len(fields)), ",")
			if insert, err = tx.PrepareContext(ctx, "INSERT INTO "+quoted(table)+" VALUES ("+marks+")"); err != nil {
				break
			}
		}
		args := make([]any, len(fields))
		for i, field := range fields {
			if field != "" {
				args[i] = field
			}
		}
		_, err = insert.ExecContext(ctx, args...)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

package oltp

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	_ "github.com/mattn/go-sqlite3" // registers the driver
)

// sqlite is a SQLite database behind one connection: writers would only wait for each other's
// locks.
type sqlite struct {
	db                  *sql.DB
	conn                *sql.Conn
	insert, get, update *sql.Stmt
	gotBack             string
}

func openSQLite(ctx context.Context, dir string, rows int64) (s *sqlite, err error) {
	dsn := "file:" + filepath.Join(dir, "sqlite.db") + "?_journal_mode=WAL&_synchronous=FULL"
	s = &sqlite{}
	if s.db, err = sql.Open("sqlite3", dsn); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return nil, err
	}
	if err = s.readBack(ctx); err != nil {
		return nil, err
	}
	if err = s.fill(ctx, rows); err != nil {
		return nil, err
	}
	for _, p := range []struct {
		dst *(*sql.Stmt)
		sql string
	}{
		{&s.insert, "INSERT INTO t VALUES (?, ?, ?, ?)"},
		{&s.get, selectText},
		{&s.update, "UPDATE t SET a = a + 1 WHERE id = ?"},
	} {
		if *p.dst, err = s.conn.PrepareContext(ctx, p.sql); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readBack asks for the settings that matter, and insists on those that make commits durable.
func (s *sqlite) readBack(ctx context.Context) error {
	var parts []string
	var version string
	if err := s.conn.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
		return err
	}
	for _, name := range []string{"journal_mode", "synchronous", "wal_autocheckpoint", "page_size", "cache_size"} {
		var value string
		if err := s.conn.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value); err != nil {
			return err
		}
		if name == "journal_mode" && value != "wal" || name == "synchronous" && value != "2" {
			return fmt.Errorf("sqlite: %s is %s", name, value)
		}
		parts = append(parts, name+"="+value)
	}
	s.gotBack = "SQLite " + version + " (mattn/go-sqlite3): " + strings.Join(parts, ", ") + " (2 is FULL)"
	return nil
}

func (s *sqlite) fill(ctx context.Context, rows int64) error {
	create := "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b REAL, c TEXT)"
	if _, err := s.conn.ExecContext(ctx, create); err != nil {
		return err
	}
	tx, err := s.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	st, err := tx.PrepareContext(ctx, "INSERT INTO t VALUES (?, ?, ?, ?)")
	for id := int64(1); id <= rows && err == nil; id++ {
		_, err = st.ExecContext(ctx, id, id, 0.5, payload)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (s *sqlite) insertOne(ctx context.Context, id int64) error {
	_, err := s.insert.ExecContext(ctx, id, id, 0.5, payload)
	return err
}

func (s *sqlite) getOne(ctx context.Context, id int64) error {
	return scanRow(id, s.get.QueryRowContext(ctx, id))
}

func (s *sqlite) getText(ctx context.Context, id int64) error {
	return scanRow(id, s.conn.QueryRowContext(ctx, selectText, id))
}

func (s *sqlite) getLiteral(ctx context.Context, id int64) error {
	return scanRow(id, s.conn.QueryRowContext(ctx, literalText(id)))
}

func (s *sqlite) updateMany(ctx context.Context, ids []int64) error {
	tx, err := s.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	st := tx.StmtContext(ctx, s.update)
	for _, id := range ids {
		r, err := st.ExecContext(ctx, id)
		if err == nil {
			var n int64
			if n, err = r.RowsAffected(); err == nil && n != 1 {
				err = fmt.Errorf("%d rows updated, want 1", n)
			}
		}
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

func (s *sqlite) close() error {
	var errs []error
	for _, st := range []*sql.Stmt{s.insert, s.get, s.update} {
		if st != nil {
			errs = append(errs, st.Close())
		}
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	return errors.Join(append(errs, s.db.Close())...)
}

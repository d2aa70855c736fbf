package oltp

import (
	"context"
	"database/sql"
	"errors"
	"strconv"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/stdlib"
)

// selectText reads a row by its key, in database/sql; literalText has the key in the text.
const selectText = "SELECT id, a, b, c FROM t WHERE id = ?"

func literalText(id int64) string {
	return "SELECT id, a, b, c FROM t WHERE id = " + strconv.FormatInt(id, 10)
}

// scanRow takes the row of a key apart.
func scanRow(id int64, row *sql.Row) error {
	var key, a int64
	var b float64
	var c string
	if err := row.Scan(&key, &a, &b, &c); err != nil {
		return err
	}
	return checkRow(id, key, c)
}

// std is a Lamina database behind database/sql: one connection, as SQLite has.
type std struct {
	db   *sql.DB
	conn *sql.Conn
	get  *sql.Stmt
}

func openStd(ctx context.Context, db *lamina.DB) (s *std, err error) {
	s = &std{db: stdlib.OpenDB(db)}
	if s.conn, err = s.db.Conn(ctx); err == nil {
		s.get, err = s.conn.PrepareContext(ctx, getText)
	}
	if err != nil {
		err = errors.Join(err, s.close())
	}
	return s, err
}

func (s *std) getOne(ctx context.Context, id int64) error {
	return scanRow(id, s.get.QueryRowContext(ctx, id))
}

func (s *std) close() error {
	var errs []error
	if s.get != nil {
		errs = append(errs, s.get.Close())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	return errors.Join(append(errs, s.db.Close())...)
}

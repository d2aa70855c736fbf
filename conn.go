package lamina

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/laminadb/lamina/query"
)

// Conn is a session of its own: transactions by BEGIN, SET and PREPARE last.
type Conn struct {
	db     *DB
	s      *query.Session
	handle *handle
}

// Conn opens a session. DB.Close ends it, and waits for its transaction if there is one.
func (db *DB) Conn(ctx context.Context) (*Conn, error) {
	if err := db.open.enter(); err != nil {
		return nil, err
	}
	defer db.open.leave()
	if err := canceled(ctx); err != nil {
		return nil, err
	}
	s, err := db.engine.NewSession(query.SessionOptions{})
	if err != nil {
		return nil, err
	}
	c := &Conn{db: db, s: s}
	c.handle = db.open.add("transaction of a connection", func() bool { return s.TxID() != 0 })
	return c, nil
}

// Exec runs the statements of sql in the session. Outside of a transaction block they are one transaction.
func (c *Conn) Exec(ctx context.Context, sql string, args ...any) (r Result, err error) {
	err = c.db.call(func() error {
		r, err = execOn(ctx, c.s, sql, args)
		return err
	})
	return r, err
}

// Query runs one statement in the session.
func (c *Conn) Query(ctx context.Context, sql string, args ...any) (*Rows, error) {
	return c.rows("", func(s *query.Session) (*Rows, error) { return queryOn(ctx, s, sql, args, anyColumns) })
}

// rows opens rows in the session.
func (c *Conn) rows(_ string, open func(*query.Session) (*Rows, error)) (rows *Rows, err error) {
	err = c.db.call(func() error {
		rows, err = open(c.s)
		return err
	})
	if err != nil {
		return nil, err
	}
	rows.run.conn = c
	return rows, nil
}

// QueryArrow runs one statement in the session: see DB.QueryArrow.
func (c *Conn) QueryArrow(ctx context.Context, sql string, args ...any) (array.RecordReader, error) {
	rows, err := c.rows("", func(s *query.Session) (*Rows, error) { return queryOn(ctx, s, sql, args, someColumns) })
	if err != nil {
		return nil, err
	}
	return newArrowReader(rows, c.db.o.Allocator)
}

// Status returns 'I' outside a transaction block, 'T' in one and 'E' in one that has failed.
func (c *Conn) Status() byte { return c.s.Status() }

// Pristine reports whether the session is idle and has no settings or prepared statements of its own.
func (c *Conn) Pristine() bool { return c.s.Pristine() }

// Cancel ends what the session runs now, with 57014. Any goroutine may call it.
func (c *Conn) Cancel() { c.s.Cancel() }

// Close rolls an open transaction back and ends the session.
func (c *Conn) Close() error {
	err := c.s.Close()
	c.db.open.remove(c.handle)
	return err
}

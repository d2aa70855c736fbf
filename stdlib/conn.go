package stdlib

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/types"
)

// Conn is a connection: a session of the database.
type Conn struct {
	db    *lamina.DB
	c     *lamina.Conn
	owner *Connector // of a connection made without a sql.DB
}

var (
	_ driver.ConnBeginTx        = (*Conn)(nil)
	_ driver.ConnPrepareContext = (*Conn)(nil)
	_ driver.ExecerContext      = (*Conn)(nil)
	_ driver.QueryerContext     = (*Conn)(nil)
	_ driver.SessionResetter    = (*Conn)(nil)
	_ driver.Validator          = (*Conn)(nil)
	_ driver.NamedValueChecker  = (*Conn)(nil)
	_ driver.Pinger             = (*Conn)(nil)
)

// Raw returns the embedding API's session, for sql.Conn.Raw.
func (c *Conn) Raw() *lamina.Conn { return c.c }

// Ping reports whether the database is open.
func (c *Conn) Ping(ctx context.Context) error {
	_, err := c.c.Exec(ctx, "SELECT 1")
	return err
}

// CheckNamedValue passes values on as they are: the engine converts them.
func (c *Conn) CheckNamedValue(v *driver.NamedValue) error {
	if v.Name != "" {
		return sqlerr.Unsupported("a named parameter (" + v.Name + ")")
	}
	if val, ok := v.Value.(driver.Valuer); ok {
		if rv := reflect.ValueOf(val); rv.Kind() == reflect.Pointer && rv.IsNil() {
			v.Value = nil
			return nil
		}
		x, err := val.Value()
		v.Value = x
		return err
	}
	return nil
}

func argsOf(named []driver.NamedValue) []any {
	args := make([]any, len(named))
	for i, v := range named {
		args[i] = v.Value
	}
	return args
}

// ExecContext runs a statement without rows.
func (c *Conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	r, err := c.c.Exec(ctx, query, argsOf(args)...)
	return result(r.RowsAffected), err
}

// QueryContext runs a statement.
func (c *Conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	r, err := c.c.Query(ctx, query, argsOf(args)...)
	if err != nil {
		return nil, err
	}
	return &rows{r: r}, nil
}

// Prepare is PrepareContext without a context.
func (c *Conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext prepares a statement in this session.
func (c *Conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.c.Prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return &stmt{c: c, s: s}, nil
}

// Begin begins a transaction with the default options.
func (c *Conn) Begin() (driver.Tx, error) { return c.BeginTx(context.Background(), driver.TxOptions{}) }

// BeginTx begins a transaction.
func (c *Conn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	begin := "BEGIN"
	switch sql.IsolationLevel(o.Isolation) {
	case sql.LevelDefault:
	case sql.LevelReadUncommitted, sql.LevelReadCommitted:
		begin += " ISOLATION LEVEL READ COMMITTED"
	case sql.LevelRepeatableRead, sql.LevelSnapshot:
		begin += " ISOLATION LEVEL REPEATABLE READ"
	case sql.LevelSerializable:
		begin += " ISOLATION LEVEL SERIALIZABLE"
	default:
		return nil, sqlerr.Unsupported("isolation level " + sql.IsolationLevel(o.Isolation).String())
	}
	if o.ReadOnly {
		begin += " READ ONLY"
	}
	if _, err := c.c.Exec(ctx, begin); err != nil {
		return nil, err
	}
	return tx{c}, nil
}

// ResetSession returns the session to its defaults before it is used again.
func (c *Conn) ResetSession(ctx context.Context) error {
	if c.c.Pristine() {
		return nil
	}
	if c.c.Status() != 'I' {
		if _, err := c.c.Exec(ctx, "ROLLBACK"); err != nil {
			return driver.ErrBadConn
		}
	}
	if _, err := c.c.Exec(ctx, "DISCARD ALL"); err != nil {
		return driver.ErrBadConn
	}
	return nil
}

// IsValid reports whether the connection may be kept.
func (c *Conn) IsValid() bool { return c.c.Status() == 'I' }

// Close ends the session.
func (c *Conn) Close() error {
	err := c.c.Close()
	if c.owner != nil {
		err = errors.Join(err, c.owner.Close())
	}
	return err
}

type tx struct{ c *Conn }

func (t tx) Commit() error {
	failed := t.c.c.Status() == 'E'
	_, err := t.c.c.Exec(context.Background(), "COMMIT")
	if err == nil && failed {
		err = sqlerr.New(sqlerr.InFailedSQLTransaction, "the transaction was rolled back: a statement in it had failed")
	}
	return err
}

func (t tx) Rollback() error {
	_, err := t.c.c.Exec(context.Background(), "ROLLBACK")
	return err
}

type result int64

func (result) LastInsertId() (int64, error) {
	return 0, sqlerr.Unsupported("LastInsertId").WithHint("Use INSERT … RETURNING.")
}

func (r result) RowsAffected() (int64, error) { return int64(r), nil }

type stmt struct {
	c *Conn
	s *lamina.ConnStmt
}

var (
	_ driver.StmtExecContext   = (*stmt)(nil)
	_ driver.StmtQueryContext  = (*stmt)(nil)
	_ driver.NamedValueChecker = (*stmt)(nil)

	_ driver.RowsColumnTypeDatabaseTypeName = (*rows)(nil)
	_ driver.RowsColumnTypeLength           = (*rows)(nil)
	_ driver.RowsColumnTypeNullable         = (*rows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*rows)(nil)
	_ driver.RowsColumnTypeScanType         = (*rows)(nil)
)

func (s *stmt) Close() error                               { return nil }
func (s *stmt) NumInput() int                              { return len(s.s.Params()) }
func (s *stmt) CheckNamedValue(v *driver.NamedValue) error { return s.c.CheckNamedValue(v) }

func (s *stmt) Exec([]driver.Value) (driver.Result, error) {
	return nil, sqlerr.Unsupported("Exec without a context")
}

func (s *stmt) Query([]driver.Value) (driver.Rows, error) {
	return nil, sqlerr.Unsupported("Query without a context")
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	r, err := s.s.Exec(ctx, argsOf(args)...)
	return result(r.RowsAffected), err
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	r, err := s.s.Query(ctx, argsOf(args)...)
	if err != nil {
		return nil, err
	}
	return &rows{r: r}, nil
}

type rows struct {
	r    *lamina.Rows
	cols []lamina.Column
}

func (r *rows) columns() []lamina.Column {
	if r.cols == nil {
		r.cols = r.r.Columns()
	}
	return r.cols
}

func (r *rows) Columns() []string {
	names := make([]string, len(r.columns()))
	for i, c := range r.cols {
		names[i] = c.Name
	}
	return names
}

func (r *rows) Close() error { return r.r.Close() }

func (r *rows) Next(dest []driver.Value) error {
	if !r.r.Next() {
		if err := r.r.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	for i := range dest {
		dest[i] = r.r.Value(i)
	}
	return nil
}

// ColumnTypeNullable reports whether a column may have NULLs.
func (r *rows) ColumnTypeNullable(i int) (nullable, ok bool) { return !r.columns()[i].NotNull, true }

// ColumnTypeDatabaseTypeName returns the SQL type's name in capitals.
func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	return strings.ToUpper(r.columns()[i].Type.Kind.String())
}

// ColumnTypeLength returns n of varchar(n) and char(n), and the largest number for types without a limit.
func (r *rows) ColumnTypeLength(i int) (int64, bool) {
	t := r.columns()[i].Type
	if n, ok := t.Length(); ok {
		return int64(n), true
	}
	switch t.Kind {
	case types.Text, types.Varchar, types.BpChar, types.Bytea:
		return math.MaxInt64, true
	}
	return 0, false
}

// ColumnTypePrecisionScale returns p and s of numeric(p,s).
func (r *rows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	p, s, ok := r.columns()[i].Type.PrecisionScale()
	return int64(p), int64(s), ok
}

// ColumnTypeScanType returns the Go type that Next gives.
func (r *rows) ColumnTypeScanType(i int) reflect.Type {
	switch r.columns()[i].Type.Kind {
	case types.Bool:
		return reflect.TypeFor[bool]()
	case types.Int2, types.Int4, types.Int8, types.OID:
		return reflect.TypeFor[int64]()
	case types.Float4, types.Float8:
		return reflect.TypeFor[float64]()
	case types.Bytea:
		return reflect.TypeFor[[]byte]()
	case types.Date, types.Timestamp, types.TimestampTZ:
		return reflect.TypeFor[time.Time]()
	}
	return reflect.TypeFor[string]()
}

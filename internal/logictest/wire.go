package logictest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/laminadb/lamina/types"
)

// wireConn is a connection by PostgreSQL's protocol.
type wireConn struct {
	pg *pgconn.PgConn
	// extended: statements are parsed, bound and executed one by one.
	extended bool
	// typeName names the type with an OID.
	typeName func(oid uint32) string
	blocked  func(ctx context.Context, pid uint32) (bool, error)
}

func dial(ctx context.Context, url string) (*pgconn.PgConn, error) {
	cfg, err := pgconn.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) {}
	return pgconn.ConnectConfig(ctx, cfg)
}

func (c *wireConn) Blocked(ctx context.Context) (bool, error) { return c.blocked(ctx, c.pg.PID()) }

// closeTimeout bounds how long a connection takes leave.
const closeTimeout = 10 * time.Second

func (c *wireConn) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return c.pg.Close(ctx)
}

func (c *wireConn) Run(ctx context.Context, sql string, r *Record) (*Outcome, error) {
	o := &Outcome{}
	var err error
	switch {
	case r.Kind == Copy:
		var tag pgconn.CommandTag
		tag, err = c.pg.CopyFrom(ctx, strings.NewReader(inputOf(r)), sql)
		o.Tag = tag.String()
	case c.extended && !r.Multi:
		err = c.execute(ctx, sql, o)
	default:
		err = c.simple(ctx, sql, o)
	}
	if err == nil {
		return o, nil
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return nil, err
	}
	return &Outcome{Err: &Error{Code: pg.Code, At: int(pg.Position), Message: pg.Message}}, nil
}

// simple runs a text of one or more statements; the outcome is the last one's.
func (c *wireConn) simple(ctx context.Context, sql string, o *Outcome) error {
	m := c.pg.Exec(ctx, sql)
	for m.NextResult() {
		*o = Outcome{}
		rr := m.ResultReader()
		c.read(rr, o)
		tag, err := rr.Close()
		if err != nil {
			return errors.Join(err, m.Close())
		}
		o.Tag = tag.String()
	}
	return m.Close()
}

func (c *wireConn) execute(ctx context.Context, sql string, o *Outcome) error {
	rr := c.pg.ExecParams(ctx, sql, nil, nil, nil, nil)
	c.read(rr, o)
	tag, err := rr.Close()
	o.Tag = tag.String()
	return err
}

func (c *wireConn) read(rr *pgconn.ResultReader, o *Outcome) {
	fields := rr.FieldDescriptions()
	if fields != nil {
		o.Names, o.Types = []string{}, []string{}
	}
	for _, f := range fields {
		o.Names = append(o.Names, f.Name)
		o.Types = append(o.Types, c.typeName(f.DataTypeOID))
	}
	for rr.NextRow() {
		var row []Value
		for _, v := range rr.Values() {
			row = append(row, Value{Text: string(v), Valid: v != nil})
		}
		o.Rows = append(o.Rows, row)
	}
}

func inputOf(r *Record) string {
	if len(r.Input) == 0 {
		return ""
	}
	return strings.Join(r.Input, "\n") + "\n"
}

// laminaTypeName names Lamina's types.
func laminaTypeName(oid uint32) string {
	if k, ok := types.KindByOID(oid); ok {
		return k.Typname()
	}
	return fmt.Sprintf("oid%d", oid)
}

package logictest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

// Postgres is a server that makes a database for each file.
type Postgres struct {
	// Database is the database that files run in, one after the other.
	Database string
	url      *url.URL
	admin    *wireConn
	types    map[string]string // by OID
	made     bool
}

// OpenPostgres connects to a server as a user who may create databases.
func OpenPostgres(ctx context.Context, dsn string) (*Postgres, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	pg, err := dial(ctx, dsn)
	if err != nil {
		return nil, err
	}
	p := &Postgres{Database: databaseName, url: u, types: map[string]string{}}
	p.admin = &wireConn{pg: pg, typeName: p.typeName}
	rows, err := p.rows(ctx, "SELECT oid, typname FROM pg_type")
	for _, row := range rows {
		p.types[row[0].Text] = row[1].Text
	}
	return p, err
}

func (p *Postgres) typeName(oid uint32) string { return p.types[fmt.Sprint(oid)] }

// rows runs one of the tester's own statements.
func (p *Postgres) rows(ctx context.Context, sql string) ([][]Value, error) {
	o, err := p.admin.Run(ctx, sql, &Record{})
	if err != nil {
		return nil, err
	}
	if o.Err != nil {
		return nil, errors.New(o.Err.String())
	}
	return o.Rows, nil
}

// Version returns the server's version.
func (p *Postgres) Version(ctx context.Context) (string, error) {
	rows, err := p.rows(ctx, "SHOW server_version")
	if err != nil {
		return "", err
	}
	return rows[0][0].Text, nil
}

// Close ends the connection to the server.
func (p *Postgres) Close() error { return p.admin.Close() }

// Drop drops the database, so that one with a name of its own leaves nothing behind.
func (p *Postgres) Drop(ctx context.Context) error {
	_, err := p.rows(ctx, "DROP DATABASE IF EXISTS "+p.Database+" WITH (FORCE)")
	return err
}

// databaseName is the default of Postgres.Database.
const databaseName = "lamina_logictest"

// create makes the database, whose texts sort by code point.
func (p *Postgres) create(ctx context.Context) error {
	for _, sql := range []string{
		"DROP DATABASE IF EXISTS " + p.Database + " WITH (FORCE)",
		"CREATE DATABASE " + p.Database + " TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
		"ALTER DATABASE " + p.Database + " SET TimeZone = 'UTC'",
		"ALTER DATABASE " + p.Database + " SET DateStyle = 'ISO, MDY'",
		"ALTER DATABASE " + p.Database + " SET lc_messages = 'C'",
	} {
		if _, err := p.rows(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// Open returns the database, emptied.
func (p *Postgres) Open(ctx context.Context) (Database, error) {
	if !p.made {
		if err := p.create(ctx); err != nil {
			return nil, err
		}
		p.made = true
	}
	u := *p.url
	u.Path = "/" + p.Database
	db := &postgresDB{p: p, url: u.String()}
	c, err := db.Connect(ctx)
	if err != nil {
		return nil, err
	}
	o, err := c.Run(ctx, emptyDatabase, &Record{})
	if err == nil && o.Err != nil {
		err = errors.New(o.Err.String())
	}
	return db, errors.Join(err, c.Close())
}

// emptyDatabase drops all schemas but PostgreSQL's own.
const emptyDatabase = `DO $$ DECLARE n text; BEGIN
	FOR n IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
		EXECUTE format('DROP SCHEMA %I CASCADE', n);
	END LOOP;
	CREATE SCHEMA public;
END $$`

type postgresDB struct {
	p   *Postgres
	url string
}

func (db *postgresDB) Is(name string) bool { return name == "postgres" }

func (db *postgresDB) Between(context.Context, map[string]Conn) error { return nil }

func (db *postgresDB) Connect(ctx context.Context) (Conn, error) {
	pg, err := dial(ctx, db.url)
	if err != nil {
		return nil, err
	}
	return &wireConn{pg: pg, typeName: db.p.typeName, blocked: db.blocked}, nil
}

func (db *postgresDB) blocked(ctx context.Context, pid uint32) (bool, error) {
	rows, err := db.p.rows(ctx, fmt.Sprintf("SELECT cardinality(pg_blocking_pids(%d)) > 0", pid))
	return err == nil && rows[0][0].Text == "t", err
}

// Close does nothing: the next file empties the database.
func (db *postgresDB) Close() error { return nil }

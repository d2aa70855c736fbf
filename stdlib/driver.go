// Package stdlib is the database/sql driver of Lamina, registered under the name "lamina".
//
//	import _ "github.com/laminadb/lamina/stdlib"
//	db, err := sql.Open("lamina", "data?synchronous_commit=off")
//
// The data source name is the directory, empty for memory, optionally followed by ? and settings: memory_bytes,
// query_bytes, workers, read_only, and any run-time setting. All connections of a process to one directory share one
// database, which is closed with the last sql.DB that uses it; each sql.Open of the empty name is a database of its
// own. Opening a directory that is open with other settings is an error. Placeholders are $1, $2, ….
package stdlib

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/laminadb/lamina"
	"github.com/laminadb/lamina/sqlerr"
)

func init() { sql.Register("lamina", Driver{}) }

// Driver is the driver; use it through database/sql.
type Driver struct{}

// Open opens a connection that owns its share of the database.
func (d Driver) Open(name string) (driver.Conn, error) {
	c, err := d.OpenConnector(name)
	if err != nil {
		return nil, err
	}
	conn, err := c.Connect(context.Background())
	if err != nil {
		_ = c.(*Connector).Close() // the first error counts
		return nil, err
	}
	conn.(*Conn).owner = c.(*Connector)
	return conn, nil
}

// OpenConnector parses a data source name. The database is opened by the first connection.
func (Driver) OpenConnector(name string) (driver.Connector, error) {
	dir, query, _ := strings.Cut(name, "?")
	o, err := parseOptions(query)
	if err == nil {
		err = o.Validate()
	}
	if err != nil {
		return nil, err
	}
	if dir != "" {
		if dir, err = filepath.Abs(dir); err != nil {
			return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "directory %q: %w", name, err)
		}
	}
	return &Connector{dir: dir, o: o}, nil
}

// resolve returns the one name of a directory: without symbolic links, as far as it exists.
func resolve(dir string) string {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real
	}
	if parent := filepath.Dir(dir); parent != dir {
		return filepath.Join(resolve(parent), filepath.Base(dir))
	}
	return dir
}

// parseOptions reads the settings of a data source name.
func parseOptions(query string) (*lamina.Options, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "settings of the data source name: %w", err)
	}
	o := &lamina.Options{Settings: map[string]string{}}
	for name, vs := range values {
		if len(vs) > 1 {
			return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "the data source name gives %q more than once", name)
		}
		v := vs[0]
		switch name {
		case "memory_bytes":
			o.MemoryBytes, err = strconv.ParseInt(v, 10, 64)
		case "query_bytes":
			o.QueryBytes, err = strconv.ParseInt(v, 10, 64)
		case "workers":
			o.Workers, err = strconv.Atoi(v)
		case "read_only":
			o.ReadOnly, err = strconv.ParseBool(v)
		default:
			o.Settings[strings.ToLower(name)] = v
		}
		if err != nil {
			return nil, sqlerr.Newf(sqlerr.InvalidParameterValue, "invalid value for %q: %q", name, v)
		}
	}
	return o, nil
}

// describe prints the settings of a data source name in one order; equal ones are equal texts.
func describe(o *lamina.Options) string {
	values := url.Values{}
	number := func(name string, n int64) {
		if n != 0 {
			values.Set(name, strconv.FormatInt(n, 10))
		}
	}
	number("memory_bytes", o.MemoryBytes)
	number("query_bytes", o.QueryBytes)
	number("workers", int64(o.Workers))
	if o.ReadOnly {
		values.Set("read_only", "true")
	}
	for name, v := range o.Settings {
		values.Set(name, v)
	}
	if len(values) == 0 {
		return "none"
	}
	return values.Encode()
}

// shared are the databases of this process that are open by directory.
var shared = struct {
	sync.Mutex
	dbs map[string]*sharedDB
}{dbs: map[string]*sharedDB{}}

type sharedDB struct {
	db       *lamina.DB
	settings string
	users    int
}

// Connector makes connections to one database; database/sql closes it with the sql.DB.
type Connector struct {
	dir      string // "": in memory; symbolic links are resolved once it is open
	o        *lamina.Options
	mu       sync.Mutex
	db       *lamina.DB
	borrowed bool // of OpenDB: not ours to close
	closed   bool
}

// Driver returns the driver.
func (c *Connector) Driver() driver.Driver { return Driver{} }

// Connect opens a connection.
func (c *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	db, err := c.open()
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &Conn{db: db, c: conn}, nil
}

func (c *Connector) open() (*lamina.DB, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, sqlerr.New(sqlerr.AdminShutdown, "the database is closed")
	}
	if c.db != nil {
		return c.db, nil
	}
	if c.dir == "" {
		db, err := lamina.Open("", c.o)
		if err == nil {
			c.db = db
		}
		return db, err
	}
	shared.Lock()
	defer shared.Unlock()
	c.dir = resolve(c.dir)
	settings := describe(c.o)
	if s := shared.dbs[c.dir]; s != nil {
		if s.settings != settings {
			return nil, sqlerr.Newf(sqlerr.ObjectInUse, "directory %q is open with other settings: %s, not %s", c.dir, s.settings, settings)
		}
		s.users++
		c.db = s.db
		return c.db, nil
	}
	db, err := lamina.Open(c.dir, c.o)
	if err != nil {
		return nil, err
	}
	shared.dbs[c.dir] = &sharedDB{db: db, settings: settings, users: 1}
	c.db = db
	return db, nil
}

// Close gives the database back; the last user closes it.
func (c *Connector) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	db := c.db
	c.db = nil
	if db == nil || c.borrowed {
		return nil
	}
	if c.dir == "" {
		return db.Close()
	}
	shared.Lock()
	defer shared.Unlock()
	s := shared.dbs[c.dir]
	if s.users--; s.users > 0 {
		return nil
	}
	delete(shared.dbs, c.dir)
	return db.Close()
}

// OpenDB returns a sql.DB on an open database, which stays the caller's to close.
func OpenDB(db *lamina.DB) *sql.DB {
	return sql.OpenDB(&Connector{db: db, borrowed: true})
}

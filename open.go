package lamina

import (
	"context"
	"errors"
	"path/filepath"
	"runtime/debug"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/store"
	"github.com/laminadb/lamina/table"
)

// DB is an open database.
type DB struct {
	storage table.TableStorage
	owned   bool // Close closes the storage
	engine  *query.Engine
	o       Options
	open    handles
}

// idleSessionsMax is the number of sessions that are kept for reuse.
const idleSessionsMax = 64

var errClosed = sqlerr.New(sqlerr.AdminShutdown, "the database is closed")

// Open opens or creates the database in a directory; "" is a database in memory, gone when it is closed. A
// directory that another DB, in this process or another, has open is 55006.
func Open(dir string, o *Options) (*DB, error) {
	opts := o.copy()
	cfg, err := opts.config(dir)
	if err := errors.Join(o.Validate(), err); err != nil {
		return nil, err
	}
	s, err := store.Open(cfg)
	if err != nil {
		return nil, err
	}
	if opts.TempDir == "" && dir != "" && !opts.ReadOnly {
		opts.TempDir, opts.tempFS = filepath.Join(dir, tempName), opts.FS
		if err := clearTemp(&opts); err != nil {
			_ = s.Close() // the first error counts
			return nil, err
		}
	}
	db, err := newDB(s, opts)
	if err != nil {
		_ = s.Close() // the first error counts
		return nil, err
	}
	db.owned = true
	return db, nil
}

// OpenStorage opens a database on a given backend, which the caller closes after the DB. The options that
// configure a backend (Storage, FS) have no place here.
func OpenStorage(s table.TableStorage, o *Options) (*DB, error) {
	if s == nil {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "OpenStorage needs a storage")
	}
	err := o.Validate()
	if o != nil && (o.Storage != nil || o.FS != nil) {
		err = errors.Join(err, sqlerr.New(sqlerr.InvalidParameterValue, "invalid options: Storage and FS are those of the given storage"))
	}
	if err != nil {
		return nil, err
	}
	return newDB(s, o.copy())
}

// NewTableStorage builds a backend from its configuration, for use without SQL. Tables with CHECK or DEFAULT
// expressions need Common.Compile.
func NewTableStorage(c table.Config) (table.TableStorage, error) {
	if err := (&Options{Storage: c}).Validate(); err != nil {
		return nil, err
	}
	return store.Open(c)
}

func newDB(s table.TableStorage, o Options) (*DB, error) {
	e, err := query.New(s, query.Options{
		Workers: o.Workers, MemoryBytes: o.MemoryBytes / 2, QueryBytes: o.QueryBytes, Logger: o.Logger,
		Settings: o.Settings, ReadOnly: o.ReadOnly, Files: o.Files, TempFile: (&tempFiles{dir: o.TempDir, fs: o.tempFS}).open,
	})
	if err != nil {
		return nil, err
	}
	mem.Expect(o.MemoryBytes)
	db := &DB{storage: s, engine: e, o: o}
	db.open.init()
	return db, nil
}

// Close ends what runs (57P01) and closes the database. It waits for open rows, readers, transactions and
// appenders, for Options.CloseWait; those that are open still it names, and where they were made, in its error (55006).
// The database is closed then too: what is left of them holds memory until it is ended. Arrow record batches have
// memory of their own. Spare memory goes back to the system. A second call is an error.
func (db *DB) Close() error {
	idle, err := db.open.shut()
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range idle {
		errs = append(errs, s.Close())
	}
	errs = append(errs, db.engine.Close(), db.open.wait(db.o.CloseWait))
	if db.owned {
		errs = append(errs, db.storage.Close())
	}
	mem.Expect(-db.o.MemoryBytes)
	mem.Trim()
	return errors.Join(errs...)
}

// Storage returns the backend, for work without SQL.
func (db *DB) Storage() table.TableStorage { return db.storage }

// Engine returns the SQL engine, for front ends that speak a protocol of their own.
func (db *DB) Engine() *query.Engine { return db.engine }

// call runs f unless the database is closed.
func (db *DB) call(f func() error) error {
	if err := db.open.enter(); err != nil {
		return err
	}
	defer db.open.leave()
	return f()
}

// Checkpoint makes everything durable without the log, which can then shrink.
func (db *DB) Checkpoint(ctx context.Context) error {
	return db.call(func() error { return db.storage.Checkpoint(ctx) })
}

// Compact compacts a table now.
func (db *DB) Compact(ctx context.Context, id table.ObjectID) error {
	return db.call(func() error { return db.storage.Compact(ctx, id) })
}

// Verify checks every checksum and cross-reference of the storage; report returns false to stop.
func (db *DB) Verify(ctx context.Context, report func(table.Damage) bool) error {
	return db.call(func() error { return db.storage.Verify(ctx, report) })
}

// Metrics returns what the database has counted, also one that is closed.
func (db *DB) Metrics() table.Metrics { return db.engine.Metrics() }

// Version returns the module version that the program was built with, "(devel)" if unknown.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "github.com/laminadb/lamina" {
				return d.Version
			}
		}
		if info.Main.Path == "github.com/laminadb/lamina" && info.Main.Version != "" {
			return info.Main.Version
		}
	}
	return "(devel)"
}

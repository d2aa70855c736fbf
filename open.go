package lamina

import (
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/store"
	"github.com/laminadb/lamina/table"
)

// Options configure a database. The zero value, like a nil *Options, is the default.
type Options struct {
	// Storage is the backend's configuration: table.Memory, table.Columnar, …. Its FS, MemoryBytes,
	// ReadOnly, Logger and directory, where zero, are taken from here. nil: Columnar in a directory, Memory
	// without one.
	Storage table.Config
	// MemoryBytes bounds rows, indexes and query state together; 0 is half of the memory of the
	// cgroup or machine.
	MemoryBytes int64
	// QueryBytes bounds the state of one query; 0 is half of MemoryBytes.
	QueryBytes int64
	// Workers is the number of goroutines that run queries; 0 is one per CPU.
	Workers int
	// ReadOnly opens the database for reading.
	ReadOnly bool
	// Logger receives messages about background work; nil drops them.
	Logger *slog.Logger
	// FS holds the files; nil is the operating system's.
	FS vfs.FS
	// Settings are defaults of run-time settings for all sessions, by name, as for SET.
	Settings map[string]string
	// Files opens files for COPY FROM 'file'; nil is the operating system's.
	Files query.Files
}

// DB is an open database.
type DB struct {
	storage table.TableStorage
	owned   bool // Close closes the storage
	engine  *query.Engine
	idle    struct {
		sync.Mutex
		sessions []*query.Session
		closed   bool
	}
}

// idleSessionsMax is the number of sessions that are kept for reuse.
const idleSessionsMax = 64

// Open opens or creates the database in a directory; "" is a database in memory, gone when it is closed. A
// directory that another DB, in this process or another, has open is 55006.
func Open(dir string, o *Options) (*DB, error) {
	opts := o.copy()
	cfg, err := opts.config(dir)
	if err != nil {
		return nil, err
	}
	s, err := store.Open(cfg)
	if err != nil {
		return nil, err
	}
	_, inMemory := cfg.(table.Memory)
	db, err := open(s, opts, inMemory)
	if err != nil {
		_ = s.Close() // the first error counts
		return nil, err
	}
	db.owned = true
	return db, nil
}

// OpenStorage opens a database on a given backend, which the caller closes after the DB.
func OpenStorage(s table.TableStorage, o *Options) (*DB, error) { return open(s, o.copy(), false) }

// NewTableStorage builds a backend from its configuration, for use without SQL. Tables with CHECK or DEFAULT
// expressions need Common.Compile.
func NewTableStorage(c table.Config) (table.TableStorage, error) { return store.Open(c) }

func open(s table.TableStorage, o Options, inMemory bool) (*DB, error) {
	e, err := query.New(s, query.Options{
		Workers: o.Workers, MemoryBytes: o.MemoryBytes / 2, QueryBytes: o.QueryBytes, Logger: o.Logger,
		Settings: o.Settings, ReadOnly: o.ReadOnly, Memory: inMemory, Files: o.Files,
	})
	if err != nil {
		return nil, err
	}
	return &DB{storage: s, engine: e}, nil
}

func (o *Options) copy() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.MemoryBytes == 0 {
		c.MemoryBytes = mem.Available() / 2
	}
	if c.QueryBytes == 0 {
		c.QueryBytes = c.MemoryBytes / 2
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Files == nil {
		c.Files = osFiles{}
	}
	return c
}

// config completes the storage's configuration.
func (o *Options) config(dir string) (table.Config, error) {
	switch c := o.Storage.(type) {
	case nil:
		common := table.Common{}
		o.common(&common)
		if dir == "" {
			return table.Memory{Common: common}, nil
		}
		return table.Columnar{Common: common, Dir: dir}, nil
	case table.Memory:
		if dir != "" {
			return nil, sqlerr.New(sqlerr.InvalidParameterValue, "a memory database has no directory")
		}
		o.common(&c.Common)
		return c, nil
	case table.Columnar:
		o.common(&c.Common)
		return c, setDir(&c.Dir, dir)
	case table.LSM:
		o.common(&c.Common)
		return c, setDir(&c.Dir, dir)
	default:
		return c, nil
	}
}

func setDir(dst *string, dir string) error {
	if *dst == "" {
		*dst = dir
	}
	if dir != "" && *dst != dir {
		return sqlerr.Newf(sqlerr.InvalidParameterValue, "two directories were given: %q and %q", dir, *dst)
	}
	return nil
}

func (o *Options) common(c *table.Common) {
	if c.FS == nil {
		c.FS = o.FS
	}
	if c.MemoryBytes == 0 {
		c.MemoryBytes = o.MemoryBytes / 2
	}
	if c.Logger == nil {
		c.Logger = o.Logger
	}
	if c.Compile == nil {
		c.Compile = query.CompileRow
	}
	c.ReadOnly = c.ReadOnly || o.ReadOnly
}

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

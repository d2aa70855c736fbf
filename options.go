package lamina

import (
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/query"
	"github.com/laminadb/lamina/sqlerr"
	"github.com/laminadb/lamina/table"
	"github.com/laminadb/lamina/vec/arrowvec"
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
	// TempDir is where queries put what does not fit into their memory, in files that have no name: one that is in
	// use is found by lsof alone. Empty is the folder temp of the database's directory, and the system's folder for
	// a database in memory, or one that is only read.
	TempDir string
	// Files opens files for COPY FROM 'file'; nil is the operating system's.
	Files query.Files
	// Allocator is where QueryArrow and ScanArrow put their record batches, in any goroutine of a statement; nil is
	// Go's memory, in which a buffer that everybody has released becomes another one.
	Allocator memory.Allocator
	// CloseWait is how long Close waits for rows, readers, transactions and appenders that are still open, before it
	// names them in its error; 0 is one second, and a negative duration does not wait.
	CloseWait time.Duration

	tempFS vfs.FS // of TempDir; nil: the operating system's
}

// closeWaitDefault is the default of Options.CloseWait.
const closeWaitDefault = time.Second

// Validate reports every field that cannot be used, at once, as Open does.
func (o *Options) Validate() error {
	if o == nil {
		return nil
	}
	var bad []string
	check := func(ok bool, what string) {
		if !ok {
			bad = append(bad, what)
		}
	}
	check(o.MemoryBytes >= 0, "MemoryBytes is negative")
	check(o.QueryBytes >= 0, "QueryBytes is negative")
	check(o.Workers >= 0, "Workers is negative")
	check(o.Workers <= workersMax, "Workers is greater than 1024")
	check(o.MemoryBytes == 0 || o.QueryBytes <= o.MemoryBytes, "QueryBytes is greater than MemoryBytes")
	var common *table.Common
	switch c := o.Storage.(type) {
	case table.Memory:
		common = &c.Common
	case table.Columnar:
		common = &c.Common
	case table.LSM:
		common = &c.Common
		check(c.MemtableBytes >= 0, "Storage.MemtableBytes is negative")
		check(c.MemtablesMax >= 0, "Storage.MemtablesMax is negative")
		check(c.BloomFalsePositiveRate >= 0 && c.BloomFalsePositiveRate < 1,
			"Storage.BloomFalsePositiveRate is not from 0 up to 1")
		check(c.CompactionThreshold >= 0, "Storage.CompactionThreshold is negative")
		check(c.Compression <= table.CompressionZstd, "Storage.Compression is none that there is")
	}
	if common != nil {
		check(common.MemoryBytes >= 0, "Storage.MemoryBytes is negative")
		check(common.LogFileBytes >= 0, "Storage.LogFileBytes is negative")
		check(common.LogBytesMax >= 0, "Storage.LogBytesMax is negative")
	}
	var err error
	if bad != nil {
		err = sqlerr.New(sqlerr.InvalidParameterValue, "invalid options: "+strings.Join(bad, "; "))
	}
	return errors.Join(err, query.CheckSettings(o.Settings))
}

// workersMax bounds Options.Workers, as that of max_parallel_workers.
const workersMax = 1024

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
	if c.Allocator == nil {
		c.Allocator = arrowvec.Pooled
	}
	if c.CloseWait == 0 {
		c.CloseWait = closeWaitDefault
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

package table

import (
	"log/slog"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Config picks a backend: Memory, LSM, Columnar or Cluster. A factory turns it into a TableStorage.
type Config interface{ config() }

// Common are the options that all backends share; the zero value works.
type Common struct {
	// FS holds all files; nil is the operating system's.
	FS vfs.FS
	// MemoryBytes bounds rows, indexes and caches; 0 is half of the memory of the cgroup or
	// machine.
	MemoryBytes int64
	ReadOnly    bool
	Logger      *slog.Logger // nil: discard
	// Compile compiles CHECK and DEFAULT expressions; nil: tables with expressions are 0A000.
	Compile RowCompiler
	// LogFileBytes is the size of a log file; 0 is 16 MiB. Tests use small ones.
	LogFileBytes int64
	// LogBytesMax triggers a checkpoint when the log has grown by it; 0 is 1 GiB.
	LogBytesMax int64
	// DefaultMethod is the access method of tables that name none; "" is the backend's own.
	DefaultMethod string
}

// Memory is a database without files: gone at the end.
type Memory struct{ Common }

// Columnar is a durable database in a directory whose tables are columnar unless they say otherwise.
type Columnar struct {
	Common
	Dir string
	// DeltaRows and DeltaBytes are the size of the memtable of a table at which it is written to segments; 0 is 1,048,576
	// rows, and an eighth of MemoryBytes up to 128 MiB.
	DeltaRows  int
	DeltaBytes int64
	// SegmentRows bounds the rows of a segment; 0 is 1,048,576.
	SegmentRows       int
	DisableCompaction bool
}

// LSM is a durable database in a directory whose tables are in the LSM tier.
type LSM struct {
	Common
	Dir string
	// MemtableBytes is the size of a memtable; 0 is 64 MiB.
	MemtableBytes int64
	// MemtablesMax is the number of memtables before writers are slowed; 0 is 10.
	MemtablesMax int
	// BloomFalsePositiveRate of the filters on each table file; 0 is 0.01.
	BloomFalsePositiveRate float64
	DisableCompaction      bool
	// CompactionThreshold is the number of level-0 files that starts a compaction; 0 is 4.
	CompactionThreshold int
	// Compression of table files: by default that of all levels is Snappy. Zstd is that of the last two levels, where
	// most rows lie.
	Compression Compression
}

// Cluster is a replicated database. It is not built yet: 0A000.
type Cluster struct {
	Common
	Peers []string
}

func (Memory) config()   {}
func (Columnar) config() {}
func (LSM) config()      {}
func (Cluster) config()  {}

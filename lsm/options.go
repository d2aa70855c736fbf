package lsm

import (
	"log/slog"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/laminadb/lamina/internal/mem"
	"github.com/laminadb/lamina/table"
)

// Options configure a Tier.
type Options struct {
	FS vfs.FS
	// Dir is the folder, which is made when the first table is.
	Dir      string
	ReadOnly bool
	Logger   *slog.Logger // nil: discard
	// Tracker is charged for what is kept in memory.
	Tracker *mem.Tracker
	// Durable is the LSN up to which the files have everything, by the last checkpoint; 0 if it had none.
	Durable table.LSN
	// BeforeSync is called before a file is synced, with the highest LSN that it may contain: the log must be durable up to
	// there first. nil: nothing to do.
	BeforeSync func(upTo table.LSN) error
	// Failed is called once for the first error that makes the tier unable to write, and once for one that makes it unable to
	// read. nil: nobody is told.
	Failed func(err error, reads bool)

	// MemoryBytes bounds memtables and the block cache together; 0 is 256 MiB.
	MemoryBytes int64
	// The knobs of table.LSM; zeros are their defaults.
	MemtableBytes          int64
	MemtablesMax           int
	BloomFalsePositiveRate float64
	DisableCompaction      bool
	CompactionThreshold    int
	Compression            table.Compression
}

// Defaults of Options.
const (
	memoryBytesDefault         = 256 << 20
	memtableBytesDefault       = 64 << 20
	memtablesMaxDefault        = 10
	bloomFalsePositivesDefault = 0.01
	compactionThresholdDefault = 4
)

// memtableBytesMin is the least size of a memtable, whatever the memory.
const memtableBytesMin = 256 << 10

// memtablesPart is the part of the memory that memtables may take before statements wait for them. Records that are being
// applied wait only for twice as many, and there is Pebble's cache besides.
const memtablesPart = 8

// withDefaults fills in what is zero. Memory wins: memtables become smaller if all of them would take more than their part.
func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Tracker == nil {
		o.Tracker = mem.NewTracker("lsm", 0)
	}
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = memoryBytesDefault
	}
	if o.MemtableBytes <= 0 {
		o.MemtableBytes = memtableBytesDefault
	}
	if o.MemtablesMax <= 0 {
		o.MemtablesMax = memtablesMaxDefault
	}
	if o.BloomFalsePositiveRate <= 0 {
		o.BloomFalsePositiveRate = bloomFalsePositivesDefault
	}
	if o.CompactionThreshold <= 0 {
		o.CompactionThreshold = compactionThresholdDefault
	}
	o.MemtableBytes = max(memtableBytesMin, min(o.MemtableBytes, o.MemoryBytes/memtablesPart/int64(o.MemtablesMax)))
	return o
}

// formatVersion is Pebble's format of a new directory: pinned, so that a newer program does not make files that this
// one cannot read.
const formatVersion = pebble.FormatTableFormatV6

// stallNever is a bound that is never reached: Pebble would make the goroutine that applies wait without a limit. Writers
// are slowed before they take locks (see Admit).
const stallNever = 1 << 20

// cacheBytes is the size of the block cache.
func (o *Options) cacheBytes() int64 { return max(1<<20, o.MemoryBytes/8) }

// pebble returns Pebble's options.
func (o *Options) pebble(fs vfs.FS, cache *pebble.Cache, log pebble.Logger, damaged func(pebble.DataCorruptionInfo)) *pebble.Options {
	p := &pebble.Options{
		FS: fs, Cache: cache, Logger: log, DisableWAL: true, FormatMajorVersion: formatVersion,
		MemTableSize: uint64(o.MemtableBytes), MemTableStopWritesThreshold: stallNever,
		L0CompactionThreshold: o.CompactionThreshold, L0StopWritesThreshold: stallNever,
		DisableAutomaticCompactions: o.DisableCompaction,
		EventListener:               &pebble.EventListener{DataCorruption: damaged},
	}
	// A filter with b bits a key has 0.6185^b false positives.
	bits := int(math.Ceil(math.Log(o.BloomFalsePositiveRate) / math.Log(0.6185)))
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(max(1, bits))
	}
	switch o.Compression {
	case table.CompressionNone:
		p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone })
	case table.CompressionZstd:
		p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionGood })
	} // else Pebble's own: Snappy
	// Files that were taken over as if they were a memtable would be durable only once that was flushed.
	p.Experimental.DisableIngestAsFlushable = func() bool { return true }
	p.EnsureDefaults()
	return p
}

// logger passes Pebble's messages on; a fatal one ends the tier, not the process.
type logger struct{ t *Tier }

func (l logger) Infof(string, ...any) {}

func (l logger) Errorf(format string, args ...any) {
	l.t.o.Logger.Error("lsm", "err", sprintf(format, args...))
}

func (l logger) Fatalf(format string, args ...any) {
	l.t.failed.write(ioErrorf("%s", sprintf(format, args...)))
	park()
}
